"""Inverts displacement fields: Newton's method with the field's own slope, started from a
neighbour's or a related field's answer, and small plain steps where it does not settle."""

from typing import no_type_check

import numpy as np
from jaxtyping import Float
from numba import njit, prange

from augment.errors import GeometryError
from augment.volume.grid import Grid
from augment.volume.lattice import Field, _cell, _lookup

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


@njit(cache=True, nogil=True)
@no_type_check
def _slope(values, origin, spacing, x, y, z, m):
    """Displacement at one point, and into m the matrix 1 + du/dp of its cell."""
    i, u = _cell((x - origin[0]) / spacing[0], values.shape[0])
    j, v = _cell((y - origin[1]) / spacing[1], values.shape[1])
    k, w = _cell((z - origin[2]) / spacing[2], values.shape[2])
    i1, j1, k1 = (
        min(i + 1, values.shape[0] - 1),
        min(j + 1, values.shape[1] - 1),
        min(k + 1, values.shape[2] - 1),
    )
    for n in range(3):
        a, b = values[i, j, k, n], values[i, j, k1, n]
        c, d = values[i, j1, k, n], values[i, j1, k1, n]
        e, f = values[i1, j, k, n], values[i1, j, k1, n]
        g, h = values[i1, j1, k, n], values[i1, j1, k1, n]
        ab, cd, ef, gh = a + (b - a) * w, c + (d - c) * w, e + (f - e) * w, g + (h - g) * w
        near, far = ab + (cd - ab) * v, ef + (gh - ef) * v
        m[n, 0] = (far - near) / spacing[0]
        m[n, 1] = ((cd - ab) * (1 - u) + (gh - ef) * u) / spacing[1]
        m[n, 2] = (
            ((b - a) * (1 - v) + (d - c) * v) * (1 - u) + ((f - e) * (1 - v) + (h - g) * v) * u
        ) / spacing[2]
        m[n, n] += 1.0
        m[n, 3] = near + (far - near) * u


@njit(cache=True, nogil=True)
@no_type_check
def _newton(values, origin, spacing, q, p, m, n_steps, tolerance):
    """Improve the displacement p of point q in place; return what remains, in mm."""
    before = np.inf
    for _ in range(n_steps):
        _slope(values, origin, spacing, q[0] + p[0], q[1] + p[1], q[2] + p[2], m)
        r, s, t = p[0] + m[0, 3], p[1] + m[1, 3], p[2] + m[2, 3]
        change = max(abs(r), abs(s), abs(t))
        if change < tolerance or not change < 2 * before:
            return change
        before = change
        a = m[1, 1] * m[2, 2] - m[1, 2] * m[2, 1]
        b = m[0, 2] * m[2, 1] - m[0, 1] * m[2, 2]
        c = m[0, 1] * m[1, 2] - m[0, 2] * m[1, 1]
        det = m[0, 0] * a + m[1, 0] * b + m[2, 0] * c
        if det < 0.02:
            return change
        d = m[1, 2] * m[2, 0] - m[1, 0] * m[2, 2]
        e = m[0, 0] * m[2, 2] - m[0, 2] * m[2, 0]
        f = m[0, 2] * m[1, 0] - m[0, 0] * m[1, 2]
        g = m[1, 0] * m[2, 1] - m[1, 1] * m[2, 0]
        h = m[0, 1] * m[2, 0] - m[0, 0] * m[2, 1]
        i = m[0, 0] * m[1, 1] - m[0, 1] * m[1, 0]
        p[0] -= (a * r + b * s + c * t) / det
        p[1] -= (d * r + e * s + f * t) / det
        p[2] -= (g * r + h * s + i * t) / det
    return np.inf


@njit(cache=True, nogil=True)
@no_type_check
def _plain(values, origin, spacing, q, p, n_steps, tolerance):
    """Find the displacement p of point q by ever shorter steps; return what remains, in mm."""
    change = np.inf
    for step in range(n_steps):
        a, b, c = _lookup(values, origin, spacing, q[0] + p[0], q[1] + p[1], q[2] + p[2])
        change = max(abs(p[0] + a), abs(p[1] + b), abs(p[2] + c))
        if change < tolerance:
            break
        # Full steps converge for small strain; shorter ones also where one direction stretches to
        # several times its length.
        size = 1.0 if step < 12 else (0.5 if step < 50 else 0.25)
        p[0] -= size * (p[0] + a)
        p[1] -= size * (p[1] + b)
        p[2] -= size * (p[2] + c)
    return change


@njit(cache=True, nogil=True)
@no_type_check
def _invert_points(values, origin, spacing, points, result, control):
    n_newton, n_plain, tolerance = control
    worst, m = 0.0, np.zeros((3, 4))
    for n in range(points.shape[0]):
        left = _newton(values, origin, spacing, points[n], result[n], m, n_newton, tolerance)
        if not left < tolerance:
            result[n] = 0.0
            left = _plain(values, origin, spacing, points[n], result[n], n_plain, tolerance)
        worst = max(worst, left)
    return worst


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _invert(values, origin, spacing, active, start, result, to_origin, to_spacing, control):
    n_newton, n_plain, tolerance = control
    worst = np.zeros(result.shape[0])
    for i in prange(result.shape[0]):
        q, p, last, m = np.zeros(3), np.zeros(3), np.zeros(3), np.zeros((3, 4))
        q[0] = to_origin[0] + to_spacing[0] * i
        for j in range(result.shape[1]):
            q[1] = to_origin[1] + to_spacing[1] * j
            last[:] = 0.0
            for k in range(result.shape[2]):
                q[2] = to_origin[2] + to_spacing[2] * k
                for n in range(3):
                    p[n] = start[i, j, k, n]
                a, _ = _cell((q[0] + p[0] - origin[0]) / spacing[0], values.shape[0])
                b, _ = _cell((q[1] + p[1] - origin[1]) / spacing[1], values.shape[1])
                c, _ = _cell((q[2] + p[2] - origin[2]) / spacing[2], values.shape[2])
                if not active[a, b, c]:
                    last[:] = 0.0
                    continue
                for n in range(3):
                    p[n] += last[n]
                left = _newton(values, origin, spacing, q, p, m, n_newton, tolerance)
                if not left < tolerance:
                    p[:] = 0.0
                    left = _plain(values, origin, spacing, q, p, n_plain, tolerance)
                worst[i] = max(worst[i], left)
                for n in range(3):
                    last[n] = p[n] - start[i, j, k, n]
                    result[i, j, k, n] = p[n]
    return worst
