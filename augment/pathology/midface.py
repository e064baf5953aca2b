"""Pathologies of the midface: depressed zygoma, hypoplastic maxilla, syndromic retrusion, cant."""

import numpy as np

from augment.pathology import measures
from augment.pathology.deformation import Field, Points, bump, ellipsoidal, push, ramp, slope
from augment.pathology.entry import Anchors, Cohort, Grade, HeadGeometry, Pathology

ZYGOMA_RADII_MM = (30.0, 36.0, 27.0)


def _depressed_zygoma(anchors: Anchors) -> Field:
    centre = anchors["malare_right"] - measures.MALAR_OUTWARD * 4.0

    def field(points: Points) -> Points:
        share = bump(ellipsoidal(points, centre, ZYGOMA_RADII_MM), flatness=2)
        return np.asarray(-share[:, None] * measures.MALAR_OUTWARD)

    return field


def _retruded_maxilla(anchors: Anchors) -> Field:
    stomion, nasion = anchors["stomion"], anchors["nasion"]
    subnasale, tip = anchors["subnasale"], anchors["pronasale"]

    def field(points: Points) -> Points:
        x, y, z = points.T
        height = ramp(z, nasion[2] - 2.0, nasion[2] - 26.0) * ramp(
            z, stomion[2] - 9.0, stomion[2] + 5.0
        )
        depth = ramp(y, 12.0, 52.0)
        # The nasal tip follows less than its base.
        nose = 1.0 - 0.6 * ramp(y, subnasale[1] + 1.0, tip[1])
        share = height * depth * nose * bump(x / 66.0, flatness=3)
        return push(share, (0.0, -1.0, 0.0))

    return field


def _lowered_globe(anchors: Anchors) -> Field:
    """Lower the globe and its outer canthus with the fractured orbital floor."""
    globe = (anchors["exocanthion_right"] + anchors["endocanthion_right"]) / 2 - np.array(
        [0.0, 8.0, 0.0]
    )

    def field(points: Points) -> Points:
        share = bump(ellipsoidal(points, globe, (25.0, 42.0, 24.0)), flatness=4)
        return push(share, (0.0, -0.12, -0.25))

    return field


def _syndromic_retrusion(anchors: Anchors) -> Field:
    """Carry zygomas, maxilla, nasal root and supraorbital rims back; the globes stay."""
    nasion, stomion = anchors["nasion"], anchors["stomion"]
    subnasale, tip = anchors["subnasale"], anchors["pronasale"]
    globe = anchors["corneal_apex_right"] - np.array([0.0, 13.0, 0.0])
    vertex = anchors["vertex"]

    def field(points: Points) -> Points:
        x, y, z = points.T
        lateral = np.abs(x)
        height = ramp(z, nasion[2] + 44.0, nasion[2] - 12.0) * ramp(
            z, stomion[2] - 8.0, stomion[2] + 14.0
        )
        nose = 1.0 - 0.45 * ramp(y, subnasale[1] + 1.0, tip[1])
        eyes = np.stack([lateral, y, z], axis=1)
        stays = 1.0 - 0.6 * bump(ellipsoidal(eyes, globe, (29.0, 50.0, 27.0)), flatness=2)
        share = height * slope(y, 27.0, 62.0) * nose * stays * bump(x / 80.0, flatness=4)
        back = push(share, (0.0, -1.0, 0.0))
        apart = share * ramp(lateral, 0.0, 16.0) * ramp(lateral, 70.0, 40.0) * np.sign(x)
        tower = ramp(z, nasion[2] + 40.0, vertex[2]) * ramp(y, -60.0, 30.0)
        return np.asarray(back + push(apart, (0.14, 0.0, 0.0)) + push(tower, (0.0, 0.0, 0.35)))

    return field


def _tilted_face(anchors: Anchors) -> Field:
    """Turn jaws and mouth in the frontal plane, the right side upwards."""
    menton, orbitale = anchors["menton"], anchors["orbitale_right"]
    pivot, arm = -8.0, 40.0

    def field(points: Points) -> Points:
        x, y, z = points.T
        share = ramp(z, orbitale[2] + 2.0, orbitale[2] - 40.0)
        share = share * ramp(z, menton[2] - 44.0, menton[2] - 2.0) * bump(x / 88.0, flatness=4)
        up = share * ramp(y, -16.0, 44.0) * x / arm
        # Ahead of the tongue's root, about which the mouth's lining lies close.
        sideways = share * ramp(y, -4.0, 52.0) * 0.45 * np.clip(pivot - z, 0.0, None) / arm
        return np.asarray(push(up, (0.0, 0.0, 1.0)) + push(sideways, (1.0, 0.0, 0.0)))

    return field


def _malar(head: HeadGeometry, side: str | None) -> float:
    return measures.malar_depression_mm(head.points, str(side))


def _sna(head: HeadGeometry, _side: str | None) -> float:
    return measures.sna_deg(head.points)


def _zygomatic_axis(head: HeadGeometry, _side: str | None) -> float:
    return measures.zygomatic_axis_deg(head.points)


def _cant(head: HeadGeometry, side: str | None) -> float:
    return measures.oral_cant_deg(head.points, str(side))


ZYGOMATIC_DEPRESSION = Pathology(
    name="zygomatic_depression",
    title="Zygomatic (ZMC) depression",
    parameter="malar eminence against mirrored side",
    unit="mm",
    sides=("left", "right"),
    norm="mean surface distance 1.40 ± 0.54 mm (healthy)",
    grades=(
        Grade("mild", 2.0, 4.0, "published"),
        Grade("moderate", 4.0, 6.0, "published"),
        Grade("severe", 6.0, 9.0, "published"),
    ),
    source="CMTR 18(2):22; PMID 34864750; e-acfs 22(3) (n = 101)",
    region=(
        "malar",
        "infraorbital",
        "buccal",
        "lower_lid",
        "sclera",
        "mouth_cavity",
    ),
    bone_follow=1.0,
    skin_follow=0.9,
    follow_source="proposal: thin cover of the eminence, 9 mm (Stephan and Simpson 2008)",
    field=_depressed_zygoma,
    measure=_malar,
    associated=_lowered_globe,
    associated_changes="the globe and its outer canthus stand lower",
    cohort=Cohort(2.69, 0.95, "fractured zygomas, CMTR 18(2):22"),
)

MAXILLARY_HYPOPLASIA = Pathology(
    name="maxillary_hypoplasia",
    title="Maxillary hypoplasia",
    parameter="SNA",
    unit="deg",
    sides=(),
    norm="SNA 82 (Steiner)",
    grades=(
        Grade("mild", 79.0, 81.0, "proposal"),
        Grade("moderate", 76.0, 79.0, "proposal"),
        Grade("severe", 72.0, 76.0, "proposal"),
    ),
    source="Steiner norms; Angle Orthod 92(4):537; The Cleft Palate-Craniofacial Journal 2012/03",
    region=(
        "nasal_dorsum",
        "nasal_tip",
        "nasal_ala",
        "nasal_sidewall",
        "upper_lip_skin",
        "upper_lip",
        "infraorbital",
        "malar",
        "buccal",
        "lower_lid",
        "lower_lip",
        "lower_lip_skin",
        "mouth_cavity",
        "teeth_upper",
        "teeth_lower",
        "tongue",
        "masseteric",
        "glabella",
        "sclera",
        "iris",
    ),
    bone_follow=1.0,
    skin_follow=0.65,
    follow_source="upper lip 0.5-0.7 of the maxilla: Rosen, Am J Orthod Dentofacial Orthop "
    "1988;94:144",
    field=_retruded_maxilla,
    measure=_sna,
)

MIDFACE_RETRUSION = Pathology(
    name="midface_retrusion",
    title="Midface retrusion of Apert and Crouzon syndromes",
    parameter="zygomatic axis angle",
    unit="deg",
    sides=(),
    norm="98.1 deg (9 years)",
    grades=(
        Grade("mild", 101.5, 108.0, "proposal"),
        Grade("moderate", 108.0, 114.5, "proposal"),
        Grade("severe", 114.5, 121.0, "proposal"),
    ),
    source="severe is one published case, 118.2 deg with zygomatico-maxillary width 83.5 mm and "
    "S-N 63.7 mm against 94.8 and 72.5 mm: PMC6289935; thirds of the way are milder grades",
    region=(
        "nasal_dorsum",
        "nasal_tip",
        "nasal_ala",
        "nasal_sidewall",
        "upper_lip_skin",
        "upper_lip",
        "infraorbital",
        "malar",
        "buccal",
        "lower_lid",
        "upper_lid",
        "brow",
        "lower_lip",
        "lower_lip_skin",
        "mouth_cavity",
        "teeth_upper",
        "teeth_lower",
        "tongue",
        "masseteric",
        "glabella",
        "forehead",
        "temple",
        "scalp",
        "sclera",
        "iris",
    ),
    bone_follow=1.0,
    skin_follow=0.9,
    follow_source="proposal: thin cover of rims and eminences (Stephan and Simpson 2008)",
    field=_syndromic_retrusion,
    measure=_zygomatic_axis,
)

FACIAL_CANT = Pathology(
    name="facial_cant",
    title="Facial and occlusal cant",
    parameter="cant of the mouth's line, that side up",
    unit="deg",
    sides=("left", "right"),
    norm="< 3 deg",
    grades=(
        Grade("mild", 3.0, 5.0, "published"),
        Grade("moderate", 5.0, 8.0, "proposal"),
        Grade("severe", 8.0, 11.0, "proposal"),
    ),
    source="noticed from 3 deg on: PMC5556787 (n = 434 raters)",
    region=(
        "chin",
        "lower_lip",
        "lower_lip_skin",
        "upper_lip",
        "upper_lip_skin",
        "mandibular_border",
        "masseteric",
        "buccal",
        "neck",
        "malar",
        "infraorbital",
        "nasal_ala",
        "nasal_tip",
        "nasal_sidewall",
        "mouth_cavity",
        "tongue",
        "teeth_lower",
        "teeth_upper",
        "ear",
    ),
    bone_follow=1.0,
    skin_follow=0.95,
    follow_source="proposal: lips and chin follow the jaws, as in jaw surgery",
    field=_tilted_face,
    measure=_cant,
)
