"""Volumes and areas from meshes: vertices and triangles enter, cm³ or cm² leave."""

import numpy as np
from jaxtyping import Float, Int

from augment.pathology.limits import cross_rows


def volume_cm3(
    vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "triangles 3"]
) -> float:
    """Return the signed volume under a mesh in cm³: the sum of tetrahedra to the origin (divergence
    theorem)."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return float(np.einsum("td,td->", a, cross_rows(b, c))) / 6000.0


def swelling_cm3(
    healthy: Float[np.ndarray, "vertices 3"],
    swollen: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "triangles 3"],
) -> float:
    """Return the volume between two surfaces of one topology in cm³.

    Exact for triangles that the motion leaves joined at the rim: the volumes of the open surfaces
    differ by the
    volume between them as long as their boundary has not moved.
    """
    shifted = (healthy != swollen).any(axis=1)
    moved = shifted[faces].any(axis=1)
    return volume_cm3(swollen, faces[moved]) - volume_cm3(healthy, faces[moved])


def volume_ratio_percent(
    affected: Float[np.ndarray, "vertices 3"],
    healthy: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "triangles 3"],
) -> float:
    """Return by how much one closed surface holds more than another of the same triangles, percent.

    Either surface may be the mirror image of the other: signs are left out.
    """
    return 100.0 * (abs(volume_cm3(affected, faces)) / abs(volume_cm3(healthy, faces)) - 1.0)


def area_above_cm2(
    vertices: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "triangles 3"],
    level: Float[np.ndarray, " vertices"],
) -> float:
    """Return the area of the part of a surface where a function is positive, cm².

    The function is linear in each triangle; triangles that its zero line crosses count with their
    exact share, so that the area changes without jumps.

    Args:
        vertices: Positions, mm.
        faces: Triangles.
        level: The function's value at each vertex.
    """
    values = level[faces]
    touched = (values > 0).any(axis=1)
    values, corners = values[touched], vertices[faces[touched]]
    doubled = cross_rows(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(doubled, axis=1) / 2
    return float((area * _share_above(values)).sum()) / 100.0


def _share_above(values: Float[np.ndarray, "triangles 3"]) -> Float[np.ndarray, " triangles"]:
    """Return the share of each triangle's area where a linear function is positive."""
    low, middle, high = np.sort(values, axis=1).T
    with np.errstate(divide="ignore", invalid="ignore"):
        corner_above = high**2 / ((high - low) * (high - middle))
        corner_below = low**2 / ((low - high) * (low - middle))
    share = np.where(middle > 0, 1.0 - corner_below, corner_above)
    share = np.where(low >= 0, 1.0, share)
    return np.asarray(np.where(high <= 0, 0.0, share))
