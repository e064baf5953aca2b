"""Inverts displacement fields: Newton's method with the field's own slope, started from a
neighbour's or a related field's answer, and small plain steps where it does not settle."""

from typing import no_type_check

import numpy as np
from jaxtyping import Float
from numba import njit, prange

from augment.errors import GeometryError
from augment.volume.field.lattice import Field, _cell_at, _inverses, _lookup, _values
from augment.volume.grid import Grid

TOLERANCE_MM = 1.0e-3
NEWTON_STEPS, PLAIN_STEPS = 8, 120


def inverse(field: Field, grid: Grid) -> Field:
    """Return the field from target to source: ``v(q)`` with ``q + v + u(q + v) = q``.

    Args:
        field: Field from source to target, without folds.
        grid: Grid of the result, in the target frame.

    Raises:
        GeometryError: If no answer is found, because the field folds or strains too much.
    """
    start = Field(grid, np.zeros((*grid.shape, 3), np.float32))
    every = np.ones(field.grid.shape, np.bool_)
    return _inverted(field, start, every, np.zeros((*grid.shape, 3), np.float32))


def inverse_of_changed(field: Field, before: Field, inverse_before: Field) -> Field:
    """Return the inverse of a field that differs in places from another whose inverse is known.

    Args:
        field: Field from source to target, without folds.
        before: The other field, on the same grid.
        inverse_before: Its inverse.

    Returns:
        The inverse on the grid of the known one: the very same numbers where both fields agree.

    Raises:
        GeometryError: If no answer is found, because the field folds or strains too much.
    """
    changed = (field.displacement_mm != before.displacement_mm).any(axis=3)
    return _inverted(field, inverse_before, changed, inverse_before.displacement_mm.copy())


def inverse_points(
    field: Field, points_mm: Float[np.ndarray, "points 3"]
) -> Float[np.ndarray, "points 3"]:
    """Return the points that a field carries to the given ones.

    Args:
        field: Field from source to target, without folds.
        points_mm: Points of the target frame.

    Raises:
        GeometryError: If no answer is found, because the field folds or strains too much.
    """
    result = np.zeros((len(points_mm), 3))
    control = (NEWTON_STEPS, PLAIN_STEPS, TOLERANCE_MM)
    target = np.ascontiguousarray(points_mm, float)
    worst = _invert_points(field.displacement_mm, *field.grid.geometry, target, result, control)
    _require_settled(worst)
    return target + result


def _require_settled(worst: float) -> None:
    if not worst <= 10 * TOLERANCE_MM:
        raise GeometryError(
            f"expected a field that can be inverted, but {worst:.3f} mm remain: lower "
            "the severity of the pathologies"
        )


def _inverted(field: Field, start: Field, changed: np.ndarray, result: np.ndarray) -> Field:
    worst = _invert(
        field.displacement_mm,
        *field.grid.geometry,
        _cells(changed),
        start.displacement_mm,
        result,
        *start.grid.geometry,
        (NEWTON_STEPS, PLAIN_STEPS, TOLERANCE_MM),
    )
    _require_settled(float(worst.max()))
    return Field(start.grid, result)


def _cells(changed: np.ndarray) -> np.ndarray:
    """Tell for each cell, named by its lowest corner, whether one of its eight corners changed."""
    cells = changed.copy()
    for axis in range(3):
        lower = [slice(None)] * 3
        upper = [slice(None)] * 3
        lower[axis], upper[axis] = slice(None, -1), slice(1, None)
        cells[tuple(lower)] |= cells[tuple(upper)].copy()
    return cells


LEAST_DETERMINANT = 0.02
"""Where space is squeezed further, Newton's steps lead astray."""


@njit(cache=True, nogil=True, forceinline=True)
@no_type_check
def _tangent(values, i, j, k, n, u, v, w):
    """Component n in one cell, and its slopes along the axes of the cell."""
    i1, j1, k1 = (
        min(i + 1, values.shape[0] - 1),
        min(j + 1, values.shape[1] - 1),
        min(k + 1, values.shape[2] - 1),
    )
    a, b = values[i, j, k, n], values[i, j, k1, n]
    c, d = values[i, j1, k, n], values[i, j1, k1, n]
    e, f = values[i1, j, k, n], values[i1, j, k1, n]
    g, h = values[i1, j1, k, n], values[i1, j1, k1, n]
    ab, cd, ef, gh = a + (b - a) * w, c + (d - c) * w, e + (f - e) * w, g + (h - g) * w
    near, far = ab + (cd - ab) * v, ef + (gh - ef) * v
    return (
        near + (far - near) * u,
        far - near,
        (cd - ab) * (1 - u) + (gh - ef) * u,
        ((b - a) * (1 - v) + (d - c) * v) * (1 - u) + ((f - e) * (1 - v) + (h - g) * v) * u,
    )


@njit(cache=True, nogil=True, forceinline=True)
@no_type_check
def _step(values, origin, per_mm, x, y, z, a, b, c):
    """What displacement (a, b, c) of a point leaves, mm, the determinant there, and the
    displacement after one step of Newton's."""
    i, j, k, u, v, w = _cell_at(values.shape, origin, per_mm, x + a, y + b, z + c)
    r, rx, ry, rz = _tangent(values, i, j, k, 0, u, v, w)
    s, sx, sy, sz = _tangent(values, i, j, k, 1, u, v, w)
    t, tx, ty, tz = _tangent(values, i, j, k, 2, u, v, w)
    r, s, t = r + a, s + b, t + c
    left = max(abs(r), abs(s), abs(t))
    rx, ry, rz = rx * per_mm[0] + 1.0, ry * per_mm[1], rz * per_mm[2]
    sx, sy, sz = sx * per_mm[0], sy * per_mm[1] + 1.0, sz * per_mm[2]
    tx, ty, tz = tx * per_mm[0], ty * per_mm[1], tz * per_mm[2] + 1.0
    d, e, f = sy * tz - sz * ty, rz * ty - ry * tz, ry * sz - rz * sy
    det = rx * d + sx * e + tx * f
    if not det > LEAST_DETERMINANT:
        return left, det, a, b, c
    factor = 1.0 / det
    return (
        left,
        det,
        a - factor * (d * r + e * s + f * t),
        b - factor * ((sz * tx - sx * tz) * r + (rx * tz - rz * tx) * s + (rz * sx - rx * sz) * t),
        c - factor * ((sx * ty - sy * tx) * r + (ry * tx - rx * ty) * s + (rx * sy - ry * sx) * t),
    )


@njit(cache=True, nogil=True)
@no_type_check
def _newton(values, origin, per_mm, x, y, z, a, b, c, n_steps, tolerance):
    """Improve displacement (a, b, c) of a point; return what remains, in mm, and the answer."""
    before = np.inf
    for _ in range(n_steps):
        left, det, d, e, f = _step(values, origin, per_mm, x, y, z, a, b, c)
        if left < tolerance or not left < 2 * before or not det > LEAST_DETERMINANT:
            return left, a, b, c
        before = left
        a, b, c = d, e, f
    return np.inf, a, b, c


@njit(cache=True, nogil=True)
@no_type_check
def _plain(values, origin, spacing, x, y, z, n_steps, tolerance):
    """Find the displacement of a point by ever shorter steps; return what remains, in mm, and the
    answer."""
    a, b, c, left = 0.0, 0.0, 0.0, np.inf
    for step in range(n_steps):
        d, e, f = _lookup(values, origin, spacing, x + a, y + b, z + c)
        left = max(abs(a + d), abs(b + e), abs(c + f))
        if left < tolerance:
            break
        # Full steps converge for small strain; shorter ones also where one direction stretches to
        # several times its length.
        size = 1.0 if step < 12 else (0.5 if step < 50 else 0.25)
        a, b, c = a - size * (a + d), b - size * (b + e), c - size * (c + f)
    return left, a, b, c


@njit(cache=True, nogil=True)
@no_type_check
def _invert_points(values, origin, spacing, points, result, control):
    n_newton, n_plain, tolerance = control
    per_mm, worst = 1.0 / spacing, 0.0
    for n in range(points.shape[0]):
        x, y, z = points[n]
        a, b, c = result[n]
        left, a, b, c = _newton(values, origin, per_mm, x, y, z, a, b, c, n_newton, tolerance)
        if not left < tolerance:
            left, a, b, c = _plain(values, origin, spacing, x, y, z, n_plain, tolerance)
        result[n, 0], result[n, 1], result[n, 2] = a, b, c
        worst = max(worst, left)
    return worst


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _invert(values, origin, spacing, active, start, result, to_origin, to_spacing, control):
    n_newton, n_plain, tolerance = control
    worst = np.zeros(result.shape[0])
    for i in prange(result.shape[0]):
        first, per_mm = _values(origin), _inverses(spacing)
        x = to_origin[0] + to_spacing[0] * i
        largest = 0.0
        for j in range(result.shape[1]):
            y = to_origin[1] + to_spacing[1] * j
            # A neighbour's distance from the start is a good guess.
            da = db = dc = 0.0
            for k in range(result.shape[2]):
                z = to_origin[2] + to_spacing[2] * k
                a, b, c = start[i, j, k, 0], start[i, j, k, 1], start[i, j, k, 2]
                cell = _cell_at(values.shape, first, per_mm, x + a, y + b, z + c)
                if not active[cell[0], cell[1], cell[2]]:
                    da = db = dc = 0.0
                    continue
                left, d, e, f = _newton(
                    values, first, per_mm, x, y, z, a + da, b + db, c + dc, n_newton, tolerance
                )
                if not left < tolerance:
                    left, d, e, f = _plain(values, origin, spacing, x, y, z, n_plain, tolerance)
                largest = max(largest, left)
                da, db, dc = d - a, e - b, f - c
                result[i, j, k, 0], result[i, j, k, 1], result[i, j, k, 2] = d, e, f
        worst[i] = largest
    return worst
