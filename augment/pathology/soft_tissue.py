"""Pathologies of the soft tissue: swollen cheek, wasted half of the face, acromegaly."""

import numpy as np

from augment.pathology import measures
from augment.pathology.deformation import Field, Points, bump, ellipsoidal, push, ramp, slope
from augment.pathology.entry import Anchors, Cohort, Grade, HeadGeometry, Pathology

SWELLING_RADII_MM = (54.0, 58.0, 52.0)


def _swollen_cheek(anchors: Anchors) -> Field:
    middle = (anchors["buccale_right"] + anchors["gonion_right"]) / 2
    centre = np.array([58.0, middle[1], middle[2]])
    eye = anchors["palpebrale_inferius_right"]
    within = np.array([8.0, 12.0, centre[2]])  # swelling pushes sideways and forwards from here

    def field(points: Points) -> Points:
        outward = points - within
        outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-9)
        share = bump(ellipsoidal(points, centre, SWELLING_RADII_MM), flatness=4)
        share = (
            share * ramp(points[:, 0], 12.0, 32.0) * ramp(points[:, 2], eye[2] - 2.0, eye[2] - 20.0)
        )
        return np.asarray(share[:, None] * outward)

    return field


def _wasted_half(anchors: Anchors) -> Field:
    """Draw the right half of the face inwards, sharply bordered at the midline."""
    menton, trichion = anchors["menton"], anchors["trichion"]
    cheek, mouth = anchors["buccale_right"], anchors["cheilion_right"]

    def field(points: Points) -> Points:
        x, y, z = points.T
        share = ramp(x, 1.0, 20.0) * ramp(y, -30.0, 6.0)
        share = share * ramp(z, menton[2] - 34.0, menton[2] + 8.0)
        share = share * ramp(z, trichion[2] + 14.0, trichion[2] - 34.0)
        # Least over the nose and the eyes, most in the cheek's fat.
        nose = bump(ellipsoidal(points, anchors["pronasale"], (26.0, 34.0, 40.0)))
        eye = bump(ellipsoidal(points, anchors["corneal_apex_right"], (24.0, 30.0, 17.0)), 4)
        ear = 1.0 - bump(ellipsoidal(points, anchors["tragion_right"], (34.0, 25.0, 44.0)), 4)
        hollow = bump(ellipsoidal(points, cheek, (40.0, 52.0, 50.0)))
        # Lips and the lining of the mouth's corner stay together.
        corner = bump(ellipsoidal(points, mouth, (30.0, 40.0, 26.0)), 4)
        share = share * (1.0 - 0.6 * corner)
        share = share * (1.0 - 0.6 * nose) * (1.0 - 0.8 * eye) * ear * (0.8 + 0.5 * hollow)
        outward = np.stack([np.clip(x, 1.0, None), np.clip(y, 0.0, None), np.zeros_like(x)], 1)
        outward /= np.linalg.norm(outward, axis=1, keepdims=True)
        return np.asarray(-share[:, None] * outward)

    return field


def _grown_jaw(anchors: Anchors) -> Field:
    """Lengthen the mandible's body forwards and down."""
    stomion, menton = anchors["stomion"], anchors["menton"]

    def field(points: Points) -> Points:
        x, y, z = points.T
        share = ramp(z, stomion[2] + 3.0, stomion[2] - 19.0)  # the lower lip comes along
        share = share * ramp(z, menton[2] - 36.0, menton[2] - 4.0) * ramp(y, 6.0, 60.0)
        return push(share * bump(x / 92.0, flatness=4), (0.0, 1.0, -0.35))

    return field


def _coarse_features(anchors: Anchors) -> Field:
    """Widen the nose, thicken both lips, and raise the brow ridge."""
    tip, ala = anchors["pronasale"], anchors["alare_right"]
    upper, lower, stomion = (
        anchors[name] for name in ("labiale_superius", "labiale_inferius", "stomion")
    )
    brow = anchors["glabella"] + np.array([16.0, -4.0, -2.0])

    def field(points: Points) -> Points:
        x, y, z = points.T
        lateral = np.abs(x)
        folded = np.stack([lateral, y, z], 1)
        middle = np.stack([np.zeros_like(x), y, z], 1)
        wide = bump(ellipsoidal(middle, ala * [0.0, 1.0, 1.0], (30.0, 30.0, 24.0)))
        wide = wide * np.sign(x) * slope(lateral, 0.0, ala[0]) * ramp(lateral, 46.0, ala[0])
        bulb = bump(ellipsoidal(points, tip, (24.0, 26.0, 24.0)))
        across = bump(x / 40.0, flatness=4) * ramp(y, 62.0, 84.0)
        above = slope(z, stomion[2], upper[2]) * ramp(z, upper[2] + 22.0, upper[2] + 1.0)
        below = slope(z, stomion[2], lower[2]) * ramp(z, lower[2] - 20.0, lower[2] - 1.0)
        ridge = bump(ellipsoidal(folded, brow, (40.0, 36.0, 20.0)))
        return np.asarray(
            push(wide, (0.70, 0.0, 0.0))
            + push(bulb, (0.0, 0.30, -0.10))
            + push(across * above, (0.0, 0.26, 0.32))
            + push(across * below, (0.0, 0.20, -0.22))
            + push(ridge, (0.0, 0.40, 0.0))
        )

    return field


# Mean and SD of 1,000 drawn healthy adults, mm: nasal width, go-gn, height of the vermilions.
ADULT_NORMS_MM = {
    "female": ((32.3, 3.7), (80.1, 4.2), (20.2, 2.7)),
    "male": ((35.7, 3.5), (86.3, 4.4), (21.1, 2.7)),
}


def _coarseness(head: HeadGeometry, _side: str | None) -> float:
    """Return the mean z-score of nasal width, go-gn and lips against healthy adults of that sex."""
    values = (
        measures.nasal_width_mm(head.points),
        measures.gonion_gnathion_mm(head.points),
        measures.lip_height_mm(head.points),
    )
    sexes = [head.sex] if head.sex else list(ADULT_NORMS_MM)
    scores = [
        (value - mean) / sd
        for sex in sexes
        for value, (mean, sd) in zip(values, ADULT_NORMS_MM[sex], strict=True)
    ]
    return float(np.mean(scores))


def _loss(head: HeadGeometry, side: str | None) -> float:
    return measures.hemiface_loss_mm(head.points, str(side))


def _volume(head: HeadGeometry, _side: str | None) -> float:
    return measures.swelling_cm3(head.healthy_vertices, head.vertices, head.faces)


CHEEK_SWELLING = Pathology(
    name="cheek_swelling",
    title="Post-operative or traumatic cheek swelling",
    parameter="soft-tissue volume",
    unit="cm3",
    sides=("left", "right", "both"),
    norm="0 cm3",
    grades=(
        Grade("mild", 5.0, 12.0, "fitted"),
        Grade("moderate", 12.0, 24.0, "fitted"),
        Grade("severe", 24.0, 46.0, "fitted"),
    ),
    source="peak 23.64 ± 11.15 cm3, 6.08 ± 2.25 mm: 3dMD 2023-02-21 (n = 46); bins are mean ± 2 SD",
    region=(
        "buccal",
        "masseteric",
        "mandibular_border",
        "malar",
        "neck",
        "chin",
        "lower_lip_skin",
        "lower_lip",
        "upper_lip_skin",
    ),
    bone_follow=0.0,
    skin_follow=1.0,
    follow_source="by definition: bone does not move",
    field=_swollen_cheek,
    cohort=Cohort(23.64, 11.15, "peak after jaw surgery, 3dMD 2023-02-21 (n = 46)"),
    measure=_volume,
    needs=("surface",),
)

HEMIFACIAL_ATROPHY = Pathology(
    name="hemifacial_atrophy",
    title="Progressive hemifacial atrophy (Parry-Romberg)",
    parameter="mean thickness less than the other half's",
    unit="mm",
    sides=("left", "right"),
    norm="0 mm",
    grades=(
        Grade("mild", 1.0, 3.0, "proposal"),
        Grade("moderate", 3.0, 6.0, "proposal"),
        Grade("severe", 6.0, 9.0, "proposal"),
    ),
    source="types I skin and fat, II with muscle, III with bone: Rev Bras Cir Plast "
    "2014;29 (n = 14)",
    region=(
        "forehead",
        "temple",
        "brow",
        "glabella",
        "upper_lid",
        "lower_lid",
        "infraorbital",
        "malar",
        "buccal",
        "masseteric",
        "mandibular_border",
        "nasal_sidewall",
        "nasal_ala",
        "nasal_tip",
        "nasal_dorsum",
        "upper_lip",
        "upper_lip_skin",
        "lower_lip",
        "lower_lip_skin",
        "chin",
        "neck",
        "scalp",
        "ear",
        "mouth_cavity",
        "teeth_upper",
        "teeth_lower",
        "tongue",
        "sclera",
        "iris",
    ),
    bone_follow=0.2,
    skin_follow=1.0,
    follow_source="proposal: bone recedes little before type III; tissue thins over 22 mm of depth",
    field=_wasted_half,
    measure=_loss,
    follow_depth_mm=22.0,
)

ACROMEGALY = Pathology(
    name="acromegaly",
    title="Acromegaly",
    parameter="mean z-score of nasal width, go-gn and lip height",
    unit="SD",
    sides=(),
    norm="0 (drawn adults of the same sex)",
    grades=(
        Grade("mild", 1.0, 2.0, "proposal"),
        Grade("moderate", 2.0, 3.0, "proposal"),
        Grade("severe", 3.0, 3.5, "proposal"),
    ),
    source="nose width, go-gn and lips grow with IGF-1: Front Endocrinol 2018;9:722 (39 cases)",
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
        "mouth_cavity",
        "tongue",
        "teeth_lower",
        "teeth_upper",
        "nasal_tip",
        "nasal_ala",
        "nasal_dorsum",
        "nasal_sidewall",
        "infraorbital",
        "malar",
        "glabella",
        "brow",
        "forehead",
        "upper_lid",
    ),
    bone_follow=1.0,
    skin_follow=1.0,
    follow_source="proposal: the chin's skin follows the bone; nose, lips and brow thicken",
    field=_grown_jaw,
    skin_field=_coarse_features,
    measure=_coarseness,
    ages=(18.0, 120.0),
)
