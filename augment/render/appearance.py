"""Everything about a photograph that is drawn and is not geometry, as one record of plain values.

Twins share it, so that their pictures differ by the pathology alone.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from augment.recipe.schema import RenderSpec
from augment.render.background import Background, draw_background
from augment.render.clothes import Clothes, draw_clothes
from augment.render.eyes import Eyes, draw_eyes
from augment.render.hair import Hair, draw_hair
from augment.render.hair_colour import HairColour, draw_hair_colour
from augment.render.lens import Lens, draw_lens
from augment.render.light import Lighting, draw_lighting
from augment.render.skin import Skin, draw_skin, pigment_colour
from augment.sample import Subject


@dataclass(frozen=True)
class Appearance:
    """How a subject looks and how the picture is taken.

    Attributes:
        skin: Pigments and texture.
        eyes: Iris, pupil and white.
        hair: Style and state of the hair.
        hair_colour: Of hair, brows and lashes.
        clothes: Cut and cloth.
        lighting: Lamps and surroundings.
        background: What is behind.
        lens: What the camera does.
    """

    skin: Skin
    eyes: Eyes
    hair: Hair
    hair_colour: HairColour
    clothes: Clothes
    lighting: Lighting
    background: Background
    lens: Lens

    def values(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return asdict(self)


def face_radiance(skin: Skin, lighting: Lighting) -> float:
    """Return the green radiance of the cheeks towards the camera, roughly."""
    reflectance = float(
        pigment_colour(torch.tensor([skin.melanin]), torch.tensor([skin.blood]))[1, 0]
    )
    direct = sum(lamp.colour[1] * max(lamp.direction[2], 0.0) for lamp in lighting.lamps)
    return reflectance * (
        0.8 * direct + 0.8 * lighting.ambient[0][1] + 0.3 * lighting.ambient[2][1]
    )


def draw_appearance(rng: np.random.Generator, subject: Subject, spec: RenderSpec) -> Appearance:
    """Draw how a subject looks.

    Args:
        rng: Stream of the appearance.
        subject: Age, sex and ancestry steer tone, hair and wrinkles; what is None is drawn freely.
        spec: The recipe's choices about pictures.
    """
    skin, lighting = draw_skin(rng, subject), draw_lighting(rng, spec.light)
    return Appearance(
        skin=skin,
        eyes=draw_eyes(rng, subject),
        hair=draw_hair(rng, subject),
        hair_colour=draw_hair_colour(rng, subject),
        clothes=draw_clothes(rng),
        lighting=lighting,
        background=draw_background(rng, spec.background),
        lens=draw_lens(rng, spec.photometric, face_radiance(skin, lighting)),
    )
