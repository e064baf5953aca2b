"""Pathologies of the soft tissue over unchanged bone: the swollen cheek."""

import numpy as np

from augment.pathology import measures
from augment.pathology.deformation import Field, Points, bump, ellipsoidal, ramp
from augment.pathology.entry import Anchors, Grade, HeadGeometry, Pathology

SWELLING_RADII_MM = (54.0, 58.0, 52.0)


def _swollen_cheek(anchors: Anchors) -> Field:
    middle = (anchors["buccale_right"] + anchors["gonion_right"]) / 2
    centre = np.array([58.0, middle[1], middle[2]])
    eye = anchors["palpebrale_inferius_right"]
    within = np.array(
        [8.0, 12.0, centre[2]]
    )  # swelling pushes away from here: sideways and forwards

    def field(points: Points) -> Points:
        outward = points - within
        outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-9)
        share = bump(ellipsoidal(points, centre, SWELLING_RADII_MM), flatness=4)
        share = (
            share * ramp(points[:, 0], 12.0, 32.0) * ramp(points[:, 2], eye[2] - 2.0, eye[2] - 20.0)
        )
        return np.asarray(share[:, None] * outward)

    return field


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
    measure=_volume,
    needs=("surface",),
)
