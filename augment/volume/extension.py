"""From displacements of scattered points (the mesh) to a smooth displacement everywhere: multilevel
B-splines.

An affine map takes the bulk; what it leaves is approximated by cubic B-splines on ever finer
lattices (Lee, Wolberg and Shin,
IEEE TVCG 1997;3:228-244). Far from the mesh only the coarse lattices speak, so bone follows its
surroundings smoothly.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float
from numba import njit

from augment.errors import GeometryError
from augment.volume.grid import Grid
from augment.volume.lattice import Field

COARSEST_MM, FINEST_MM = 96.0, 6.0
"""Lattice spacings from first to last, halved at each level."""


def extended(
    points_mm: Float[np.ndarray, "points 3"],
    displacement_mm: Float[np.ndarray, "points 3"],
    grid: Grid,
    finest_mm: float = FINEST_MM,
) -> Field:
    """Extend displacements of points to a grid.

    Args:
        points_mm: Points of the source frame, at least four that do not lie in a plane.
        displacement_mm: Where each moves.
        grid: Grid of the result.
        finest_mm: Spacing of the last spline lattice: smaller follows the points more closely,
            larger is smoother.

    Returns:
        A field with continuous second derivatives at its nodes.

    Raises:
        GeometryError: If points or displacements are not finite.
    """
    if not (np.isfinite(points_mm).all() and np.isfinite(displacement_mm).all()):
        raise GeometryError(
            "expected finite points and displacements in mm, got numbers that are not: "
            "check the mesh and its coefficients"
        )
    affine, *_ = np.linalg.lstsq(
        np.c_[points_mm, np.ones(len(points_mm))], displacement_mm, rcond=None
    )
    residual = displacement_mm - points_mm @ affine[:3] - affine[3]
    axes = [grid.axis_mm(axis) for axis in range(3)]
    total = (
        sum(
            axes[a].reshape([-1 if b == a else 1 for b in range(3)] + [1]) * affine[a]
            for a in range(3)
        )
        + affine[3]
    )
    low = np.minimum(points_mm.min(0), grid.origin_mm)
    high = np.maximum(points_mm.max(0), [axis[-1] for axis in axes])
    for spacing in _spacings(finest_mm):
        shape = tuple(int(n) for n in np.ceil((high - low) / spacing) + 4)
        control = _control_points(points_mm, residual, low, spacing, shape)
        residual = residual - _evaluate_points(points_mm, control, low, spacing)
        total = total + _evaluate_grid(control, low, spacing, axes)
    return Field(grid, total.astype(np.float32))


def _spacings(finest_mm: float) -> list[float]:
    """Lattice spacings, halved down to the finest, which is passed twice: the second pass mends
    what neighbours share."""
    n_halvings = int(np.floor(np.log2(COARSEST_MM / finest_mm) + 1e-9))
    return [COARSEST_MM / 2**level for level in (*range(n_halvings + 1), n_halvings)]


@njit(cache=True, nogil=True)
@no_type_check
def _weights(t):
    """The four cubic B-spline weights at a fraction of a cell."""
    s = 1.0 - t
    return np.array(
        [
            s * s * s / 6,
            (3 * t * t * t - 6 * t * t + 4) / 6,
            (3 * s * s * s - 6 * s * s + 4) / 6,
            t * t * t / 6,
        ]
    )


@njit(cache=True, nogil=True)
@no_type_check
def _control_points(points, values, low, spacing, shape):
    total = np.zeros((shape[0], shape[1], shape[2], 3))
    weight = np.zeros(shape)
    for p in range(points.shape[0]):
        place = (points[p] - low) / spacing
        base = np.floor(place).astype(np.int64)
        wx, wy, wz = (
            _weights(place[0] - base[0]),
            _weights(place[1] - base[1]),
            _weights(place[2] - base[2]),
        )
        square = (wx * wx).sum() * (wy * wy).sum() * (wz * wz).sum()
        for a in range(4):
            for b in range(4):
                for c in range(4):
                    w = wx[a] * wy[b] * wz[c]
                    i, j, k = base[0] + a, base[1] + b, base[2] + c
                    weight[i, j, k] += w * w
                    for n in range(3):
                        total[i, j, k, n] += w * w * w * values[p, n] / square
    for i in range(shape[0]):
        for j in range(shape[1]):
            for k in range(shape[2]):
                if weight[i, j, k] > 1e-9:
                    for n in range(3):
                        total[i, j, k, n] /= weight[i, j, k]
    return total


@njit(cache=True, nogil=True)
@no_type_check
def _evaluate_points(points, control, low, spacing):
    result = np.zeros((points.shape[0], 3))
    for p in range(points.shape[0]):
        place = (points[p] - low) / spacing
        base = np.floor(place).astype(np.int64)
        wx, wy, wz = (
            _weights(place[0] - base[0]),
            _weights(place[1] - base[1]),
            _weights(place[2] - base[2]),
        )
        for a in range(4):
            for b in range(4):
                for c in range(4):
                    w = wx[a] * wy[b] * wz[c]
                    for n in range(3):
                        result[p, n] += w * control[base[0] + a, base[1] + b, base[2] + c, n]
    return result


def _evaluate_grid(
    control: np.ndarray, low: np.ndarray, spacing: float, axes: list[np.ndarray]
) -> np.ndarray:
    """Spline values on a grid, one axis after the other."""
    result = control
    for axis in range(3):
        place = (axes[axis] - low[axis]) / spacing
        base = np.floor(place).astype(int)
        matrix = np.zeros((len(place), control.shape[axis]))
        for row, (start, t) in enumerate(zip(base, place - base, strict=True)):
            matrix[row, start : start + 4] = _weights(t)
        result = np.moveaxis(np.tensordot(matrix, result, axes=(1, axis)), 0, axis)
    return result
