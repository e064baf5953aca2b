"""Verifying a data set: every byte against its checksum, and labels against what was recorded."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from filecmp import cmp
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Shaped

from augment.errors import AssetError, FaciesError, RecipeError
from augment.untrusted import read_json, shown
from augment.volume.files import convention_mistakes, read_written
from augment.writer.decode import read_pixels
from augment.writer.folder import DATASET, RUN, SUMS
from augment.writer.gather import checksum_lines, write_tables
from augment.writer.inside import inside
from augment.writer.kinds import HEAD_SHAPE, PIXEL_KINDS, VOLUME_KINDS
from augment.writer.sample_folder import (
    INCOMING,
    SAMPLES,
    digest_of,
    is_as_made,
    read_rows,
    sample_name,
)

# A rounding of the last place may differ between processors; a wrong label differs by far more.
RELATIVE_TOLERANCE = 1e-3
ABSOLUTE_TOLERANCE = 2e-3
# Share of pixels on outlines that another processor's rounding may give to a neighbour.
EDGE_SHARE = 1e-4
MAX_REPORTED = 20
AGAIN = "make the data set again"
# What values that no run has recorded lead to.
BROKEN_PARAMETERS = (
    FaciesError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
)


@final
class Damage(str):
    """A problem that `facies repair` mends: bytes or tables are no longer those that were made."""

    __slots__ = ()


@final
class Stranger(str):
    """A problem that has to be removed by hand before anything else is looked at."""

    __slots__ = ()


Progress = Callable[[int, int], None]
Label = tuple[str, int | None, str, Shaped[np.ndarray, "..."]]
OpenDeriver = Callable[[Path], Callable[[int], Iterator[Label]]]


def verify_folder(
    root: Path,
    share: float,
    open_deriver: OpenDeriver,
    on_progress: Progress = lambda done, total: None,
) -> list[str]:
    """Check a finished data set.

    Args:
        root: Folder of the data set.
        share: Share of samples whose labels are derived again, 0 to 1; at least one if above 0.
        open_deriver: From the folder to a function that derives the labels of a sample again
            (twin, view or None for a volume, kind, values).
        on_progress: Called with files and samples done, and how many there are.

    Returns:
        One sentence for each problem; empty if all is well.

    Raises:
        AssetError: If the folder holds no data set, or one whose run has not finished.
    """
    if not 0 <= share <= 1:
        raise RecipeError(f"--sample expects a number from 0 to 1, got {share!r}")
    require_finished(root)
    problems = _strangers(root)
    if problems:
        return problems
    paths = sorted(path for path in root.rglob("*") if path.is_file() and path != root / SUMS)
    sums = {}
    # Threads: a hash of a large file does not hold the interpreter.
    with ThreadPoolExecutor() as pool:
        for done, (path, digest) in enumerate(zip(paths, pool.map(digest_of, paths), strict=True)):
            on_progress(done + 1, len(paths))
            sums[path.relative_to(root).as_posix()] = digest
    problems = compare_sums((root / SUMS).read_bytes(), sums)
    if problems:
        return problems
    return compare_tables(root) + _check_volumes(root) + compare_labels(root, share, open_deriver)


def _strangers(root: Path) -> list[str]:
    """Return a sentence for each thing below a data set that is neither folder nor plain file."""
    problems: list[str] = []
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        if path.is_symlink():
            # What a link points to lies outside the data set, and may change with it.
            problems.append(Stranger(f"{name} is a symbolic link"))
        elif not (path.is_dir() or path.is_file()):
            # A pipe may never end.
            problems.append(Stranger(f"{name} is no plain file"))
    return _few(problems)


def _few(problems: list[str]) -> list[str]:
    if len(problems) > MAX_REPORTED:
        problems[MAX_REPORTED:] = [f"{len(problems) - MAX_REPORTED} more problems"]
    return problems


def next_step(problems: Sequence[str], out: str) -> str:
    """Return what to do about the problems of a finished data set.

    Args:
        problems: What `verify_folder` or `verify_store` has found.
        out: Folder or URL of the data set, as the user wrote it.
    """
    if any(isinstance(problem, Stranger) for problem in problems):
        return f"remove what does not belong there, then run `facies repair {out}`"
    if any(isinstance(problem, Damage) for problem in problems):
        return f"run `facies repair {out}`"
    return (
        "every byte is as it was written, so that repair has nothing to mend: make the data set"
        " again with this version"
    )


def is_unfinished(root: Path) -> bool:
    """Return whether a folder holds a data set whose run has not finished."""
    return (root / INCOMING / RUN).is_file()


def verify_unfinished(
    root: Path, on_progress: Progress = lambda done, total: None
) -> tuple[int, list[str]]:
    """Check what a run that has not finished has committed so far, byte for byte.

    Args:
        root: Folder of the data set.
        on_progress: Called with samples checked, and how many there are.

    Returns:
        How many samples there are, and one sentence for each that is not as it was made.
    """
    folders = sorted((root / SAMPLES).glob("[0-9]*"))
    problems = _strangers(root)
    if problems:
        return len(folders), problems
    for done, folder in enumerate(folders):
        if not (folder.name.isdecimal() and is_as_made(root, int(folder.name))):
            problems.append(f"{folder.relative_to(root)} is not as it was made")
        on_progress(done + 1, len(folders))
    return len(folders), _few(problems)


def require_finished(root: Path) -> None:
    """Refuse a folder that holds no data set, or one whose run has not finished.

    Raises:
        AssetError: If it is refused.
    """
    if (root / INCOMING).is_dir():
        raise AssetError(
            f"'{root}' holds a data set whose run has not finished; repeat its `facies generate`"
            " command to resume it"
        )
    for name in (SUMS, DATASET):
        if not (root / name).is_file():
            raise AssetError(f"'{root}' is not a data set of facies, it has no {name}")


def compare_sums(stored: bytes, sums: Mapping[str, str]) -> list[str]:
    """Return one sentence for each difference between `SHA256SUMS` and what was found.

    Args:
        stored: Content of `SHA256SUMS`.
        sums: Path to SHA-256 of every other file that is there.
    """
    # Comparing the whole text leaves no byte of the manifest itself unchecked.
    if stored == checksum_lines(sums):
        return []
    listed = {}
    for line in stored.decode("utf-8", "replace").splitlines():
        digest, _, path = line.partition("  ")
        listed[path] = digest
    found: list[str] = [Damage(f"{path} is missing") for path in sorted(set(listed) - set(sums))]
    for path in sorted(set(sums) - set(listed)):
        # Repair looks at samples alone; what lies beside them nobody knows.
        kind = Damage if path.startswith(f"{SAMPLES}/") else Stranger
        found.append(kind(f"{path} is not listed in {SUMS}"))
    found += [
        Damage(f"{path} has changed")
        for path in sorted(set(sums) & set(listed))
        if sums[path] != listed[path]
    ]
    return _few(found) or [Damage(f"{SUMS} has changed")]


def compare_tables(root: Path) -> list[str]:
    """Return one sentence for each table of a folder that its samples' rows do not give."""
    problems: list[str] = []
    with TemporaryDirectory(prefix="facies-verify-") as folder:
        samples = (read_rows(root, index) for index in range(_n_samples(root)))
        for name, path in write_tables(Path(folder), samples).items():
            if path.suffix == ".csv":
                agrees = cmp(root / name, path, shallow=False)
            else:
                # Another version of pyarrow may write the same rows as other bytes.
                agrees = _stored_numbers(root / name) == _stored_numbers(path)
            if not agrees:
                problems.append(Damage(f"{name} does not agree with the samples"))
    return problems


def _n_samples(root: Path) -> int:
    legend = read_json(root / DATASET, "a description of the data set", AGAIN)
    try:
        return int(legend["recipe"]["samples"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise AssetError(
            f"expected a number of samples in '{root / DATASET}', got none; {AGAIN}"
        ) from error


def _stored_numbers(path: Path) -> list[Any]:
    """Return the column of sample numbers of a table; empty where there is none."""
    try:
        return list(pq.read_table(path, columns=["sample"])["sample"].to_pylist())
    except (pa.ArrowException, OSError, ValueError, KeyError):
        return []


def _check_volumes(root: Path) -> list[str]:
    """Check the header of every volume: one affine, millimetres, intent and type of its kind."""
    intents = {kind.name: key for key, kind in VOLUME_KINDS.items()}
    problems = []
    for row in csv.DictReader((root / "files.csv").read_text(encoding="utf-8").splitlines()):
        if row.get("kind") in intents:
            try:
                found = convention_mistakes(inside(root, row["path"] or ""), intents[row["kind"]])
            except FaciesError as error:
                found = [str(error)]
            problems += found
    return [problem.replace(f"{root}/", "") for problem in problems]


def checked_samples(n_samples: int, share: float) -> list[int]:
    """Return the numbers of the samples whose labels are derived again, evenly chosen."""
    n_checked = min(n_samples, int(np.ceil(share * n_samples)))
    found: list[int] = np.linspace(0, n_samples - 1, n_checked).round().astype(int).tolist()
    return found


def compare_labels(root: Path, share: float, open_deriver: OpenDeriver) -> list[str]:
    """Return one sentence for each label that does not follow from its parameters.

    Args:
        root: Folder of the data set, with the files of the samples that are derived again.
        share: Share of samples, 0 to 1.
        open_deriver: From the folder to a function that derives the labels of a sample.
    """
    indexes = checked_samples(_n_samples(root), share)
    if not indexes:
        return []
    problems = []
    derive = open_deriver(root)
    for index in indexes:
        folder = root / SAMPLES / sample_name(index)
        try:
            for twin, view, kind, values in derive(index):
                path, stored = _stored(folder / twin, view, kind)
                if not _agree(stored, values):
                    name = path.relative_to(root)
                    problems.append(f"{name} does not follow from parameters.json")
        except BROKEN_PARAMETERS as error:
            name = (folder / "parameters.json").relative_to(root)
            problems.append(f"no labels follow from {name}: {shown(error)}")
    return problems


def _stored(folder: Path, view: int | None, kind: str) -> tuple[Path, Shaped[np.ndarray, "..."]]:
    """Return a label of a twin with its path."""
    if kind == HEAD_SHAPE.name:
        path = folder / HEAD_SHAPE.file_name
    elif view is None:
        path = folder / VOLUME_KINDS[kind].file_name
        return path, read_written(path)[0]
    else:
        path = folder / f"view_{view}" / PIXEL_KINDS[kind].file_name
    return path, read_pixels(path, kind)


def _agree(stored: np.ndarray, derived: np.ndarray) -> bool:
    if stored.shape != derived.shape:
        return False
    if stored.dtype.kind == "u":
        return bool((stored != derived).mean() <= EDGE_SHARE)
    close = np.isclose(
        stored.astype(np.float64),
        derived.astype(np.float64),
        rtol=RELATIVE_TOLERANCE,
        atol=ABSOLUTE_TOLERANCE,
    )
    return bool((~close).mean() <= EDGE_SHARE)
