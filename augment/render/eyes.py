"""Eyes: iris, pupil, limbus, the white with its vessels, and the wet shine of the cornea.

A globe's texture is a disc: the radius is the polar angle from the corneal apex, pi at the rim.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from augment.render.noise import NoiseTile
from augment.render.reflect import Lit, dot, unit
from augment.sample import Subject

GLOBE_DISC = {"left": (0.94, 0.62), "right": (0.94, 0.72)}
"""Centre of each globe's disc in texture space."""
GLOBE_RADIUS = 0.045
"""Radius of the disc, where the polar angle is pi."""
IRIS_RADIUS = math.asin(12.2 / 2 / 14.4) / math.pi
"""Polar angle of the limbus as a share of pi: 12.2 mm across on the model's globes of 28.8 mm.

The corneal diameter is 11.7 mm on a globe of 24 mm (Rufer et al., Cornea 2005;24:259); between the
lids of a model whose globes are larger, the visible width counts.
"""

CORNEAL_GAIN = 1.75
"""How much faster the normals of the cornea turn than those of the model's globe."""

# Linear RGB of irises, outer and inner part: brown, dark brown, hazel, green, grey-blue, blue.
IRISES = {
    "dark_brown": ((0.030, 0.014, 0.008), (0.050, 0.024, 0.012)),
    "brown": ((0.075, 0.036, 0.016), (0.130, 0.062, 0.024)),
    "hazel": ((0.120, 0.085, 0.035), (0.190, 0.100, 0.035)),
    "green": ((0.110, 0.125, 0.070), (0.190, 0.150, 0.065)),
    "grey": ((0.130, 0.160, 0.180), (0.200, 0.210, 0.200)),
    "blue": ((0.080, 0.145, 0.230), (0.190, 0.250, 0.290)),
}
_DARK = (0.62, 0.36, 0.02, 0.0, 0.0, 0.0)
_LIGHT = (0.05, 0.30, 0.17, 0.13, 0.15, 0.20)


@dataclass(frozen=True)
class Eyes:
    """What was drawn for a subject's eyes.

    Attributes:
        iris: Name in IRISES.
        tone: Brightness of the iris, 1 as in the table.
        pupil: Radius of the pupil as a share of the iris.
        white: Brightness of the white.
        vessels: Redness of the white.
        turn: Rotation of the iris pattern, share of a turn.
    """

    iris: str
    tone: float
    pupil: float
    white: float
    vessels: float
    turn: float


def draw_eyes(rng: np.random.Generator, subject: Subject) -> Eyes:
    """Draw eyes; ancestry steers the colour of the iris."""
    shares = subject.ancestry or {"caucasian": 1 / 3, "asian": 1 / 3, "african": 1 / 3}
    light = shares.get("caucasian", 0.0) ** 1.5
    chances = light * np.array(_LIGHT) + (1.0 - light) * np.array(_DARK)
    return Eyes(
        iris=str(rng.choice(list(IRISES), p=chances / chances.sum())),
        tone=float(rng.uniform(0.8, 1.3)),
        pupil=float(rng.uniform(0.28, 0.48)),
        white=float(rng.uniform(0.82, 1.0)),
        vessels=float(rng.uniform(0.2, 1.0)),
        turn=float(rng.uniform()),
    )


def globe_polar(
    uv: Float[Tensor, "2 points"], is_left: Bool[Tensor, " points"]
) -> tuple[Float[Tensor, " points"], Float[Tensor, " points"]]:
    """Return the polar angle as a share of pi, and the angle about the optical axis in turns."""
    centres = uv.new_tensor((GLOBE_DISC["right"], GLOBE_DISC["left"]))
    offset = uv - centres[is_left.long()].T
    return (
        offset.square().sum(0).sqrt() / GLOBE_RADIUS,
        torch.atan2(offset[1], offset[0]) / (2.0 * math.pi),
    )


def eye_albedo(
    eyes: Eyes, tile: NoiseTile, radius: Float[Tensor, " points"], turn: Float[Tensor, " points"]
) -> Float[Tensor, "3 points"]:
    """Return the linear RGB reflectance of the globe.

    Args:
        eyes: The subject's eyes.
        tile: Noise of strands, read along the fibres of the iris.
        radius: Polar angle, share of pi.
        turn: Angle about the optical axis, turns.
    """
    share = radius / IRIS_RADIUS
    fibres = tile.at(torch.stack((turn + eyes.turn, share * 0.05)), (0.0, 0.0))
    outer, inner = (radius.new_tensor(colour)[:, None] for colour in IRISES[eyes.iris])
    ring = _step(share + 0.06 * fibres[2], 0.50, 0.72)
    iris = eyes.tone * (inner + ring * (outer - inner))
    iris = iris * (1.0 + 0.22 * fibres[1] + 0.15 * fibres[0]).clamp_min(0.3)
    iris = iris * (1.0 - 0.72 * _step(share, 0.80, 1.0))  # the dark limbus
    pupil = _step(share, eyes.pupil - 0.05, eyes.pupil + 0.05)
    iris = iris * pupil + 0.002 * (1.0 - pupil)
    veins = tile.at(torch.stack((radius * 1.3, turn * 2.0 + eyes.turn)), (0.3, 0.7))
    redness = (0.5 * _step(share, 1.1, 2.6) + 0.3 * veins[1].clamp_min(0.0)) * eyes.vessels
    white = eyes.white * radius.new_tensor((0.66, 0.60, 0.55))[:, None]
    white = white * (1.0 - redness * radius.new_tensor((0.10, 0.36, 0.36))[:, None]).clamp_min(0.2)
    return iris + _step(share, 0.93, 1.07) * (white - iris)


def corneal_shine(
    lit: Lit, axis: Float[Tensor, "3 points"], radius: Float[Tensor, " points"]
) -> Float[Tensor, "3 points"]:
    """Return what the wet globe mirrors: lamps as soft boxes, and a little of the surroundings.

    The cornea curves more than the white (7.8 mm against 12 mm): its normals turn faster from the
    axis, which is what brings the reflection of a lamp onto the iris.

    Args:
        lit: Points of the globes.
        axis: Unit vectors along the optical axis of each point's globe.
        radius: Polar angle, share of pi.
    """
    is_cornea = 1.0 - _step(radius / IRIS_RADIUS, 0.95, 1.25)
    steep = unit(axis + CORNEAL_GAIN * (lit.normal - axis))
    normal = unit(lit.normal + is_cornea * (steep - lit.normal))
    facing = dot(normal, lit.view)
    cosine = lit.lamps @ (2.0 * facing * normal - lit.view)
    box = _step(cosine, math.cos(math.radians(13.0)), math.cos(math.radians(8.0)))
    strength = (0.25 + 0.75 * is_cornea) * lit.unhidden
    rim = (0.03 + 0.97 * (1.0 - facing.clamp(0.0, 1.0)).pow(5)).clamp_max(0.35) * lit.openness
    return 1.1 * (lit.colours.T @ (box * strength)) + lit.ambient * rim


def _step(values: Tensor, low: float, high: float) -> Tensor:
    """Return 0 below low, 1 above high and a smooth rise between."""
    t = ((values - low) / (high - low)).clamp(0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)
