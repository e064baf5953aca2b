"""Displacements on a lattice: linear interpolation, inversion by fixed point, composition and
Jacobian.

A field holds ``displacement_mm`` so that a point p of its source frame goes to p + u(p). Outside
its grid the field takes the value
of the nearest point of the grid's border.
"""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Float32
from numba import njit, prange

from augment.errors import GeometryError
from augment.volume.grid import Grid

INVERSE_TOLERANCE_MM = 1.0e-3
INVERSE_STEPS = 120


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


def inverse(field: Field, grid: Grid) -> Field:
    """Return the field from target to source: ``v(q)`` with ``q + v + u(q + v) = q``, found by
    fixed point.

    Args:
        field: Field from source to target, with a Lipschitz constant below 1 (moderate strain).
        grid: Grid of the result, in the target frame.

    Raises:
        GeometryError: If the iteration does not settle, because the field folds or strains too
        much.
    """
    result = np.zeros((*grid.shape, 3), np.float32)
    worst = _invert(
        field.displacement_mm,
        *field.grid.geometry,
        result,
        *grid.geometry,
        INVERSE_STEPS,
        INVERSE_TOLERANCE_MM,
    )
    if not worst.max() <= 10 * INVERSE_TOLERANCE_MM:
        raise GeometryError(
            f"expected a field that can be inverted, but {worst.max():.3f} mm remain: lower "
            "the severity of the pathologies"
        )
    return Field(grid, result)


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
    gradient = [
        np.gradient(field.displacement_mm, field.grid.spacing_mm[axis], axis=axis)
        for axis in range(3)
    ]
    j = [[gradient[a][..., c] + np.float32(a == c) for a in range(3)] for c in range(3)]
    minor = [
        j[1][(c + 1) % 3] * j[2][(c + 2) % 3] - j[1][(c + 2) % 3] * j[2][(c + 1) % 3]
        for c in range(3)
    ]
    return (j[0][0] * minor[0] + j[0][1] * minor[1] + j[0][2] * minor[2]).astype(np.float32)


@njit(cache=True, nogil=True, inline="always")
@no_type_check
def _cell(position, size):
    """Lower index and weight of the upper neighbour, clamped to the grid."""
    clamped = min(max(position, 0.0), size - 1.0)
    lower = min(int(clamped), max(size - 2, 0))
    return lower, clamped - lower


@njit(cache=True, nogil=True)
@no_type_check
def _lookup(values, origin, spacing, x, y, z):
    """Trilinear interpolation of a vector lattice at one point."""
    i, u = _cell((x - origin[0]) / spacing[0], values.shape[0])
    j, v = _cell((y - origin[1]) / spacing[1], values.shape[1])
    k, w = _cell((z - origin[2]) / spacing[2], values.shape[2])
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
def _invert(values, origin, spacing, result, to_origin, to_spacing, n_steps, tolerance):
    worst = np.zeros(result.shape[0])
    for i in prange(result.shape[0]):
        x = to_origin[0] + to_spacing[0] * i
        for j in range(result.shape[1]):
            y = to_origin[1] + to_spacing[1] * j
            px, py, pz = 0.0, 0.0, 0.0
            for k in range(result.shape[2]):
                z = to_origin[2] + to_spacing[2] * k
                change = 0.0
                for step in range(n_steps):
                    a, b, c = _lookup(values, origin, spacing, x + px, y + py, z + pz)
                    change = max(abs(px + a), abs(py + b), abs(pz + c))
                    # Plain steps converge for small strain; shorter ones also where one direction
                    # stretches to twice its length.
                    size = 1.0 if step < 12 else (0.5 if step < 50 else 0.25)
                    px, py, pz = px - size * (px + a), py - size * (py + b), pz - size * (pz + c)
                    if change < tolerance:
                        break
                worst[i] = max(worst[i], change)
                result[i, j, k, 0], result[i, j, k, 1], result[i, j, k, 2] = px, py, pz
    return worst


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
