"""The finer grid that pictures are sampled on, chosen so that every label pixel's centre is on it.

A picture needs several samples a pixel, a label exactly one at its centre. For an odd factor s the
middle one of s × s samples is the centre. For an even one the grid is shifted by half a sample and
a pixel takes s + 1 of them a side, the outer two shared with its neighbours at half weight. One
rasterization therefore serves both.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from augment.geometry.camera import Camera
from augment.raster.fragments import Fragments


@dataclass(frozen=True)
class SampleGrid:
    """The samples of a picture.

    Attributes:
        width: Pixels in a row of the picture.
        height: Pixels in a column of the picture.
        factor: Samples a pixel and side.
    """

    width: int
    height: int
    factor: int

    @property
    def is_even(self) -> bool:
        """Whether neighbouring pixels share samples."""
        return self.factor % 2 == 0

    @property
    def taps(self) -> int:
        """Samples a side that enter one pixel."""
        return self.factor + 1 if self.is_even else self.factor

    @property
    def sample_width(self) -> int:
        """Samples in a row."""
        return self.width * self.factor + int(self.is_even)

    @property
    def sample_height(self) -> int:
        """Samples in a column."""
        return self.height * self.factor + int(self.is_even)

    @property
    def centre(self) -> int:
        """Position of the centre among a pixel's taps."""
        return self.taps // 2

    @cached_property
    def weights(self) -> Float32[Tensor, " taps"]:
        """Weight of each tap along one side; they sum to 1."""
        weights = torch.full((self.taps,), 1.0 / self.factor)
        if self.is_even:
            weights[0] = weights[-1] = 0.5 / self.factor
        return weights

    def camera(self, camera: Camera) -> Camera:
        """Return the camera that sees every sample as a pixel."""
        return Camera(
            camera.focal_px * self.factor,
            camera.principal_px * self.factor + (0.5 if self.is_even else 0.0),
            camera.camera_from_world,
            self.sample_width,
            self.sample_height,
        )

    def at_centres(self, fragments: Fragments) -> Fragments:
        """Return the fragments at the pixels' centres."""
        step = (
            slice(None),
            slice(self.centre, None, self.factor),
            slice(self.centre, None, self.factor),
        )
        return Fragments(
            fragments.triangle[step].contiguous(),
            fragments.barycentric[step].contiguous(),
            fragments.depth_mm[step].contiguous(),
        )

    def tap_offsets(self, device: torch.device) -> Int64[Tensor, " all_taps"]:
        """Return the offsets, in the flat sample image, from a pixel's first tap to all of them."""
        step = torch.arange(self.taps, device=device)
        return (step[:, None] * self.sample_width + step[None]).flatten()

    def first_tap(self, pixel: Int64[Tensor, " pixels"]) -> Int64[Tensor, " pixels"]:
        """Return the flat sample of the first tap of flat pixels (both with the image in front)."""
        per_image = self.width * self.height
        image, within = pixel // per_image, pixel % per_image
        row, column = within // self.width, within % self.width
        start = (row * self.sample_width + column) * self.factor
        return image * (self.sample_width * self.sample_height) + start
