"""Reading a finished data set for export: its cases and their files, nothing trusted.

The tables say which files there are; every path is checked to stay inside the folder, and every
byte is compared with its checksum when it is read.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from augment.errors import AssetError
from augment.record import HEALTHY, PATHOLOGICAL
from augment.writer.content import check_content
from augment.writer.folder import CARD, DATASET, SUMS
from augment.writer.inside import inside
from augment.writer.kinds import ALL_KINDS
from augment.writer.tables import SCHEMAS
from augment.writer.verify import require_finished

MAX_FILE_BYTES = 2 << 30
MAX_ROWS = 50_000_000
MAX_NAME_CHARACTERS = 64
MAX_LABEL = 65535
OTHER_TWIN = {HEALTHY: PATHOLOGICAL, PATHOLOGICAL: HEALTHY}
# A head's mesh belongs to its pictures and to its volume; every other file of a head to the volume.
MESH = "mesh"

Key = tuple[int, str, int | None]


@dataclass(frozen=True)
class StoredFile:
    """One file of a data set as its table of files describes it.

    Attributes:
        kind: Its kind.
        path: Where it is below the data set.
        n_bytes: Its size.
        sha256: SHA-256 of its content.
    """

    kind: str
    path: str
    n_bytes: int
    sha256: str

    @property
    def suffix(self) -> str:
        """What its name ends in, for example `nii.gz`."""
        return self.path.rpartition("/")[2].partition(".")[2]


@dataclass(frozen=True)
class Case:
    """One picture or one volume of one head: what an exporter writes as a case of its own.

    Attributes:
        sample: Number of the sample.
        twin: `healthy` or `pathological`.
        view: Number of the picture, None for a volume.
        files: Kind to file.
        facts: Row of the table of samples.
        severities: Rows of the table of severities; empty for a healthy head.
        other: Name of the same picture or volume of the other twin; empty if there is none.
    """

    sample: int
    twin: str
    view: int | None
    files: Mapping[str, StoredFile]
    facts: Mapping[str, Any]
    severities: tuple[Mapping[str, Any], ...]
    other: str

    @property
    def name(self) -> str:
        """Unique name, fit for a file."""
        return case_name((self.sample, self.twin, self.view))


@dataclass(frozen=True)
class Source:
    """A finished data set.

    Attributes:
        root: Its folder.
        legend: Content of `dataset.json`.
        card: Content of its card.
        tables: Rows of the three tables.
        views: Pictures, in the order of the table.
        volumes: Volumes, in the order of the table.
    """

    root: Path
    legend: Mapping[str, Any]
    card: str
    tables: Mapping[str, list[dict[str, Any]]]
    views: tuple[Case, ...]
    volumes: tuple[Case, ...]

    @property
    def name(self) -> str:
        """Name of the recipe, reduced to letters, digits, `_` and `-`."""
        name = str(self.legend["name"])
        return "".join(c if (c.isascii() and c.isalnum()) or c in "_-" else "_" for c in name)[:48]

    @property
    def is_hu(self) -> bool:
        """Whether its volumes are in HU, not in arbitrary units."""
        volume = self.legend["recipe"].get("volume", {})
        return bool(volume.get("anchored")) or volume.get("contrast", "ct") == "ct"

    def read(self, file: StoredFile) -> bytes:
        """Return the content of a file.

        Args:
            file: One of the data set's files.

        Raises:
            AssetError: If it is missing, links or leads elsewhere, differs from its checksum, or
                its header promises more than a head can fill.
        """
        content = _read_bounded(self.root, file.path, file.n_bytes)
        if sha256(content).hexdigest() != file.sha256:
            raise AssetError(
                f"'{self.root / file.path}' has changed since it was made: `facies verify` lists"
                " what is broken"
            )
        check_content(content, file.suffix, self.root / file.path)
        return content

    def names(self, key: str) -> dict[int, str]:
        """Return a label table of `dataset.json`.

        Args:
            key: `regions`, `parts` or `volume_labels`.

        Returns:
            Value to name, in order, without the background.

        Raises:
            AssetError: If it is no table of labels.
        """
        table = self.legend.get(key, {})
        try:
            names = {int(value): str(name) for value, name in table.items()}
        except (AttributeError, ValueError) as error:
            raise AssetError(f"expected a table of labels as {key} in {DATASET}") from error
        for value, name in names.items():
            fits = 0 < value <= MAX_LABEL and 0 < len(name) <= MAX_NAME_CHARACTERS
            if not (fits and name.isprintable()):
                raise AssetError(
                    f"expected labels from 1 to {MAX_LABEL} with printable names of at most"
                    f" {MAX_NAME_CHARACTERS} characters as {key} in {DATASET}, got {value}:"
                    f" {name[:MAX_NAME_CHARACTERS]!r}"
                )
        return dict(sorted(names.items()))


def case_name(key: Key) -> str:
    """Return the name of a case from its sample, twin and view."""
    sample, twin, view = key
    return f"{sample:06d}_{twin}" + ("" if view is None else f"_view{view}")


def open_source(folder: Path) -> Source:
    """Open a finished data set.

    Args:
        folder: Its folder.

    Returns:
        Its cases; no file of a sample has been read yet.

    Raises:
        AssetError: If there is no finished data set, or its tables cannot be trusted.
    """
    root = folder.resolve()
    require_finished(folder)
    sums = _checksums(root)
    legend = _legend(_read_listed(root, DATASET, sums))
    tables = {name: _rows(_read_listed(root, f"{name}.parquet", sums), name) for name in SCHEMAS}
    card = _read_listed(root, CARD, sums).decode("utf-8", "replace")
    cases = _cases(tables)
    views = tuple(case for case in cases if case.view is not None)
    volumes = tuple(case for case in cases if case.view is None)
    return Source(root, legend, card, tables, views, volumes)


def _cases(tables: Mapping[str, list[dict[str, Any]]]) -> list[Case]:
    groups = _grouped_files(tables["files"])
    facts = {row["sample"]: row for row in tables["samples"]}
    severities = defaultdict(list)
    for row in tables["severities"]:
        severities[row["sample"]].append(row)
    cases = []
    for key, files in groups.items():
        sample, twin, view = key
        if sample not in facts:
            raise AssetError(f"sample {sample} is in the table of files, not in that of samples")
        other = (sample, OTHER_TWIN[twin], view)
        found = case_name(other) if other in groups else ""
        rows = tuple(severities[sample]) if twin == PATHOLOGICAL else ()
        cases.append(Case(sample, twin, view, files, facts[sample], rows, found))
    return cases


def _grouped_files(rows: Iterable[Mapping[str, Any]]) -> dict[Key, dict[str, StoredFile]]:
    shared: dict[tuple[int, str], dict[str, StoredFile]] = defaultdict(dict)
    views: dict[Key, dict[str, StoredFile]] = defaultdict(dict)
    for row in rows:
        file = _stored_file(row)
        twin = row["twin"] or ""
        if twin not in ("", *OTHER_TWIN) or (row["view"] is not None and not twin):
            raise AssetError(f"expected healthy or pathological as twin of {file.path!r}")
        is_shared = row["view"] is None
        group = (
            shared[row["sample"], twin] if is_shared else views[row["sample"], twin, row["view"]]
        )
        if file.kind in group:
            raise AssetError(f"expected one file a kind, got a second one with {file.path!r}")
        group[file.kind] = file
    groups: dict[Key, dict[str, StoredFile]] = {}
    for key, files in views.items():
        mesh = {k: f for k, f in shared.get(key[:2], {}).items() if k == MESH}
        groups[key] = {**shared.get((key[0], ""), {}), **mesh, **files}
    for (sample, twin), files in shared.items():
        if twin and set(files) - {MESH}:
            groups[sample, twin, None] = {**shared.get((sample, ""), {}), **files}
    return groups


def _stored_file(row: Mapping[str, Any]) -> StoredFile:
    kind, path = row["kind"], row["path"]
    if kind not in ALL_KINDS or row["sample"] is None or row["sample"] < 0 or path is None:
        raise AssetError(f"expected a file of a known kind, got {kind!r} at {path!r}")
    if row["view"] is not None and row["view"] < 0:
        raise AssetError(f"expected views from 0 on, got {row['view']} at {path!r}")
    return StoredFile(kind, path, int(row["bytes"] or 0), str(row["sha256"]))


def _read_listed(root: Path, name: str, sums: Mapping[str, str]) -> bytes:
    content = _read_bounded(root, name, None)
    if sha256(content).hexdigest() != sums.get(name):
        raise AssetError(
            f"'{root / name}' has changed since it was made: `facies verify` lists what is broken"
        )
    return content


def _read_bounded(root: Path, relative: str, n_bytes: int | None) -> bytes:
    path = inside(root, relative)
    size = path.stat().st_size
    if size > MAX_FILE_BYTES or (n_bytes is not None and size != n_bytes):
        expected = f"at most {MAX_FILE_BYTES}" if n_bytes is None else n_bytes
        raise AssetError(
            f"expected {expected} bytes in '{path}', got {size}: `facies verify` lists what is"
            " broken"
        )
    return path.read_bytes()


def _checksums(root: Path) -> dict[str, str]:
    sums = {}
    for line in _read_bounded(root, SUMS, None).decode("utf-8", "replace").splitlines():
        digest, _, name = line.partition("  ")
        sums[name] = digest
    return sums


def _legend(content: bytes) -> dict[str, Any]:
    try:
        legend = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise AssetError(f"expected JSON in {DATASET}, got {error}") from error
    missing = {"name", "fingerprint", "recipe", "versions", "assets"} - set(legend)
    if not isinstance(legend, dict) or missing:
        raise AssetError(f"expected {', '.join(sorted(missing))} in {DATASET}, which lacks them")
    return legend


def _rows(content: bytes, name: str) -> list[dict[str, Any]]:
    try:
        file = pq.ParquetFile(BytesIO(content))
        if file.metadata.num_rows > MAX_ROWS:
            raise AssetError(f"expected at most {MAX_ROWS} rows in {name}.parquet")
        table = file.read()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise AssetError(f"expected a table in {name}.parquet, got {error}") from error
    known = SCHEMAS[name]
    wrong = [item.name for item in known if item.name not in table.column_names]
    if wrong or any(table.schema.field(item.name).type != item.type for item in known):
        raise AssetError(
            f"expected the columns {', '.join(known.names)} in {name}.parquet, got"
            f" {', '.join(table.column_names)}"
        )
    return [dict(row) for row in table.select(known.names).to_pylist()]
