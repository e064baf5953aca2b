"""An inverse that holds between its nodes too.

A field on a lattice is linear in pieces; so is its inverse, but not in the pieces of another
lattice. Interpolated between nodes, the inverse is off by up to some tenths of a millimetre where
space is squeezed. Cells where it is are marked, and there Newton steps on the forward field mend
every answer.
"""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float
from numba import njit, prange

from augment.volume.field.inversion import (
    LEAST_DETERMINANT,
    _newton,
    _step,
    inverse,
    inverse_of_changed,
)
from augment.volume.field.lattice import Field, _blend, _cell_at, _lookup
from augment.volume.grid import Grid

ROUGH_MM = 0.001
"""A cell is marked where interpolation is off by more in its middle: as much as the inverse jumps
at the border of marked cells."""

STEPS, EXACT_MM, NEAR_MM = 4, 5.0e-4, 5.0e-3
WORST_MM = 0.1
"""Where Newton's steps leave more than this, the interpolated answer stays."""


@dataclass(frozen=True)
class Inverse:
    """The inverse of a field, exact to some thousandths of a millimetre everywhere.

    Attributes:
        nodes: The inverse at the nodes of a grid, in the target frame of the forward field.
        forward: The field that it inverts.
        is_rough: Concretely, ``is_rough[i, j, k]`` tells whether answers in the cell above node
            (i, j, k) are improved by Newton steps.
    """

    nodes: Field
    forward: Field
    is_rough: Bool[np.ndarray, "x y z"]

    @property
    def grid(self) -> Grid:
        """Grid of the nodes."""
        return self.nodes.grid

    def at(self, points_mm: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 3"]:
        """Return the displacement at points of the target frame."""
        result = np.zeros((len(points_mm), 3))
        _sample_exact(self.arrays(), np.ascontiguousarray(points_mm, float), result)
        return result

    def move(self, points_mm: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 3"]:
        """Return points carried from the target frame back to the source."""
        return points_mm + self.at(points_mm)

    def arrays(self) -> tuple[np.ndarray, ...]:
        """Return what compiled kernels read: nodes with origin and spacing, marks, forward field
        with origin and spacing."""
        nodes, forward = self.nodes, self.forward
        return (
            nodes.displacement_mm,
            *nodes.grid.geometry,
            self.is_rough,
            forward.displacement_mm,
            *forward.grid.geometry,
        )


def exact_inverse(field: Field, grid: Grid) -> Inverse:
    """Return the inverse of a field with its rough cells marked; see `inverse`."""
    return with_marks(inverse(field, grid), field)


def exact_inverse_of_changed(field: Field, before: Inverse) -> Inverse:
    """Return the inverse of a field that differs in places from ``before.forward``: the very same
    numbers where both agree. See `inverse_of_changed`."""
    nodes = inverse_of_changed(field, before.forward, before.nodes)
    changed = differing_cells(nodes, before.nodes)
    rough = before.is_rough & ~changed
    _mark_rough(nodes.displacement_mm, *nodes.grid.geometry, *_arrays(field), changed, rough)
    return Inverse(nodes, field, rough)


def with_marks(nodes: Field, forward: Field) -> Inverse:
    """Return an inverse from its nodes, with the cells marked where interpolation is not enough."""
    rough = np.zeros(nodes.grid.shape, bool)
    every = np.ones(nodes.grid.shape, bool)
    _mark_rough(nodes.displacement_mm, *nodes.grid.geometry, *_arrays(forward), every, rough)
    return Inverse(nodes, forward, rough)


def interpolated(nodes: Field) -> Inverse:
    """Return an inverse that is interpolated everywhere."""
    return Inverse(nodes, nodes, np.zeros(nodes.grid.shape, bool))


def differing_cells(first: Field, second: Field) -> Bool[np.ndarray, "x y z"]:
    """Tell for each cell, named by its lowest corner, whether two fields on one grid differ at one
    of its eight corners."""
    cells = np.zeros(first.grid.shape, bool)
    if first.displacement_mm is not second.displacement_mm:
        _mark_differing(first.displacement_mm, second.displacement_mm, cells)
    return cells


def _arrays(field: Field) -> tuple[np.ndarray, ...]:
    return (field.displacement_mm, *field.grid.geometry)


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _mark_differing(first, second, cells):
    nx, ny, nz = cells.shape
    for i in prange(nx):
        for a in range(i, min(i + 2, nx)):
            for b in range(ny):
                for c in range(nz):
                    if (
                        first[a, b, c, 0] != second[a, b, c, 0]
                        or first[a, b, c, 1] != second[a, b, c, 1]
                        or first[a, b, c, 2] != second[a, b, c, 2]
                    ):
                        for j in range(max(b - 1, 0), b + 1):
                            for k in range(max(c - 1, 0), c + 1):
                                cells[i, j, k] = True


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _mark_rough(nodes, origin, spacing, forward, f_origin, f_spacing, active, rough):
    nx, ny, nz = rough.shape
    for i in prange(nx - 1):
        for j in range(ny - 1):
            for k in range(nz - 1):
                if not active[i, j, k]:
                    continue
                x = origin[0] + spacing[0] * (i + 0.5)
                y = origin[1] + spacing[1] * (j + 0.5)
                z = origin[2] + spacing[2] * (k + 0.5)
                a = b = c = np.float32(0.0)
                for corner in range(8):
                    di, dj, dk = corner & 1, (corner >> 1) & 1, (corner >> 2) & 1
                    a += nodes[i + di, j + dj, k + dk, 0]
                    b += nodes[i + di, j + dj, k + dk, 1]
                    c += nodes[i + di, j + dj, k + dk, 2]
                a, b, c = 0.125 * a, 0.125 * b, 0.125 * c
                d, e, f = _lookup(forward, f_origin, f_spacing, x + a, y + b, z + c)
                rough[i, j, k] = max(abs(a + d), abs(b + e), abs(c + f)) > ROUGH_MM


@njit(cache=True, nogil=True, forceinline=True)
@no_type_check
def _is_marked(marks, origin, per_mm, x, y, z):
    """Whether the cell that holds a point is marked."""
    i, j, k, _, _, _ = _cell_at(marks.shape, origin, per_mm, x, y, z)
    return marks[i, j, k]


@njit(cache=True, nogil=True, forceinline=True)
@no_type_check
def _mended(forward, origin, per_mm, x, y, z, a, b, c):
    """Displacement (a, b, c) of one point after Newton steps."""
    left, det, d, e, f = _step(forward, origin, per_mm, x, y, z, a, b, c)
    if left < EXACT_MM:
        return a, b, c
    # One step from nearby lands within the tolerance: it need not be looked at again.
    if det > LEAST_DETERMINANT and max(abs(d - a), abs(e - b), abs(f - c)) < NEAR_MM:
        return d, e, f
    return _settled(forward, origin, per_mm, x, y, z, a, b, c)


@njit(cache=True, nogil=True)
@no_type_check
def _settled(forward, origin, per_mm, x, y, z, a, b, c):
    """What `_mended` returns where one step is not enough."""
    left, d, e, f = _newton(forward, origin, per_mm, x, y, z, a, b, c, STEPS + 1, EXACT_MM)
    if left < EXACT_MM:
        return d, e, f
    left, _, _, _, _ = _step(forward, origin, per_mm, x, y, z, d, e, f)
    if left < WORST_MM:
        return d, e, f
    return a, b, c


@njit(cache=True, nogil=True, forceinline=True)
@no_type_check
def _exact(nodes, origin, per_mm, rough, forward, f_origin, f_per_mm, x, y, z):
    """Displacement at one point of the target frame."""
    i, j, k, u, v, w = _cell_at(nodes.shape, origin, per_mm, x, y, z)
    a, b, c = _blend(nodes, i, j, k, u, v, w)
    if rough[i, j, k]:
        a, b, c = _mended(forward, f_origin, f_per_mm, x, y, z, a, b, c)
    return a, b, c


@njit(cache=True, nogil=True)
@no_type_check
def _sample_exact(inverse, points, result):
    nodes, origin, spacing, rough, forward, f_origin, f_spacing = inverse
    per_mm, f_per_mm = 1.0 / spacing, 1.0 / f_spacing
    for n in range(points.shape[0]):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        result[n, 0], result[n, 1], result[n, 2] = _exact(
            nodes, origin, per_mm, rough, forward, f_origin, f_per_mm, x, y, z
        )
