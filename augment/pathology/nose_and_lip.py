"""Pathologies of nose and lip: the crooked dorsum, the nose of a unilateral cleft lip."""

import numpy as np

from augment.pathology import measures
from augment.pathology.deformation import Field, Points, bump, ellipsoidal, push, ramp
from augment.pathology.entry import Anchors, Grade, HeadGeometry, Pathology


def _deviated_dorsum(anchors: Anchors) -> Field:
    nasion, tip = anchors["nasion"], anchors["pronasale"]
    subnasale, stomion = anchors["subnasale"], anchors["stomion"]

    def field(points: Points) -> Points:
        x, y, z = points.T
        along = np.clip((nasion[2] + 4.0 - z) / (nasion[2] + 4.0 - tip[2]), 0.0, None)
        # Linear along the dorsum, with a soft start at the root.
        lean = along**2 / (along + 0.15) * 1.15
        base = ramp(z, stomion[2] + 4.0, subnasale[2] + 1.0)
        share = np.minimum(lean, 1.4) * base * bump(x / 46.0, flatness=3) * ramp(y, 58.0, 82.0)
        return push(share, (1.0, 0.0, 0.0))

    return field


def _cleft_nose(anchors: Anchors) -> Field:
    """Carry columella and tip off to the healthy left, flatten and spread the right ala, pull the
    lip up to the scar."""
    subnasale, tip = anchors["subnasale"], anchors["pronasale"]
    ala, base = anchors["alare_right"], anchors["subalare_right"]
    peak = anchors["crista_philtri_right"]
    dome = tip + np.array([6.0, -4.0, 0.0])

    def field(points: Points) -> Points:
        columella = bump(
            ellipsoidal(points, subnasale + np.array([0.0, 2.0, 3.0]), (23.0, 28.0, 26.0))
        )
        caudal = bump(ellipsoidal(points, tip, (19.0, 24.0, 24.0)))
        wing = bump(
            ellipsoidal(points, (ala + base) / 2 + np.array([3.0, 0.0, 0.0]), (18.0, 24.0, 19.0))
        )
        flat = bump(ellipsoidal(points, dome, (12.0, 15.0, 13.0)))
        scar = bump(ellipsoidal(points, peak + np.array([2.0, 0.0, 2.0]), (11.0, 20.0, 15.0)))
        return np.asarray(
            push(columella, (-1.0, 0.0, 0.0))
            + push(caudal, (-0.35, 0.0, 0.0))
            + push(wing, (0.55, -0.40, -0.25))
            + push(flat, (0.10, -0.30, -0.35))
            + push(scar, (0.10, -0.10, 0.45))
        )

    return field


def _axis(head: HeadGeometry, side: str | None) -> float:
    return measures.nasal_axis_deg(head.points, str(side))


def _subnasale(head: HeadGeometry, side: str | None) -> float:
    return measures.subnasale_deviation_mm(head.points, str(side))


CROOKED_NOSE = Pathology(
    name="crooked_nose",
    title="Crooked nose (nasal fracture, Jang type I)",
    parameter="nasal axis deviation",
    unit="deg",
    sides=("left", "right"),
    norm="0-2 deg",
    grades=(
        Grade("mild", 3.0, 5.0, "proposal"),
        Grade("moderate", 5.0, 10.0, "proposal"),
        Grade("severe", 10.0, 14.0, "proposal"),
    ),
    source="types: MedCrave JOENTR 11-00400 (Jang 2008)",
    region=(
        "nasal_dorsum",
        "nasal_tip",
        "nasal_ala",
        "nasal_sidewall",
        "upper_lip_skin",
        "infraorbital",
        "buccal",
        "glabella",
        "upper_lip",
        "malar",
        "lower_lid",
        "mouth_cavity",
        "teeth_upper",
        "upper_lid",
        "sclera",
        "iris",
    ),
    bone_follow=1.0,
    skin_follow=1.0,
    follow_source="proposal: the nose's skin lies 3 mm above bone and cartilage (Stephan and "
    "Simpson 2008)",
    field=_deviated_dorsum,
    measure=_axis,
)

CLEFT_LIP_NOSE = Pathology(
    name="cleft_lip_nose",
    title="Nose of a unilateral cleft lip, on the cleft's side",
    parameter="subnasale deviation from the cleft",
    unit="mm",
    sides=("left", "right"),
    norm="0 mm",
    grades=(
        Grade("mild", 1.0, 3.0, "proposal"),
        Grade("moderate", 3.0, 6.0, "proposal"),
        Grade("severe", 6.0, 9.0, "proposal"),
    ),
    source="means of 4.6 mm with the alar base 1.6 mm back and 2.3 mm lateral: AAPS 2019 abstract "
    "63 (n = 102); PMC5876085",
    region=(
        "nasal_dorsum",
        "nasal_tip",
        "nasal_ala",
        "nasal_sidewall",
        "upper_lip_skin",
        "upper_lip",
        "infraorbital",
        "buccal",
        "mouth_cavity",
        "teeth_upper",
    ),
    bone_follow=0.6,
    skin_follow=1.0,
    follow_source="proposal: the piriform rim and the spine follow in part",
    field=_cleft_nose,
    measure=_subnasale,
)
