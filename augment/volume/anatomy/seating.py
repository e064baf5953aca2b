"""Seats the average adult's skeleton in a template head: each bony landmark lies at its published
depth below its skin landmark.

Depths: Stephan and Simpson, J Forensic Sci 2008;53:1257-1272, weighted means of adults (tallied
facial soft tissue depth data).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Real
from scipy.interpolate import RBFInterpolator

from augment.volume.grid import triple

SQUARE_MM = 30.0
"""Smoothing of the thin-plate spline: anchors are met within about a millimetre."""


Point = tuple[float | int, float | int, float | int]


@dataclass(frozen=True)
class Anchor:
    """A point of the skeleton and the skin above it.

    Attributes:
        skin: Name of the skin landmark; right-sided ones are mirrored.
        bone_mm: The bony point of the average adult, anatomy coordinates.
        depth_mm: Published depth of bone below skin.
        outward: Direction from bone to skin (need not be of unit length).
    """

    skin: str
    bone_mm: Point
    depth_mm: float
    outward: Point


ANCHORS: tuple[Anchor, ...] = (
    Anchor("glabella", (0, 92, 33), 5.5, (0, 1, 0)),
    Anchor("nasion", (0, 88.5, 25), 6.5, (0, 1, 0)),
    Anchor("rhinion", (0, 96.5, 6), 3.0, (0, 0.9, 0.4)),
    Anchor("subspinale", (0, 86, -29), 12.5, (0, 1, 0)),
    Anchor("sublabiale", (0, 84, -66), 11.0, (0, 1, 0)),
    Anchor("pogonion", (0, 90, -78), 11.0, (0, 1, 0)),
    Anchor("menton", (0, 83, -86.5), 7.0, (0, 0, -1)),
    Anchor("gonion_right", (48.5, 17, -61), 10.0, (0.8, -0.45, -0.4)),
    Anchor("zygion_right", (67, 25, 4), 6.0, (1, 0, 0)),
    Anchor("malare_right", (47.5, 71, -3), 9.0, (0.6, 0.8, 0)),
    Anchor("orbitale_right", (31.5, 78.5, 4), 7.0, (0, 1, 0)),
    Anchor("superciliare_right", (32, 82, 44), 6.0, (0, 1, 0)),
)
"""Where skin and bone are tied together. The other landmarks of the table are checked, not used."""

FIXED_MM: tuple[tuple[Point, Point], ...] = (
    ((52.5, 11, 0), (48.8, 2.2, -4.5)),
    ((0, 84.5, -47.5), (0, 79.5, -50)),
    ((40, 33, -46), (38, 29, -46)),
    ((0, -8, -23), (0, -13, -25)),
    ((0, -12, -82), (0, -16, -76)),
    ((0, -26, -157), (0, -31, -140)),
    ((0, -62, -290), (0, -60, -252)),
    ((0, 40, -95), (0, 29, -93)),
    ((0, 31, -122), (0, 19, -114)),
    ((12, 22, -225), (12, 8, -176)),
    ((158, -45, -225), (158, -38, -196)),
    ((85, -75, -230), (85, -88, -200)),
    ((54, -45, 1), (52, -46, -5)),
)
"""Pairs of anatomy and template coordinates of the mean head without a skin landmark: joint,
incisors, spine, hyoid, shoulders."""


@dataclass(frozen=True)
class Seat:
    """Map of the average adult's anatomy into the template: a thin-plate spline through the
    anchors.

    Attributes:
        spline: The map of points.
        scale: Its closest diagonal scale.
        offset_mm: Its closest offset; ``anatomy = (template - offset) / scale`` is good to some
            millimetres.
    """

    spline: RBFInterpolator | None
    scale: tuple[float, float, float]
    offset_mm: tuple[float, float, float]

    @property
    def size(self) -> float:
        """Size of the template relative to the average adult, for radii."""
        return float(np.prod(self.scale)) ** (1 / 3)

    def template_from_anatomy(
        self, points_mm: Real[np.ndarray, "*points 3"]
    ) -> Float[np.ndarray, "*points 3"]:
        """Move points of the average adult into the template."""
        points = np.asarray(points_mm, float)
        if self.spline is None:
            return np.asarray(self.offset_mm) + np.asarray(self.scale) * points
        return self.spline(points.reshape(-1, 3)).reshape(points.shape)


UNSEATED = Seat(None, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))


def seat_skeleton(
    skin_mm: Mapping[str, Float[np.ndarray, "3"]],
    globe_mm: Float[np.ndarray, "3"],
    depth_scale: float = 1.0,
) -> Seat:
    """Find the map that brings the average skeleton under a template's skin.

    Args:
        skin_mm: Skin landmarks of the template by name, head frame, mm.
        globe_mm: Centre of the right globe.
        depth_scale: Thickness of the soft tissue relative to the published means.

    Returns:
        The map, symmetric about the sagittal plane.
    """
    anatomy, template = [np.array((31.4, 72.0, 23.0))], [np.asarray(globe_mm, float)]
    for anchor in ANCHORS:
        direction = np.asarray(anchor.outward) / np.linalg.norm(anchor.outward)
        anatomy.append(np.asarray(anchor.bone_mm, float))
        template.append(
            np.asarray(skin_mm[anchor.skin], float) - anchor.depth_mm * depth_scale * direction
        )
    for bone, place in FIXED_MM:
        anatomy.append(np.asarray(bone, float))
        template.append(np.asarray(place, float))
    source, target = np.array(anatomy), np.array(template)
    lateral = source[:, 0] > 1e-6
    target[~lateral, 0] = 0.0
    mirror = np.array((-1.0, 1.0, 1.0))
    source, target = (
        np.r_[source, source[lateral] * mirror],
        np.r_[target, target[lateral] * mirror],
    )
    spline = RBFInterpolator(source, target, kernel="linear", smoothing=SQUARE_MM / 10, degree=1)
    head = source[:, 2] > -100.0
    fits = [np.polyfit(source[head, axis], target[head, axis], 1) for axis in range(3)]
    return Seat(spline, triple(f[0] for f in fits), triple(f[1] for f in fits))
