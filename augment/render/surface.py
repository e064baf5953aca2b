"""Surface points that are shaded: a list of samples with what they show."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from augment.render.fragments import Fragments


@dataclass(frozen=True, eq=False)
class SurfacePoints:
    """Points on the scene, in the order of their samples.

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

    def gather(
        self, faces: Int64[Tensor, "triangles 3"], values: Float[Tensor, "*twins vertices channels"]
    ) -> Float[Tensor, "points channels"]:
        """Return interpolated vertex values, one set for each twin or one for all."""
        corners = faces.index_select(0, self.triangle)
        if values.ndim == 3:
            corners = corners + (self.image * values.shape[1])[:, None]
        rows = values.reshape(-1, values.shape[-1])
        result = self.barycentric[:, 0, None] * rows.index_select(0, corners[:, 0])
        result += self.barycentric[:, 1, None] * rows.index_select(0, corners[:, 1])
        result += self.barycentric[:, 2, None] * rows.index_select(0, corners[:, 2])
        return result

    def where(self, chosen: Int64[Tensor, " chosen"]) -> "SurfacePoints":
        """Return some of the points."""
        return SurfacePoints(
            self.sample[chosen], self.image[chosen], self.triangle[chosen], self.barycentric[chosen]
        )

    def shifted(self, step: int) -> "SurfacePoints":
        """Return the points with another numbering of triangles."""
        return SurfacePoints(self.sample, self.image, self.triangle + step, self.barycentric)


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
