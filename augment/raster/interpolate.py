"""From fragments to pixels: values at corners become values at pixel centres."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from augment.errors import GeometryError
from augment.raster.fragments import Fragments


def interpolate(
    fragments: Fragments,
    faces: Int64[Tensor, "triangles 3"],
    vertex_values: Float[Tensor, "*images vertices channels"],
) -> Float[Tensor, "images height width channels"]:
    """Return vertex values at every pixel centre: ``sum_i barycentric[i] * value[corner i]``.

    Args:
        fragments: Result of `rasterize`.
        faces: The triangles that were rasterized, or triangles with the same numbering over other
            points (texture coordinates): faces[t, i] = v means that corner i of triangle t takes
            row v.
        vertex_values: One row a vertex, for each image (n, v, c) or for all (v, c), float32 or
            float64. Several values of one mesh cost less side by side in the channels than alone.

    Returns:
        Interpolated values in the type of `vertex_values`; 0 where nothing is seen.
        Differentiable in the values. CPU and other devices give the same bytes.

    Raises:
        GeometryError: If values or triangles do not fit the fragments.
    """
    values = vertex_values if vertex_values.ndim == 3 else vertex_values[None]
    n_images = fragments.triangle.shape[0]
    if values.shape[0] not in (1, n_images):
        raise GeometryError(
            f"interpolate expects vertex values of {n_images} images or of one, got "
            f"{values.shape[0]}; give one set an image or one set for all"
        )
    if faces.numel():
        first, last = (int(bound) for bound in torch.aminmax(faces))
        if first < 0 or last >= values.shape[1]:
            raise GeometryError(
                f"faces expect rows 0 to {values.shape[1] - 1} of vertex values, got {first} to "
                f"{last}; check that faces and values belong together"
            )
    is_plain = values.device.type == "cpu" and not values.requires_grad
    if is_plain and values.dtype in (torch.float32, torch.float64):
        from augment.raster.numba_interpolate import interpolate_numba

        return interpolate_numba(fragments, faces, values)
    return interpolate_torch(fragments, faces, values)


def interpolate_torch(
    fragments: Fragments,
    faces: Int64[Tensor, "triangles 3"],
    vertex_values: Float[Tensor, "sets vertices channels"],
) -> Float[Tensor, "images height width channels"]:
    """Return what `interpolate` returns, in torch: on any device, differentiable, the definition.

    Args:
        fragments: Result of `rasterize`.
        faces: Triangles whose indices are in range.
        vertex_values: Rows for each image, or for one image that serves all.

    Returns:
        Interpolated values.
    """
    n_images, height, width = fragments.triangle.shape
    n_channels = vertex_values.shape[-1]
    hits = fragments.hits
    corners = faces[hits.triangle]
    if vertex_values.shape[0] > 1:
        corners = corners + (hits.pixel // (height * width) * vertex_values.shape[1])[:, None]
    rows = vertex_values.reshape(-1, n_channels)
    weights = hits.barycentric.to(rows.dtype)
    # Three products and sums in this order, so that no pixel depends on its neighbours.
    values = weights[:, 0, None] * rows.index_select(0, corners[:, 0])
    values = values + weights[:, 1, None] * rows.index_select(0, corners[:, 1])
    values = values + weights[:, 2, None] * rows.index_select(0, corners[:, 2])
    image = torch.zeros(
        (n_images * height * width, n_channels), dtype=rows.dtype, device=rows.device
    )
    return image.index_copy(0, hits.pixel, values).reshape(n_images, height, width, n_channels)
