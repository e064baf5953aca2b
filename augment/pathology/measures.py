"""Clinical measures: named points or meshes enter, one number in millimetres, degrees or cm³
leaves.

No measure knows of fields or coefficients: each works on any landmarked head. Angles that depend on
the head's posture
first take the Frankfort frame of the points themselves, so that a rigid motion changes nothing.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

from augment.morphable.prior import head_frame
from augment.pathology.limits import cross_rows

Named = Mapping[str, Float[np.ndarray, "3"]]

# Outward direction of the right malar eminence in the Frankfort frame: lateral, anterior, superior.
MALAR_OUTWARD = np.array([0.55, 0.80, 0.24]) / np.linalg.norm([0.55, 0.80, 0.24])


FRANKFORT_POINTS = ("tragion_right", "tragion_left", "orbitale_right", "orbitale_left")


def frankfort(points: Named, *names: str) -> list[np.ndarray]:
    """Return named points in the head's own Frankfort frame.

    Args:
        points: Landmarks, with both tragia and orbitalia among them, in any frame.
        names: Which points to return, in this order.

    Returns:
        Positions (3,): x right, y anterior, z superior, origin midway between the tragia, mm.
    """
    rotation, origin = head_frame(np.stack([points[name] for name in FRANKFORT_POINTS]))
    return [rotation @ (points[name] - origin) for name in names]


def angle_deg(vertex: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """Return the angle at a vertex between two points in degrees."""
    a, b = first - vertex, second - vertex
    sine_squared = max((a @ a) * (b @ b) - (a @ b) ** 2, 0.0)
    return float(np.degrees(np.arctan2(np.sqrt(sine_squared), a @ b)))


def _sagittal(point: np.ndarray) -> np.ndarray:
    """Return a point projected on the mid-sagittal plane of the Frankfort frame."""
    return np.array([0.0, point[1], point[2]])


def sna_deg(points: Named) -> float:
    """Return the angle SNA in degrees, in the sagittal projection (Steiner, Am J Orthod
    1953;39:729)."""
    n, s, a = map(_sagittal, frankfort(points, "N", "S", "A"))
    return angle_deg(n, s, a)


def snb_deg(points: Named) -> float:
    """Return the angle SNB in degrees, in the sagittal projection (Steiner 1953)."""
    n, s, b = map(_sagittal, frankfort(points, "N", "S", "B"))
    return angle_deg(n, s, b)


def anb_deg(points: Named) -> float:
    """Return ANB = SNA - SNB in degrees; negative where the mandible lies ahead of the maxilla
    (Steiner 1953)."""
    return sna_deg(points) - snb_deg(points)


def reverse_anb_deg(points: Named) -> float:
    """Return -ANB in degrees, which grows with mandibular prognathism."""
    return -anb_deg(points)


def sn_gogn_deg(points: Named) -> float:
    """Return the angle between S-N and the mandibular plane Go-Gn in degrees (Steiner 1953)."""
    n, s, right, left, gn = map(_sagittal, frankfort(points, "N", "S", "Go_right", "Go_left", "Gn"))
    return angle_deg(np.zeros(3), n - s, gn - (right + left) / 2)


def malar_depression_mm(points: Named, side: str) -> float:
    """Return how far a malar eminence lies behind the mirror image of the other one, mm.

    The other side is mirrored in the mid-sagittal plane of the Frankfort frame; the difference is
    taken along the
    outward direction of the eminence.
    """
    other = "left" if side == "right" else "right"
    sign = 1.0 if side == "right" else -1.0
    affected, healthy = frankfort(points, f"malare_{side}", f"malare_{other}")
    affected, healthy = affected * [sign, 1, 1], healthy * [-sign, 1, 1]
    return float((healthy - affected) @ MALAR_OUTWARD)


def menton_deviation_mm(points: Named, side: str) -> float:
    """Return the lateral distance of bony menton from the mid-sagittal plane through N, towards a
    side, mm."""
    sign = 1.0 if side == "right" else -1.0
    menton, nasion = frankfort(points, "Me", "N")
    return float(sign * (menton[0] - nasion[0]))


def interorbital_mm(points: Named) -> float:
    """Return the bony interorbital distance between both dacrya, mm."""
    return float(
        np.linalg.norm(np.asarray(points["dacryon_right"]) - np.asarray(points["dacryon_left"]))
    )


def nasal_axis_deg(points: Named, side: str) -> float:
    """Return the angle of the nasal axis (nasion to pronasale) off the midline in the frontal
    plane, degrees."""
    tip, root = frankfort(points, "pronasale", "nasion")
    axis = tip - root
    sign = 1.0 if side == "right" else -1.0
    return float(np.degrees(np.arctan2(sign * axis[0], -axis[2])))


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
