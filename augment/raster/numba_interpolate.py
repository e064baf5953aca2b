"""Interpolation on the CPU in one pass over the pixels; the bytes of the torch path."""

from typing import no_type_check

import numpy as np
import torch
from jaxtyping import Float, Float32, Int32, Int64
from numba import njit, uint64
from torch import Tensor

from augment.raster.fragments import Fragments


def interpolate_numba(
    fragments: Fragments,
    faces: Int64[Tensor, "triangles 3"],
    vertex_values: Float[Tensor, "sets vertices channels"],
) -> Float[Tensor, "images height width channels"]:
    """Return vertex values at every pixel centre; 0 outside.

    Args:
        fragments: Fragments on the CPU.
        faces: Triangles whose indices are in range.
        vertex_values: Rows for each image, or for one image that serves all.

    Returns:
        Interpolated values in the type of `vertex_values`, float32 or float64.
    """
    values = vertex_values.detach().contiguous().numpy()
    corners = faces.contiguous().numpy()
    triangle, barycentric = fragments.triangle.numpy(), fragments.barycentric.numpy()
    image = np.zeros((*triangle.shape, values.shape[-1]), dtype=values.dtype)
    for n in range(len(triangle)):
        _fill(triangle[n], barycentric[n], corners, values[n % len(values)], image[n])
    return torch.from_numpy(image)


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _fill(
    triangle: Int32[np.ndarray, "height width"],
    barycentric: Float32[np.ndarray, "height width 3"],
    faces: Int64[np.ndarray, "triangles 3"],
    values: Float[np.ndarray, "vertices channels"],
    image: Float[np.ndarray, "height width channels"],
) -> None:
    """Write the weighted sums of one image."""
    height, width = triangle.shape
    for y in range(height):
        for x in range(width):
            t = triangle[y, x]
            if t < 0:
                continue
            a, b, c = uint64(faces[t, 0]), uint64(faces[t, 1]), uint64(faces[t, 2])
            w0, w1, w2 = barycentric[y, x, 0], barycentric[y, x, 1], barycentric[y, x, 2]
            for k in range(values.shape[1]):
                image[y, x, k] = w0 * values[a, k] + w1 * values[b, k] + w2 * values[c, k]
