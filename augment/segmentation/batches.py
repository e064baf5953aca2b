"""Batches: from pools of prepared cases to augmented patches, from (seed, step) alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float16, Int64, UInt8
from torch import Tensor

from augment.recipe.experiment import ExperimentSpec
from augment.segmentation.arms import BatchMaker
from augment.segmentation.augmentation import block_size, transform
from augment.segmentation.grid import air_value
from augment.streams import stream

BRIGHT = 0.1
"""Bright voxels without label, in the network's range: bone of 250 HU."""


@dataclass(frozen=True, eq=False)
class Pool:
    """Cases of one kind on the network's grid.

    Attributes:
        images: Values, channels first.
        labels: Class numbers.
    """

    images: tuple[Float16[np.ndarray, "channels *space"], ...]
    labels: tuple[UInt8[np.ndarray, "*space"], ...]


@dataclass(frozen=True, eq=False)
class Mixture:
    """What batches are drawn from.

    Attributes:
        pools: Pools with the share of patches that each gives.
        makers: Applied to the patches of all real pools.
        n_real: How many of the first pools are real.
    """

    pools: tuple[tuple[Pool, float], ...]
    makers: tuple[BatchMaker, ...] = ()
    n_real: int = 1


def draw_batch(
    mixture: Mixture, spec: ExperimentSpec, seed: int, step: int, stage: str
) -> tuple[Float[Tensor, "batch channels *patch"], Int64[Tensor, "batch *patch"]]:
    """Draw the batch of one step.

    Args:
        mixture: What from.
        spec: Patches, batch and augmentation.
        seed: Seed of the run.
        step: Number of the step.
        stage: Name of the run's stream.

    Returns:
        Images and class numbers.
    """
    rng = stream(seed, step, stage)
    block = block_size(spec.input.patch, spec.augmentation)
    shares = np.array([share for _, share in mixture.pools])
    kinds = rng.choice(len(shares), spec.training.batch, p=shares / shares.sum())
    blocks = [draw_block(rng, mixture.pools[kind][0], block, spec) for kind in np.sort(kinds)]
    images, labels = transform(
        rng,
        torch.from_numpy(np.stack([image for image, _ in blocks])),
        torch.from_numpy(np.stack([label for _, label in blocks])).long(),
        spec.input.patch,
        spec.augmentation,
    )
    n_real = int((kinds < mixture.n_real).sum())
    for maker in mixture.makers if n_real else ():
        changed = maker(rng, images[:n_real].numpy(), labels[:n_real].numpy().astype(np.uint8))
        images[:n_real] = torch.from_numpy(changed[0])
        labels[:n_real] = torch.from_numpy(changed[1].astype(np.int64))
    return images, labels


def draw_block(
    rng: np.random.Generator, pool: Pool, block: tuple[int, ...], spec: ExperimentSpec
) -> tuple[Float[np.ndarray, "channels *space"], UInt8[np.ndarray, "*space"]]:
    """Cut one block out of a random case.

    Args:
        rng: Where case and centre are drawn.
        pool: The cases.
        block: Its size.
        spec: Where blocks are centred, and what lies outside a case.
    """
    number = int(rng.integers(len(pool.images)))
    image, label = pool.images[number], pool.labels[number]
    centre = draw_centre(rng, image, label, spec)
    low = [c - size // 2 for c, size in zip(centre, block, strict=True)]
    inside = tuple(
        slice(min(max(start, 0), n - 1), max(min(start + size, n), 1))
        for start, size, n in zip(low, block, label.shape, strict=True)
    )
    margin = [
        (s.start - start, start + size - s.stop)
        for start, size, s in zip(low, block, inside, strict=True)
    ]
    cut = image[(slice(None), *inside)].astype(np.float32)
    if spec.input.intensity == "picture":
        return np.pad(cut, [(0, 0), *margin], mode="edge"), np.pad(
            label[inside], margin, mode="edge"
        )
    air = air_value(spec.input.intensity)
    return np.pad(cut, [(0, 0), *margin], constant_values=air), np.pad(label[inside], margin)


def draw_centre(
    rng: np.random.Generator,
    image: Float16[np.ndarray, "channels *space"],
    label: UInt8[np.ndarray, "*space"],
    spec: ExperimentSpec,
) -> Sequence[int]:
    """Draw where a block is centred: about a labelled pixel, bright unlabelled ones, or anywhere.

    Pictures whose patch holds the whole case are centred on its middle.
    """
    shape = label.shape
    if spec.training.foreground == 0:
        return [n // 2 for n in shape]
    chance = rng.random()
    if chance < spec.training.foreground:
        numbers = np.unique(label)
        numbers = numbers[numbers > 0]
        wanted = label == rng.choice(numbers) if len(numbers) else label == 0
    elif chance < spec.training.foreground + spec.training.bright:
        wanted = (image[0] > BRIGHT) & (label == 0)
    else:
        wanted = np.ones(0, bool)
    where = np.flatnonzero(wanted)
    if len(where) == 0:
        return [int(rng.integers(n)) for n in shape]
    middle = np.unravel_index(where[int(rng.integers(len(where)))], shape)
    return [
        int(c + rng.integers(-size // 3, size // 3 + 1))
        for c, size in zip(middle, spec.input.patch, strict=True)
    ]
