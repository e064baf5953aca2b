"""Repairing a data set: exactly the broken samples are made again, from the recipe it carries."""

from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree

from augment.engine.generate import Progress, generate_dataset, identify
from augment.errors import AssetError
from augment.recipe.check import joined, read_spec
from augment.recipe.schema import RecipeSpec
from augment.untrusted import read_json
from augment.writer.folder import DATASET, SUMS, require_same_run
from augment.writer.sample_folder import SAMPLES, is_as_made, sample_name


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
    spec = replace(_recipe(root), out=str(root))
    # Before anything is removed: another version would not give the same bytes.
    require_same_run(root, identify(spec))
    before = _manifest(root)
    broken = tuple(index for index in range(spec.samples) if not is_as_made(root, index))
    for index in broken:
        rmtree(root / SAMPLES / sample_name(index), ignore_errors=True)
    generate_dataset(spec, on_progress)
    after = _manifest(root)
    changed = tuple(sorted(path for path in after if before.get(path) != after[path]))
    return Repair(broken, changed if before else ())


def _recipe(root: Path) -> RecipeSpec:
    path = root / DATASET
    advice = "repeat the `facies generate` command that made it"
    try:
        values = read_json(path, "a description of the data set", advice)["recipe"]
    except (AssetError, KeyError, TypeError) as error:
        raise AssetError(
            f"repair expects a data set whose {DATASET} can be read, got '{root}'; {advice}"
        ) from error
    mistakes: list[str] = []
    spec = read_spec(RecipeSpec, values, "recipe", mistakes)
    if mistakes:
        raise AssetError(f"'{path}' is not of this version: {joined(mistakes)}; {advice}")
    return spec


def _manifest(root: Path) -> dict[str, str]:
    """Return path to checksum as the manifest lists them, as far as it can be read."""
    path = root / SUMS
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    parts = [line.partition("  ") for line in lines]
    return {path: digest for digest, found, path in parts if found}
