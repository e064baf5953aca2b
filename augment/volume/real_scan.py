"""A real CT with its labels on its own grid, read as it is or refused in one sentence.

Values become whole HU; axes, spacing and affine stay those of the file. Labels stay numbers of the
user; a table may name them.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int16, UInt8

from augment.errors import AssetError, GeometryError
from augment.reconstruct.nifti import Volume, read_volume
from augment.reconstruct.skin import modality_of
from augment.untrusted import read_bounded, shown
from augment.volume.files import check_affine

SAME_PLACE_MM = 0.1
"""Labels whose corners lie farther than this from the CT's are on another grid."""

LARGEST_LABEL = 255
LONGEST_NAME = 100
MAX_TABLE_BYTES = 1_000_000


@dataclass(frozen=True)
class RealScan:
    """A real CT on its own grid.

    Attributes:
        image_hu: HU in the axis order of the file.
        labels: Labels on the same grid, or None.
        ras_from_voxel: Affine of the file: voxel centres to RAS world mm.
        names: Value of a label to its name.
    """

    image_hu: Int16[np.ndarray, "x y z"]
    labels: UInt8[np.ndarray, "x y z"] | None
    ras_from_voxel: Float[np.ndarray, "4 4"]
    names: Mapping[int, str] = field(default_factory=dict)


def read_real_scan(
    path: str | Path, labels: str | Path | None = None, table: str | Path | None = None
) -> RealScan:
    """Read a CT, and its labels if any.

    Args:
        path: NIfTI file in HU; stored numbers with slope and intercept become HU.
        labels: NIfTI file of whole numbers from 0 to 255 on the same grid.
        table: Names of the labels; None names them by their number.

    Raises:
        AssetError: If a file is missing or unreadable, or the table does not name a value.
        GeometryError: If the CT is no CT, its axes are sheared, or labels lie on another grid.
    """
    volume = read_volume(path, keep_axes=True)
    check_real_affine(volume, path)
    image = _hounsfield(volume, path)
    if labels is None:
        return RealScan(image, None, volume.world_from_voxel)
    numbers = read_labels(labels, volume, path)
    present = [int(value) for value in np.unique(numbers) if value]
    names = _named(present, labels, table)
    return RealScan(image, numbers, volume.world_from_voxel, names)


def check_real_affine(volume: Volume, path: str | Path) -> None:
    """Refuse sheared axes, which neither a qform nor a rigid head can follow.

    Raises:
        GeometryError: If the axes of a file are not at right angles.
    """
    try:
        check_affine(volume.world_from_voxel)
    except GeometryError as error:
        raise GeometryError(f"{path}: {error}") from error


def _hounsfield(volume: Volume, path: str | Path) -> Int16[np.ndarray, "x y z"]:
    if modality_of(volume) != "ct":
        raise GeometryError(
            f"{path}: expected a CT in HU with air near -1000, got values from "
            f"{volume.values.min():.4g} to {volume.values.max():.4g} as of an MR: pass the CT, or "
            "rescale it to HU"
        )
    limits = np.iinfo(np.int16)
    if volume.values.min() < limits.min or volume.values.max() > limits.max:
        raise GeometryError(
            f"{path}: expected HU from {limits.min} to {limits.max}, got {volume.values.min():.4g}"
            f" to {volume.values.max():.4g}: check slope and intercept, or clip the metal"
        )
    return np.rint(volume.values).astype(np.int16)


def read_labels(
    path: str | Path, scan: Volume, scan_path: str | Path
) -> UInt8[np.ndarray, "x y z"]:
    """Read labels that lie on the grid of a scan.

    Args:
        path: NIfTI file of whole numbers.
        scan: The scan, axes as in its file.
        scan_path: Its file, for messages.

    Raises:
        AssetError: If values are no labels.
        GeometryError: If the grid is another one.
    """
    volume = read_volume(path, keep_axes=True)
    if volume.values.shape != scan.values.shape:
        raise GeometryError(
            f"expected labels on the grid of '{scan_path}', {_sides(scan)} voxels, got"
            f" {_sides(volume)} in '{path}': resample the labels to the CT, nearest neighbour"
        )
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in scan.values.shape])).reshape(3, -1).T
    apart = np.linalg.norm(
        volume.world(corners.astype(float)) - scan.world(corners.astype(float)), axis=1
    )
    if apart.max() > SAME_PLACE_MM:
        raise GeometryError(
            f"expected labels on the grid of '{scan_path}', got an affine in '{path}' that places"
            f" voxels up to {apart.max():.1f} mm elsewhere: resample the labels to the CT"
        )
    return label_numbers(volume, path)


def label_numbers(volume: Volume, path: str | Path) -> UInt8[np.ndarray, "x y z"]:
    """Return the values of a label volume as whole numbers.

    Args:
        volume: The volume.
        path: Its file, for messages.

    Raises:
        AssetError: If values are no labels.
    """
    values = volume.values
    if values.min() < 0 or values.max() > LARGEST_LABEL or (values != np.rint(values)).any():
        raise AssetError(
            f"expected labels as whole numbers from 0 to {LARGEST_LABEL}, got {values.min():.4g} to"
            f" {values.max():.4g} in '{path}': convert the file"
        )
    return values.astype(np.uint8)


def _sides(volume: Volume) -> str:
    return " x ".join(str(n) for n in volume.values.shape)


def _named(present: list[int], labels: str | Path, table: str | Path | None) -> dict[int, str]:
    if table is None:
        return {value: f"label_{value}" for value in present}
    names = read_label_table(table)
    unknown = [value for value in present if value not in names]
    if unknown:
        listed = ", ".join(str(value) for value in unknown)
        raise AssetError(
            f"expected every label of '{labels}' in the table '{table}', got {listed} without a"
            " name: add it to the table"
        )
    return {value: name for value, name in sorted(names.items()) if value}


def read_label_table(path: str | Path) -> dict[int, str]:
    """Read names of labels.

    Args:
        path: JSON (`{"labels": [{"number": 1, "name": "mandible"}]}` or `{"1": "mandible"}`), an
            ITK-SNAP label description, or a 3D Slicer colour table.

    Returns:
        Value to name.

    Raises:
        AssetError: If the file is missing or no such table.
    """
    content = read_bounded(Path(path), "a label table", MAX_TABLE_BYTES)
    try:
        text = content.decode("utf-8")
        names = _json_names(text) if text.lstrip().startswith("{") else _line_names(text)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        names = {}
    if not names:
        raise AssetError(
            f"expected a label table in '{path}' (JSON, ITK-SNAP or 3D Slicer), got no number with"
            " a name"
        )
    for number, name in names.items():
        if not (0 <= number <= LARGEST_LABEL and name.isprintable() and len(name) <= LONGEST_NAME):
            raise AssetError(
                f"expected labels from 0 to {LARGEST_LABEL} with printable names of at most"
                f" {LONGEST_NAME} characters in '{path}', got {shown(number)}:"
                f" {shown(name)}; correct the table"
            )
    return names


def _json_names(text: str) -> dict[int, str]:
    values = json.loads(text)
    rows = values.get("labels", values)
    if isinstance(rows, list):
        return {int(row["number"]): str(row["name"]) for row in rows}
    return {int(number): str(name) for number, name in rows.items()}


def _line_names(text: str) -> dict[int, str]:
    names = {}
    for line in text.splitlines():
        # ITK-SNAP: seven numbers and a quoted name. 3D Slicer: a number, a name, four numbers.
        found = re.match(r"^\s*(\d+)(?:\s+[\d.]+){6}\s+\"(.+)\"\s*$", line)
        found = found or re.match(r"^\s*(\d+)\s+([^\s\d]\S*)(?:\s+\d+){3,4}\s*$", line)
        if found:
            names[int(found[1])] = found[2]
    return names
