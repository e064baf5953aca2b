"""Surface points that are shaded: a list of samples with what they show."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from augment.raster.fragments import Fragments


@dataclass(frozen=True, eq=False)
class SurfacePoints:
    """Points on a mesh.

    Attributes:
        sample: Flat sample of the grid, image first.
        image: Which twin.
        triangle: Which triangle.
        barycentric: Where on it.
    """

    sample: Int64[Tensor, " points"]
    image: Int64[Tensor, " points"]
    triangle: Int64[Tensor, " points"]
    barycentric: Float32[Tensor, "points 3"]

    def __len__(self) -> int:
        """Return how many points there are."""
        return len(self.sample)

    def corners(
        self, faces: Int64[Tensor, "triangles 3"], first_triangle: int = 0
    ) -> Int64[Tensor, "points 3"]:
        """Return the corners of the points' triangles.

        Args:
            faces: Triangles.
            first_triangle: Number of the first of them in the points' own numbering.
        """
        triangle = self.triangle - first_triangle if first_triangle else self.triangle
        return faces.index_select(0, triangle)

    def gather(
        self,
        corners: Int64[Tensor, "points 3"],
        values: Float[Tensor, "*twins vertices channels"],
    ) -> Float[Tensor, "points channels"]:
        """Return interpolated vertex values.

        Args:
            corners: Rows of `values` at the corners of the points' triangles, see `corners`.
            values: One set for each twin, or one for all.
        """
        if values.ndim == 3:
            if values.shape[0] > 1:
                corners = corners + (self.image * values.shape[1])[:, None]
            values = values.reshape(-1, values.shape[-1])
        return torch.nn.functional.embedding_bag(
            corners, values, per_sample_weights=self.barycentric, mode="sum"
        )

    def where(self, chosen: Int64[Tensor, " chosen"]) -> "SurfacePoints":
        """Return some of the points."""
        return SurfacePoints(
            self.sample.index_select(0, chosen),
            self.image.index_select(0, chosen),
            self.triangle.index_select(0, chosen),
            self.barycentric.index_select(0, chosen),
        )

    def between(self, start: int, stop: int) -> "SurfacePoints":
        """Return a run of the points, without a copy."""
        run = slice(start, stop)
        return SurfacePoints(
            self.sample[run], self.image[run], self.triangle[run], self.barycentric[run]
        )


def surface_points(fragments: Fragments, sample: Int64[Tensor, " points"]) -> SurfacePoints:
    """Return the surface points of samples that show the scene.

    Args:
        fragments: Fragments of the sample grid.
        sample: Flat samples that are no background.
    """
    per_image = fragments.triangle.shape[1] * fragments.triangle.shape[2]
    return SurfacePoints(
        sample=sample,
        image=torch.div(sample, per_image, rounding_mode="floor"),
        triangle=fragments.triangle.reshape(-1).index_select(0, sample).long(),
        barycentric=fragments.barycentric.reshape(-1, 3).index_select(0, sample),
    )


def planar(rows: Tensor) -> Tensor:
    """Return rows of channels as channels of points, float32."""
    return rows.T.to(torch.float32, memory_format=torch.contiguous_format).contiguous()
