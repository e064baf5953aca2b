"""Pathologies of the skull vault in infants: three synostoses, two flattenings.

Fields lie in the head frame of the template; the face below the brows and the skull base stay.
"""

import numpy as np

from augment.pathology import measures
from augment.pathology.deformation import Field, Points, bump, ellipsoidal, push, ramp, slope
from augment.pathology.entry import Anchors, Cohort, Grade, HeadGeometry, Pathology

_AGES = (0.0, 3.0)
_REGION = (
    "scalp",
    "forehead",
    "temple",
    "brow",
    "glabella",
    "ear",
    "neck",
    "upper_lid",
    "masseteric",
    "malar",
    "sclera",
)
_FOLLOW = "proposal: the scalp rides on the vault"


def _above_base(points: Points) -> np.ndarray:
    """Return 1 on the vault, 0 below the brows in front and below the ears behind."""
    y, z = points[:, 1], points[:, 2]
    forward = ramp(y, 10.0, 76.0)
    low = -14.0 + 46.0 * forward
    return ramp(z, low, low + 42.0)


def _blob(
    points: Points, centre: tuple[float, float, float], radii: tuple[float, float, float]
) -> np.ndarray:
    return bump(ellipsoidal(points, np.array(centre), radii))


def _scaphocephaly(anchors: Anchors) -> Field:
    """Lengthen and narrow the vault; the forehead bosses, the occiput bulges like a bullet."""
    half_width = anchors["euryon_right"][0]
    vertex = anchors["vertex"][2]

    def field(points: Points) -> Points:
        x, y, z = points.T
        vault = _above_base(points)
        narrow = vault * (0.75 + 0.25 * ramp(y, 70.0, -30.0)) * np.clip(x / half_width, -1.4, 1.4)
        # The brow comes forwards with the forehead, so that none overhangs the other.
        front = ramp(z, 12.0, 66.0) * slope(y, 0.0, 90.0) * ramp(y, 0.0, 40.0)
        ahead = front * (1.0 - 0.25 * ramp(np.abs(x), 20.0, 70.0))
        boss = _blob(points, (0.0, 84.0, 66.0), (80.0, 62.0, 60.0))
        behind = vault * np.clip(-y / 95.0, 0.0, None)
        bullet = _blob(points, (0.0, -100.0, 46.0), (48.0, 56.0, 50.0))
        saddle = _blob(points, (0.0, -30.0, vertex), (70.0, 60.0, 60.0))
        return np.asarray(
            push(narrow, (-0.70, 0.0, 0.0))
            + push(ahead, (0.0, 0.45, 0.0))
            + push(boss, (0.0, 0.20, 0.0))
            - push(behind, (0.0, 0.80, 0.0))
            - push(bullet, (0.0, 0.40, 0.0))
            - push(saddle, (0.0, 0.0, 0.25))
        )

    return field


def _trigonocephaly(anchors: Anchors) -> Field:
    """Raise a midline keel and draw the lateral forehead back; orbits come together."""
    glabella = anchors["glabella"]
    eye = (anchors["exocanthion_right"] + anchors["endocanthion_right"]) / 2

    def field(points: Points) -> Points:
        x, y, z = points.T
        lateral = np.abs(x)
        front = ramp(y, 6.0, 56.0)
        height = ramp(z, glabella[2] - 26.0, glabella[2] + 12.0) * ramp(z, 136.0, 84.0)
        keel = bump(x / 34.0) * height * front
        flat = bump((lateral - 46.0) / 34.0) * front
        flat = flat * ramp(z, glabella[2] - 30.0, glabella[2]) * ramp(z, 128.0, 80.0)
        temple = bump(
            ellipsoidal(
                np.stack([lateral, y, z], 1), np.array([64.0, 48.0, 58.0]), (40.0, 50.0, 50.0)
            )
        )
        parietal = bump(
            ellipsoidal(
                np.stack([lateral, y, z], 1), np.array([72.0, -38.0, 66.0]), (46.0, 60.0, 60.0)
            )
        )
        orbit = ramp(lateral, 0.0, 14.0) * ramp(lateral, 66.0, 44.0) * ramp(y, 10.0, 46.0)
        orbit = (
            orbit * ramp(z, eye[2] - 34.0, eye[2] - 12.0) * ramp(z, eye[2] + 40.0, eye[2] + 14.0)
        )
        side = np.sign(x)
        return np.asarray(
            push(keel, (0.0, 1.0, 0.0))
            + push(flat, (0.0, -0.85, 0.0))
            + push(side * temple, (-0.60, 0.0, 0.0))
            + push(side * parietal, (0.40, 0.0, 0.0))
            + push(side * orbit, (-0.22, 0.0, 0.0))
        )

    return field


def _plagiocephaly(anchors: Anchors) -> Field:
    """Flatten the right occiput; the right ear and forehead move forwards, the left side bulges."""
    ear = anchors["tragion_right"]

    def field(points: Points) -> Points:
        flat = _blob(points, (48.0, -74.0, 50.0), (72.0, 74.0, 84.0))
        bulge = _blob(points, (-46.0, -82.0, 52.0), (66.0, 66.0, 78.0))
        wide = _blob(points, (-70.0, -40.0, 60.0), (52.0, 60.0, 64.0))
        boss = _blob(points, (40.0, 80.0, 66.0), (54.0, 52.0, 44.0))
        recess = _blob(points, (-42.0, 80.0, 66.0), (54.0, 52.0, 44.0))
        pinna = _blob(points, (ear[0], ear[1] - 4.0, ear[2] + 4.0), (40.0, 52.0, 60.0))
        return np.asarray(
            push(flat, (-0.12, 1.0, 0.0))
            + push(bulge, (0.0, -0.35, 0.0))
            + push(wide, (-0.20, 0.0, 0.0))
            + push(boss, (0.0, 0.42, 0.0))
            + push(recess, (0.0, -0.12, 0.0))
            + push(pinna, (0.0, 0.35, 0.0))
        )

    return field


def _brachycephaly(anchors: Anchors) -> Field:
    """Flatten the whole occiput and widen the parietals; the back of the vertex rises."""
    half_width = anchors["euryon_right"][0]
    vertex = anchors["vertex"][2]

    def field(points: Points) -> Points:
        x, y, _ = points.T
        flat = _blob(points, (0.0, -96.0, 36.0), (106.0, 86.0, 112.0))
        wide = _above_base(points) * np.clip(x / half_width, -1.4, 1.4) * ramp(y, 86.0, 10.0)
        tall = _blob(points, (0.0, -34.0, vertex), (80.0, 64.0, 70.0))
        return np.asarray(
            push(flat, (0.0, 1.0, 0.0))
            + push(wide, (0.42, 0.0, 0.0))
            + push(tall, (0.0, 0.0, 0.35))
        )

    return field


def _anterior_plagiocephaly(anchors: Anchors) -> Field:
    """Flatten the right forehead and brow; the left one bosses, the right brow and orbit rise, the
    nasal root leans to the right, the right ear comes forwards."""
    brow, nasion = anchors["superciliare_right"], anchors["nasion"]
    ear, tip = anchors["tragion_right"], anchors["pronasale"]

    def field(points: Points) -> Points:
        x, y, z = points.T
        flat = _blob(points, (44.0, 66.0, 64.0), (62.0, 92.0, 68.0))
        boss = _blob(points, (-38.0, 80.0, 66.0), (52.0, 62.0, 52.0))
        temple = _blob(points, (70.0, 22.0, 34.0), (36.0, 46.0, 44.0))
        parietal = _blob(points, (-70.0, 10.0, 66.0), (46.0, 60.0, 60.0))
        harlequin = _blob(points, (brow[0], brow[1], brow[2]), (30.0, 36.0, 24.0))
        harlequin = harlequin * ramp(z, brow[2] - 17.0, brow[2] - 3.0)
        root = bump(x / 34.0) * ramp(y, 56.0, 78.0) * ramp(z, tip[2], nasion[2])
        root = root * ramp(z, nasion[2] + 34.0, nasion[2])
        pinna = _blob(points, (ear[0], ear[1] - 4.0, ear[2] + 4.0), (40.0, 48.0, 56.0))
        return np.asarray(
            push(flat, (-0.15, -0.95, 0.05))
            + push(boss, (0.0, 0.85, 0.0))
            + push(temple, (0.30, 0.0, 0.0))
            + push(parietal, (-0.25, 0.0, 0.0))
            + push(harlequin, (0.0, -0.15, 0.45))
            + push(root, (0.35, 0.0, 0.0))
            + push(pinna, (0.0, 0.25, 0.10))
        )

    return field


def _ssi(head: HeadGeometry, _side: str | None) -> float:
    return measures.scaphocephaly_index_percent(head.vault)


def _ifa(head: HeadGeometry, _side: str | None) -> float:
    return measures.interfrontal_angle_deg(head.vault)


def _cvai(head: HeadGeometry, side: str | None) -> float:
    return measures.cvai_percent(head.vault, str(side))


def _cephalic(head: HeadGeometry, _side: str | None) -> float:
    return measures.cephalic_ratio_percent(head.vault)


def _forehead(head: HeadGeometry, side: str | None) -> float:
    return measures.forehead_asymmetry_percent(head.vault, str(side))


SAGITTAL_SYNOSTOSIS = Pathology(
    name="sagittal_synostosis",
    title="Sagittal synostosis (scaphocephaly)",
    parameter="SSI-A, width over length",
    unit="percent",
    sides=(),
    norm="> 77",
    grades=(
        Grade("mild", 71.0, 77.0, "proposal"),
        Grade("moderate", 66.0, 71.0, "proposal"),
        Grade("severe", 58.0, 66.0, "published"),
    ),
    source="dolichocephalic 66-77, hyperdolichocephalic < 66: PMID 31190181 (n = 66), which splits "
    "mild from moderate by the height; index: Ruiz-Correa et al. 2006",
    region=(*_REGION, "nasal_dorsum", "nasal_sidewall", "lower_lid", "infraorbital", "iris"),
    bone_follow=1.0,
    skin_follow=1.0,
    follow_source=_FOLLOW,
    field=_scaphocephaly,
    measure=_ssi,
    needs=("surface",),
    ages=_AGES,
)

METOPIC_SYNOSTOSIS = Pathology(
    name="metopic_synostosis",
    title="Metopic synostosis (trigonocephaly)",
    parameter="interfrontal angle",
    unit="deg",
    sides=(),
    norm="144.8 ± 8.5 deg",
    grades=(
        Grade("mild", 125.0, 137.0, "proposal"),
        Grade("moderate", 110.0, 125.0, "proposal"),
        Grade("severe", 98.0, 110.0, "proposal"),
    ),
    source="117.74 ± 9.0 deg (92.3-136.8) in 36 patients against 144.8 ± 8.5 in 107 controls: "
    "Kellogg et al., J Craniofac Surg 2012;23:799",
    region=(
        *_REGION,
        "lower_lid",
        "infraorbital",
        "nasal_dorsum",
        "nasal_sidewall",
        "nasal_ala",
        "iris",
        "mouth_cavity",
    ),
    bone_follow=1.0,
    skin_follow=1.0,
    follow_source=_FOLLOW,
    field=_trigonocephaly,
    measure=_ifa,
    needs=("surface",),
    ages=_AGES,
    cohort=Cohort(117.74, 9.0, "36 patients, J Craniofac Surg 2012;23:799"),
)

PLAGIOCEPHALY = Pathology(
    name="plagiocephaly",
    title="Deformational plagiocephaly, on the side of the flat occiput",
    parameter="CVAI",
    unit="percent",
    sides=("left", "right"),
    norm="< 3.5",
    grades=(
        Grade("mild", 3.5, 6.25, "published"),
        Grade("moderate", 6.25, 8.75, "published"),
        Grade("severe", 8.75, 11.0, "published"),
    ),
    source="scale of Children's Healthcare of Atlanta: babyflathead.org, skullycare.com",
    region=_REGION,
    bone_follow=1.0,
    skin_follow=1.0,
    follow_source=_FOLLOW,
    field=_plagiocephaly,
    measure=_cvai,
    needs=("surface",),
    ages=_AGES,
)

BRACHYCEPHALY = Pathology(
    name="brachycephaly",
    title="Deformational brachycephaly",
    parameter="cephalic ratio",
    unit="percent",
    sides=(),
    norm="75-90",
    grades=(
        Grade("mild", 91.0, 94.0, "published"),
        Grade("moderate", 94.0, 97.0, "published"),
        Grade("severe", 97.0, 104.0, "published"),
    ),
    source="severity chart of cranialtherapycenters.com",
    region=_REGION,
    bone_follow=1.0,
    skin_follow=1.0,
    follow_source=_FOLLOW,
    field=_brachycephaly,
    measure=_cephalic,
    needs=("surface",),
    ages=_AGES,
)

CORONAL_SYNOSTOSIS = Pathology(
    name="coronal_synostosis",
    title="Unilateral coronal synostosis (anterior plagiocephaly), on the flat forehead's side",
    parameter="forehead radius short of the other side's",
    unit="percent",
    sides=("left", "right"),
    norm="0 ± 1.1 (drawn controls)",
    grades=(
        Grade("mild", 4.0, 8.0, "proposal"),
        Grade("moderate", 8.0, 13.0, "proposal"),
        Grade("severe", 13.0, 18.0, "proposal"),
    ),
    source="asymmetry of the frontal peak grades the deformity: Kronig et al., PMC8209757 "
    "(n = 23); features: AO Surgery Reference, unilateral coronal synostosis",
    region=(
        *_REGION,
        "nasal_dorsum",
        "nasal_sidewall",
        "nasal_ala",
        "infraorbital",
        "lower_lid",
        "iris",
    ),
    bone_follow=1.0,
    skin_follow=1.0,
    follow_source=_FOLLOW,
    field=_anterior_plagiocephaly,
    measure=_forehead,
    needs=("surface",),
    ages=_AGES,
)
