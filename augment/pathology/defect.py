"""Pathologies that take tissue away: the skull defect after a craniectomy.

Bone is cut, not moved. The cut is a cone from the middle of the head: what lies in one direction is
cut on the skull's surface and in the volume alike. Its outline is an oval in the plane that touches
the vault at the middle of the defect; the area is that of the subject's skull inside the cone. The
scalp over it sinks in a little.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float

from augment.pathology import measures
from augment.pathology.deformation import MIRROR, Field, Points, bump, ellipsoidal
from augment.pathology.entry import Anchors, Grade, HeadGeometry, Pathology

# Middle of the vault, and of a fronto-temporo-parietal craniectomy on the right; how much longer
# than high it is.
MIDDLE_MM = np.array([0.0, -2.0, 45.0])
CENTRE_MM = np.array([60.0, 4.0, 72.0])
ELONGATION = 1.25
SCALP_MM = 5.5
# The scalp sinks by this share of the outline's half height at its middle.
SINKING, SINK_RADIUS_MM = 0.11, 54.0
# Bone nearer to the middle, as a share of the distance of the vault, is skull base.
NEAREST_SHARE = 0.55

_RADIUS_MM = float(np.linalg.norm(CENTRE_MM - MIDDLE_MM))
_AXIS = (CENTRE_MM - MIDDLE_MM) / _RADIUS_MM
_FORWARD = np.array([0.0, 1.0, 0.0]) - _AXIS[1] * _AXIS
_FORWARD = _FORWARD / np.linalg.norm(_FORWARD)
_UPWARD = np.cross(_AXIS, _FORWARD)


def outline_plane_mm(points_mm: Points) -> Float[np.ndarray, "points 2"]:
    """Return where the ray from the head's middle through each point meets the defect's plane.

    The plane touches the vault at the middle of the right-sided defect; its first axis runs
    forwards and is shortened by the oval's elongation, so that an outline is a circle about (0, 0).
    A point behind the middle of the head is infinitely far.

    Args:
        points_mm: Points in template space, mm.
    """
    from_middle = np.asarray(points_mm) - MIDDLE_MM
    ahead = from_middle @ _AXIS
    with np.errstate(divide="ignore"):
        scale = np.where(ahead > 0, _RADIUS_MM / np.abs(ahead), np.inf)
    across = np.stack([from_middle @ _FORWARD / ELONGATION, from_middle @ _UPWARD], axis=1)
    return np.where(np.isfinite(scale)[:, None], across, 1.0) * scale[:, None]


def inside_defect(points_mm: Points, side: str, size_mm: float) -> Bool[np.ndarray, " points"]:
    """Return which points of template space lie in a defect; bone there is cut.

    Args:
        points_mm: Points in template space, mm.
        side: ``left`` or ``right``.
        size_mm: The solved coefficient of the defect: half its height in its plane.
    """
    points = np.asarray(points_mm) * (MIRROR if side == "left" else 1.0)
    within = np.hypot(*outline_plane_mm(points).T) < size_mm
    far = np.linalg.norm(points - MIDDLE_MM, axis=1) > NEAREST_SHARE * _RADIUS_MM
    return np.asarray(within & far)


def _outline(_anchors: Anchors) -> Callable[[Points], np.ndarray]:
    return outline_plane_mm


def _sunken_scalp(_anchors: Anchors) -> Field:
    def field(points: Points) -> Points:
        share = bump(ellipsoidal(points, CENTRE_MM, (SINK_RADIUS_MM,) * 3), flatness=3)
        outward = points - MIDDLE_MM
        outward = outward / np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-9)
        return np.asarray(-SINKING * share[:, None] * outward)

    return field


def _area(head: HeadGeometry, _side: str | None) -> float:
    """Return the area of the cut on the skull: the scalp's surface, brought in by its thickness."""
    if head.cut is None:
        return 0.0
    from_middle = head.healthy_vertices - MIDDLE_MM
    length = np.maximum(np.linalg.norm(from_middle, axis=1, keepdims=True), SCALP_MM + 1.0)
    skull = MIDDLE_MM + from_middle * (1.0 - SCALP_MM / length)
    return measures.area_within_cm2(skull, head.faces, head.cut.plane, head.cut.size)


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
    follow_source="proposal: the scalp sinks by 11 % of the defect's half height; bone is cut",
    field=_sunken_scalp,
    measure=_area,
    needs=("cut",),
    effect="cut",
    outline=_outline,
    bounds=(0.0, 84.0),
    start=30.0,
    follow_depth_mm=12.0,
)
