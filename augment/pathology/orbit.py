"""Pathologies of the orbits: they stand too far apart."""

import numpy as np

from augment.pathology import measures
from augment.pathology.deformation import Field, Points, ramp
from augment.pathology.entry import Anchors, Grade, HeadGeometry, Pathology


def _apart(anchors: Anchors) -> Field:
    eye = (anchors["exocanthion_right"] + anchors["endocanthion_right"]) / 2
    inner, outer = (
        eye[0] - 17.5,
        eye[0] + 15.0,
    )  # a globe of 28 mm with its fat lies between: it moves rigidly

    def field(points: Points) -> Points:
        x, y, z = points.T
        lateral = ramp(np.abs(x), 0.0, inner) * ramp(np.abs(x), outer + 30.0, outer)
        height = ramp(z, eye[2] - 42.0, eye[2] - 14.5) * ramp(z, eye[2] + 58.0, eye[2] + 20.0)
        share = np.sign(x) * lateral * height * ramp(y, -4.0, 36.0)
        return np.asarray(share[:, None] * np.array([1.0, 0.0, 0.0]))

    return field


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
