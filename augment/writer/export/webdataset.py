"""WebDataset: every file of every case, as it is, in tar shards of one record a case."""

import tarfile
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

from augment.writer.encode import encode_json
from augment.writer.export.cases import all_cases, describe_case
from augment.writer.export.progress import OnCase
from augment.writer.export.source import Case, Source

MAX_SHARD_BYTES = 256 << 20
MAX_SHARD_CASES = 1000
TEXT = (
    "One record a case in `pictures-NNNNNN.tar` and `volumes-NNNNNN.tar`: a key, the files of the"
    " case under the names of the data set (`image.png`, `regions.png`, `landmarks.csv`, …), and"
    " `case.json` with twin, subject and severities. Records are in the order of the samples, twins"
    " next to each other: shuffle before training."
)


def export_webdataset(source: Source, folder: Path, on_case: OnCase) -> tuple[Case, ...]:
    """Write shards.

    Args:
        source: The data set.
        folder: Where to write; empty.
        on_case: Called after each case.

    Returns:
        The cases that were written: all.
    """
    for name, cases in (("pictures", source.views), ("volumes", source.volumes)):
        for number, part in enumerate(_parts(cases)):
            with tarfile.open(folder / f"{name}-{number:06d}.tar", "w") as shard:
                for case in part:
                    _add_case(shard, source, case)
                    on_case(case)
    return tuple(all_cases(source))


def _parts(cases: Sequence[Case]) -> Iterator[list[Case]]:
    part: list[Case] = []
    n_bytes = 0
    for case in cases:
        size = sum(file.n_bytes for file in case.files.values())
        if part and (n_bytes + size > MAX_SHARD_BYTES or len(part) == MAX_SHARD_CASES):
            yield part
            part, n_bytes = [], 0
        part.append(case)
        n_bytes += size
    if part:
        yield part


def _add_case(shard: tarfile.TarFile, source: Source, case: Case) -> None:
    for kind, file in sorted(case.files.items()):
        _add(shard, f"{case.name}.{kind}.{file.suffix}", source.read(file))
    _add(shard, f"{case.name}.case.json", encode_json(describe_case(case)))


def _add(shard: tarfile.TarFile, name: str, content: bytes) -> None:
    # Owner and time of a new TarInfo are zero: the same case gives the same bytes.
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    shard.addfile(entry, BytesIO(content))
