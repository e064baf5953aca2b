"""Pathologies of the mandible: it advances, retreats or deviates about the joint, chin and lower
lip with it."""

import numpy as np

from augment.pathology import measures
from augment.pathology.deformation import Field, Points, bump, ramp
from augment.pathology.entry import Anchors, Grade, HeadGeometry, Pathology

_REGION = (
    "chin",
    "lower_lip",
    "lower_lip_skin",
    "upper_lip",
    "upper_lip_skin",
    "mandibular_border",
    "masseteric",
    "buccal",
    "neck",
    "mouth_cavity",
    "tongue",
    "teeth_lower",
    "teeth_upper",
)
_FOLLOW_SOURCE = (
    "soft pogonion 0.97, B 1.0 and lower lip 0.8 of the bone in mandibular setback: Mobarak "
    "et al., Am J Orthod Dentofacial Orthop 2001;119:353"
)


# How far below the mouth's line the mandible's motion is complete; the lower lip follows in part,
# as it does in patients.
LIP_REACH_MM = 22.0


def _mandible(points: Points, anchors: Anchors, lip_reach_mm: float) -> np.ndarray:
    """Return 1 on the mandible's body, 0 above the mouth, behind the ramus and in the neck.

    The upper border runs along the occlusal plane and rises towards the joint, which stays in
    place.
    """
    y, z = points[:, 1], points[:, 2]
    stomion, menton = anchors["stomion"], anchors["menton"]
    top = stomion[2] + np.clip(0.35 * (stomion[1] - 12.0 - y), 0.0, 24.0)
    from_above = ramp(z, top + 10.0, top - lip_reach_mm)
    from_below = ramp(z, menton[2] - 32.0, menton[2] - 3.0)
    from_behind = ramp(y, 4.0, 46.0)
    lateral = bump(points[:, 0] / 92.0, flatness=4)
    return np.asarray(from_above * from_below * from_behind * lateral)


def _sagittal_field(anchors: Anchors, direction: float) -> Field:
    def field(points: Points) -> Points:
        return np.asarray(
            _mandible(points, anchors, LIP_REACH_MM)[:, None] * np.array([0.0, direction, 0.0])
        )

    return field


def _advance(anchors: Anchors) -> Field:
    return _sagittal_field(anchors, 1.0)


def _retreat(anchors: Anchors) -> Field:
    return _sagittal_field(anchors, -1.0)


def _deviate(anchors: Anchors) -> Field:
    reach = anchors["stomion"][2] - anchors["menton"][2] - 8.0

    def field(points: Points) -> Points:
        share = _mandible(points, anchors, reach) * bump(points[:, 0] / 84.0, flatness=3)
        return np.asarray(share[:, None] * np.array([1.0, 0.0, 0.0]))

    return field


def _reverse_anb(head: HeadGeometry, _side: str | None) -> float:
    return measures.reverse_anb_deg(head.points)


def _anb(head: HeadGeometry, _side: str | None) -> float:
    return measures.anb_deg(head.points)


def _deviation(head: HeadGeometry, side: str | None) -> float:
    return measures.menton_deviation_mm(head.points, str(side))


PROGNATHISM = Pathology(
    name="mandibular_prognathism",
    title="Mandibular prognathism (Class III)",
    parameter="-ANB",
    unit="deg",
    sides=(),
    norm="ANB 2 (Steiner), so -ANB = -2",
    grades=(
        Grade("mild", 0.0, 2.0, "proposal"),
        Grade("moderate", 2.0, 5.0, "proposal"),
        Grade("severe", 5.0, 9.0, "proposal"),
    ),
    source="Steiner norms; phenotypes in Angle Orthod 92(4):537 (n = 326)",
    region=_REGION,
    bone_follow=1.0,
    skin_follow=0.95,
    follow_source=_FOLLOW_SOURCE,
    field=_advance,
    measure=_reverse_anb,
)

RETROGNATHIA = Pathology(
    name="mandibular_retrognathia",
    title="Mandibular retrognathia (Class II)",
    parameter="ANB",
    unit="deg",
    sides=(),
    norm="ANB 2 (Steiner)",
    grades=(
        Grade("mild", 4.0, 6.0, "proposal"),
        Grade("moderate", 6.0, 9.0, "proposal"),
        Grade("severe", 9.0, 11.0, "proposal"),
    ),
    source="Steiner norms; overjet groups in scribd 413580108 (n = 113); surgical case ANB 6, "
    "jdentalpanacea 14545",
    region=_REGION,
    bone_follow=1.0,
    skin_follow=0.95,
    follow_source=_FOLLOW_SOURCE,
    field=_retreat,
    measure=_anb,
)

CHIN_DEVIATION = Pathology(
    name="chin_deviation",
    title="Chin deviation (condylar hyperplasia)",
    parameter="menton deviation",
    unit="mm",
    sides=("left", "right"),
    norm="< 3 mm",
    grades=(
        Grade("mild", 3.0, 5.0, "published"),
        Grade("moderate", 5.0, 10.0, "proposal"),
        Grade("severe", 10.0, 14.0, "proposal"),
    ),
    source="noticed from 3 mm on: PMC5556787 (n = 434 raters)",
    region=_REGION,
    bone_follow=1.0,
    skin_follow=0.95,
    follow_source=_FOLLOW_SOURCE,
    field=_deviate,
    measure=_deviation,
)
