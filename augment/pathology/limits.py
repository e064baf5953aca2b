"""How far a pathology may go before tissue folds: positive Jacobian on a lattice, no triangle
turned over."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int
from numba import njit

from augment.geometry.distance import closest_point
from augment.geometry.rows import cross_rows
from augment.pathology.deformation import Deformation

MIN_JACOBIAN = 0.15  # smallest local volume ratio that a case may have
MAX_COEFFICIENT_MM = 60.0
FREE_SPACE_MM = 4.0
SMOOTH_COSINE = 0.3  # between a triangle and the surface around it, where it is no crease
NOT_SHARED = -1  # row of a lattice point that one field alone moves
_DEPTHS_MM = (0.0, 40.0)  # the skin's share of a field, and the bone's
# How finely folds are looked for: where several fields meet, around the tightest points, for boxes.
JOINT_LATTICE_MM, FINE_MM, COARSE_LATTICE_MM = 6.0, 2.0, 12.0
FINE_MARGIN = 0.12  # of the determinant, within which a point is looked at finely
_FINER = FINE_MM * np.stack(np.meshgrid(*[np.arange(-1, 2)] * 3, indexing="ij"), -1).reshape(-1, 3)
LATTICE_BOX_MM = ((-102.0, -130.0, -150.0), (102.0, 122.0, 150.0))


def _lattice(spacing_mm: float) -> Float[np.ndarray, "points 3"]:
    axes = [np.arange(low, high, spacing_mm) for low, high in zip(*LATTICE_BOX_MM, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)


def _near_motion(
    deformation: Deformation, points: Float[np.ndarray, "points 3"], depth_mm: float
) -> Int[np.ndarray, " near"]:
    """Return the points of a lattice in the box of a coarser one that a field moves."""
    coarse = _lattice(COARSE_LATTICE_MM)
    moved = deformation.displacement(coarse, np.full(len(coarse), depth_mm))
    moving = coarse[np.abs(moved).max(axis=1) > 0]
    if not len(moving):
        return np.arange(len(points))
    low, high = moving.min(axis=0) - COARSE_LATTICE_MM, moving.max(axis=0) + COARSE_LATTICE_MM
    return np.flatnonzero(((points >= low) & (points <= high)).all(axis=1))


def _gradients(
    deformation: Deformation, depth_mm: float, spacing_mm: float
) -> tuple[Int[np.ndarray, " moving"], Float[np.ndarray, "moving 3 3"]]:
    """Return the lattice points that a field moves and its gradient per unit coefficient there."""
    points = _lattice(spacing_mm)
    near = _near_motion(deformation, points, depth_mm)
    depth = np.full(len(near), depth_mm)
    moved = deformation.displacement(points[near], depth)
    moving = near[np.abs(moved).max(axis=1) > 0]
    return moving, _gradients_at(deformation, depth_mm, points[moving])


def _gradients_at(
    deformation: Deformation, depth_mm: float, points: Float[np.ndarray, "points 3"]
) -> Float[np.ndarray, "points 3 3"]:
    """Return the gradient of a field per unit coefficient at points, by central differences."""
    depth, step = np.full(len(points), depth_mm), 0.25
    columns = []
    for shift in step * np.eye(3):
        ahead = deformation.displacement(points + shift, depth)
        behind = deformation.displacement(points - shift, depth)
        columns.append((ahead - behind) / (2 * step))
    return np.stack(columns, axis=-1)


@dataclass(frozen=True)
class LatticeGradients:
    """Gradients of a field per unit coefficient on the joint lattice, on the skin and deep.

    Attributes:
        points: For both depths, the lattice points that move.
        gradients: Their gradients (points 3 3).
    """

    points: tuple[np.ndarray, ...]
    gradients: tuple[np.ndarray, ...]


def lattice_gradients(deformation: Deformation) -> LatticeGradients:
    """Return a field's gradients on the lattice on which several fields are checked together."""
    pairs = [_gradients(deformation, depth, JOINT_LATTICE_MM) for depth in _DEPTHS_MM]
    return LatticeGradients(tuple(p for p, _ in pairs), tuple(g for _, g in pairs))


def joint_jacobian(
    fields: Sequence[LatticeGradients], coefficients: Float[np.ndarray, " fields"]
) -> float:
    """Return the smallest volume ratio det(I + sum of coefficient · gradient) on the lattice, where
    two fields or more move it."""
    smallest = 1.0
    for depth in range(len(_DEPTHS_MM)):
        moved = [field.points[depth] for field in fields]
        shared = np.bincount(np.concatenate(moved)) > 1
        row = np.where(shared, np.cumsum(shared) - 1, NOT_SHARED)  # of a lattice point in `total`
        total = np.broadcast_to(np.eye(3), (int(shared.sum()), 3, 3)).copy()
        for points, field, coefficient in zip(moved, fields, coefficients, strict=True):
            _add_scaled(total, row[points], field.gradients[depth], coefficient)
        smallest = min(smallest, float(_determinants(total).min(initial=1.0)))
    return smallest


@njit(cache=True, nogil=True)
@no_type_check
def _add_scaled(total, rows, gradients, coefficient):
    """Add coefficient · gradient to the rows of a total, in place, but for those not shared."""
    for k in range(len(rows)):
        if rows[k] != NOT_SHARED:
            for i in range(3):
                for j in range(3):
                    total[rows[k], i, j] += coefficient * gradients[k, i, j]


def _determinants(m: Float[np.ndarray, "points 3 3"]) -> Float[np.ndarray, " points"]:
    return np.asarray(np.einsum("nk,nk->n", m[:, 0], cross_rows(m[:, 1], m[:, 2])))


def coefficient_limits(deformation: Deformation) -> tuple[float, float]:
    """Return the smallest and largest coefficient in mm for which det(I + coefficient · gradient)
    stays above 0.15.

    A coarse lattice finds where the volume folds first; a fine one is laid around those points.
    """
    lattice = _lattice(JOINT_LATTICE_MM)
    found = []
    for depth_mm in _DEPTHS_MM:
        moving, gradients = _gradients(deformation, depth_mm, JOINT_LATTICE_MM)
        tight = np.concatenate([_tightest(sign * gradients) for sign in (-1.0, 1.0)])
        around = (lattice[moving][tight][:, None] + _FINER).reshape(-1, 3)
        fine = np.unique(around, axis=0)
        found += [gradients, _gradients_at(deformation, depth_mm, fine)]
    gradients = np.concatenate(found)
    return -_limit(-gradients), _limit(gradients)


def _tightest(gradients: Float[np.ndarray, "points 3 3"]) -> Int[np.ndarray, " tight"]:
    """Return which points are, at the limit of all, within reach of folding."""
    if not len(gradients):
        return np.zeros(0, dtype=int)
    determinants = _determinants(np.eye(3) + _limit(gradients) * gradients)
    return np.flatnonzero(determinants < MIN_JACOBIAN + FINE_MARGIN)


def _limit(gradients: Float[np.ndarray, "points 3 3"]) -> float:
    """Return the largest coefficient c with det(I + c G) = 1 + c tr G + c² m(G) + c³ det G above
    the bound everywhere."""
    trace = np.trace(gradients, axis1=1, axis2=2)
    minors = (trace**2 - np.einsum("nij,nji->n", gradients, gradients)) / 2
    determinant = np.linalg.det(gradients)

    def is_upright(c: float) -> bool:
        return bool((1 + c * (trace + c * (minors + c * determinant)) >= MIN_JACOBIAN).all())

    low, high = 0.0, MAX_COEFFICIENT_MM
    if is_upright(high):
        return high
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (middle, high) if is_upright(middle) else (low, middle)
    return low


def inverted_triangles(
    before: Float[np.ndarray, "vertices 3"],
    after: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "triangles 3"],
) -> int:
    """Return how many triangles were turned over.

    A triangle is turned over when its normal points against the surface around it (the mean normal
    at its corners) after the motion; a surface that merely rotates keeps its triangles in line.
    Creases that turn by more than 72 degrees before the motion (lips in contact, nostril rims) are
    left out: there a small slide looks like a turn. See also `exposed_faces`.
    """
    touched = (before != after).any(axis=1)
    around = faces[touched[faces].any(axis=1)]
    smooth = _agreement(before, around) > SMOOTH_COSINE
    return int((smooth & (_agreement(after, around) < 0)).sum())


def exposed_faces(
    vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "triangles 3"]
) -> Int[np.ndarray, "exposed 3"]:
    """Return the triangles with free space before them: no other skin within 4 mm along the normal.

    Left out are lips in contact, the mouth's inside, the folds of the auricle and the nostrils.
    """
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normals = cross_rows(b - a, c - a)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    probe = (a + b + c) / 3 + FREE_SPACE_MM * normals
    distance = closest_point(probe, vertices, faces).distance_mm
    return np.asarray(
        faces[(distance > 0.85 * FREE_SPACE_MM) & (_agreement(vertices, faces) > 0.5)]
    )


@njit(cache=True, nogil=True)
@no_type_check
def _agreement(vertices, faces):
    """Return the cosine between each triangle's normal and the mean normal at its corners."""
    normals, around = np.zeros((len(faces), 3)), np.zeros((len(vertices), 3))
    for t in range(len(faces)):
        a, b, c = faces[t]
        ux, uy, uz = vertices[b] - vertices[a]
        vx, vy, vz = vertices[c] - vertices[a]
        normals[t] = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for k in range(3):
            around[faces[t, k]] += normals[t]
    cosine = np.zeros(len(faces))
    for t in range(len(faces)):
        mean = around[faces[t, 0]] + around[faces[t, 1]] + around[faces[t, 2]]
        length = np.sqrt((normals[t] ** 2).sum() * (mean**2).sum())
        cosine[t] = (normals[t] * mean).sum() / max(length, 1e-12)
    return cosine
