"""Tasks: how the cases of a real data set are found, read, checked and split.

In: a `dataset.yaml` and the user's folder. Out: `Case`s with class numbers 0 to C - 1, or one error
that names every broken case.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np
import yaml
from jaxtyping import Float64, Shaped, UInt8

from augment.errors import AssetError, FaciesError, RecipeError
from augment.recipe.check import joined
from augment.recipe.plain_yaml import read_plain_yaml
from augment.reconstruct.nifti_file import open_nifti
from augment.render.picture_file import decode_picture
from augment.untrusted import read_json, shown

SPLITS = ("finetune", "validation")
BACKGROUND = 0
LARGEST_LABEL = 65535
LARGEST_TOLERANCE = 1000


@dataclass(frozen=True)
class Task:
    """A described data set.

    Attributes:
        name: Its name.
        dimensions: 2 or 3.
        image: Pattern of the images' paths with one `{case}`.
        label: Pattern of the masks' paths.
        known: Numbers that a mask may hold.
        classes: Concretely, classes[number] = c means that this number of a mask is class c;
            numbers without an entry are background.
        names: Name of each class, the background first.
        score_background: Whether the background is a scored class.
        tolerance: Of the surface Dice, mm; pixels of a photograph.
        splits: Lists of case names, or the file in the data's folder that holds them.
    """

    name: str
    dimensions: int
    image: str
    label: str
    known: frozenset[int]
    classes: dict[int, int]
    names: tuple[str, ...]
    score_background: bool
    tolerance: float
    splits: dict[str, Any]

    @property
    def scored(self) -> dict[int, str]:
        """Class number to name of the classes that are scored."""
        first = 0 if self.score_background else 1
        return {number: name for number, name in enumerate(self.names) if number >= first}


@dataclass(frozen=True, eq=False)
class Case:
    """One real case on its own grid.

    Attributes:
        name: Its name.
        image: RGB (rows columns 3), or values (x y z).
        label: Class numbers on the same grid.
        spacing: Distance of neighbouring centres, mm; 1 for the pixels of a photograph.
        affine: To the centres of voxels, None for a photograph.
    """

    name: str
    image: Shaped[np.ndarray, "..."]
    label: UInt8[np.ndarray, "..."]
    spacing: tuple[float, ...]
    affine: Float64[np.ndarray, "4 4"] | None = None


def dataset_folder() -> Path:
    """Return the folder of described data sets: in the wheel, or beside the package's source."""
    package = Path(str(files("augment")))
    shipped = package / "datasets"
    return shipped if shipped.is_dir() else package.parent / "datasets"


def read_task(name: str) -> Task:
    """Read the description of a data set.

    Args:
        name: Name of a shipped description, or path of a `dataset.yaml`.

    Raises:
        RecipeError: If there is none, or it is not a description of labelled cases.
    """
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = dataset_folder() / name / "dataset.yaml"
        known = sorted(entry.parent.name for entry in dataset_folder().glob("*/dataset.yaml"))
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.0)
            raise RecipeError(
                f"dataset expects one of {', '.join(known)} or the path of a dataset.yaml, got"
                f" {name!r}, the nearest is {near[0]!r}"
            )
    try:
        values = yaml.safe_load(read_plain_yaml(path))
    except RecipeError as error:
        raise RecipeError(f"dataset expects a readable dataset.yaml: {error}") from error
    return _task(path, values if isinstance(values, dict) else {})


def _task(path: Path, values: dict[Any, Any]) -> Task:
    mistakes = [
        f"{key} is missing"
        for key in ("name", "dimensions", "layout", "labels", "always_contoured")
        if key not in values
    ]
    parts = {key: _mapping(values, key, mistakes) for key in ("layout", "labels", "segmentation")}
    layout, rules = parts["layout"], parts["segmentation"]
    splits = _mapping(values, "splits", mistakes)
    mistakes += [
        f"layout.{key} expects a path with one {{case}}, got {layout.get(key)!r}"
        for key in ("image", "label")
        if str(layout.get(key)).count("{case}") != 1
    ]
    mistakes += _leading_out({f"layout.{key}": layout.get(key) for key in ("image", "label")})
    mistakes += _leading_out({"splits.file": splits.get("file", "splits.json")})
    mistakes += [
        f"labels expects numbers from 0 to {LARGEST_LABEL} with names, got {shown(number)}"
        for number in parts["labels"]
        if type(number) is not int or not 0 <= number <= LARGEST_LABEL
    ]
    labels = {number: str(name) for number, name in parts["labels"].items()}
    learned = values.get("always_contoured") or []
    learned = [str(name) for name in (learned if isinstance(learned, list) else [learned])]
    tolerance = rules.get("tolerance", 3.0)
    if type(tolerance) not in (int, float) or not 0 < tolerance <= LARGEST_TOLERANCE:
        mistakes.append(
            f"segmentation.tolerance expects a number above 0, at most {LARGEST_TOLERANCE},"
            f" got {shown(tolerance)}"
        )
    mistakes += [
        f"always_contoured names {name!r}, labels have {', '.join(labels.values())}"
        for name in learned
        if name not in labels.values()
    ]
    dimensions = values.get("dimensions")
    if type(dimensions) is not int or dimensions not in (2, 3):
        mistakes.append(f"dimensions expects 2 or 3, got {shown(dimensions)}")
    if not learned:
        mistakes.append("always_contoured expects the names of one class or more, got none")
    if mistakes:
        raise RecipeError(f"'{path}' is not a task: {joined(mistakes)}")
    number_of = {name: number for number, name in labels.items()}
    return Task(
        name=str(values["name"]),
        dimensions=int(values["dimensions"]),
        image=layout["image"],
        label=layout["label"],
        known=frozenset({BACKGROUND, *labels}),
        classes={number_of[name]: c for c, name in enumerate(learned, 1)},
        names=(labels.get(BACKGROUND, "background"), *learned),
        score_background=bool(rules.get("score_background", False)),
        tolerance=float(tolerance),
        splits=splits,
    )


def _mapping(values: dict[Any, Any], key: str, mistakes: list[str]) -> dict[Any, Any]:
    found = values.get(key)
    if found is None or isinstance(found, dict):
        return dict(found or {})
    mistakes.append(f"{key} expects keys and values, got {shown(found)}")
    return {}


def _leading_out(paths: dict[str, Any]) -> list[str]:
    """Return a sentence for each path by which a description would leave the user's folder."""
    return [
        f"{key} expects a path inside the folder of the data, got {shown(path)}"
        for key, path in paths.items()
        if str(path).startswith(("/", "~")) or ".." in PurePosixPath(str(path)).parts
    ]


def find_cases(task: Task, folder: Path) -> list[str]:
    """List the cases of a folder that have an image or a mask, sorted by name.

    Raises:
        AssetError: If there is none.
    """
    found: set[str] = set()
    for pattern in (task.image, task.label):
        before, after = pattern.split("{case}")
        for path in folder.glob(f"{before}*{after}"):
            found.add(path.relative_to(folder).as_posix()[len(before) : -len(after) or None])
    if not found:
        raise AssetError(
            f"data expects a folder with {task.image} and {task.label} as {task.name}'s"
            f" dataset.yaml says, got '{folder}' without any; see datasets/{task.name}/card.md"
        )
    return sorted(found)


def read_splits(task: Task, folder: Path) -> tuple[dict[str, list[str]], str]:
    """Return which cases are for fine-tuning and which for validation, and where that stands.

    `splits.json` in the folder comes first, then the lists of the description if the folder holds
    all of their cases, then, for a description without splits, every second case.

    Raises:
        AssetError: If the splits name a case that the folder lacks, or overlap.
    """
    cases = find_cases(task, folder)
    own = folder / str(task.splits.get("file", "splits.json"))
    splits: dict[str, Any]
    if own.is_file():
        splits, source = _own_splits(own), str(own)
    elif "finetune" in task.splits:
        splits, source = task.splits, f"dataset.yaml of {task.name}"
    else:
        splits = {"finetune": cases[0::2], "validation": cases[1::2]}
        source = "every second case in order of names"
    lists = {name: [str(case) for case in splits.get(name, [])] for name in SPLITS}
    absent = sorted({case for names in lists.values() for case in names} - set(cases))
    if absent:
        raise AssetError(
            f"the splits of {source} name {_some(absent)}, which '{folder}' lacks; write a"
            " splits.json with finetune and validation there, or score all of it by validation=all"
            " train_data=FOLDER"
        )
    shared = sorted(set(lists["finetune"]) & set(lists["validation"]))
    if shared:
        raise AssetError(
            f"the splits of {source} have {_some(shared)} on both sides; keep each case on one"
        )
    return lists, source


def _own_splits(path: Path) -> dict[str, Any]:
    advice = "write finetune and validation there, each a list of cases"
    splits = read_json(path, "splits", advice)
    lists = splits.values() if isinstance(splits, dict) else [None]
    if not all(isinstance(names, list) for names in lists):
        raise AssetError(f"expected lists of cases in '{path}', got {shown(splits)}; {advice}")
    return dict(splits)


def read_case(task: Task, folder: Path, name: str) -> Case:
    """Read one case.

    Raises:
        AssetError: If it is broken; the message holds every reason, see `case_mistakes`.
    """
    mistakes, case = _inspect(task, folder, name)
    if case is None or mistakes:
        raise AssetError("; ".join(mistakes))
    return case


def case_mistakes(task: Task, folder: Path, names: Iterable[str]) -> list[str]:
    """Return one sentence for everything that is wrong with the named cases: missing or unreadable
    files, sizes that differ, unknown numbers, empty classes."""
    return [sentence for name in names for sentence in _inspect(task, folder, name)[0]]


def _inspect(task: Task, folder: Path, name: str) -> tuple[list[str], Case | None]:
    # No `format`: a pattern of a stranger could ask it for more than the name.
    paths = [folder / pattern.replace("{case}", name) for pattern in (task.image, task.label)]
    missing = [
        f"case {name} expects {kind} '{path}', which is missing"
        for kind, path in zip(("an image", "a mask"), paths, strict=True)
        if not path.is_file()
    ]
    if missing:
        return missing, None
    try:
        image, spacing, affine = _read(paths[0], task.dimensions, is_label=False)
        label, _, _ = _read(paths[1], task.dimensions, is_label=True)
    except (OSError, ValueError, FaciesError) as error:
        return [f"case {name} cannot be read: {' '.join(str(error).split())}"], None
    shape = image.shape[: task.dimensions]
    if label.shape != shape:
        return [
            f"case {name} expects a mask of its image's size {shape}, got {label.shape};"
            " resample the mask to the image"
        ], None
    numbers = [int(value) for value in np.unique(label)]
    mistakes = []
    unknown = [number for number in numbers if number not in task.known]
    if unknown:
        mistakes.append(
            f"case {name} expects mask values {sorted(task.known)}, got {_some(unknown)}; add them"
            " to labels in dataset.yaml or correct the mask"
        )
    empty = [task.names[c] for number, c in task.classes.items() if number not in numbers]
    if empty:
        mistakes.append(
            f"case {name} has no pixel of {', '.join(empty)}; leave the case out or label it"
        )
    table = np.zeros(max(numbers) + 1 if numbers else 1, np.uint8)
    for number, c in task.classes.items():
        if number < len(table):
            table[number] = c
    if mistakes:
        return mistakes, None
    return [], Case(name, image, table[label.astype(np.int64)], spacing, affine)


def _read(
    path: Path, dimensions: int, *, is_label: bool
) -> tuple[np.ndarray, tuple[float, ...], np.ndarray | None]:
    """Return values, spacing and affine of a file."""
    if dimensions == 3:
        return _read_volume(path, is_label)
    picture = decode_picture(path, cv2.IMREAD_UNCHANGED if is_label else cv2.IMREAD_COLOR)
    if is_label and picture.ndim != 2:
        raise ValueError(f"'{path}' expects one channel of class numbers, got {picture.shape}")
    return (picture if is_label else picture[..., ::-1].copy()), (1.0, 1.0), None


def _read_volume(
    path: Path, is_label: bool
) -> tuple[np.ndarray, tuple[float, ...], np.ndarray | None]:
    file = open_nifti(path)
    if len(file.sides) != 3:
        raise ValueError(f"'{path}' expects three dimensions, got {file.shape}")
    with np.errstate(all="ignore"):
        affine = np.asarray(file.header.get_best_affine(), np.float64)
    spacing = tuple(float(abs(step)) for step in file.header["pixdim"][1:4])
    if not (np.isfinite(affine).all() and np.isfinite(spacing).all() and min(spacing) > 0):
        raise ValueError(f"'{path}' expects a finite affine and voxel sizes above 0")
    values = file.values()
    if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        raise ValueError(f"'{path}' expects finite numbers")
    if is_label:
        values = np.rint(values).astype(np.int64)
    return values, spacing, affine


def _some(values: Sequence[object], most: int = 5) -> str:
    """Return the first few values as text."""
    shown = ", ".join(str(value) for value in values[:most])
    return shown if len(values) <= most else f"{shown} and {len(values) - most} more"
