"""Light of a photograph: an ambient field in spherical harmonics of order two, and a few lamps.

Directions are drawn in the portrait frame of the camera (right, up, towards the camera) and turned
into the head frame by the view. Intensities are linear RGB; a white surface that faces a lamp of
intensity 1 has radiance 1.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from augment.geometry.camera import Camera

Triple = tuple[float, float, float]

# Cosine-convolved SH constants (Ramamoorthi and Hanrahan, SIGGRAPH 2001), divided by pi: A_l / pi.
_BAND = (1.0, 2.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0, 0.25, 0.25, 0.25, 0.25, 0.25)


@dataclass(frozen=True)
class Lamp:
    """A far light.

    Attributes:
        direction: Unit vector towards it: right, up, towards the camera.
        colour: Linear RGB intensity.
    """

    direction: Triple
    colour: Triple


@dataclass(frozen=True)
class Lighting:
    """All light of a photograph.

    Attributes:
        lamps: Key light first.
        ambient: Radiance of the surroundings in nine real spherical harmonics, for R, G and B.
    """

    lamps: tuple[Lamp, ...]
    ambient: tuple[Triple, ...]


@dataclass(frozen=True)
class LightKind:
    """Ranges of one kind of light.

    Attributes:
        share: Share of photographs.
        key_share: Share of the key light in all light; the surroundings give the rest.
        azimuth_deg: Key light to the side of the camera.
        height_deg: Key light above the camera.
        has_fill: Whether a weaker lamp stands on the other side.
    """

    share: float
    key_share: tuple[float, float]
    azimuth_deg: tuple[float, float]
    height_deg: tuple[float, float]
    has_fill: bool = False


LIGHTS = {
    "studio": LightKind(0.4, (0.6, 0.9), (10.0, 50.0), (18.0, 45.0), has_fill=True),
    "window": LightKind(0.2, (0.7, 1.0), (35.0, 75.0), (5.0, 30.0)),
    "overcast": LightKind(0.2, (0.35, 0.6), (0.0, 30.0), (35.0, 65.0)),
    "flash": LightKind(0.2, (0.35, 0.75), (0.0, 22.0), (0.0, 28.0)),
}
"""Kinds of light; `flash` comes from beside the lens, as in passport and clinical pictures."""


def draw_lighting(rng: np.random.Generator, kind: str = "any") -> Lighting:
    """Draw the light of a photograph.

    Args:
        rng: Stream of the appearance.
        kind: `any`, or one of LIGHTS.
    """
    drawn = str(rng.choice(list(LIGHTS), p=[light.share for light in LIGHTS.values()]))
    light = LIGHTS[drawn if kind == "any" else kind]
    key_share = rng.uniform(*light.key_share)
    side = float(rng.choice((-1.0, 1.0)))
    azimuth = side * np.radians(rng.uniform(*light.azimuth_deg))
    height = np.radians(rng.uniform(*light.height_deg))
    white = _warmth(rng.normal(0.0, 0.35))
    lamps = [_lamp(azimuth, height, key_share * white)]
    if light.has_fill:
        fill = rng.uniform(0.1, 0.3)
        lamps.append(_lamp(-side * np.radians(rng.uniform(25, 60)), np.radians(rng.uniform(0, 25)),
                           fill * _warmth(rng.normal(0.0, 0.35))))  # fmt: skip
    if rng.random() < 0.35:
        behind = -side * np.radians(rng.uniform(115, 155))
        colour = rng.uniform(0.2, 0.7) * _warmth(rng.normal(0.0, 0.4))
        lamps.append(_lamp(behind, np.radians(rng.uniform(15, 50)), colour))
    return Lighting(tuple(lamps), _ambient(rng, 0.72 - 0.62 * key_share))


def _lamp(azimuth: float, height: float, colour: np.ndarray) -> Lamp:
    direction = (np.sin(azimuth) * np.cos(height), np.sin(height), np.cos(azimuth) * np.cos(height))
    return Lamp(_triple(direction), _triple(colour))


def _triple(values: object) -> Triple:
    first, second, third = (float(value) for value in values)  # type: ignore[attr-defined]
    return first, second, third


def _warmth(amount: float) -> np.ndarray:
    """Return a white that is warmer (above 0) or cooler, of the same green."""
    amount = float(np.clip(amount, -1.0, 1.0))
    return np.array([1.0 + 0.14 * amount, 1.0, 1.0 - 0.2 * amount])


def _ambient(rng: np.random.Generator, strength: float) -> tuple[Triple, ...]:
    """Return surroundings: bright above, dimmer below, uneven sideways, tinted walls."""
    sky, floor = _warmth(rng.normal(-0.1, 0.3)), _warmth(rng.normal(0.25, 0.3))
    level = strength * rng.uniform(0.75, 1.1)
    contrast = rng.uniform(0.15, 0.45)
    mean = level * (sky + 0.8 * floor) / 1.8
    rows = [mean] + [np.zeros(3) for _ in range(8)]
    rows[1] = level * (contrast * sky)  # up
    rows[2] = level * rng.uniform(0.0, 0.35) * np.ones(3)  # towards the camera
    rows[3] = level * rng.uniform(-0.3, 0.3) * _warmth(rng.normal(0.0, 0.5))  # right
    for k in range(4, 9):
        rows[k] = level * rng.normal(0.0, 0.06) * np.ones(3)
    return tuple(_triple(row) for row in rows)


def world_from_portrait(camera: Camera) -> Float[Tensor, "images 3 3"]:
    """Return the turn from the portrait frame (right, up, towards the camera) to the head frame."""
    flip = torch.tensor([1.0, -1.0, -1.0], dtype=torch.float64, device=camera.focal_px.device)
    return camera.camera_from_world[:, :3, :3].transpose(1, 2) * flip


def lamp_arrays(
    lighting: Lighting, turn: Float[Tensor, "3 3"]
) -> tuple[Float[Tensor, "lamps 3"], Float[Tensor, "lamps 3"]]:
    """Return directions in the head frame and colours of the lamps."""
    directions = torch.tensor([lamp.direction for lamp in lighting.lamps], device=turn.device)
    colours = torch.tensor([lamp.colour for lamp in lighting.lamps], device=turn.device)
    return directions @ turn.float().T, colours


def irradiance(
    lighting: Lighting, turn: Float[Tensor, "3 3"], normals: Float[Tensor, "3 points"]
) -> Float[Tensor, "3 points"]:
    """Return what the surroundings send to surfaces: radiance of a white one, linear RGB.

    Args:
        lighting: The light.
        turn: From the portrait frame to the head frame.
        normals: Unit vectors in the head frame.
    """
    right, up, towards = (turn.T.to(normals.dtype) @ normals).unbind(0)
    basis = torch.stack(
        (
            torch.ones_like(right), up, towards, right,
            right * up, right * towards, up * towards,
            right * right - up * up, 3.0 * towards * towards - 1.0,
        )
    )  # fmt: skip
    table = torch.tensor(lighting.ambient) * torch.tensor(_BAND)[:, None]
    return (table.T.to(normals) @ basis).clamp_min_(0.0)
