"""The face network: a crop enters; landmarks, coefficients, pose and texture leave.

A residual trunk (He et al., CVPR 2016), spatial attention after its last stage (Woo et al., CBAM,
ECCV 2018), its third and fourth stage fused, three heads:

- 68 heat maps, whose soft-argmax (Luvizon et al., 2017; Nibali et al., 2018) is differentiable;
- coefficients and pose, from the pooled features and the landmarks that were found;
- the texture, decoded from a vector, for its layout is the template's and not the picture's.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from augment.sample import N_EXPRESSION, N_IDENTITY

N_LANDMARKS = 68
N_POSE_OUT = 13
"""Rotation 6, place 2, log size 1, log distance 1, gaze 2, and the score of the face."""
TEXTURE_PX = 256
BLOCKS = {"small": (1, 1, 1, 1), "resnet18": (2, 2, 2, 2), "resnet50": (3, 4, 6, 3)}
HIDDEN = 256
LATENT = (32, 8, 8)
MEAN_SKIN = (0.72, 0.55, 0.46)
"""sRGB from which textures start."""
BOTTLENECK = 4


@dataclass(frozen=True)
class NetworkShape:
    """What is needed to build a network.

    Attributes:
        trunk: `small`, `resnet18` or `resnet50`.
        width: Channels of the first stage.
        input_px: Side of the picture that the trunk sees, a multiple of 32.
    """

    trunk: str = "resnet18"
    width: int = 32
    input_px: int = 128


@dataclass(frozen=True, eq=False)
class NetworkOutput:
    """What the network says about crops; places are shares of the crop's side, (x, y).

    Attributes:
        heat: Logits of the heat maps.
        landmarks: Soft-argmax of the heat maps.
        spread: Standard deviation of each heat map about it, share of the crop's side.
        identity: Coefficients.
        expression: Coefficients.
        pose: Raw pose numbers, see `augment.portrait.crop_pose`.
        score: Logit that the crop shows a face.
        texture: sRGB, 0 to 1, or None where it was not asked for.
    """

    heat: Float[Tensor, "batch 68 rows columns"]
    landmarks: Float[Tensor, "batch 68 2"]
    spread: Float[Tensor, "batch 68"]
    identity: Float[Tensor, "batch 99"]
    expression: Float[Tensor, "batch 79"]
    pose: Float[Tensor, "batch 12"]
    score: Float[Tensor, " batch"]
    texture: Float[Tensor, "textures 3 256 256"] | None


class FaceNetwork(nn.Module):
    """Trunk, attention, fusion and heads."""

    def __init__(self, shape: NetworkShape) -> None:
        """Build it with torch's default initial weights.

        Args:
            shape: Trunk, width and size of the input.

        Raises:
            ValueError: If the trunk is unknown.
        """
        super().__init__()
        if shape.trunk not in BLOCKS:
            raise ValueError(f"trunk expects one of {', '.join(BLOCKS)}, got {shape.trunk!r}")
        self.shape = shape
        grow = BOTTLENECK if shape.trunk == "resnet50" else 1
        one, two, three, four = (shape.width * 2**k * grow for k in range(4))
        self.trunk = Trunk(shape)
        self.attention = SpatialAttention()
        fused = shape.width * 4
        self.from_three, self.from_four = conv(three, fused, 1), conv(four, fused, 1)
        self.heat = HeatMaps(fused, (two, one), shape.width)
        pooled = four + 2 * fused + 3 * N_LANDMARKS
        self.coefficients = nn.Sequential(
            nn.Linear(pooled, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU()
        )
        self.last = nn.Linear(HIDDEN, N_IDENTITY + N_EXPRESSION + N_POSE_OUT)
        self.texture = TextureDecoder(four + fused)

    def forward(
        self, picture: Float[Tensor, "batch 3 crop crop"], n_textures: int | None = None
    ) -> NetworkOutput:
        """Look at crops.

        Args:
            picture: sRGB, 0 to 1, of any size; averaged to the trunk's.
            n_textures: How many of the crops, from the first on, a texture is made of; None for
                all, 0 for none.
        """
        one, two, three, four = self.trunk(self._normalised(picture))
        four = self.attention(four)
        wide = functional.interpolate(self.from_four(four), scale_factor=2.0, mode="nearest")
        fused = functional.relu(self.from_three(three) + wide)
        heat = self.heat(fused, two, one)
        landmarks, spread = soft_argmax(heat)
        pools = (four.mean((2, 3)), fused.mean((2, 3)), fused.amax((2, 3)))
        found = torch.cat((2 * landmarks - 1, 8 * spread[..., None]), -1).flatten(1)
        numbers = in_single_precision(self.last, self.coefficients(torch.cat((*pools, found), 1)))
        identity, expression, pose = numbers.split((N_IDENTITY, N_EXPRESSION, N_POSE_OUT), 1)
        latent = torch.cat(pools[:2], 1)[:n_textures]
        return NetworkOutput(
            heat=heat,
            landmarks=landmarks,
            spread=spread,
            identity=identity,
            expression=expression,
            pose=pose[:, :-1],
            score=pose[:, -1],
            texture=self.texture(latent) if len(latent) else None,
        )

    def _normalised(self, picture: Tensor) -> Tensor:
        size = self.shape.input_px
        if picture.shape[-1] != size:
            picture = functional.interpolate(picture, (size, size), mode="area")
        return (picture - 0.45) / 0.25


def soft_argmax(
    heat: Float[Tensor, "batch points rows columns"],
) -> tuple[Float[Tensor, "batch points 2"], Float[Tensor, "batch points"]]:
    """Return the mean place of heat maps, and how far they spread about it.

    ``p = sum_yx softmax(heat)_yx (x, y)``; places are shares of the side, and the centre of cell
    (0, 0) lies at half a cell.

    Args:
        heat: Logits.
    """
    rows, columns = heat.shape[2:]
    chance = heat.float().flatten(2).softmax(-1).unflatten(-1, (rows, columns))
    x = (torch.arange(columns, device=heat.device) + 0.5) / columns
    y = (torch.arange(rows, device=heat.device) + 0.5) / rows
    across, down = chance.sum(2), chance.sum(3)
    mean_x, mean_y = (across * x).sum(-1), (down * y).sum(-1)
    variance = (across * (x - mean_x[..., None]) ** 2).sum(-1)
    variance = variance + (down * (y - mean_y[..., None]) ** 2).sum(-1)
    return torch.stack((mean_x, mean_y), -1), (variance + 1e-8).sqrt()


def in_single_precision(layer: nn.Module, features: Tensor) -> Tensor:
    """Return what a layer makes in single precision, whatever the precision around it.

    Places are read from its numbers; the eight bits of bf16 are half a pixel of 256.
    """
    with torch.autocast(features.device.type, enabled=False):
        return layer(features.float())


def conv(n_in: int, n_out: int, size: int, stride: int = 1) -> nn.Sequential:
    """Return a convolution without bias, followed by batch normalisation."""
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, size, stride, size // 2, bias=False), nn.BatchNorm2d(n_out)
    )


class Block(nn.Module):
    """A residual block of two 3x3 convolutions, or of a bottleneck of three."""

    def __init__(self, n_in: int, width: int, stride: int, is_bottleneck: bool) -> None:
        """Build it; a shortcut that changes its size is a 1x1 convolution."""
        super().__init__()
        n_out = width * (BOTTLENECK if is_bottleneck else 1)
        if is_bottleneck:
            layers = [conv(n_in, width, 1), conv(width, width, 3, stride), conv(width, n_out, 1)]
        else:
            layers = [conv(n_in, width, 3, stride), conv(width, n_out, 3)]
        self.layers = nn.ModuleList(layers)
        is_same = stride == 1 and n_in == n_out
        self.shortcut = nn.Identity() if is_same else conv(n_in, n_out, 1, stride)

    def forward(self, features: Float[Tensor, "batch n_in rows columns"]) -> Tensor:
        """Return features of the block's size."""
        inner = features
        for number, layer in enumerate(self.layers):
            inner = layer(functional.relu(inner) if number else inner)
        return functional.relu(inner + self.shortcut(features))


class Trunk(nn.Module):
    """Four residual stages at 1/4, 1/8, 1/16 and 1/32 of the input."""

    def __init__(self, shape: NetworkShape) -> None:
        """Build stem and stages."""
        super().__init__()
        is_bottleneck = shape.trunk == "resnet50"
        self.stem = nn.Sequential(conv(3, shape.width, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        stages, n_in = [], shape.width
        for number, n_blocks in enumerate(BLOCKS[shape.trunk]):
            width = shape.width * 2**number
            blocks = []
            for k in range(n_blocks):
                stride = 2 if number and not k else 1
                blocks.append(Block(n_in, width, stride, is_bottleneck))
                n_in = width * (BOTTLENECK if is_bottleneck else 1)
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)

    def forward(self, picture: Float[Tensor, "batch 3 rows columns"]) -> list[Tensor]:
        """Return the features of each stage."""
        features, levels = self.stem(picture), []
        for stage in self.stages:
            features = stage(features)
            levels.append(features)
        return levels


class SpatialAttention(nn.Module):
    """Weighs places: ``features * sigmoid(conv([mean, max] over channels))``."""

    def __init__(self) -> None:
        """Build a 3x3 convolution; the last stage has few places."""
        super().__init__()
        self.weigh = nn.Conv2d(2, 1, 3, padding=1)

    def forward(self, features: Float[Tensor, "batch channels rows columns"]) -> Tensor:
        """Return weighed features."""
        seen = torch.cat((features.mean(1, keepdim=True), features.amax(1, keepdim=True)), 1)
        return features * torch.sigmoid(self.weigh(seen))


class HeatMaps(nn.Module):
    """Fused features with the two finest stages as skips, up to a quarter of the input."""

    def __init__(self, fused: int, skips: tuple[int, int], width: int) -> None:
        """Build two steps of enlargement and the maps."""
        super().__init__()
        self.skip_two, self.skip_one = conv(skips[0], 2 * width, 1), conv(skips[1], width, 1)
        self.narrow = conv(fused, 2 * width, 1)
        self.first, self.second = conv(2 * width, width, 3), conv(width, width, 3)
        self.maps = nn.Conv2d(width, N_LANDMARKS, 1)

    def forward(self, fused: Tensor, two: Tensor, one: Tensor) -> Tensor:
        """Return logits (batch, 68, rows, columns)."""
        wide = functional.interpolate(self.narrow(fused), scale_factor=2.0, mode="nearest")
        features = functional.relu(self.first(functional.relu(wide + self.skip_two(two))))
        wide = functional.interpolate(features, scale_factor=2.0, mode="nearest")
        features = functional.relu(self.second(functional.relu(wide + self.skip_one(one))))
        return in_single_precision(self.maps, features)


class TextureDecoder(nn.Module):
    """A vector becomes a sheet of 256 x 256 texels about a learned mean sheet."""

    def __init__(self, n_in: int) -> None:
        """Build four enlargements; the last one folds 4 x 4 texels into channels."""
        super().__init__()
        self.start = nn.Linear(n_in, LATENT[0] * LATENT[1] * LATENT[2])
        self.steps = nn.ModuleList(
            [nn.Conv2d(n, m, 3, padding=1) for n, m in ((32, 24), (24, 16), (16, 16))]
        )
        self.last = nn.Conv2d(16, 3 * 16, 3, padding=1)
        mean = torch.tensor(MEAN_SKIN).logit()[:, None, None]
        self.mean = nn.Parameter(mean.expand(3, TEXTURE_PX // 2, TEXTURE_PX // 2).clone())

    def forward(self, vector: Float[Tensor, "batch n_in"]) -> Float[Tensor, "batch 3 256 256"]:
        """Return sRGB, 0 to 1."""
        sheet = functional.relu(self.start(vector)).unflatten(1, LATENT)
        for step in self.steps:
            sheet = functional.interpolate(sheet, scale_factor=2.0, mode="nearest")
            sheet = functional.relu(step(sheet))
        change = functional.pixel_shuffle(self.last(sheet), 4)
        mean = functional.interpolate(self.mean[None], scale_factor=2.0, mode="bilinear")
        return torch.sigmoid(mean + change)
