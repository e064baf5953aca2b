"""Random streams: every draw comes from (seed, index, stage) and from nothing else.

Sample k can therefore be made alone, in any order, by any number of workers, with the same bytes.
"""

from zlib import crc32

import numpy as np


def stream(seed: int, index: int, stage: str) -> np.random.Generator:
    """Return the generator of one stage of one sample.

    Args:
        seed: Seed of the recipe, 0 or greater. Seed 0 is a seed like any other.
        index: Number of the sample, 0 or greater.
        stage: Name of the stage that draws, for example ``"light"``.

    Returns:
        A PCG64 generator seeded by ``SeedSequence(seed, spawn_key=(index, crc32(stage)))``.

    Raises:
        ValueError: If seed or index is negative.
    """
    if seed < 0 or index < 0:
        raise ValueError(f"seed and index must be 0 or greater, got seed={seed}, index={index}")
    sequence = np.random.SeedSequence(seed, spawn_key=(index, crc32(stage.encode())))
    return np.random.Generator(np.random.PCG64(sequence))
