"""Repairing a data set: exactly the broken samples are made again, from the recipe it carries."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from shutil import rmtree

from augment.engine.generate import Progress, generate_dataset, identify
from augment.errors import AssetError
from augment.recipe.check import joined, read_spec
from augment.recipe.schema import RecipeSpec
from augment.untrusted import MAX_JSON_BYTES, parse_json, read_bounded
from augment.writer.folder import (
    DATASET,
    SUMS,
    read_identity,
    require_identity,
    require_same_run,
)
from augment.writer.sample_folder import ROWS, SAMPLES, is_as_made, sample_name
from augment.writer.store import Store

READERS = 8
WHAT = "a description of the data set"
ADVICE = "repeat the `facies generate` command that made it"


@dataclass(frozen=True)
class Repair:
    """What was repaired.

    Attributes:
        samples: Numbers of the samples that were made again.
        changed: Paths whose checksum is now another than the old manifest said, or that it did not
            list; empty if the data set has its first bytes again.
    """

    samples: tuple[int, ...]
    changed: tuple[str, ...]


def repair_dataset(root: Path, on_progress: Progress = lambda done, total: None) -> Repair:
    """Make the broken samples of a data set again, and its tables and checksums.

    A sample is broken if a file of it is missing, has changed or is one too many.

    Args:
        root: Folder of the data set.
        on_progress: Called with the samples that are done, and how many there are.

    Returns:
        What was repaired.

    Raises:
        AssetError: If the folder holds no data set, a link, or an input of its recipe is gone.
        RecipeError: If its samples were made by another version, which would give other bytes.
    """
    links = sorted(path for path in root.rglob("*") if path.is_symlink())
    if links:
        raise AssetError(
            f"'{links[0]}' is a symbolic link, whose target lies outside the data set; remove it"
        )
    try:
        content = read_bounded(root / DATASET, WHAT, MAX_JSON_BYTES)
    except AssetError as error:
        raise _unreadable(str(root)) from error
    spec = _recipe(content, str(root))
    # Before anything is removed: another version would not give the same bytes.
    require_same_run(root, identify(spec))
    before = _manifest_of(root)
    broken = tuple(index for index in range(spec.samples) if not is_as_made(root, index))
    for index in broken:
        rmtree(root / SAMPLES / sample_name(index), ignore_errors=True)
    generate_dataset(spec, on_progress)
    return _repair(broken, before, _manifest_of(root))


def repair_store(url: str, on_progress: Progress = lambda done, total: None) -> Repair:
    """Make the broken samples of a data set in a store again; see `repair_dataset`.

    Every object is read once; a broken sample's objects are removed before it is made again.

    Args:
        url: Protocol, bucket and prefix.
        on_progress: Called with the samples that are done, and how many there are.

    Returns:
        What was repaired.

    Raises:
        AssetError: If there is no data set, or an input of its recipe is gone.
        RecipeError: If its samples were made by another version, which would give other bytes.
    """
    store = Store(url)
    paths = store.sizes().keys()
    if DATASET not in paths:
        raise _unreadable(store.url)
    content = store.read(DATASET)
    spec = replace(_recipe(content, store.url), out=url)
    require_identity(store.url, read_identity(content), identify(spec))
    before = _manifest(store.read(SUMS)) if SUMS in paths else {}
    by_sample: dict[str, set[str]] = {}
    for path in paths:
        if path.startswith(f"{SAMPLES}/"):
            by_sample.setdefault(path.split("/")[1], set()).add(path)

    def is_broken(index: int) -> bool:
        return not _is_as_made(store, index, by_sample.get(sample_name(index), set()))

    with ThreadPoolExecutor(READERS) as pool:
        marks = pool.map(is_broken, range(spec.samples))
        broken = tuple(index for index, mark in enumerate(marks) if mark)
    for index in broken:
        name = sample_name(index)
        # Its rows first: without them the sample counts as missing, whatever else is left.
        for path in [f"{SAMPLES}/{name}/{ROWS}", *sorted(by_sample.get(name, set()))]:
            store.remove(path)
    generate_dataset(spec, on_progress)
    return _repair(broken, before, _manifest(store.read(SUMS)))


def _is_as_made(store: Store, index: int, paths: set[str]) -> bool:
    """Whether a sample has all of its objects as they were made, and no other."""
    rows = f"{SAMPLES}/{sample_name(index)}/{ROWS}"
    if rows not in paths:
        return False
    try:
        listed = {row["path"]: row["sha256"] for row in json.loads(store.read(rows))["files"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
    if listed.keys() | {rows} != paths:
        return False
    return all(sha256(store.read(path)).hexdigest() == listed[path] for path in listed)


def _repair(broken: tuple[int, ...], before: dict[str, str], after: dict[str, str]) -> Repair:
    changed = tuple(sorted(path for path in after if before.get(path) != after[path]))
    return Repair(broken, changed if before else ())


def _recipe(content: bytes, out: str) -> RecipeSpec:
    """Return the recipe of a data set from its description, to be made where it is."""
    try:
        values = parse_json(content, f"{out}/{DATASET}", WHAT, ADVICE)["recipe"]
    except (AssetError, KeyError, TypeError) as error:
        raise _unreadable(out) from error
    mistakes: list[str] = []
    spec = read_spec(RecipeSpec, values, "recipe", mistakes)
    if mistakes:
        raise AssetError(f"'{out}/{DATASET}' is not of this version: {joined(mistakes)}; {ADVICE}")
    return replace(spec, out=out)


def _unreadable(out: str) -> AssetError:
    return AssetError(
        f"repair expects a data set whose {DATASET} can be read, got '{out}'; {ADVICE}"
    )


def _manifest_of(root: Path) -> dict[str, str]:
    path = root / SUMS
    return _manifest(path.read_bytes()) if path.is_file() else {}


def _manifest(content: bytes) -> dict[str, str]:
    """Return path to checksum as a manifest lists them, as far as it can be read."""
    parts = [line.partition("  ") for line in content.decode("utf-8", "replace").splitlines()]
    return {path: digest for digest, found, path in parts if found}
