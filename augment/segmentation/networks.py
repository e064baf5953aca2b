"""Networks by name, from MONAI. In: images (n, channels, *space). Out: scores (n, classes, *space).

While it trains, `dynunet` returns its scores with those of coarser levels stacked behind the first
axis (n, levels, classes, *space), for deep supervision.
"""

import numpy as np
import torch
from jaxtyping import Float
from monai.networks.nets.basic_unet import BasicUNet
from monai.networks.nets.dynunet import DynUNet
from monai.networks.nets.segresnet import SegResNet
from torch import Tensor, nn

from augment.recipe.experiment import NetworkSpec

ENCODER_PARTS = {
    "basic_unet": ("conv_0", "down_"),
    "dynunet": ("input_block", "downsamples", "bottleneck"),
    "segresnet": ("convInit", "down_layers"),
}
"""Beginnings of the parameters' names that belong to the encoder."""


class FoldedNetwork(nn.Module):
    """A network on pixels folded into channels: every pixel goes in and comes out, at a fraction of
    the arithmetic."""

    def __init__(self, inner: nn.Module, axes: int, fold: int) -> None:
        """Wrap a network that takes and gives fold ** axes times as many channels."""
        super().__init__()
        self.inner, self.axes, self.fold = inner, axes, fold

    def forward(self, image: Float[Tensor, "n channels *space"]) -> Tensor:
        """Map an image, whose sides the fold divides, to scores."""
        return unfolded(self.inner(folded(image, self.fold)), self.fold)


def folded(
    image: Float[Tensor, "n channels *space"], fold: int
) -> Float[Tensor, "n more_channels *smaller"]:
    """Fold blocks of pixels into channels."""
    n, channels, *space = image.shape
    axes = len(space)
    split = [part for size in space for part in (size // fold, fold)]
    blocks = image.reshape(n, channels, *split)
    order = [0, 1, *(3 + 2 * k for k in range(axes)), *(2 + 2 * k for k in range(axes))]
    return blocks.permute(order).reshape(n, -1, *(size // fold for size in space))


def unfolded(
    scores: Float[Tensor, "n more_channels *smaller"], fold: int
) -> Float[Tensor, "n channels *space"]:
    """Undo `folded`."""
    n, channels, *space = scores.shape
    axes = len(space)
    blocks = scores.reshape(n, channels // fold**axes, *(fold,) * axes, *space)
    order = [0, 1, *(part for k in range(axes) for part in (2 + axes + k, 2 + k))]
    return blocks.permute(order).reshape(n, -1, *(size * fold for size in space))


def build_network(
    spec: NetworkSpec, axes: int, channels: int, classes: int, rng: np.random.Generator
) -> nn.Module:
    """Return an untrained network.

    Args:
        spec: Which one, and how wide.
        axes: 2 or 3.
        channels: Of the image.
        classes: Of the scores, the background among them.
        rng: Where its first weights are drawn, through torch's generator, which is restored.
    """
    blocks = spec.fold**axes
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(int(rng.integers(2**31)))
        inner = _inner(spec, axes, channels * blocks, classes * blocks)
    return inner if spec.fold == 1 else FoldedNetwork(inner, axes, spec.fold)


def _inner(spec: NetworkSpec, axes: int, channels: int, classes: int) -> nn.Module:
    features = spec.features
    if spec.name == "basic_unet":
        return BasicUNet(
            spatial_dims=axes, in_channels=channels, out_channels=classes, features=features
        )
    if spec.name == "segresnet":
        return SegResNet(
            spatial_dims=axes,
            init_filters=features[0],
            in_channels=channels,
            out_channels=classes,
            blocks_down=(1, 2, 2, 4)[: len(features)],
            blocks_up=(1, 1, 1)[: len(features) - 1],
        )
    strides = [1] + [2] * (len(features) - 1)
    return DynUNet(
        spatial_dims=axes,
        in_channels=channels,
        out_channels=classes,
        kernel_size=[3] * len(features),
        strides=strides,
        upsample_kernel_size=strides[1:],
        filters=features,
        deep_supervision=spec.fold == 1 and len(features) > 3,
        deep_supr_num=max(min(len(features) - 2, 3), 1),
    )


def smallest_side(spec: NetworkSpec) -> int:
    """Return the side of a window that has one pixel left on the coarsest level."""
    levels = len(spec.features) - (2 if spec.name == "basic_unet" else 1)
    return int(spec.fold * 2**levels)


def side_divisor(spec: NetworkSpec) -> int:
    """Return what every side of a window must be a multiple of; basic_unet pads what is odd."""
    return spec.fold if spec.name == "basic_unet" else smallest_side(spec)


def freeze_encoder(network: nn.Module, name: str) -> None:
    """Keep the encoder's weights from being trained."""
    for key, weights in network.named_parameters():
        if key.removeprefix("inner.").startswith(ENCODER_PARTS[name]):
            weights.requires_grad_(False)


def load_matching(network: nn.Module, weights: dict[str, Tensor]) -> list[str]:
    """Load weights into a network as far as name and shape agree.

    Returns:
        Names that were left as they were: the last layer, where the classes differ.
    """
    own = network.state_dict()
    taken = {k: v for k, v in weights.items() if k in own and own[k].shape == v.shape}
    network.load_state_dict({**own, **taken})
    return [key for key in own if key not in taken]
