"""nnU-Net's augmentation (Isensee et al., Nat Methods 2021) for a whole batch at once, in torch.

In: blocks around patches, as cut from cases. Out: patches, turned, scaled, bent and mirrored in one
interpolation, with changed intensities. Probabilities and ranges are nnU-Net's, times the recipe's
factors; draws come from a numpy generator alone.
"""

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional

from augment.recipe.experiment import AugmentationSpec

SPATIAL_CHANCE = 0.2
"""Of rotation, of scaling and of the elastic change, each."""
ELASTIC_KNOTS = 6


def block_size(patch: tuple[int, ...], spec: AugmentationSpec) -> tuple[int, ...]:
    """Return the size of the block that a patch of this size is cut from."""
    if spec.amount == 0:
        return patch
    factor = max(spec.scale[1], 1.0) ** 0.5 * 1.1
    return tuple(int(np.ceil(size * factor / 2) * 2) for size in patch)


def transform(
    rng: np.random.Generator,
    images: Float[Tensor, "batch channels *space"],
    labels: Int64[Tensor, "batch *space"],
    patch: tuple[int, ...],
    spec: AugmentationSpec,
) -> tuple[Float[Tensor, "batch channels *patch"], Int64[Tensor, "batch *patch"]]:
    """Turn blocks into patches.

    Args:
        rng: Where everything is drawn.
        images: Blocks of values.
        labels: Their classes.
        patch: Size of the patches.
        spec: Strengths.

    Returns:
        Patches about the blocks' centres.
    """
    grid = _grid(rng, len(images), tuple(images.shape[2:]), patch, spec).to(images.device)
    values = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    classes = functional.grid_sample(
        labels[:, None].to(images.dtype), grid, "nearest", "border", align_corners=False
    )
    return _shaded(rng, values, spec), classes[:, 0].long()


def _grid(
    rng: np.random.Generator,
    n: int,
    block: tuple[int, ...],
    patch: tuple[int, ...],
    spec: AugmentationSpec,
) -> Float[Tensor, "batch *patch axes"]:
    """Return where each pixel of a patch comes from, in `grid_sample`'s units and order."""
    axes = len(patch)
    half = np.array(patch, float) / 2
    matrices = np.zeros((n, axes, axes + 1))
    for k in range(n):
        turn = np.eye(axes)
        if rng.random() < SPATIAL_CHANCE * spec.amount:
            turn = _rotation(rng, axes, np.radians(spec.rotation_deg))
        if rng.random() < SPATIAL_CHANCE * spec.amount:
            # The block grows by the factor, so that what is seen shrinks by it.
            turn = turn / rng.uniform(*spec.scale)
        for axis in spec.mirror:
            if axis < axes and spec.amount and rng.random() < 0.5:
                turn[:, axis] *= -1
        # From the patch's to the block's unit coordinates, both -1 to 1.
        matrices[k, :, :axes] = turn * half[None] / (np.array(block)[:, None] / 2)
        if spec.amount:
            matrices[k, :, axes] = rng.uniform(-spec.shift, spec.shift, axes)
    theta = torch.from_numpy(matrices[:, ::-1][:, :, [*range(axes)[::-1], axes]].copy()).float()
    grid = functional.affine_grid(theta, [n, 1, *patch], align_corners=False)
    return grid + _elastic(rng, n, patch, spec)


def _rotation(rng: np.random.Generator, axes: int, largest: float) -> np.ndarray:
    turn = np.eye(axes)
    planes = [(0, 1)] if axes == 2 else [(0, 1), (0, 2), (1, 2)]
    for a, b in planes:
        angle = rng.uniform(-largest, largest)
        plane = np.eye(axes)
        plane[a, a] = plane[b, b] = np.cos(angle)
        plane[a, b], plane[b, a] = -np.sin(angle), np.sin(angle)
        turn = turn @ plane
    return turn


def _elastic(
    rng: np.random.Generator, n: int, patch: tuple[int, ...], spec: AugmentationSpec
) -> Float[Tensor, "batch *patch axes"]:
    axes = len(patch)
    bent = rng.random(n) < SPATIAL_CHANCE * spec.amount
    knots = rng.standard_normal((n, axes, *(ELASTIC_KNOTS,) * axes)) * spec.elastic
    knots[~bent] = 0.0
    mode = "bicubic" if axes == 2 else "trilinear"
    if not bent.any() or spec.elastic == 0:
        return torch.zeros((n, *patch, axes))
    field = functional.interpolate(
        torch.from_numpy(knots).float(), patch, mode=mode, align_corners=False
    )
    return field.movedim(1, -1)


def _shaded(
    rng: np.random.Generator, images: Float[Tensor, "batch channels *space"], spec: AugmentationSpec
) -> Float[Tensor, "batch channels *space"]:
    """Return images with changed intensities, each change in its own share of the batch."""
    if spec.amount == 0 or spec.intensity == 0:
        return images
    n, channels, strength = len(images), images.shape[1], spec.intensity
    ones = (1,) * (images.ndim - 2)

    def chosen(chance: float) -> np.ndarray:
        return np.flatnonzero(rng.random(n) < chance * spec.amount)

    def factors(rows: np.ndarray, low: float, high: float) -> Tensor:
        wide = 1 + (rng.uniform(low, high, (len(rows), channels)) - 1) * strength
        return torch.from_numpy(np.maximum(wide, 0.1)).to(images).reshape(-1, channels, *ones)

    for row in chosen(0.1):
        noise = rng.standard_normal(images.shape[1:], dtype=np.float32)
        sd = np.sqrt(rng.uniform(0, 0.1)) * strength
        images[row] += torch.from_numpy(noise).to(images) * sd
    for row in chosen(0.2):
        images[row] = _blurred(images[row], float(rng.uniform(0.5, 1.0)) * strength)
    rows = chosen(0.15)
    images[rows] *= factors(rows, 0.75, 1.25)
    rows = chosen(0.15)
    mean = images[rows].flatten(2).mean(2).reshape(-1, channels, *ones)
    images[rows] = (images[rows] - mean) * factors(rows, 0.75, 1.25) + mean
    for row in chosen(0.25):
        images[row] = _coarse(images[row], float(rng.uniform(0.5, 1.0)))
    for chance, inverted in ((0.1, True), (0.3, False)):
        rows = chosen(chance)
        images[rows] = _gamma(images[rows], factors(rows, 0.7, 1.5), inverted)
    return images


def _blurred(
    image: Float[Tensor, "channels *space"], sigma: float
) -> Float[Tensor, "channels *space"]:
    offsets = torch.arange(-3, 4, device=image.device, dtype=image.dtype)
    kernel = torch.softmax(-0.5 * (offsets / max(sigma, 0.1)) ** 2, 0)
    convolve = functional.conv2d if image.ndim == 3 else functional.conv3d
    for axis in range(1, image.ndim):
        shape = [1] * (image.ndim + 1)
        shape[axis + 1] = len(kernel)
        padding = [0] * (image.ndim - 1)
        padding[axis - 1] = 3
        image = convolve(image[:, None], kernel.reshape(shape), padding=padding)[:, 0]
    return image


def _coarse(
    image: Float[Tensor, "channels *space"], zoom: float
) -> Float[Tensor, "channels *space"]:
    """Return an image as a coarser camera or scanner would have seen it."""
    small = [max(int(size * zoom), 2) for size in image.shape[1:]]
    smooth = "bicubic" if image.ndim == 3 else "trilinear"
    fewer = functional.interpolate(image[None], small, mode="nearest")
    return functional.interpolate(fewer, tuple(image.shape[1:]), mode=smooth, align_corners=False)[
        0
    ]


def _gamma(
    images: Float[Tensor, "batch channels *space"],
    gamma: Float[Tensor, "..."],
    inverted: bool,
) -> Float[Tensor, "batch channels *space"]:
    """Return images with a changed gamma and their old mean and spread."""
    if len(images) == 0:
        return images
    dims = tuple(range(2, images.ndim))
    mean, sd = images.mean(dims, keepdim=True), images.std(dims, keepdim=True)
    signed = -images if inverted else images
    low, high = signed.amin(dims, keepdim=True), signed.amax(dims, keepdim=True)
    span = (high - low).clamp_min(1e-6)
    changed = ((signed - low) / span) ** gamma
    changed = -changed if inverted else changed
    spread = changed.std(dims, keepdim=True).clamp_min(1e-6)
    return (changed - changed.mean(dims, keepdim=True)) / spread * sd + mean
