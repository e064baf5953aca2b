"""Skin: how much melanin and blood it holds, where, and the colour that follows.

Reflectance falls exponentially with the two pigments (Tsumura et al., Image-based skin color and
texture analysis/synthesis by extracting hemoglobin and melanin information, SIGGRAPH 2003; Jimenez
et al., A practical appearance model for dynamic facial color, SIGGRAPH Asia 2010):

    R = R_0 exp(-melanin · a_m - blood · a_b)        for R, G and B, linear
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from augment.sample import Subject

# Broad-band reflectance of the dermis without pigment, and absorbance of the pigments relative to
# green: melanin falls with the wavelength to the power 3.33 (Jacques, Phys Med Biol 2013;58:R37),
# flattened by the width of the colour bands; haemoglobin has its trough in red.
DERMIS = (0.86, 0.74, 0.56)
MELANIN_ABSORBANCE = (0.74, 1.0, 1.28)
BLOOD_ABSORBANCE = (0.12, 1.0, 0.74)

# Melanin of the cheek by ancestry, 5th to 95th percentile of the drawn range, in units where 1
# halves green to exp(-1).
MELANIN_RANGE = {"caucasian": (0.10, 0.45), "asian": (0.28, 0.70), "african": (0.95, 2.0)}
BLOOD_RANGE = (0.24, 0.44)


@dataclass(frozen=True)
class Skin:
    """What was drawn for a subject's skin; amounts without unit are shares of their usual size.

    Attributes:
        melanin: Of the cheek, in absorbance of green.
        blood: Of the cheek, in absorbance of green.
        flush: How much redder cheeks, nose and ears are.
        mottle: Strength of blotches.
    """

    melanin: float
    blood: float
    flush: float
    mottle: float


def draw_skin(rng: np.random.Generator, subject: Subject) -> Skin:
    """Draw the skin of a subject."""
    shares = subject.ancestry or {"caucasian": 1 / 3, "asian": 1 / 3, "african": 1 / 3}
    place = rng.uniform(0.0, 1.0)
    melanin = sum(
        share * (MELANIN_RANGE[name][0] * (1 - place) + MELANIN_RANGE[name][1] * place)
        for name, share in shares.items()
    )
    return Skin(
        melanin=float(melanin),
        blood=float(rng.uniform(*BLOOD_RANGE)),
        flush=float(rng.uniform(0.4, 1.3)),
        mottle=float(rng.uniform(0.4, 1.2)),
    )


def pigment_colour(
    melanin: Float[Tensor, " points"], blood: Float[Tensor, " points"]
) -> Float[Tensor, "points 3"]:
    """Return the linear RGB reflectance of skin that holds melanin and blood."""
    table = melanin.new_tensor((MELANIN_ABSORBANCE, BLOOD_ABSORBANCE, DERMIS))
    absorbed = melanin[:, None] * table[0] + blood[:, None] * table[1]
    return table[2] * torch.exp(-absorbed)
