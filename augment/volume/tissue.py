"""Hounsfield units of tissues: drawn means and spreads per label, for CT, for random contrasts and
for a T1-like image.

Bone ranges follow head CT of adults (cortical 700-1800, trabecular 60-600 HU, scaled together for
bone density); soft tissue follows
Buzug, Computed Tomography (2008), table 8.1: fat -120 to -80, muscle 35 to 70, brain 20 to 45,
water-like fluid 0 to 15.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from augment.volume.labels import LABELS, Tissue


class Contrast(StrEnum):
    """Which kind of image the values make."""

    CT = "ct"
    RANDOM = "random"
    T1 = "t1"


@dataclass(frozen=True)
class TissueValues:
    """Value of each label.

    Attributes:
        mean: Mean per label number, HU (arbitrary units for random contrast and T1).
        spread: Standard deviation of the tissue's own texture.
    """

    mean: tuple[float, ...]
    spread: tuple[float, ...]


_CT = {
    Tissue.AIR: (-1000, -980, 3, False),
    Tissue.SKIN: (-20, 50, 15, False),
    Tissue.FAT: (-120, -80, 12, False),
    Tissue.MUSCLE: (30, 75, 14, False),
    Tissue.GLAND: (-20, 70, 14, False),
    Tissue.MUCOSA: (10, 60, 12, False),
    Tissue.BRAIN: (22, 48, 5, False),
    Tissue.FLUID: (0, 18, 4, False),
    Tissue.VITREOUS: (2, 20, 4, False),
    Tissue.LENS: (60, 110, 8, False),
    Tissue.CARTILAGE: (60, 150, 20, False),
    Tissue.LUNG: (-900, -700, 60, False),
    Tissue.VESSEL: (35, 240, 10, False),
    Tissue.SKULL_CORTEX: (1100, 1800, 110, True),
    Tissue.DIPLOE: (250, 850, 120, True),
    Tissue.THIN_BONE: (350, 1000, 140, True),
    Tissue.DENSE_BONE: (800, 1500, 200, True),
    Tissue.MANDIBLE_CORTEX: (1150, 1750, 120, True),
    Tissue.MANDIBLE_MARROW: (-40, 420, 110, True),
    Tissue.VERTEBRA_CORTEX: (400, 1000, 90, True),
    Tissue.VERTEBRA_MARROW: (120, 420, 60, True),
    Tissue.TRUNK_CORTEX: (450, 1300, 110, True),
    Tissue.TRUNK_MARROW: (60, 350, 60, True),
    Tissue.ENAMEL: (1700, 2700, 150, False),
    Tissue.DENTIN: (1100, 1800, 120, False),
    Tissue.METAL: (3000, 3071, 0, False),
}
"""Lowest and highest mean, texture, and whether bone density scales it."""

_T1 = {
    Tissue.FAT: 950,
    Tissue.SKIN: 500,
    Tissue.MUSCLE: 380,
    Tissue.BRAIN: 600,
    Tissue.FLUID: 120,
    Tissue.GLAND: 520,
    Tissue.VITREOUS: 110,
    Tissue.LENS: 420,
    Tissue.MUCOSA: 430,
    Tissue.CARTILAGE: 330,
    Tissue.VESSEL: 150,
    Tissue.DIPLOE: 620,
    Tissue.MANDIBLE_MARROW: 700,
    Tissue.VERTEBRA_MARROW: 560,
    Tissue.TRUNK_MARROW: 640,
}
"""Signal of a T1-weighted image, arbitrary units; tissues that are not named give next to none."""

BONE_DENSITY = (0.6, 1.0)
"""Range of the factor that bone density puts on all bones of one person."""


def draw_tissue_values(rng: np.random.Generator, contrast: Contrast = Contrast.CT) -> TissueValues:
    """Draw one value per tissue and give it to the tissue's labels.

    Args:
        rng: Generator of the sample's ``"tissue"`` stage.
        contrast: Kind of image.
    """
    density = rng.uniform(*BONE_DENSITY)
    drawn = {}
    for tissue, (low, high, texture, scaled) in _CT.items():
        fraction = rng.random()
        if contrast is Contrast.CT:
            factor = density if scaled else 1.0
            drawn[tissue] = (factor * (low + fraction * (high - low)), factor * texture)
        elif contrast is Contrast.T1:
            drawn[tissue] = (
                _T1.get(tissue, 20) * (0.9 + 0.2 * fraction),
                0.05 * _T1.get(tissue, 20),
            )
        else:
            drawn[tissue] = (1000.0 * fraction, 50.0 * rng.random())
    mean, spread = zip(*(drawn[label.tissue] for label in LABELS), strict=True)
    return TissueValues(tuple(map(float, mean)), tuple(map(float, spread)))
