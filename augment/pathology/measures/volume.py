"""Volumes and areas from meshes: vertices and triangles enter, cm³ or cm² leave."""

import numpy as np
from jaxtyping import Float, Int

from augment.geometry.rows import cross_rows


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
    differ by the volume between them as long as their boundary has not moved.
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


def area_within_cm2(
    vertices: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "triangles 3"],
    plane: Float[np.ndarray, "vertices 2"],
    radius: float,
) -> float:
    """Return the area of the part of a surface that a map to a plane brings into a disc, cm².

    Each triangle counts with the share of its image that lies in the disc, in closed form, so that
    the area grows smoothly from the first touch on; exact where the map is affine in each triangle.

    Args:
        vertices: Positions, mm.
        faces: Triangles.
        plane: Where each vertex is mapped to; infinite where it is not mapped.
        radius: Radius of the disc about the plane's origin, in the plane's unit.
    """
    faces = faces[np.isfinite(plane[faces]).all(axis=(1, 2))]
    images = plane[faces]
    # The disc cannot reach a triangle that lies wholly beyond one of its sides.
    beyond = (images > radius).all(axis=1) | (images < -radius).all(axis=1)
    faces, images = faces[~beyond.any(axis=1)], images[~beyond.any(axis=1)]
    corners = vertices[faces]
    doubled = cross_rows(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(doubled, axis=1) / 2
    return float((area * _share_in_disc(images, radius)).sum()) / 100.0


def _share_in_disc(
    triangles: Float[np.ndarray, "triangles 3 2"], radius: float
) -> Float[np.ndarray, " triangles"]:
    """Return the share of each triangle's area that lies in a disc about the origin."""
    covered = sum(
        _sector_or_triangle(triangles[:, k], triangles[:, (k + 1) % 3], radius) for k in range(3)
    )
    whole = sum(_cross(triangles[:, k], triangles[:, (k + 1) % 3]) for k in range(3)) / 2
    return np.asarray(np.abs(covered) / np.maximum(np.abs(whole), 1e-12))


def _sector_or_triangle(a: np.ndarray, b: np.ndarray, radius: float) -> np.ndarray:
    """Return the signed area that a disc about the origin shares with the triangle (origin, a, b).

    Inside the disc the edge bounds a triangle, outside of it the arc bounds a sector.
    """
    along = b - a
    length = np.maximum((along * along).sum(axis=1), 1e-12)
    middle = -(a * along).sum(axis=1) / length
    half = middle**2 - ((a * a).sum(axis=1) - radius**2) / length
    half = np.sqrt(np.maximum(half, 0.0))
    enter, leave = (np.clip(middle + sign * half, 0.0, 1.0)[:, None] for sign in (-1.0, 1.0))
    p, q = a + enter * along, a + leave * along
    return (radius**2 * (_angle(a, p) + _angle(q, b)) + _cross(p, q)) / 2


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])


def _angle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.arctan2(_cross(a, b), (a * b).sum(axis=1))
