"""The outside of the head: from the template mesh to inside/outside, depth below the skin, skin,
fat and muscle.

The mesh is a bust with an open lower end, eye sockets and an inner mouth. Columns are counted from
above, so the open end goes on
downwards as a trunk; sockets and mouth are closed because no path of some millimetres' width leads
into them.
"""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float, Float32, Int
from numba import njit, prange
from scipy import ndimage

from augment.errors import GeometryError
from augment.volume.anatomy.canvas import Canvas
from augment.volume.anatomy.distance_transform import depth_inside
from augment.volume.anatomy.spec import AtlasSpec
from augment.volume.grid import Grid
from augment.volume.labels import NUMBER

SNAP_PER_MM = 4096
"""Fixed-point steps per mm of the column test; coordinates become integers, so that no column slips
between two triangles."""

SKIN_MM, COVER_MM = 1.8, 1.2
FAT_PATCH = 0.55
"""Where a smooth standard normal exceeds this, fat lies between muscles."""

EAR_SMOOTHING_MM = 8.0
DEEP_STEP_MM = 3.0
DEEPEST_MM = 70.0


@dataclass(frozen=True)
class Body:
    """The head's outside on a grid.

    Attributes:
        grid: Isotropic grid in the template frame.
        inside: Whether a voxel's centre lies within the skin; inner mouth and sockets are closed.
        depth_mm: Depth below the skin, 0 outside.
        deep_mm: Depth below the skin of a head without ears: smooth, for the skull.
    """

    grid: Grid
    inside: Bool[np.ndarray, "x y z"]
    depth_mm: Float32[np.ndarray, "x y z"]
    deep_mm: Float32[np.ndarray, "x y z"]


def body_from_mask(inside: Bool[np.ndarray, "x y z"], grid: Grid) -> Body:
    """Measure depths below the skin of a filled head.

    Raises:
        GeometryError: If nothing is inside.
    """
    if not inside.any():
        raise GeometryError(
            f"expected a head mesh in mm that overlaps the grid at {grid.origin_mm}, got an "
            "empty filling: check units and frame"
        )
    spacing_mm = grid.spacing_mm[0]
    return Body(grid, inside, _depth(inside, spacing_mm), _deep(inside, spacing_mm))


def inside_columns(
    vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "triangles 3"], grid: Grid
) -> Bool[np.ndarray, "x y z"]:
    """Tell which voxel centres lie below an odd number of surface crossings.

    Raises:
        GeometryError: If vertices are not finite.
    """
    if not np.isfinite(vertices).all():
        raise GeometryError(
            f"expected finite vertices in mm, got {int((~np.isfinite(vertices)).sum())} "
            "numbers that are not: repair the mesh"
        )
    crossings = np.zeros((*grid.shape[:2], grid.shape[2] + 1), np.uint8)
    local = (vertices - grid.origin_mm) / grid.spacing_mm
    snapped = np.rint(local[:, :2] * SNAP_PER_MM).astype(np.int64)
    _count_crossings(crossings, snapped, local[:, 2], faces.astype(np.int64))
    below = np.cumsum(crossings[:, :, ::-1], axis=2, dtype=np.uint8)[:, :, ::-1]
    return (below[:, :, 1:] & 1).astype(bool)


@njit(cache=True, nogil=True)
@no_type_check
def _owns_edge(dx, dy):
    """Top-left rule: a column exactly on a shared edge belongs to one of its two triangles."""
    return dy > 0 or (dy == 0 and dx < 0)


@njit(cache=True, nogil=True)
@no_type_check
def _count_crossings(crossings, xy, z, faces):
    step = SNAP_PER_MM
    n_x, n_y, n_z = crossings.shape[0], crossings.shape[1], crossings.shape[2] - 1
    for t in range(faces.shape[0]):
        a, b, c = faces[t]
        area = (xy[b, 0] - xy[a, 0]) * (xy[c, 1] - xy[a, 1]) - (xy[b, 1] - xy[a, 1]) * (
            xy[c, 0] - xy[a, 0]
        )
        if area == 0:
            continue
        if area < 0:
            b, c = c, b
            area = -area
        i0 = max(0, -((-min(xy[a, 0], xy[b, 0], xy[c, 0])) // step))
        i1 = min(n_x - 1, max(xy[a, 0], xy[b, 0], xy[c, 0]) // step)
        j0 = max(0, -((-min(xy[a, 1], xy[b, 1], xy[c, 1])) // step))
        j1 = min(n_y - 1, max(xy[a, 1], xy[b, 1], xy[c, 1]) // step)
        for i in range(i0, i1 + 1):
            for j in range(j0, j1 + 1):
                px, py = i * step, j * step
                wa = (xy[c, 0] - xy[b, 0]) * (py - xy[b, 1]) - (xy[c, 1] - xy[b, 1]) * (
                    px - xy[b, 0]
                )
                wb = (xy[a, 0] - xy[c, 0]) * (py - xy[c, 1]) - (xy[a, 1] - xy[c, 1]) * (
                    px - xy[c, 0]
                )
                wc = (xy[b, 0] - xy[a, 0]) * (py - xy[a, 1]) - (xy[b, 1] - xy[a, 1]) * (
                    px - xy[a, 0]
                )
                if wa < 0 or wb < 0 or wc < 0:
                    continue
                if wa == 0 and not _owns_edge(xy[c, 0] - xy[b, 0], xy[c, 1] - xy[b, 1]):
                    continue
                if wb == 0 and not _owns_edge(xy[a, 0] - xy[c, 0], xy[a, 1] - xy[c, 1]):
                    continue
                if wc == 0 and not _owns_edge(xy[b, 0] - xy[a, 0], xy[b, 1] - xy[a, 1]):
                    continue
                height = (wa * z[a] + wb * z[b] + wc * z[c]) / area
                k = min(n_z, max(0, int(np.floor(height)) + 1))
                crossings[i, j, k] += 1


def close_hollows(filled: Bool[np.ndarray, "x y z"]) -> Bool[np.ndarray, "x y z"]:
    """Keep the largest solid and fill what the air around the head cannot reach."""
    sealed = np.pad(np.pad(filled, ((1, 1), (1, 1), (0, 1))), ((0, 0), (0, 0), (1, 0)), mode="edge")
    outside, _ = ndimage.label(~sealed)
    largest = np.bincount(outside.ravel())[1:].argmax() + 1
    solid = (outside != largest)[1:-1, 1:-1, 1:-1]
    parts, n_parts = ndimage.label(solid)
    return parts == np.bincount(parts.ravel())[1:].argmax() + 1 if n_parts else solid


def _depth(inside: np.ndarray, spacing_mm: float) -> np.ndarray:
    depth = depth_inside(inside, 1.0)
    return np.maximum(depth - np.float32(0.5), 0.0, out=depth, where=inside) * np.float32(
        spacing_mm
    )


def _deep(inside: np.ndarray, spacing_mm: float) -> np.ndarray:
    """Depth below a smoothed head, measured on a coarse grid and interpolated back."""
    factor = max(1, round(DEEP_STEP_MM / spacing_mm))
    coarse = ndimage.uniform_filter(inside.astype(np.float32), factor, mode="nearest")[
        ::factor, ::factor, ::factor
    ]
    step_mm = factor * spacing_mm
    smooth = ndimage.gaussian_filter(coarse, EAR_SMOOTHING_MM / step_mm, mode="nearest") > 0.5
    depth = np.minimum(depth_inside(smooth, step_mm), DEEPEST_MM)
    depth = ndimage.gaussian_filter(depth, 1.0, mode="nearest")
    return resampled(depth, inside.shape, factor)


def resampled(
    coarse: Float32[np.ndarray, "a b c"], shape: tuple[int, int, int], factor: float | int
) -> Float32[np.ndarray, "x y z"]:
    """Interpolate a coarse lattice linearly onto one ``factor`` times finer, aligned at voxel (0,
    0, 0)."""
    fine = np.zeros(shape, np.float32)
    _interpolate(coarse, *_places(coarse, shape, factor), fine)
    return fine


def _places(
    coarse: np.ndarray, shape: tuple[int, ...], factor: float | int
) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Lower node of a coarse lattice and weight of the upper one, for each index of each axis."""
    lower, weight = [], []
    for axis in range(3):
        position = np.minimum(np.arange(shape[axis]) / factor, coarse.shape[axis] - 1)
        lower.append(np.minimum(position.astype(np.int64), coarse.shape[axis] - 2))
        weight.append((position - lower[axis]).astype(np.float32))
    return tuple(lower), tuple(weight)


@njit(cache=True, nogil=True)
@no_type_check
def _interpolate(coarse, lower, weight, fine):
    one = np.float32(1.0)
    plane = np.zeros(coarse.shape[1:], np.float32)
    row = np.zeros(coarse.shape[2], np.float32)
    for i in range(fine.shape[0]):
        a, u = lower[0][i], weight[0][i]
        plane[:] = coarse[a] * (one - u) + coarse[a + 1] * u
        for j in range(fine.shape[1]):
            b, v = lower[1][j], weight[1][j]
            row[:] = plane[b] * (one - v) + plane[b + 1] * v
            for k in range(fine.shape[2]):
                c, w = lower[2][k], weight[2][k]
                fine[i, j, k] = row[c] * (one - w) + row[c + 1] * w


def paint_soft_tissue(canvas: Canvas, body: Body, spec: AtlasSpec) -> None:
    """Paint skin, subcutaneous fat, and muscle with patchy fat planes beneath it."""
    _, _, z = canvas.coordinates()
    neck = np.clip((-60.0 - z) / 30.0, 0.0, 1.0)
    fat_mm = spec.fat_mm + spec.neck_fat_mm * neck + SKIN_MM
    rng = np.random.default_rng(spec.detail_seed)
    factor = 11.0 / canvas.grid.spacing_mm[0]
    patches = rng.standard_normal([int(n / factor) + 3 for n in canvas.grid.shape]).astype(
        np.float32
    )
    _paint_layers(
        canvas.labels,
        body.inside,
        body.depth_mm,
        fat_mm.reshape(-1).astype(np.float32),
        patches,
        *_places(patches, canvas.grid.shape, factor),
        (NUMBER["skin"], NUMBER["fat"], NUMBER["muscle"]),
    )


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _paint_layers(labels, inside, depth, fat_mm, patches, lower, weight, numbers):
    skin, fat, muscle = numbers
    lower_x, lower_y, lower_z = lower
    weight_x, weight_y, weight_z = weight
    one = np.float32(1.0)
    for i in prange(labels.shape[0]):
        a, u = lower_x[i], weight_x[i]
        plane = patches[a] * (one - u) + patches[a + 1] * u
        for j in range(labels.shape[1]):
            b, v = lower_y[j], weight_y[j]
            row = plane[b] * (one - v) + plane[b + 1] * v
            for k in range(labels.shape[2]):
                if not inside[i, j, k]:
                    continue
                if depth[i, j, k] < np.float32(SKIN_MM):
                    labels[i, j, k] = skin
                    continue
                c, w = lower_z[k], weight_z[k]
                patch = row[c] * (one - w) + row[c + 1] * w
                if depth[i, j, k] < fat_mm[k] or patch > np.float32(FAT_PATCH):
                    labels[i, j, k] = fat
                else:
                    labels[i, j, k] = muscle


def cover_with_skin(canvas: Canvas, body: Body, kept: tuple[str, ...]) -> None:
    """Repaint what shows through the outermost skin, but for the kept labels; outside is air."""
    covered = np.array([name not in kept for name in NUMBER] + [False] * (256 - len(NUMBER)))
    numbers = (NUMBER["skin"], NUMBER["air"])
    _cover(canvas.labels, body.inside, body.depth_mm, covered, numbers)


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _cover(labels, inside, depth, covered, numbers):
    skin, air = numbers
    for i in prange(labels.shape[0]):
        for j in range(labels.shape[1]):
            for k in range(labels.shape[2]):
                if not inside[i, j, k]:
                    labels[i, j, k] = air
                elif depth[i, j, k] < np.float32(COVER_MM) and covered[labels[i, j, k]]:
                    labels[i, j, k] = skin
