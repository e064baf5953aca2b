"""Displacements on a lattice: linear interpolation, composition and Jacobian.

A field holds ``displacement_mm`` so that a point p of its source frame goes to p + u(p). Outside
its grid the field takes the value
of the nearest point of the grid's border.
"""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Float32
from numba import njit, prange

from augment.volume.grid import Grid


@dataclass(frozen=True)
class Field:
    """Displacement vectors on a grid.

    Attributes:
        grid: Where the vectors stand, in the source frame.
        displacement_mm: Concretely, a point at the centre of voxel (i, j, k) moves by
            ``displacement_mm[i, j, k]``.
    """

    grid: Grid
    displacement_mm: Float32[np.ndarray, "x y z 3"]

    def at(self, points_mm: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 3"]:
        """Return the displacement at points of the source frame, interpolated linearly."""
        result = np.zeros((len(points_mm), 3))
        _sample(
            self.displacement_mm,
            *self.grid.geometry,
            np.ascontiguousarray(points_mm, float),
            result,
        )
        return result

    def move(self, points_mm: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 3"]:
        """Return points carried from the source to the target frame."""
        return points_mm + self.at(points_mm)


def identity_field(grid: Grid) -> Field:
    """Return the field that moves nothing."""
    return Field(grid, np.zeros((*grid.shape, 3), np.float32))


def composed(first: Field, second: Field, grid: Grid) -> Field:
    """Return the field that moves by ``first``, then by ``second``.

    Args:
        first: Field whose source frame the result has.
        second: Field whose source frame is the first one's target.
        grid: Grid of the result.
    """
    result = np.zeros((*grid.shape, 3), np.float32)
    fields = (first.displacement_mm, *first.grid.geometry, second.displacement_mm)
    _compose(result, *grid.geometry, *fields, *second.grid.geometry)
    return Field(grid, result)


def grid_points(grid: Grid) -> Float[np.ndarray, "x y z 3"]:
    """Return the centre of every voxel, mm."""
    return np.stack(np.meshgrid(*(grid.axis_mm(axis) for axis in range(3)), indexing="ij"), axis=-1)


def jacobian(field: Field) -> Float32[np.ndarray, "x y z"]:
    """Return the determinant of the map p + u(p): the local ratio of volumes, negative where space
    folds."""
    result = np.zeros(field.grid.shape, np.float32)
    _determinants(field.displacement_mm, field.grid.geometry[1], result)
    return result


@njit(cache=True, nogil=True, forceinline=True)
@no_type_check
def _cell(position, size):
    """Lower index and weight of the upper neighbour, clamped to the grid."""
    clamped = min(max(position, 0.0), size - 1.0)
    lower = min(int(clamped), max(size - 2, 0))
    return lower, clamped - lower


@njit(cache=True, nogil=True, forceinline=True)
@no_type_check
def _values(three):
    """Numbers of an array as values, which no store to another array can change."""
    return three[0], three[1], three[2]


@njit(cache=True, nogil=True, forceinline=True)
@no_type_check
def _inverses(three):
    """The reciprocals of an array's three numbers."""
    return 1.0 / three[0], 1.0 / three[1], 1.0 / three[2]


@njit(cache=True, nogil=True, forceinline=True)
@no_type_check
def _cell_at(shape, origin, per_mm, x, y, z):
    """The cell that holds a point, by its lowest corner, and the point's place in it, 0 to 1."""
    i, u = _cell((x - origin[0]) * per_mm[0], shape[0])
    j, v = _cell((y - origin[1]) * per_mm[1], shape[1])
    k, w = _cell((z - origin[2]) * per_mm[2], shape[2])
    return i, j, k, u, v, w


@njit(cache=True, nogil=True, forceinline=True)
@no_type_check
def _at(values, origin, per_mm, x, y, z):
    """Trilinear interpolation of a vector lattice at one point."""
    i, j, k, u, v, w = _cell_at(values.shape, origin, per_mm, x, y, z)
    return _blend(values, i, j, k, u, v, w)


@njit(cache=True, nogil=True)
@no_type_check
def _lookup(values, origin, spacing, x, y, z):
    """`_at`, not inlined, by the spacing instead of its reciprocals."""
    return _at(values, origin, _inverses(spacing), x, y, z)


@njit(cache=True, nogil=True, forceinline=True)
@no_type_check
def _blend(values, i, j, k, u, v, w):
    """Trilinear interpolation of a vector lattice in one cell."""
    i1, j1, k1 = (
        min(i + 1, values.shape[0] - 1),
        min(j + 1, values.shape[1] - 1),
        min(k + 1, values.shape[2] - 1),
    )
    w00, w01, w10, w11 = (1 - u) * (1 - v), (1 - u) * v, u * (1 - v), u * v
    lower, upper = 1 - w, w
    a = (
        w00 * values[i, j, k, 0]
        + w01 * values[i, j1, k, 0]
        + w10 * values[i1, j, k, 0]
        + w11 * values[i1, j1, k, 0]
    ) * lower
    a += (
        w00 * values[i, j, k1, 0]
        + w01 * values[i, j1, k1, 0]
        + w10 * values[i1, j, k1, 0]
        + w11 * values[i1, j1, k1, 0]
    ) * upper
    b = (
        w00 * values[i, j, k, 1]
        + w01 * values[i, j1, k, 1]
        + w10 * values[i1, j, k, 1]
        + w11 * values[i1, j1, k, 1]
    ) * lower
    b += (
        w00 * values[i, j, k1, 1]
        + w01 * values[i, j1, k1, 1]
        + w10 * values[i1, j, k1, 1]
        + w11 * values[i1, j1, k1, 1]
    ) * upper
    c = (
        w00 * values[i, j, k, 2]
        + w01 * values[i, j1, k, 2]
        + w10 * values[i1, j, k, 2]
        + w11 * values[i1, j1, k, 2]
    ) * lower
    c += (
        w00 * values[i, j, k1, 2]
        + w01 * values[i, j1, k1, 2]
        + w10 * values[i1, j, k1, 2]
        + w11 * values[i1, j1, k1, 2]
    ) * upper
    return a, b, c


@njit(cache=True, nogil=True)
@no_type_check
def _sample(values, origin, spacing, points, result):
    for p in range(points.shape[0]):
        a, b, c = _lookup(values, origin, spacing, points[p, 0], points[p, 1], points[p, 2])
        result[p, 0], result[p, 1], result[p, 2] = a, b, c


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _compose(
    result,
    origin,
    spacing,
    first,
    first_origin,
    first_spacing,
    second,
    second_origin,
    second_spacing,
):
    for i in prange(result.shape[0]):
        x = origin[0] + spacing[0] * i
        for j in range(result.shape[1]):
            y = origin[1] + spacing[1] * j
            for k in range(result.shape[2]):
                z = origin[2] + spacing[2] * k
                a, b, c = _lookup(first, first_origin, first_spacing, x, y, z)
                u, v, w = _lookup(second, second_origin, second_spacing, x + a, y + b, z + c)
                result[i, j, k, 0] = a + u
                result[i, j, k, 1] = b + v
                result[i, j, k, 2] = c + w


@njit(cache=True, nogil=True, inline="always")
@no_type_check
def _around(index, size):
    """Neighbours on an axis for a central difference, one-sided at the border."""
    return max(index - 1, 0), min(index + 1, size - 1)


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _determinants(u, spacing, result):
    for i in prange(result.shape[0]):
        i0, i1 = _around(i, result.shape[0])
        x = np.float32(1.0 / (max(i1 - i0, 1) * spacing[0]))
        for j in range(result.shape[1]):
            j0, j1 = _around(j, result.shape[1])
            y = np.float32(1.0 / (max(j1 - j0, 1) * spacing[1]))
            for k in range(result.shape[2]):
                k0, k1 = _around(k, result.shape[2])
                z = np.float32(1.0 / (max(k1 - k0, 1) * spacing[2]))
                a = np.float32(1.0) + (u[i1, j, k, 0] - u[i0, j, k, 0]) * x
                b = (u[i, j1, k, 0] - u[i, j0, k, 0]) * y
                c = (u[i, j, k1, 0] - u[i, j, k0, 0]) * z
                d = (u[i1, j, k, 1] - u[i0, j, k, 1]) * x
                e = np.float32(1.0) + (u[i, j1, k, 1] - u[i, j0, k, 1]) * y
                f = (u[i, j, k1, 1] - u[i, j, k0, 1]) * z
                g = (u[i1, j, k, 2] - u[i0, j, k, 2]) * x
                h = (u[i, j1, k, 2] - u[i, j0, k, 2]) * y
                m = np.float32(1.0) + (u[i, j, k1, 2] - u[i, j, k0, 2]) * z
                result[i, j, k] = a * (e * m - f * h) - b * (d * m - f * g) + c * (d * h - e * g)
