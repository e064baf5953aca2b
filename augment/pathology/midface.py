"""Pathologies of the midface: the depressed zygoma and the hypoplastic maxilla."""

import numpy as np

from augment.pathology import measures
from augment.pathology.deformation import Field, Points, bump, ellipsoidal, ramp
from augment.pathology.entry import Anchors, Grade, HeadGeometry, Pathology

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
        nose = 1.0 - 0.6 * ramp(
            y, subnasale[1] + 1.0, tip[1]
        )  # the nasal tip follows less than its base
        share = height * depth * nose * bump(x / 66.0, flatness=3)
        return np.asarray(-share[:, None] * np.array([0.0, 1.0, 0.0]))

    return field


def _malar(head: HeadGeometry, side: str | None) -> float:
    return measures.malar_depression_mm(head.points, str(side))


def _sna(head: HeadGeometry, _side: str | None) -> float:
    return measures.sna_deg(head.points)


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
