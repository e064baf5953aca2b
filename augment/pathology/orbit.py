"""Pathologies of orbits and lids: hypertelorism, blowout, exophthalmos, retraction, ptosis."""

from collections.abc import Callable

import numpy as np

from augment.pathology import measures
from augment.pathology.deformation import Field, Points, bump, ellipsoidal, push, ramp, slope
from augment.pathology.entry import Anchors, Cohort, Grade, HeadGeometry, Pathology
from augment.pathology.measures.frame import other_side
from augment.pathology.orbit_surface import orbit_faces

# Mean distances of healthy adults: cornea to lateral rim (Eye 2006;20:569), pupil to upper lid.
HERTEL_MM, LID_MARGIN_MM = 13.9, 4.0
# Way of the globe per mm of the broken floor, so that 12.18 % more orbit goes with 2 mm of
# enophthalmos (Arch Plast Surg 2016;43:518).
ENOPHTHALMOS_SHARE = 0.32
# Rise of the upper lid's margin per mm of proptosis: 2 mm with 3 mm, 4 mm with 5 mm (PMC7793490).
RETRACTION_SHARE = 0.65


def _apart(anchors: Anchors) -> Field:
    eye = (anchors["exocanthion_right"] + anchors["endocanthion_right"]) / 2
    # A globe of 28 mm with its fat lies between: it moves rigidly.
    inner, outer = eye[0] - 17.5, eye[0] + 15.0

    def field(points: Points) -> Points:
        x, y, z = points.T
        lateral = ramp(np.abs(x), 0.0, inner) * ramp(np.abs(x), outer + 30.0, outer)
        height = ramp(z, eye[2] - 42.0, eye[2] - 14.5) * ramp(z, eye[2] + 58.0, eye[2] + 20.0)
        share = np.sign(x) * lateral * height * ramp(y, -4.0, 36.0)
        return push(share, (1.0, 0.0, 0.0))

    return field


def _globe_share(points: Points, anchors: Anchors) -> np.ndarray:
    """Return 1 on the globe and before it, 0 at the orbital rim and the apex."""
    apex = anchors["corneal_apex_right"]
    x, y, z = points.T
    around = np.hypot(x - apex[0], z - apex[2])
    behind = ramp(y, apex[1] - 58.0, apex[1] - 28.0)
    return np.asarray(ramp(around, 25.0, 9.0) * behind)


def _lid_share(points: Points, anchors: Anchors) -> np.ndarray:
    """Return 1 on the upper lid's margin, 0 at both canthi, the brow and below the fissure."""
    inner, outer = anchors["endocanthion_right"], anchors["exocanthion_right"]
    margin, brow = anchors["palpebrale_superius_right"], anchors["superciliare_right"]
    x, y, z = points.T
    middle, half = (inner[0] + outer[0]) / 2, (outer[0] - inner[0]) / 2
    above = slope(z, brow[2] + 1.0, margin[2] + 1.0)
    # The fissure closes or opens evenly between the lower lid, which stays, and the margin.
    below = slope(z, anchors["palpebrale_inferius_right"][2] + 1.5, margin[2] - 1.5)
    across = bump((x - middle) / (half + 4.0), flatness=3)
    return np.asarray(above * below * across * ramp(y, 54.0, 66.0))


def _proptosis(anchors: Anchors) -> Field:
    def field(points: Points) -> Points:
        return push(_globe_share(points, anchors), (0.0, 1.0, 0.0))

    return field


def _retracted_lid(anchors: Anchors) -> Field:
    def field(points: Points) -> Points:
        return push(_lid_share(points, anchors), (0.0, -0.35, 1.0))

    return field


def _drooping_lid(anchors: Anchors) -> Field:
    def field(points: Points) -> Points:
        return push(_lid_share(points, anchors), (0.0, 0.30, -1.0))

    return field


def _proptotic_lids(anchors: Anchors) -> Field:
    lower = anchors["palpebrale_inferius_right"]

    def field(points: Points) -> Points:
        up = push(_lid_share(points, anchors), (0.0, -0.2, RETRACTION_SHARE))
        puffy = bump(ellipsoidal(points, lower - np.array([0.0, 0.0, 5.0]), (19.0, 22.0, 10.0)))
        return np.asarray(up + push(puffy, (0.0, 0.10, -0.15)))

    return field


def _broken_floor(anchors: Anchors) -> Field:
    """Push floor and medial wall behind the rim outwards; the globe sinks back and down."""
    apex = anchors["corneal_apex_right"]
    floor = np.array([apex[0] - 3.0, apex[1] - 25.0, apex[2] - 18.0])
    medial = np.array([apex[0] - 18.0, apex[1] - 28.0, apex[2] - 2.0])

    def field(points: Points) -> Points:
        down = push(bump(ellipsoidal(points, floor, (25.0, 21.0, 29.0)), 3), (0.0, 0.0, -1.0))
        inward = push(bump(ellipsoidal(points, medial, (16.0, 23.0, 20.0)), 3), (-0.45, 0.0, 0.0))
        sunken = _globe_share(points, anchors)
        back = push(sunken, (0.0, -ENOPHTHALMOS_SHARE, -0.6 * ENOPHTHALMOS_SHARE))
        return np.asarray(down + inward + back)

    return field


def _hollow_sulcus(anchors: Anchors) -> Field:
    lid, brow = anchors["palpebrale_superius_right"], anchors["superciliare_right"]
    sulcus = np.array([lid[0], lid[1], (lid[2] + brow[2]) / 2])

    def field(points: Points) -> Points:
        share = bump(ellipsoidal(points, sulcus, (17.0, 16.0, 8.0)))
        return push(share, (0.0, -0.35, 0.0))

    return field


def _mean_of_sides(side: str | None, one: Callable[[str], float]) -> float:
    """Return a measure of one side, or the mean of both."""
    return one(str(side)) if side != "both" else (one("right") + one("left")) / 2


def _proptosis_mm(head: HeadGeometry, side: str | None) -> float:
    return _mean_of_sides(side, lambda s: measures.hertel_mm(head.points, s)) - HERTEL_MM


def _lid_above_mm(head: HeadGeometry, side: str | None) -> float:
    return _mean_of_sides(side, lambda s: measures.lid_margin_mm(head.points, s)) - LID_MARGIN_MM


def _lid_below_mm(head: HeadGeometry, side: str | None) -> float:
    return -_lid_above_mm(head, side)


def _orbital_gain(head: HeadGeometry, side: str | None) -> float:
    affected, other = (head.orbits[s] for s in (str(side), other_side(str(side))))
    return measures.volume_ratio_percent(affected, other, orbit_faces())


def _interorbital(head: HeadGeometry, _side: str | None) -> float:
    return measures.interorbital_mm(head.points)


HYPERTELORISM = Pathology(
    name="hypertelorism",
    title="Orbital hypertelorism",
    parameter="bony interorbital distance",
    unit="mm",
    sides=(),
    norm="25 mm (female), 28 mm (male)",
    grades=(
        Grade("mild", 30.0, 34.0, "published"),
        Grade("moderate", 34.0, 40.0, "published"),
        Grade("severe", 40.0, 46.0, "published"),
    ),
    source="Tessier; AO Surgery Reference CMF, hypertelorism",
    region=(
        "upper_lid",
        "lower_lid",
        "brow",
        "glabella",
        "nasal_dorsum",
        "nasal_sidewall",
        "nasal_ala",
        "nasal_tip",
        "infraorbital",
        "malar",
        "temple",
        "forehead",
        "sclera",
        "iris",
        "buccal",
        "scalp",
        "masseteric",
        "mouth_cavity",
    ),
    bone_follow=1.0,
    skin_follow=1.0,
    follow_source="proposal: lids and globes move with the orbits",
    field=_apart,
    measure=_interorbital,
)

ORBITAL_BLOWOUT = Pathology(
    name="orbital_blowout",
    title="Orbital blowout fracture",
    parameter="orbital volume above the other side's",
    unit="percent",
    sides=("left", "right"),
    norm="21.3 ± 2.5 cm3, sides alike within 2 %",
    grades=(
        Grade("mild", 2.0, 12.0, "published"),
        Grade("moderate", 12.0, 20.0, "published"),
        Grade("severe", 20.0, 28.0, "published"),
    ),
    source="classes < 2, 2-20, > 20 %: PMC9426691; 12.18 % goes with 2 mm of enophthalmos: Arch "
    "Plast Surg 2016;43:518",
    region=(
        "upper_lid",
        "lower_lid",
        "brow",
        "glabella",
        "forehead",
        "infraorbital",
        "malar",
        "sclera",
        "iris",
        "mouth_cavity",
    ),
    bone_follow=1.0,
    skin_follow=1.0,
    follow_source="by geometry: walls move behind the rim, lids rest on the globe",
    field=_broken_floor,
    skin_field=_hollow_sulcus,
    measure=_orbital_gain,
    cohort=Cohort(
        8.0,
        3.4,
        "fitted: 23.01 ± 2.60 against 21.31 ± 2.50 cm3, PMC5437323, are 1.70 cm3 more, "
        "and a spread of the gain of (2.60² - 2.50²)^0.5 = 0.71 cm3",
    ),
)

GRAVES_EXOPHTHALMOS = Pathology(
    name="graves_exophthalmos",
    title="Graves exophthalmos",
    parameter="proptosis above the norm",
    unit="mm",
    sides=("left", "right", "both"),
    norm="cornea 13.9 mm before the lateral rim",
    grades=(
        Grade("mild", 1.0, 3.0, "published"),
        Grade("moderate", 3.0, 5.0, "published"),
        Grade("severe", 5.0, 8.0, "proposal"),
    ),
    source="< 3 mm mild, from 3 mm on moderate to severe: EUGOGO, PMC7793490 table 6; norm: Eye "
    "2006;20:569",
    region=(
        "upper_lid",
        "lower_lid",
        "brow",
        "glabella",
        "forehead",
        "infraorbital",
        "malar",
        "sclera",
        "iris",
    ),
    bone_follow=1.0,
    skin_follow=1.0,
    follow_source="lids ride on the globe; the upper one retracts 0.65 mm per mm, PMC7793490",
    field=_proptosis,
    skin_field=_proptotic_lids,
    measure=_proptosis_mm,
    ages=(14.0, 120.0),
)

_LID_REGION = ("upper_lid", "lower_lid", "brow", "forehead", "glabella", "infraorbital")

LID_RETRACTION = Pathology(
    name="lid_retraction",
    title="Retraction of the upper lid",
    parameter="upper lid margin above the norm",
    unit="mm",
    sides=("left", "right", "both"),
    norm="margin 4 mm above the pupil",
    grades=(
        Grade("mild", 0.5, 2.0, "published"),
        Grade("moderate", 2.0, 4.0, "published"),
        Grade("severe", 4.0, 6.0, "proposal"),
    ),
    source="2 mm separates mild from moderate: EUGOGO, PMC7793490",
    region=_LID_REGION,
    bone_follow=0.0,
    skin_follow=1.0,
    follow_source="by definition: the lid alone moves",
    field=_retracted_lid,
    measure=_lid_above_mm,
    ages=(14.0, 120.0),
    follow_depth_mm=3.0,
)

PTOSIS = Pathology(
    name="ptosis",
    title="Ptosis of the upper lid",
    parameter="upper lid margin below the norm",
    unit="mm",
    sides=("left", "right", "both"),
    norm="margin 4 mm above the pupil",
    grades=(
        Grade("mild", 0.5, 2.0, "published"),
        Grade("moderate", 2.0, 4.0, "published"),
        Grade("severe", 4.0, 6.0, "proposal"),
    ),
    source="the same cuts as for retraction: PMC7793490",
    region=_LID_REGION,
    bone_follow=0.0,
    skin_follow=1.0,
    follow_source="by definition: the lid alone moves",
    field=_drooping_lid,
    measure=_lid_below_mm,
    ages=(14.0, 120.0),
    follow_depth_mm=3.0,
)
