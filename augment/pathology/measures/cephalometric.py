"""Measures of the facial skeleton from named points: angles in degrees, distances in mm.

Angles that depend on the head's posture first take the Frankfort frame of the points themselves, so
that a rigid motion changes nothing.
"""

import numpy as np

from augment.pathology.measures.frame import Named, frankfort, other_side, require, sign_of

# Outward direction of the right malar eminence in the Frankfort frame: lateral, anterior, superior.
MALAR_OUTWARD = np.array([0.55, 0.80, 0.24]) / np.linalg.norm([0.55, 0.80, 0.24])


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
    other = other_side(side)
    sign = sign_of(side)
    affected, healthy = frankfort(points, f"malare_{side}", f"malare_{other}")
    affected, healthy = affected * [sign, 1, 1], healthy * [-sign, 1, 1]
    return float((healthy - affected) @ MALAR_OUTWARD)


def menton_deviation_mm(points: Named, side: str) -> float:
    """Return the lateral distance of bony menton from the mid-sagittal plane through N, towards a
    side, mm."""
    sign = sign_of(side)
    menton, nasion = frankfort(points, "Me", "N")
    return float(sign * (menton[0] - nasion[0]))


def interorbital_mm(points: Named) -> float:
    """Return the bony interorbital distance between both dacrya, mm."""
    require(points, "dacryon_right", "dacryon_left")
    return float(
        np.linalg.norm(np.asarray(points["dacryon_right"]) - np.asarray(points["dacryon_left"]))
    )


def nasal_axis_deg(points: Named, side: str) -> float:
    """Return the angle of the nasal axis (nasion to pronasale) off the midline in the frontal
    plane, degrees."""
    tip, root = frankfort(points, "pronasale", "nasion")
    axis = tip - root
    sign = sign_of(side)
    return float(np.degrees(np.arctan2(sign * axis[0], -axis[2])))


def hertel_mm(points: Named, side: str) -> float:
    """Return how far the cornea stands before the lateral orbital rim, mm (Hertel 1905)."""
    apex, rim = frankfort(points, f"corneal_apex_{side}", f"lateral_rim_{side}")
    return float(apex[1] - rim[1])


def lid_margin_mm(points: Named, side: str) -> float:
    """Return the height of the upper lid's margin above the pupil, mm (MRD1)."""
    lid, apex = frankfort(points, f"palpebrale_superius_{side}", f"corneal_apex_{side}")
    return float(lid[2] - apex[2])


def ramus_height_mm(points: Named, side: str) -> float:
    """Return the height of the mandibular ramus, condylion to gonion, mm."""
    condylion, gonion = frankfort(points, f"Co_{side}", f"Go_{side}")
    return float(np.linalg.norm(condylion - gonion))


def ramus_ratio(points: Named, side: str) -> float:
    """Return the height of one ramus over that of the other, 1 in a symmetric face."""
    return ramus_height_mm(points, side) / ramus_height_mm(points, other_side(side))


def oral_cant_deg(points: Named, side: str) -> float:
    """Return how far the corner of the mouth of one side stands above the other's, as the angle of
    the line of both corners with the Frankfort horizontal in the frontal plane, degrees."""
    high, low = frankfort(points, f"cheilion_{side}", f"cheilion_{other_side(side)}")
    return float(np.degrees(np.arctan2(high[2] - low[2], sign_of(side) * (high[0] - low[0]))))


def subnasale_deviation_mm(points: Named, cleft_side: str) -> float:
    """Return how far subnasale stands off the midline through nasion, away from the cleft, mm."""
    subnasale, nasion = frankfort(points, "subnasale", "nasion")
    return float(-sign_of(cleft_side) * (subnasale[0] - nasion[0]))


def zygomatic_axis_deg(points: Named) -> float:
    """Return the angle at hormion between both zygomas in the basal view, degrees.

    Cha et al., Maxillofac Plast Reconstr Surg 2018;40:40: 98.1 degrees at 9 years; it opens as the
    zygomas retreat. Hormion stands where a healthy head has this angle.
    """
    base, right, left = frankfort(points, "hormion", "Zy_right", "Zy_left")
    flat = [np.array([p[0], p[1], 0.0]) for p in (base, right, left)]
    return angle_deg(*flat)


def gonion_gnathion_mm(points: Named) -> float:
    """Return the length of the mandible's body, midway between both gonia to gnathion, mm."""
    right, left, gnathion = frankfort(points, "Go_right", "Go_left", "Gn")
    return float(np.linalg.norm(gnathion - (right + left) / 2))


def nasal_width_mm(points: Named) -> float:
    """Return the width between both alaria, mm (Farkas' al-al)."""
    right, left = frankfort(points, "alare_right", "alare_left")
    return float(np.linalg.norm(right - left))


def lip_height_mm(points: Named) -> float:
    """Return the height of both vermilions, labiale superius to labiale inferius, mm."""
    upper, lower = frankfort(points, "labiale_superius", "labiale_inferius")
    return float(upper[2] - lower[2])


# Where the thickness of one half of the face is compared with the other, temple to jaw.
HEMIFACE = ("frontotemporale", "zygion", "malare", "buccale", "gonion")


def hemiface_loss_mm(points: Named, side: str) -> float:
    """Return by how much one half of the face is thinner than the other's mirror image, mm.

    The mean over temple, zygion, malar eminence, cheek and gonion of the way along the outward
    direction in the transverse plane.
    """
    losses = []
    for name in HEMIFACE:
        affected, healthy = frankfort(points, f"{name}_{side}", f"{name}_{other_side(side)}")
        affected = affected * [sign_of(side), 1, 1]
        healthy = healthy * [-sign_of(side), 1, 1]
        outward = np.array([healthy[0], max(healthy[1], 0.0), 0.0])
        losses.append((healthy - affected) @ outward / np.linalg.norm(outward))
    return float(np.mean(losses))


def excursion_loss_percent(rest: Named, smiling: Named, side: str) -> float:
    """Return how much less the corner of the mouth moves in a smile than the other one, percent.

    Args:
        rest: Landmarks at rest.
        smiling: Landmarks of the same head at its fullest smile, in the same frame of the skull.
        side: The side that is asked about.
    """
    corners = [f"cheilion_{side}", f"cheilion_{other_side(side)}"]
    require(rest, *corners)
    require(smiling, *corners)
    moved = [float(np.linalg.norm(smiling[name] - rest[name])) for name in corners]
    return 100.0 * (1.0 - moved[0] / moved[1])
