"""Orthogonal slices of a volume for the contact sheet, read back from the written files.

Axial and coronal slices show the patient's right on the left, sagittal ones the face on the left.
"""

from collections.abc import Mapping
from pathlib import Path

import cv2
import nibabel as nib
import numpy as np
from jaxtyping import Float, Shaped, UInt8
from scipy import ndimage

from augment.errors import AssetError
from augment.volume.files import read_written
from augment.writer.tiles import TILE_PX, Image, heat, overlay

TWINS = ("healthy", "pathological")
# Air to dense bone; soft tissue stays visible.
WINDOW_HU = (-300.0, 1300.0)
BRIGHTEST_PERCENT = 99.7
# What is brighter than this share of the window is body; pictures are cut to it.
BODY_SHARE = 0.1
FILM_PERCENT = 99.9

Slices = tuple[np.ndarray, np.ndarray, np.ndarray]
Paths = Mapping[tuple[str, str], Path]


def volume_rows(paths: Paths) -> list[list[Image]]:
    """Return rows of tiles: axial, coronal, sagittal; columns: twins, displacement, labels.

    Args:
        paths: Twin and kind to file of one sample.

    Returns:
        Three rows, or none where the sample has no volume.
    """
    shown = [twin for twin in TWINS if (twin, "volume") in paths]
    if not shown:
        return []
    last = shown[-1]
    images = {}
    for twin in shown:
        images[twin], spacing = _upright(paths[twin, "volume"])
    window = _window(images[shown[0]])
    body = images[last] > window[0] + BODY_SHARE * (window[1] - window[0])
    box = ndimage.find_objects(body.astype(np.uint8), max_label=1)[0] or (slice(None),) * 3
    images = {twin: image[box] for twin, image in images.items()}
    moved = None
    if (last, "volume_displacement_mm") in paths:
        vectors, _ = _upright(paths[last, "volume_displacement_mm"])
        # The field is there in air too, where it shows nothing.
        moved = np.linalg.norm(vectors[box], axis=-1) * body[box]
    place = _place(body[box], moved)
    pictures = {
        twin: [_grey(part, window) for part in _cut(images[twin], place, spacing)] for twin in shown
    }
    columns = [pictures[twin] for twin in shown]
    if moved is not None:
        parts = _cut(moved, place, spacing, exact=True)
        columns.append([heat(p, part) for p, part in zip(pictures[last], parts, strict=True)])
    if (last, "volume_labels") in paths:
        labels, _ = _upright(paths[last, "volume_labels"])
        parts = _cut(labels[box], place, spacing, exact=True)
        columns.append([overlay(p, part) for p, part in zip(pictures[last], parts, strict=True)])
    return [list(row) for row in zip(*columns, strict=True)]


def film_row(paths: Paths) -> list[Image]:
    """Return the radiographs of a sample as tiles, lateral ones first; none where it has none."""
    tiles = []
    for kind in ("cephalogram_lateral", "cephalogram_pa"):
        for twin in TWINS:
            if (twin, kind) in paths:
                film = cv2.imread(str(paths[twin, kind]), cv2.IMREAD_UNCHANGED)
                if film is None:
                    raise AssetError(f"expected a radiograph at '{paths[twin, kind]}', got none")
                values = np.asarray(film, np.float32)
                fitted = _fit(values, np.ones(2), exact=False)
                tiles.append(_grey(fitted, (0.0, float(np.percentile(values, FILM_PERCENT)))))
    return tiles


def _upright(path: Path) -> tuple[Shaped[np.ndarray, "x y z *vector"], Float[np.ndarray, "3"]]:
    """Voxels with axes turned to closest right, anterior, superior, and their size in mm."""
    values, affine = read_written(path)
    orientation = nib.io_orientation(affine)
    order = np.argsort(orientation[:, 0]).astype(int)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)[order]
    return nib.apply_orientation(values, orientation), spacing


def _place(body: np.ndarray, moved: np.ndarray | None) -> tuple[int, int, int]:
    """The middle of what moves most inside the body, or of the volume."""
    if moved is not None and moved.any():
        far = np.argwhere(moved > 0.6 * moved.max())
        i, j, k = (int(n) for n in np.median(far, axis=0))
        return i, j, k
    middle = [n // 2 for n in body.shape]
    return middle[0], middle[1], middle[2]


def _cut(
    values: np.ndarray,
    place: tuple[int, int, int],
    spacing: np.ndarray,
    *,
    exact: bool = False,
) -> Slices:
    """Axial, coronal and sagittal slice as tiles, up is anterior or superior."""
    i, j, k = place
    axial = values[::-1, ::-1, k].T
    coronal = values[::-1, j, ::-1].T
    sagittal = values[i, ::-1, ::-1].T
    return (
        _fit(axial, spacing[[1, 0]], exact=exact),
        _fit(coronal, spacing[[2, 0]], exact=exact),
        _fit(sagittal, spacing[[2, 1]], exact=exact),
    )


def _fit(values: np.ndarray, pixel_mm: np.ndarray, *, exact: bool) -> np.ndarray:
    """Scale a slice into a tile, its shape kept, with the darkest value around it."""
    size = np.array(values.shape) * pixel_mm
    height, width = np.maximum(1, np.rint(size * TILE_PX / size.max()).astype(int))
    method = cv2.INTER_NEAREST if exact else cv2.INTER_AREA
    source = np.ascontiguousarray(values if exact else values.astype(np.float32))
    scaled = cv2.resize(source, (int(width), int(height)), interpolation=method)
    tile = np.full((TILE_PX, TILE_PX), 0 if exact else scaled.min(), scaled.dtype)
    top, left = (TILE_PX - height) // 2, (TILE_PX - width) // 2
    tile[top : top + height, left : left + width] = scaled
    return tile


def _window(image: np.ndarray) -> tuple[float, float]:
    """What black and white show: HU, or the range of a signal in arbitrary units."""
    if image.min() <= WINDOW_HU[0]:
        return WINDOW_HU
    return float(image.min()), float(np.percentile(image, BRIGHTEST_PERCENT))


def _grey(values: np.ndarray, window: tuple[float, float]) -> UInt8[np.ndarray, "_height _width 3"]:
    low, high = window
    level = np.clip((values - low) / max(high - low, 1e-6) * 255.0, 0, 255).round()
    return np.repeat(level.astype(np.uint8)[..., None], 3, axis=-1)
