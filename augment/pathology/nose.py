"""Pathologies of the nose: the crooked dorsum."""

import numpy as np

from augment.pathology import measures
from augment.pathology.deformation import Field, Points, bump, ramp
from augment.pathology.entry import Anchors, Grade, HeadGeometry, Pathology


def _deviated_dorsum(anchors: Anchors) -> Field:
    nasion, tip = anchors["nasion"], anchors["pronasale"]
    subnasale, stomion = anchors["subnasale"], anchors["stomion"]

    def field(points: Points) -> Points:
        x, y, z = points.T
        along = np.clip((nasion[2] + 4.0 - z) / (nasion[2] + 4.0 - tip[2]), 0.0, None)
        lean = (
            along**2 / (along + 0.15) * 1.15
        )  # linear along the dorsum, with a soft start at the root
        base = ramp(z, stomion[2] + 4.0, subnasale[2] + 1.0)
        share = np.minimum(lean, 1.4) * base * bump(x / 46.0, flatness=3) * ramp(y, 58.0, 82.0)
        return np.asarray(share[:, None] * np.array([1.0, 0.0, 0.0]))

    return field


def _axis(head: HeadGeometry, side: str | None) -> float:
    return measures.nasal_axis_deg(head.points, str(side))


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
