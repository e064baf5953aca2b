"""Synthetic cases for training: made by a recipe through the engine, read onto the network's grid.

In: a folder that `facies generate` filled. Out: a `Pool` with the classes of a task.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from jaxtyping import UInt8

from augment.engine.generate import generate_dataset
from augment.errors import AssetError, RecipeError
from augment.morphable.regions import REGIONS
from augment.recipe import compose_recipe
from augment.recipe.experiment import ExperimentSpec
from augment.render.labels import FACE_CLASSES, face_class_of_region
from augment.segmentation.batches import Pool
from augment.segmentation.grid import prepare
from augment.segmentation.tasks import Case, Task
from augment.writer.decode import read_image, read_pixels
from augment.writer.reader import load_dataset

MANDIBLE = "mandible"
SHARE_FILE, IMAGE_FILE = "mandible_share.nii.gz", "volume.nii.gz"


def make_synthetic(spec: ExperimentSpec, folder: Path, on_progress: Callable[[int], None]) -> None:
    """Make the study's synthetic data, or what is missing of it.

    Args:
        spec: The study.
        folder: Where to.
        on_progress: Called with the number of samples that are done.
    """
    recipe = compose_recipe(
        spec.pretraining.recipe,
        [
            f"samples={spec.pretraining.samples}",
            f"seed={spec.pretraining.seed}",
            f"workers={spec.workers}",
        ],
    )
    generate_dataset(replace(recipe, out=str(folder)), lambda done, total: on_progress(done))


def read_synthetic(folder: Path, task: Task, spec: ExperimentSpec) -> Pool:
    """Read synthetic cases onto the network's grid.

    Args:
        folder: A finished data set of pictures or volumes.
        task: Whose classes.
        spec: The grid, and how many samples at most.

    Raises:
        AssetError: If the folder holds no finished data set of that kind.
        RecipeError: If the data set's labels know nothing of a class.
    """
    cases = _pictures(folder, task) if task.dimensions == 2 else _volumes(folder, task, spec)
    prepared = [prepare(case, spec.input) for case in islice(cases, spec.pretraining.samples)]
    return Pool(
        tuple(case.image.astype(np.float16) for case in prepared),
        tuple(case.label for case in prepared),
    )


def region_classes(names: tuple[str, ...]) -> UInt8[np.ndarray, " regions"]:
    """Return the class of each face region.

    A class is one of face parsing (skin, hair, nose, mouth, eyes: `FACE_CLASSES`), or a region by
    its name, with or without its side.

    Args:
        names: Names of the classes, the background first.

    Raises:
        RecipeError: If the regions know nothing of a class.
    """
    table = np.zeros(len(REGIONS), np.uint8)
    parsing = face_class_of_region().numpy()
    unknown = []
    for number, name in enumerate(names[1:], 1):
        if name in FACE_CLASSES:
            table[parsing == FACE_CLASSES.index(name)] = number
            continue
        rows = [
            row
            for row, region in enumerate(REGIONS)
            if name in (region, region.removesuffix("_left").removesuffix("_right"))
        ]
        table[rows] = number
        unknown += [] if rows else [name]
    if unknown:
        raise RecipeError(
            f"labels of dataset.yaml expect names that the synthetic pictures have"
            f" ({', '.join(FACE_CLASSES[1:])}, or a face region), got {', '.join(unknown)}; rename"
            " them, or leave out the arms that use synthetic data"
        )
    return table


def _pictures(folder: Path, task: Task) -> Iterator[Case]:
    table = region_classes(task.names)
    views = [view for view in load_dataset(folder) if "regions" in view]
    if not views:
        raise AssetError(
            f"synthetic expects a data set with regions of pictures, got '{folder}' without; add"
            " regions to render.labels of its recipe"
        )
    for view in views:
        regions = read_pixels(Path(view["regions"]), "regions")
        image = read_image(Path(view["image"]))
        yield Case(str(view["sample"]), image, table[regions], (1.0, 1.0))


def _volumes(folder: Path, task: Task, spec: ExperimentSpec) -> Iterator[Case]:
    """Read volumes with the share of each voxel that is mandible, the one class they know."""
    if task.names[1:] != (MANDIBLE,):
        raise RecipeError(
            f"labels of dataset.yaml expect the one class {MANDIBLE!r}, which synthetic volumes"
            f" have, got {', '.join(task.names[1:])}; leave out the arms that use synthetic data"
        )
    shares = sorted(folder.glob(f"samples/**/{SHARE_FILE}"))
    if not shares:
        raise AssetError(
            f"synthetic expects a data set with mandible_share in volume.files, got '{folder}'"
        )
    for path in shares:
        share: Any = nibabel.load(path)
        image: Any = nibabel.load(path.with_name(IMAGE_FILE))
        label = np.asarray(share.dataobj) >= 255 * spec.pretraining.positive_share
        spacing = tuple(float(step) for step in image.header.get_zooms()[:3])
        name = path.relative_to(folder).parts[1]
        yield Case(name, np.asarray(image.dataobj), label.astype(np.uint8), spacing, image.affine)
