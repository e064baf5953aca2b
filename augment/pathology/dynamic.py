"""Pathologies of movement: one half of the face does not follow an expression.

They act in two ways: a resting field (the tissue hangs), and a share of every expression that is
lost on one side. Jaw and tongue have other nerves and keep their movement.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from augment.pathology import measures
from augment.pathology.basis import PathologyBasis
from augment.pathology.deformation import Field, Points, bump, ellipsoidal, push, ramp
from augment.pathology.entry import Anchors, Grade, HeadGeometry, Pathology

# Actions of the trigeminal and hypoglossal nerves, which the facial nerve does not move.
OTHER_NERVES = ("jaw", "tongue", "eyeLook")


def _sagging_half(anchors: Anchors) -> Field:
    """Let brow, lower lid, cheek and mouth's corner of the right half hang; per full palsy, mm."""
    brow, lid = anchors["superciliare_right"], anchors["palpebrale_inferius_right"]
    corner, malar = anchors["cheilion_right"], anchors["malare_right"]
    philtrum = anchors["labiale_superius"]

    def field(points: Points) -> Points:
        low = bump(ellipsoidal(points, brow + np.array([4.0, 0.0, 6.0]), (36.0, 44.0, 26.0)))
        lower = bump(ellipsoidal(points, lid, (20.0, 26.0, 13.0)))
        lower = lower * ramp(points[:, 2], lid[2] + 9.0, lid[2] + 1.0)
        mouth = bump(ellipsoidal(points, corner, (30.0, 40.0, 30.0)))
        cheek = bump(ellipsoidal(points, (malar + corner) / 2, (34.0, 44.0, 44.0)))
        pulled = bump(ellipsoidal(points, philtrum, (30.0, 36.0, 26.0)))
        return np.asarray(
            push(low, (0.0, -0.4, -5.0))
            + push(lower, (0.0, -0.3, -2.0))
            + push(mouth, (-2.0, -0.5, -4.5))
            + push(cheek, (-0.5, -1.5, -1.5))
            + push(pulled, (-2.0, 0.0, 0.0))
        )

    return field


def _right_half(_anchors: Anchors) -> Callable[[Points], np.ndarray]:
    def weight(points: Points) -> np.ndarray:
        return ramp(points[:, 0], -7.0, 11.0)

    return weight


def _excursion_loss(head: HeadGeometry, side: str | None) -> float:
    smiling = head.points if head.smiling is None else head.smiling
    return measures.excursion_loss_percent(head.points, smiling, str(side))


FACIAL_PALSY = Pathology(
    name="facial_palsy",
    title="Unilateral facial palsy (House-Brackmann)",
    parameter="excursion of the mouth's corner lost in a smile",
    unit="percent",
    sides=("left", "right"),
    norm="0 (grade I)",
    grades=(
        Grade("mild", 5.0, 25.0, "proposal"),
        Grade("moderate", 25.0, 75.0, "proposal"),
        Grade("severe", 75.0, 100.0, "proposal"),
    ),
    source="grades II, III-IV, V-VI: House-Brackmann as in ep.bmj.com 137268 table 2; shares of "
    "excursion and resting droop are our mapping",
    region=(
        "forehead",
        "brow",
        "glabella",
        "upper_lid",
        "lower_lid",
        "temple",
        "infraorbital",
        "malar",
        "buccal",
        "nasal_ala",
        "nasal_tip",
        "upper_lip",
        "upper_lip_skin",
        "lower_lip",
        "lower_lip_skin",
        "chin",
        "mouth_cavity",
    ),
    bone_follow=0.0,
    skin_follow=1.0,
    follow_source="by definition: bone does not move",
    field=_sagging_half,
    measure=_excursion_loss,
    needs=("smile",),
    effect="expression",
    weight=_right_half,
    bounds=(0.0, 1.0),
    # The mouth's lining hangs with the lips, and is not left behind them.
    follow_depth_mm=12.0,
)


def lost_expression(
    basis: PathologyBasis,
    solved: Sequence[tuple[Pathology, str | None, float]],
    expression: Float[np.ndarray, " actions"],
) -> Float[np.ndarray, "vertices 3"]:
    """Return what a palsied face lacks of an expression, to be added to the healthy one, mm.

    Args:
        basis: Pathology columns of the model.
        solved: Pathology, side and coefficient of everything that was solved.
        expression: Coefficients of the expression of the healthy twin.
    """
    names = basis.model.expression_names
    moved = np.array([0.0 if n.startswith(OTHER_NERVES) else 1.0 for n in names]) * expression
    lost = np.zeros(basis.model.n_vertices)
    for entry, side, coefficient in solved:
        weight = basis.column(entry, side).weight
        if entry.effect == "expression" and weight is not None:
            lost += coefficient * weight
    if not lost.any() or not moved.any():
        return np.zeros((len(lost), 3))
    rows = basis.model.expression_basis.cpu().numpy().astype(np.float64)
    return np.asarray(-lost[:, None] * np.tensordot(moved, rows, axes=1))
