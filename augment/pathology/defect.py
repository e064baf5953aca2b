"""Pathologies that take tissue away: the skull defect after a craniectomy.

Bone is cut, not moved: the outline lies in template space, so that mesh and volume agree, and the
area is measured on the skull's surface of the subject. The scalp over it sinks in a little.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float

from augment.pathology import measures
from augment.pathology.deformation import MIRROR, Field, Points, bump, ellipsoidal
from augment.pathology.entry import Anchors, Grade, HeadGeometry, Pathology

# Middle of a fronto-temporo-parietal craniectomy on the right, and how much longer than high it is.
CENTRE_MM, ELONGATION = (60.0, 4.0, 72.0), 1.25
SCALP_MM = 5.5
# The scalp sinks by this share of the outline's half height at its middle.
SINKING, SINK_RADIUS_MM = 0.04, 52.0
MIDDLE_MM = np.array([0.0, -2.0, 45.0])


def outline_size_mm(points_mm: Points) -> Float[np.ndarray, " points"]:
    """Return the size of the outline that passes through points of template space, mm.

    The outline of size r is an oval about the middle of the right-sided defect, 2 r high and 2.5 r
    long; a point is inside it where this value is smaller than r.
    """
    return ellipsoidal(np.asarray(points_mm), np.array(CENTRE_MM), (1.0, ELONGATION, 1.0))


def inside_defect(points_mm: Points, side: str, size_mm: float) -> Bool[np.ndarray, " points"]:
    """Return which points of template space lie in a defect; bone there is cut.

    Args:
        points_mm: Points in template space, mm.
        side: ``left`` or ``right``.
        size_mm: The solved coefficient of the defect: half its height.
    """
    mirrored = np.asarray(points_mm) * (MIRROR if side == "left" else 1.0)
    return np.asarray(outline_size_mm(mirrored) < size_mm)


def _outline(_anchors: Anchors) -> Callable[[Points], np.ndarray]:
    return outline_size_mm


def _sunken_scalp(_anchors: Anchors) -> Field:
    centre = np.array(CENTRE_MM)

    def field(points: Points) -> Points:
        share = bump(ellipsoidal(points, centre, (SINK_RADIUS_MM,) * 3), flatness=3)
        outward = points - MIDDLE_MM
        outward = outward / np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-9)
        return np.asarray(-SINKING * share[:, None] * outward)

    return field


def _area(head: HeadGeometry, _side: str | None) -> float:
    """Return the area of the cut on the skull: the scalp's surface, brought in by its thickness."""
    if head.removed is None:
        return 0.0
    from_middle = head.healthy_vertices - MIDDLE_MM
    length = np.maximum(np.linalg.norm(from_middle, axis=1, keepdims=True), SCALP_MM + 1.0)
    skull = MIDDLE_MM + from_middle * (1.0 - SCALP_MM / length)
    return measures.area_above_cm2(skull, head.faces, head.removed)


CRANIAL_DEFECT = Pathology(
    name="cranial_defect",
    title="Cranial defect after craniectomy",
    parameter="defect area",
    unit="cm2",
    sides=("left", "right"),
    norm="0 cm2",
    grades=(
        Grade("mild", 5.0, 25.0, "proposal"),
        Grade("moderate", 25.0, 80.0, "proposal"),
        Grade("severe", 80.0, 115.0, "proposal"),
    ),
    source="defects as in SkullBreak and SkullFix, docslib 5846367; areas are our proposal",
    region=("scalp", "temple"),
    bone_follow=0.0,
    skin_follow=1.0,
    follow_source="proposal: the scalp sinks by 4 % of the defect's half height; bone is cut",
    field=_sunken_scalp,
    measure=_area,
    needs=("cut",),
    effect="cut",
    weight=_outline,
    bounds=(0.0, 72.0),
    start=30.0,
    follow_depth_mm=12.0,
)
