"""The arms of a study: what a network starts from and what its batches hold.

An arm is a name, or several joined by `+`: `pretrain+anchored` starts from the synthetic weights
and goes on with the n real cases and their deformed variants.
"""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
from jaxtyping import Float, UInt8

from augment.errors import RecipeError
from augment.segmentation.carvemix import carve_mix

Images = Float[np.ndarray, "batch channels *space"]
Labels = UInt8[np.ndarray, "batch *space"]
BatchMaker = Callable[[np.random.Generator, Images, Labels], tuple[Images, Labels]]

RANDOM, SYNTHETIC, PRIMITIVES = "random", "synthetic", "primitives"


@dataclass(frozen=True)
class Arm:
    """One way to train.

    Attributes:
        start: Weights that training starts from: `random`, or those pre-trained on `synthetic` data
            or on `primitives`.
        pools: What patches are drawn from: `real` (the n cases), `synthetic`, `anchored` (the n
            cases deformed). None at all: the starting weights are the result.
        batches: Applied to every batch of real patches, after the augmentation.
    """

    start: str = RANDOM
    pools: tuple[str, ...] = ("real",)
    batches: tuple[BatchMaker, ...] = ()

    @property
    def needs_real(self) -> bool:
        """Whether it reads a real case."""
        return bool(self.pools)


ARMS: dict[str, Arm] = {
    "real": Arm(),
    "synthetic": Arm(start=SYNTHETIC, pools=()),
    "pretrain": Arm(start=SYNTHETIC),
    "mix": Arm(pools=("real", "synthetic")),
    "anchored": Arm(pools=("real", "anchored")),
    "carvemix": Arm(batches=(carve_mix,)),
    "primitives": Arm(start=PRIMITIVES),
}
"""Arms by name; those of published competitors last."""


def read_arm(name: str) -> Arm:
    """Return an arm, or the combination of arms joined by `+`.

    Args:
        name: Keys of ARMS joined by `+`.

    Raises:
        RecipeError: If a part is unknown, two parts start from different weights, or `synthetic` is
            combined.
    """
    parts = name.split("+")
    for part in parts:
        if part not in ARMS:
            near = get_close_matches(part, list(ARMS), n=1, cutoff=0.0)[0]
            raise RecipeError(
                f"arms expects {', '.join(ARMS)}, or several joined by +, got {name!r}; the nearest"
                f" known arm is {near!r}"
            )
    arms = [ARMS[part] for part in parts]
    starts = list(dict.fromkeys(arm.start for arm in arms if arm.start != RANDOM))
    if len(starts) > 1:
        raise RecipeError(f"arm {name!r} starts from {' and '.join(starts)} at once; choose one")
    if len(arms) > 1 and not all(arm.pools for arm in arms):
        raise RecipeError(
            f"arm {name!r} combines `synthetic`, which reads no real case; use `pretrain` there"
        )
    return Arm(
        start=starts[0] if starts else RANDOM,
        pools=tuple(dict.fromkeys(pool for arm in arms for pool in arm.pools)),
        batches=tuple(maker for arm in arms for maker in arm.batches),
    )
