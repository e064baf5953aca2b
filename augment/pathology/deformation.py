"""Displacement fields in template space, the shape of a pathology: points enter, millimetres per
unit coefficient leave.

A field is a smooth function of position in the head frame of the mean head. Sampled at the
template's vertices it is a column of the pathology basis; sampled on a lattice it moves a volume;
both agree because they are the same function.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Points = Float[np.ndarray, "points 3"]
Field = Callable[[Points], Points]

MIRROR = np.array([-1.0, 1.0, 1.0])

# Depth below the skin at which tissue moves fully with bone, mm. The thinnest soft tissue over the
# moving bones is 5.5 mm (glabella; Stephan and Simpson 2008), so every bony landmark moves with its
# bone.
FOLLOW_DEPTH_MM = 5.5


def ramp(value: np.ndarray, zero_at: float | np.ndarray, one_at: float | np.ndarray) -> np.ndarray:
    """Return a smooth step (quintic, two continuous derivatives) that is 0 at one value and 1 at
    another.

    The step runs either way: zero_at may be the larger value.
    """
    t = np.clip((value - zero_at) / (one_at - zero_at), 0.0, 1.0)
    return np.asarray(t * t * t * (t * (6.0 * t - 15.0) + 10.0))


def slope(
    value: np.ndarray, zero_at: float | np.ndarray, one_at: float | np.ndarray, soft: float = 0.15
) -> np.ndarray:
    """Return a straight line from 0 at one value to 1 at another, with rounded ends.

    Its gradient is nowhere steeper than the line's, so that it shortens tissue evenly where `ramp`
    would crowd it in the middle; two continuous derivatives. The rounding reaches a share `soft` of
    the way beyond both ends.
    """
    t = (value - zero_at) / (one_at - zero_at)

    def rounded(t: np.ndarray) -> np.ndarray:
        s = np.clip((t + soft) / (2 * soft), 0.0, 1.0)
        quintic = s**4 * (2.5 - 3.0 * s + s * s)  # integral of the smooth step
        return np.asarray(np.where(t > soft, t, 2 * soft * quintic))

    return rounded(t) - rounded(t - 1.0)


def bump(radius: np.ndarray, flatness: int = 2) -> np.ndarray:
    """Return (1 - r^n)^3, 1 at the centre and 0 from radius 1 outwards, with two continuous
    derivatives.

    Args:
        radius: Distance as a share of the support's radius.
        flatness: The exponent n; larger is flatter around the centre.
    """
    return np.asarray(np.clip(1.0 - np.abs(radius) ** flatness, 0.0, None) ** 3)


def ellipsoidal(
    points: Points, centre: np.ndarray, radii: tuple[float, float, float]
) -> np.ndarray:
    """Return the distance from a centre as a share of the radii of an ellipsoid."""
    return np.asarray(np.linalg.norm((points - centre) / np.asarray(radii), axis=-1))


def mirrored(field: Field) -> Field:
    """Return the mirror image of a field in the mid-sagittal plane."""

    def mirror_image(points: Points) -> Points:
        return np.asarray(field(points * MIRROR) * MIRROR)

    return mirror_image


def all_of(*fields: Field) -> Field:
    """Return the sum of fields."""

    def total(points: Points) -> Points:
        return np.asarray(sum(field(points) for field in fields))

    return total


def push(share: np.ndarray, direction: tuple[float, float, float]) -> Points:
    """Return a displacement along one direction: a share of it at each point."""
    return np.asarray(share[:, None] * np.array(direction))


@dataclass(frozen=True)
class Deformation:
    """One pathology on one side as a displacement field of bone and skin.

    Attributes:
        name: Pathology.
        side: ``left``, ``right``, ``both`` or None where there is no side.
        field: Displacement of fully moving tissue per unit coefficient, template space, mm.
        bone_follow: Share of the field that bone follows.
        skin_follow: Share of the field that the skin follows.
        skin_field: What the skin does beyond that, per unit coefficient, or None.
        follow_depth_mm: Depth below the skin at which tissue moves as bone does.
    """

    name: str
    side: str | None
    field: Field
    bone_follow: float
    skin_follow: float
    skin_field: Field | None = None
    follow_depth_mm: float = FOLLOW_DEPTH_MM

    def displacement(self, points_mm: Points, depth_mm: Float[np.ndarray, " points"]) -> Points:
        """Return the displacement per unit coefficient in mm.

        Args:
            points_mm: Points in template space (head frame of the mean head).
            depth_mm: Depth of each point below the skin, 0 on it; skin share at 0, bone share from
                `follow_depth_mm`.
        """
        points = np.asarray(points_mm, dtype=np.float64)
        skin = 1.0 - ramp(depth_mm, 0.0, self.follow_depth_mm)
        follow = self.bone_follow + (self.skin_follow - self.bone_follow) * skin
        moved = self.field(points) * follow[:, None]
        if self.skin_field is not None:
            moved = moved + self.skin_field(points) * skin[:, None]
        return np.asarray(moved)
