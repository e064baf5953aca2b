"""How much light the lids let through to the globes, from where this head's lids are.

Shadows are found once, on the template (`augment.render.visibility`); lids move further than any
other skin against what they shade. What a lid has laid open, light reaches.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from augment.morphable.model import FaceModel
from augment.render.scene import PART_ID, REFINEMENT_LEVEL

LID_REACH_MM = 2.0
"""Skin no further than this from the front of a globe belongs to its lids."""
AMBIENT_MM, LAMP_MM = (0.3, 3.0), (0.3, 5.5)
"""Distances from the lids between which the light of the surroundings and that of a lamp comes out
of their shadow; chosen by eye on retracted lids. A lamp stands higher than the mean of the
surroundings, so that its shadow is longer."""
MOST_AMBIENT, MOST_LAMP = 0.9, 0.6
"""What arrives far from the lids: brow and nose still take their part."""


@dataclass(frozen=True, eq=False)
class LidShadow:
    """One eye of the refined model.

    Attributes:
        globe: Vertices of the front of the globe.
        lids: Vertices of the skin that lies on it.
        rest_mm: Distance of each vertex of the globe to the template's lids.
    """

    globe: Int64[Tensor, " globe"]
    lids: Int64[Tensor, " lids"]
    rest_mm: Float[Tensor, " globe"]


def find_lid_shadows(model: FaceModel) -> tuple[LidShadow, LidShadow]:
    """Return the left and the right eye of a model."""
    finer = model.refinement(REFINEMENT_LEVEL)
    vertices = finer.apply(model.mean[None])[0]
    part = model.part_of_triangle.repeat_interleave(4**REFINEMENT_LEVEL)
    skin = finer.faces[part == PART_ID["skin"]].unique()
    found = []
    for side in ("left", "right"):
        globe = finer.faces[part == PART_ID[f"eye_{side}"]].unique()
        centre = (vertices[globe].amin(0) + vertices[globe].amax(0)) / 2
        forward = vertices[globe, 1] - centre[1]
        front = globe[forward > 0.3 * forward.max()]
        gap, nearest = torch.cdist(vertices[skin], vertices[front]).min(1)
        below = vertices[front[nearest]]
        # The lids' lining lies beneath the globe's surface and shades nothing.
        is_above = ((vertices[skin] - below) * (below - centre)).sum(1) > 0.0
        lids = skin[is_above & (gap < LID_REACH_MM)]
        found.append(LidShadow(front, lids, _distance(vertices, front, lids)))
    return found[0], found[1]


def lay_open(
    received: Float[Tensor, "vertices channels"],
    vertices: Float[Tensor, "twins vertices 3"],
    shadows: tuple[LidShadow, LidShadow],
) -> Float[Tensor, "twins vertices channels"]:
    """Return what arrives at the vertices of each twin, with the globes as its lids leave them.

    Args:
        received: Share of each lamp's light and, last, of the surroundings' on the template.
        vertices: Positions of each twin, mm.
        shadows: Both eyes.
    """
    opened = received.expand(len(vertices), -1, -1).clone()
    for eye in shadows:
        distance = _distance(vertices, eye.globe, eye.lids)
        ambient = MOST_AMBIENT * _rise(distance, AMBIENT_MM)
        # A lamp that something else hides stays hidden: the lids' share alone is given back.
        lamp = MOST_LAMP * (_rise(distance, LAMP_MM) - _rise(eye.rest_mm, LAMP_MM))
        table = opened[:, eye.globe]
        reach = torch.cat((lamp[..., None].expand_as(table[..., 1:]), ambient[..., None]), -1)
        opened[:, eye.globe] = torch.maximum(table, reach)
    return opened


def _distance(
    vertices: Float[Tensor, "*twins vertices 3"],
    globe: Int64[Tensor, " globe"],
    lids: Int64[Tensor, " lids"],
) -> Float[Tensor, "*twins globe"]:
    return torch.cdist(vertices[..., globe, :], vertices[..., lids, :]).amin(-1)


def _rise(distance_mm: Tensor, ends_mm: tuple[float, float]) -> Tensor:
    """Return 0 below the first end, 1 above the second and a smooth rise between."""
    low, high = ends_mm
    share = ((distance_mm - low) / (high - low)).clamp(0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)
