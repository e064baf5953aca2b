"""What a rasterizer finds at each pixel centre: which triangle, where on it, and how far away."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float32, Int32, Int64, Shaped
from torch import Tensor

NO_TRIANGLE = -1
"""Entry of `Fragments.triangle` where the ray meets nothing."""


class Hits(NamedTuple):
    """The pixels that show the mesh, in row-major order.

    Attributes:
        pixel: Concretely, pixel[k] = (n * height + y) * width + x for the k-th of them.
        triangle: Its triangle.
        barycentric: Its weights of the triangle's corners.
    """

    pixel: Int64[Tensor, " hits"]
    triangle: Int64[Tensor, " hits"]
    barycentric: Float32[Tensor, "hits 3"]


@dataclass(frozen=True, eq=False)
class Fragments:
    """The first surface along the ray through each pixel centre.

    Attributes:
        triangle: Concretely, triangle[n, y, x] = t means that the ray through the centre of pixel
            (x, y) of image n meets triangle t first; NO_TRIANGLE is background.
        barycentric: Perspective-correct weights of the triangle's corners 0, 1, 2 at that point;
            they sum to 1. Background: 0.
        depth_mm: Distance along the camera's z axis (not along the ray), mm. Background: 0.
    """

    triangle: Int32[Tensor, "images height width"]
    barycentric: Float32[Tensor, "images height width 3"]
    depth_mm: Float32[Tensor, "images height width"]

    @cached_property
    def hits(self) -> Hits:
        """The pixels that show the mesh, listed once, for every interpolation starts from them."""
        triangle = self.triangle.reshape(-1)
        pixel = torch.nonzero(triangle >= 0)[:, 0]
        return Hits(pixel, triangle[pixel].long(), self.barycentric.reshape(-1, 3)[pixel])

    def is_hit(self) -> Bool[Tensor, "images height width"]:
        """Return which pixels show the mesh."""
        return self.triangle >= 0

    def of_triangle(
        self, values: Shaped[Tensor, " triangles"], background: int = 0
    ) -> Shaped[Tensor, "images height width"]:
        """Return one value a triangle (a region, a part) at every pixel.

        Args:
            values: One entry a triangle.
            background: Value of pixels that show nothing.

        Returns:
            An image of the values' own type.
        """
        image = torch.full(
            (self.triangle.numel(),), background, dtype=values.dtype, device=values.device
        )
        image[self.hits.pixel] = values[self.hits.triangle]
        return image.reshape(self.triangle.shape)

    def to(self, device: torch.device | str) -> "Fragments":
        """Return the same fragments on a device."""
        return Fragments(
            self.triangle.to(device), self.barycentric.to(device), self.depth_mm.to(device)
        )
