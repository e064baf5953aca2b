"""How far a pathology may go before tissue folds: positive Jacobian on a lattice, no triangle turned over."""

import numpy as np
from jaxtyping import Float, Int

from augment.pathology.deformation import FOLLOW_DEPTH_MM, Deformation

MIN_JACOBIAN = 0.15  # smallest local volume ratio that a case may have
MAX_COEFFICIENT_MM = 60.0
LATTICE_MM = 4.0
LATTICE_BOX_MM = ((-100.0, -40.0, -150.0), (100.0, 116.0, 90.0))


def _gradients(deformation: Deformation, depth_mm: float) -> Float[np.ndarray, "points 3 3"]:
    """Return the displacement gradient per unit coefficient where the field moves, at one depth."""
    axes = [np.arange(low, high, LATTICE_MM) for low, high in zip(*LATTICE_BOX_MM, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    depth = np.full(len(points), depth_mm)
    moves = np.abs(deformation.displacement(points, depth)).max(axis=1) > 0
    points, depth = points[moves], depth[moves]
    step = 0.25
    columns = []
    for axis in range(3):
        shift = np.zeros(3)
        shift[axis] = step
        ahead = deformation.displacement(points + shift, depth)
        behind = deformation.displacement(points - shift, depth)
        columns.append((ahead - behind) / (2 * step))
    return np.stack(columns, axis=-1)


def coefficient_limits(deformation: Deformation) -> tuple[float, float]:
    """Return the smallest and largest coefficient in mm for which det(I + coefficient · gradient) stays above 0.15."""
    gradients = np.concatenate([_gradients(deformation, 0.0), _gradients(deformation, 2 * FOLLOW_DEPTH_MM)])
    return -_limit(-gradients), _limit(gradients)


def _limit(gradients: np.ndarray) -> float:
    low, high = 0.0, MAX_COEFFICIENT_MM
    identity = np.eye(3)
    if (np.linalg.det(identity + high * gradients) >= MIN_JACOBIAN).all():
        return high
    for _ in range(24):
        middle = (low + high) / 2
        if (np.linalg.det(identity + middle * gradients) >= MIN_JACOBIAN).all():
            low = middle
        else:
            high = middle
    return low


def flipped_triangles(
    before: Float[np.ndarray, "vertices 3"],
    after: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "triangles 3"],
) -> int:
    """Return how many moved triangles turned by more than a right angle."""
    moved = faces[(before[faces] != after[faces]).any(axis=(1, 2))]

    def normals(vertices: np.ndarray) -> np.ndarray:
        a, b, c = (vertices[moved[:, k]] for k in range(3))
        return np.asarray(np.cross(b - a, c - a))

    return int((np.einsum("td,td->t", normals(before), normals(after)) <= 0).sum())
