"""Everything about a photograph that is drawn and is not geometry, as one record of plain values.

Twins share it, so that their pictures differ by the pathology alone.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from augment.recipe.schema import RenderSpec
from augment.render.light import Lighting, draw_lighting
from augment.render.skin import Skin, draw_skin
from augment.sample import Subject


@dataclass(frozen=True)
class Appearance:
    """How a subject looks and how the picture is taken.

    Attributes:
        skin: Pigments and texture.
        lighting: Lamps and surroundings.
    """

    skin: Skin
    lighting: Lighting

    def values(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return asdict(self)


def draw_appearance(rng: np.random.Generator, subject: Subject, spec: RenderSpec) -> Appearance:
    """Draw how a subject looks.

    Args:
        rng: Stream of the appearance.
        subject: Age, sex and ancestry steer tone, hair and wrinkles; what is None is drawn freely.
        spec: The recipe's choices about pictures.
    """
    return Appearance(skin=draw_skin(rng, subject), lighting=draw_lighting(rng))
