"""From fragments to pixels: values at corners become values at pixel centres."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from augment.errors import GeometryError
from augment.render.fragments import Fragments


def interpolate(
    fragments: Fragments,
    faces: Int64[Tensor, "triangles 3"],
    vertex_values: Float[Tensor, "*images vertices channels"],
) -> Float[Tensor, "images height width channels"]:
    """Return vertex values at every pixel centre: ``sum_i barycentric[i] * value[corner i]``; 0
    outside.

    Args:
        fragments: Result of `rasterize`.
        faces: The triangles that were rasterized, or triangles with the same numbering over other
            points (texture coordinates): faces[t, i] = v means that corner i of triangle t takes
            row v.
        vertex_values: One row a vertex, for each image (n, v, c) or for all (v, c). Several values
            of one mesh cost less side by side in the channels than one by one.

    Returns:
        Interpolated values in the type of `vertex_values`. Differentiable in them.

    Raises:
        GeometryError: If `vertex_values` is for another number of images.
    """
    n_images, height, width = fragments.triangle.shape
    hits = fragments.hits
    corners = faces[hits.triangle]
    if vertex_values.ndim == 3:
        if vertex_values.shape[0] != n_images:
            raise GeometryError(
                f"interpolate expects vertex values of {n_images} images, got "
                f"{vertex_values.shape[0]}; give one set an image or one set for all"
            )
        if n_images > 1:
            image = torch.div(hits.pixel, height * width, rounding_mode="floor")
            corners = corners + (image * vertex_values.shape[1])[:, None]
    rows = vertex_values.reshape(-1, vertex_values.shape[-1])
    weights = hits.barycentric.to(rows.dtype)
    # Three products and sums in this order, so that a pixel's value does not depend on its
    # neighbours.
    values = weights[:, 0, None] * rows.index_select(0, corners[:, 0])
    values = values + weights[:, 1, None] * rows.index_select(0, corners[:, 1])
    values = values + weights[:, 2, None] * rows.index_select(0, corners[:, 2])
    image_values = torch.zeros(
        (n_images * height * width, rows.shape[-1]), dtype=rows.dtype, device=rows.device
    )
    return image_values.index_copy(0, hits.pixel, values).reshape(n_images, height, width, -1)
