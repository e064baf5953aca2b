"""One pass over the samples of a data set: tables, checksums, and what the card says.

Nothing is held that grows by a row: rows go to their files in groups, and of a sample remain where
its checksum lines begin (8 bytes) and the age of its subject (8 bytes).
"""

import csv
from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from shutil import copyfileobj
from typing import Any, final

import pyarrow as pa
import pyarrow.parquet as pq

from augment.writer.card import CardFacts
from augment.writer.sample_folder import ROWS, SAMPLES, sample_name
from augment.writer.tables import COMPRESSION, SCHEMAS, Rows, columns_of

# What pyarrow chooses for a whole table, so that a table written in groups has the same bytes.
GROUP_ROWS = 1 << 20
# Rows that wait as Python objects before they become columns.
BATCH_ROWS = 1 << 14
# Below it names have one width, and their order is that of the numbers.
FIRST_WIDER = 1_000_000


@final
class TableWriter:
    """Writes one table as Parquet and CSV, row by row."""

    def __init__(self, folder: Path, name: str, group_rows: int = GROUP_ROWS) -> None:
        """Begin a table.

        Args:
            folder: Where `NAME.parquet` and `NAME.csv` go.
            name: Key of `SCHEMAS`.
            group_rows: Rows of a Parquet row group.
        """
        self._schema, self._group_rows = SCHEMAS[name], group_rows
        self._rows: list[Mapping[str, Any]] = []
        self._batches: list[pa.RecordBatch] = []
        self._n_batched = self._n_written = 0
        self._text = (folder / f"{name}.csv").open("w", encoding="utf-8", newline="")
        self._csv = csv.writer(self._text, lineterminator="\n")
        self._csv.writerow(self._schema.names)
        self._parquet = pq.ParquetWriter(
            folder / f"{name}.parquet", self._schema, compression=COMPRESSION
        )

    def add(self, rows: Rows) -> None:
        """Append rows; a column that a row lacks is null."""
        names = self._schema.names
        self._csv.writerows([row.get(column) for column in names] for row in rows)
        for row in rows:
            self._rows.append(row)
            if self._n_batched + len(self._rows) == self._group_rows:
                self._write_group()
            elif len(self._rows) == BATCH_ROWS:
                self._batch()

    def close(self) -> None:
        """End both files; an empty table has its columns. A second call does nothing."""
        if self._text.closed:
            return
        self._text.close()
        if self._rows or self._batches or not self._n_written:
            self._write_group()
        self._parquet.close()

    def _batch(self) -> None:
        columns = columns_of(self._rows, self._schema)
        self._batches.append(pa.RecordBatch.from_pydict(columns, schema=self._schema))
        self._n_batched += len(self._rows)
        self._rows = []

    def _write_group(self) -> None:
        self._batch()
        # One piece: pages would otherwise end where batches do.
        table = pa.Table.from_batches(self._batches, self._schema).combine_chunks()
        self._parquet.write_table(table, row_group_size=self._group_rows)
        self._n_written += self._n_batched
        self._batches, self._n_batched = [], 0


@final
class SumWriter:
    """Writes the lines of `SHA256SUMS` sample by sample, and then in the order of paths."""

    def __init__(self, path: Path) -> None:
        """Begin the lines of samples in a file."""
        self._path, self._stream = path, path.open("wb")
        self._starts = array("Q", [0])

    def add(self, sums: Mapping[str, str]) -> None:
        """Append the lines of the next sample: path to SHA-256."""
        content = checksum_lines(sums)
        self._stream.write(content)
        self._starts.append(self._starts[-1] + len(content))

    def write(self, target: Path, others: Mapping[str, str]) -> None:
        """Write all lines, sorted by path.

        Args:
            target: The file.
            others: Path to SHA-256 of what belongs to no sample.
        """
        self._stream.close()
        before = {path: digest for path, digest in others.items() if path < f"{SAMPLES}/"}
        after = {path: digest for path, digest in others.items() if path > f"{SAMPLES}/"}
        n_samples = len(self._starts) - 1
        with self._path.open("rb") as source, target.open("wb") as sink:
            sink.write(checksum_lines(before))
            if n_samples <= FIRST_WIDER:
                copyfileobj(source, sink)
            else:
                for index in in_name_order(n_samples):
                    start, end = self._starts[index], self._starts[index + 1]
                    source.seek(start)
                    sink.write(source.read(end - start))
            sink.write(checksum_lines(after))

    def close(self) -> None:
        """Close the file of the samples' lines, in whatever state."""
        self._stream.close()


@final
class Gathering:
    """The files that a data set has of all its samples together; to be closed in the end."""

    def __init__(self, folder: Path, group_rows: int = GROUP_ROWS) -> None:
        """Begin.

        Args:
            folder: Where `NAME.parquet`, `NAME.csv` of each table are made.
            group_rows: Rows of a Parquet row group.
        """
        self.folder, self.facts = folder, CardFacts()
        self._tables = {name: TableWriter(folder, name, group_rows) for name in SCHEMAS}
        self._sums = SumWriter(folder / "samples.sums")

    def close(self) -> None:
        """Close all files, in whatever state."""
        with ExitStack() as stack:
            for table in self._tables.values():
                stack.callback(table.close)
            stack.callback(self._sums.close)

    def add(self, index: int, tables: Mapping[str, Rows], digest: str) -> None:
        """Take in one sample; samples come in order.

        Args:
            index: Its number.
            tables: Its rows; see `augment.writer.sample_folder.read_rows`.
            digest: SHA-256 of the file that holds them.
        """
        for name, table in self._tables.items():
            table.add(tables[name])
        self.facts.add(tables)
        sums = {row["path"]: row["sha256"] for row in tables["files"]}
        sums[f"{SAMPLES}/{sample_name(index)}/{ROWS}"] = digest
        self._sums.add(sums)

    def end_tables(self) -> dict[str, Path]:
        """End the tables; return their files by name."""
        for table in self._tables.values():
            table.close()
        return table_paths(self.folder)

    def write_sums(self, target: Path, others: Mapping[str, str]) -> None:
        """Write `SHA256SUMS`; see `SumWriter.write`."""
        self._sums.write(target, others)


def write_tables(folder: Path, samples: Iterable[Mapping[str, Rows]]) -> dict[str, Path]:
    """Write the tables alone.

    Args:
        folder: Where to.
        samples: Rows of each sample, in order.

    Returns:
        Their files by name.
    """
    with ExitStack() as stack:
        tables = {name: stack.enter_context(closing(TableWriter(folder, name))) for name in SCHEMAS}
        for rows in samples:
            for name, table in tables.items():
                table.add(rows[name])
    return table_paths(folder)


def table_paths(folder: Path) -> dict[str, Path]:
    """Return the files of all tables by name."""
    names = [f"{name}.{suffix}" for name in SCHEMAS for suffix in ("parquet", "csv")]
    return {name: folder / name for name in names}


def in_name_order(n_samples: int) -> Iterator[int]:
    """Return the numbers below `n_samples` in the order of their folders' names.

    Concretely, 1000000 comes between 100000 and 100001.
    """

    def from_prefix(number: int) -> Iterator[int]:
        if number >= n_samples:
            return
        yield number
        if 10 * number >= FIRST_WIDER:
            for digit in range(10):
                yield from from_prefix(10 * number + digit)

    for number in range(min(n_samples, FIRST_WIDER)):
        yield from from_prefix(number)


def checksum_lines(sums: Mapping[str, str]) -> bytes:
    """Return lines of `SHA256SUMS`, which `sha256sum -c` reads.

    Args:
        sums: Path to SHA-256.

    Returns:
        One line a file, sorted by path.
    """
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(sums.items())).encode()
