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
from numba import njit, prange

from augment.errors import GeometryError
from augment.volume.field.lattice import Field
from augment.volume.grid import Grid

COARSEST_MM, FINEST_MM = 96.0, 6.0
"""Lattice spacings from first to last, halved at each level."""

FINEST_PASSES = 4
"""How often the finest lattice takes what is left: points that share its cells agree after some."""


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
    low = np.minimum(points_mm.min(0), grid.origin_mm)
    high = np.maximum(points_mm.max(0), [axis[-1] for axis in axes])
    control, coarser_mm = _affine_control(affine, low, high), COARSEST_MM
    for spacing in _spacings(finest_mm):
        shape = tuple(int(n) for n in np.ceil((high - low) / spacing) + 4)
        step = _control_points(points_mm, residual, low, spacing, shape)
        residual = residual - _evaluate_points(points_mm, step, low, spacing)
        control = step + (control if spacing == coarser_mm else _refined(control, shape))
        coarser_mm = spacing
    result = np.zeros((*grid.shape, 3), np.float32)
    taps = [_taps((axes[a] - low[a]) / coarser_mm) for a in range(3)]
    _evaluate_grid(control, *taps[0], *taps[1], *taps[2], result)
    return Field(grid, result)


def _affine_control(affine: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Controls of the coarsest lattice that make an affine map: its values where they stand."""
    counts = np.ceil((high - low) / COARSEST_MM) + 4
    axes = [low[a] + COARSEST_MM * (np.arange(counts[a]) - 1) for a in range(3)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), -1) @ affine[:3] + affine[3]


def _spacings(finest_mm: float) -> list[float]:
    """Lattice spacings, halved down to the finest, which is passed again: further passes mend what
    neighbours share."""
    n_halvings = int(np.floor(np.log2(COARSEST_MM / finest_mm) + 1e-9))
    levels = (*range(n_halvings), *[n_halvings] * FINEST_PASSES)
    return [COARSEST_MM / 2**level for level in levels]


def _refined(control: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return the same spline on a lattice of half the spacing (subdivision by 1 4 6 4 1).

    Control a stands at ``low + (a - 1) * spacing``: it lies under control 2 a - 1 of the result.
    """
    result = np.ascontiguousarray(control)
    for axis in range(3):
        known, n = result.shape, min(shape[axis], 2 * result.shape[axis] - 3)
        fine = np.zeros((*known[:axis], n, *known[axis + 1 :]))
        rows = int(np.prod(known[:axis], dtype=int))
        _subdivide(result.reshape(rows, known[axis], -1), fine.reshape(rows, n, -1))
        result = fine
    return result


@njit(cache=True, nogil=True)
@no_type_check
def _subdivide(coarse, fine):
    """Halve the spacing along the middle axis."""
    for i in range(fine.shape[0]):
        for j in range(fine.shape[1]):
            a = j // 2
            for k in range(fine.shape[2]):
                if j % 2 == 0:
                    fine[i, j, k] = 0.5 * (coarse[i, a, k] + coarse[i, a + 1, k])
                else:
                    near = coarse[i, a, k] + coarse[i, a + 2, k]
                    fine[i, j, k] = 0.75 * coarse[i, a + 1, k] + 0.125 * near


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


def _taps(place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First control and four weights for each place on an axis, in cells."""
    base = np.floor(place).astype(np.int64)
    return base, np.array([_weights(t) for t in place - base])


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _evaluate_grid(control, base_x, in_x, base_y, in_y, base_z, in_z, result):
    """Spline values on a grid, one axis after the other."""
    n_y, n_z = control.shape[1], control.shape[2]
    for i in prange(result.shape[0]):
        slab = np.zeros((n_y, n_z, 3))
        for tap in range(4):
            w, a = in_x[i, tap], base_x[i] + tap
            for b in range(n_y):
                for c in range(n_z):
                    for n in range(3):
                        slab[b, c, n] += w * control[a, b, c, n]
        row = np.zeros((n_z, 3))
        for j in range(result.shape[1]):
            row[:] = 0.0
            for tap in range(4):
                w, b = in_y[j, tap], base_y[j] + tap
                for c in range(n_z):
                    for n in range(3):
                        row[c, n] += w * slab[b, c, n]
            for k in range(result.shape[2]):
                c = base_z[k]
                for n in range(3):
                    result[i, j, k, n] = (
                        in_z[k, 0] * row[c, n]
                        + in_z[k, 1] * row[c + 1, n]
                        + in_z[k, 2] * row[c + 2, n]
                        + in_z[k, 3] * row[c + 3, n]
                    )
