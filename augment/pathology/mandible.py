"""Pathologies of the mandible: it advances, retreats or deviates about the joint, chin and lower
lip with it."""

import numpy as np

from augment.pathology import measures
from augment.pathology.deformation import (
    Field,
    Points,
    bump,
    ellipsoidal,
    push,
    ramp,
    slope,
)
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
        return push(_mandible(points, anchors, LIP_REACH_MM), (0.0, direction, 0.0))

    return field


def _advance(anchors: Anchors) -> Field:
    return _sagittal_field(anchors, 1.0)


def _retreat(anchors: Anchors) -> Field:
    return _sagittal_field(anchors, -1.0)


def _deviate(anchors: Anchors) -> Field:
    reach = anchors["stomion"][2] - anchors["menton"][2] - 8.0

    def field(points: Points) -> Points:
        share = _mandible(points, anchors, reach) * bump(points[:, 0] / 84.0, flatness=3)
        return push(share, (1.0, 0.0, 0.0))

    return field


def _open_angle(anchors: Anchors) -> Field:
    """Rotate the mandible down and back, with a long lower third and a short ramus."""
    subnasale, menton = anchors["subnasale"], anchors["menton"]
    gonion = anchors["Go_right"]

    def field(points: Points) -> Points:
        x, y, z = points.T
        down = slope(z, subnasale[2] + 2.0, menton[2] + 6.0)
        down = down * ramp(z, menton[2] - 60.0, menton[2] - 4.0) * ramp(y, -6.0, 52.0)
        down = down * bump(x / 92.0, flatness=4)
        mirrored = np.stack([np.abs(x), y, z], axis=1)
        up = bump(ellipsoidal(mirrored, gonion + np.array([6.0, -4.0, 0.0]), (38.0, 34.0, 48.0)))
        jaw = push(down, (0.0, -0.35, -1.0))
        return np.asarray(jaw + push(up, (0.0, 0.1, 0.8)))

    return field


# The auricle shrinks by this share per mm of the gonion's way.
MICROSOMIC_EAR_SHRINKAGE = 0.011


def _short_ramus(anchors: Anchors) -> Field:
    """Raise the right gonion towards the joint; chin and mouth's corner follow to the right."""
    condylion, gonion, menton = anchors["Co_right"], anchors["Go_right"], anchors["menton"]
    stomion = anchors["stomion"]

    def field(points: Points) -> Points:
        x, y, z = points.T
        along = slope(z, condylion[2] + 4.0, gonion[2] - 1.0, soft=0.1)
        along = along * ramp(z, gonion[2] - 82.0, gonion[2] - 8.0)
        back = ramp(x, 0.0, 38.0) * bump(x / 104.0, flatness=6)
        back = back * ramp(y, -40.0, 10.0) * ramp(y, 84.0, 22.0)
        ramus = push(along * back, (-0.06, 0.03, 1.0))
        front = ramp(z, stomion[2] + 26.0, menton[2] + 20.0) * ramp(
            z, menton[2] - 40.0, menton[2] - 4.0
        )
        front = front * ramp(y, 12.0, 70.0) * bump((x - 8.0) / 76.0, flatness=3)
        tilt = 0.05 + 0.20 * ramp(x, -30.0, 34.0)
        chin = push(front, (0.24, -0.14, 0.0)) + push(front * tilt, (0.0, 0.0, 1.0))
        return np.asarray(ramus + chin)

    return field


def _small_cheek_and_ear(anchors: Anchors) -> Field:
    """Thin the soft tissue of the right cheek and shrink the auricle."""
    cheek = (anchors["buccale_right"] + anchors["gonion_right"]) / 2 + np.array([6.0, 0.0, 10.0])
    ear = anchors["tragion_right"] + np.array([4.0, -6.0, 4.0])

    def field(points: Points) -> Points:
        hollow = bump(ellipsoidal(points, cheek, (44.0, 48.0, 44.0)))
        inward = push(hollow, (-0.15, -0.05, 0.0))
        share = bump(ellipsoidal(points, ear, (34.0, 34.0, 46.0)), flatness=4)
        share = share * ramp(points[:, 0], 54.0, 84.0)
        small = -MICROSOMIC_EAR_SHRINKAGE * share[:, None] * (points - ear)
        return np.asarray(inward + small)

    return field


def _tilted_mouth(anchors: Anchors) -> Field:
    """Raise the mouth's corner of the side to which the chin deviates."""
    stomion, menton = anchors["stomion"], anchors["menton"]

    def field(points: Points) -> Points:
        x, y, z = points.T
        share = ramp(z, stomion[2] + 34.0, stomion[2] + 4.0)
        share = share * ramp(z, menton[2] - 6.0, menton[2] + 24.0) * ramp(y, 10.0, 60.0)
        share = share * bump(x / 72.0, flatness=4) * np.clip(x / 40.0, -1.5, 1.5)
        return push(share, (0.0, 0.0, 0.3))

    return field


def _reverse_anb(head: HeadGeometry, _side: str | None) -> float:
    return measures.reverse_anb_deg(head.points)


def _anb(head: HeadGeometry, _side: str | None) -> float:
    return measures.anb_deg(head.points)


def _deviation(head: HeadGeometry, side: str | None) -> float:
    return measures.menton_deviation_mm(head.points, str(side))


def _mandibular_plane(head: HeadGeometry, _side: str | None) -> float:
    return measures.sn_gogn_deg(head.points)


def _ramus(head: HeadGeometry, side: str | None) -> float:
    return measures.ramus_ratio(head.points, str(side))


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
    associated=_tilted_mouth,
    associated_changes="the mouth's corner of that side stands higher",
)

LONG_FACE = Pathology(
    name="long_face",
    title="Long face (hyperdivergent)",
    parameter="SN-GoGn",
    unit="deg",
    sides=(),
    norm="32 deg (Steiner)",
    grades=(
        Grade("mild", 36.0, 40.0, "proposal"),
        Grade("moderate", 40.0, 44.0, "proposal"),
        Grade("severe", 44.0, 48.0, "proposal"),
    ),
    source="Steiner norm; span 24-44 of the floating norms in BioMed Res Int 2018:8740731, tab. 3",
    region=(
        *_REGION,
        "malar",
        "nasal_tip",
        "nasal_ala",
    ),
    bone_follow=1.0,
    skin_follow=0.95,
    follow_source=_FOLLOW_SOURCE,
    field=_open_angle,
    measure=_mandibular_plane,
    ages=(5.0, 120.0),
)

HEMIFACIAL_MICROSOMIA = Pathology(
    name="hemifacial_microsomia",
    title="Hemifacial microsomia (Pruzansky-Kaban)",
    parameter="ramus height over the other side's",
    unit="ratio",
    sides=("left", "right"),
    norm="1.0",
    grades=(
        Grade("mild", 0.80, 0.95, "proposal"),
        Grade("moderate", 0.50, 0.80, "proposal"),
        Grade("severe", 0.40, 0.50, "proposal"),
    ),
    source="grades I, IIA/IIB, III: J Korean Assoc Maxillofac Plast Reconstr Surg "
    "s40902-015-0027-z, table 1; Front Pediatr 2023.1157607 (n = 210); ratios are fitted to its "
    "tables",
    region=(
        *_REGION,
        "ear",
        "scalp",
        "malar",
        "temple",
        "nasal_tip",
    ),
    bone_follow=1.0,
    skin_follow=0.9,
    follow_source="proposal: the cheek's soft tissue is thinner on that side as well",
    field=_short_ramus,
    skin_field=_small_cheek_and_ear,
    measure=_ramus,
)
