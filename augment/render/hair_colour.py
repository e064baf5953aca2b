"""Colour of hair, brows and lashes: from black to blond, with the share of grey hairs."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from augment.sample import Subject

Triple = tuple[float, float, float]

# Linear RGB reflectance of a lock, from black to light blond: the steps of the Fischer-Saller scale
# that portraits show, set by eye; between them the logarithm is interpolated.
SHADES = np.array(
    [
        (0.014, 0.011, 0.010), (0.030, 0.019, 0.014), (0.060, 0.034, 0.021), (0.115, 0.066, 0.036),
        (0.190, 0.117, 0.064), (0.300, 0.205, 0.112), (0.470, 0.350, 0.205),
    ]
)  # fmt: skip
RED = np.array([0.240, 0.085, 0.030])
GREY = np.array([0.40, 0.375, 0.345])


@dataclass(frozen=True)
class HairColour:
    """Linear RGB colours of a subject's hair.

    Attributes:
        root: Near the scalp.
        tip: At the ends, often lighter.
        brow: Of the brows.
        lash: Of the lashes.
        grey: Share of grey hairs.
    """

    root: Triple
    tip: Triple
    brow: Triple
    lash: Triple
    grey: float


def shade_colour(lightness: float) -> Float[np.ndarray, "3"]:
    """Return the colour of a lightness, 0 black to 1 light blond."""
    at = np.clip(lightness, 0.0, 1.0) * (len(SHADES) - 1)
    steps = np.arange(len(SHADES))
    return np.exp([np.interp(at, steps, np.log(SHADES[:, k])) for k in range(3)])


def draw_hair_colour(rng: np.random.Generator, subject: Subject) -> HairColour:
    """Draw hair; ancestry steers its lightness, age its grey."""
    shares = subject.ancestry or {"caucasian": 1 / 3, "asian": 1 / 3, "african": 1 / 3}
    light = shares.get("caucasian", 0.0)
    reach = 0.12 + 0.9 * light**2 if rng.random() < 0.3 + 0.6 * light else 0.1
    lightness = float(rng.uniform(0.0, reach))
    is_red = light > 0.6 and rng.random() < 0.07
    age = 40.0 if subject.age_years is None else subject.age_years
    grey = float(np.clip((age - rng.normal(53.0, 9.0)) / 28.0, 0.0, 0.95))
    lift = float(rng.uniform(0.0, 0.12))
    root = RED * rng.uniform(0.7, 1.2) if is_red else shade_colour(lightness)
    tip = root * 1.25 if is_red else shade_colour(lightness + lift)
    brow = 0.5 * root + 0.3 * shade_colour(min(0.7 * lightness, 0.55))
    lash = shade_colour(min(0.3 * lightness, 0.25))
    return HairColour(
        root=_triple(root + grey * (GREY - root)),
        tip=_triple(tip + grey * (GREY - tip)),
        brow=_triple(brow + 0.4 * grey * (GREY - brow)),
        lash=_triple(lash),
        grey=grey,
    )


def _triple(values: np.ndarray) -> Triple:
    return float(values[0]), float(values[1]), float(values[2])
