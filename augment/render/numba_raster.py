"""The fast rasterizer for the CPU: integer edge functions, one triangle after the other.

It gives the bytes of `reference`: same snapped vertices, same edges, same order of the float64
operations.
"""

from typing import no_type_check

import numpy as np
import torch
from jaxtyping import Float64, Int64
from numba import njit
from torch import Tensor

from augment.render.fragments import NO_TRIANGLE, Fragments
from augment.render.screen import SUBPIXEL_BITS, SUBPIXELS, ScreenVertices

HALF = SUBPIXELS // 2


def rasterize_numba(
    screen: ScreenVertices, faces: Int64[Tensor, "triangles 3"], height: int, width: int
) -> Fragments:
    """Return the fragments of each image, one after the other on one core.

    Args:
        screen: Snapped vertices on the CPU.
        faces: Triangles on the CPU, indices in range.
        height: Pixels in a column.
        width: Pixels in a row.

    Returns:
        Fragments on the CPU.
    """
    n_images = screen.position.shape[0]
    position, inverse_depth = screen.position.numpy(), screen.inverse_depth.numpy()
    corners = faces.contiguous().numpy()
    triangle = np.full((n_images, height, width), NO_TRIANGLE, dtype=np.int32)
    barycentric = np.zeros((n_images, height, width, 3), dtype=np.float32)
    depth_mm = np.zeros((n_images, height, width), dtype=np.float32)
    nearest = np.zeros((height, width), dtype=np.float64)
    for n in range(n_images):
        nearest[:] = 0.0
        _fill_nearest(position[n], inverse_depth[n], corners, nearest, triangle[n])
        _fill_weights(
            position[n], inverse_depth[n], corners, triangle[n], barycentric[n], depth_mm[n]
        )
    return Fragments(
        torch.from_numpy(triangle), torch.from_numpy(barycentric), torch.from_numpy(depth_mm)
    )


@njit(inline="always")
@no_type_check
def _tie(dx: int, dy: int) -> int:
    """Return 0 if a point exactly on this edge is inside (a top or left edge), else -1."""
    return 0 if dy < 0 or (dy == 0 and dx > 0) else -1


@njit(cache=True, nogil=True)
@no_type_check
def _fill_nearest(
    position: Int64[np.ndarray, "vertices 2"],
    inverse_depth: Float64[np.ndarray, " vertices"],
    faces: Int64[np.ndarray, "triangles 3"],
    nearest: Float64[np.ndarray, "height width"],
    triangle: np.ndarray,
) -> None:
    """Write the nearest triangle of every pixel, and its inverse depth."""
    height, width = triangle.shape
    for t in range(faces.shape[0]):
        a, b, c = faces[t, 0], faces[t, 1], faces[t, 2]
        ax, ay, bx, by, cx, cy = (
            position[a, 0],
            position[a, 1],
            position[b, 0],
            position[b, 1],
            position[c, 0],
            position[c, 1],
        )
        # The first and last pixel whose centre lies in the bounding box.
        x_first = max((min(ax, bx, cx) + HALF - 1) >> SUBPIXEL_BITS, 0)
        x_last = min((max(ax, bx, cx) - HALF) >> SUBPIXEL_BITS, width - 1)
        y_first = max((min(ay, by, cy) + HALF - 1) >> SUBPIXEL_BITS, 0)
        y_last = min((max(ay, by, cy) - HALF) >> SUBPIXEL_BITS, height - 1)
        if x_first > x_last or y_first > y_last:
            continue
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0:
            continue
        if area < 0:
            area = -area
            b, c = c, b
            bx, by, cx, cy = cx, cy, bx, by
        dx0, dy0, dx1, dy1, dx2, dy2 = cx - bx, cy - by, ax - cx, ay - cy, bx - ax, by - ay
        px, py = (x_first << SUBPIXEL_BITS) + HALF, (y_first << SUBPIXEL_BITS) + HALF
        row0 = dx0 * (py - by) - dy0 * (px - bx)
        row1 = dx1 * (py - cy) - dy1 * (px - cx)
        row2 = dx2 * (py - ay) - dy2 * (px - ax)
        tie0, tie1, tie2 = _tie(dx0, dy0), _tie(dx1, dy1), _tie(dx2, dy2)
        scale = 1.0 / float(area)
        z0, z1, z2 = inverse_depth[a] * scale, inverse_depth[b] * scale, inverse_depth[c] * scale
        for y in range(y_first, y_last + 1):
            e0, e1, e2 = row0, row1, row2
            was_inside = False
            for x in range(x_first, x_last + 1):
                if ((e0 + tie0) | (e1 + tie1) | (e2 + tie2)) >= 0:
                    was_inside = True
                    inverse = float(e0) * z0 + float(e1) * z1 + float(e2) * z2
                    if inverse > nearest[y, x]:
                        nearest[y, x] = inverse
                        triangle[y, x] = t
                elif was_inside:
                    break
                e0 -= dy0 << SUBPIXEL_BITS
                e1 -= dy1 << SUBPIXEL_BITS
                e2 -= dy2 << SUBPIXEL_BITS
            row0 += dx0 << SUBPIXEL_BITS
            row1 += dx1 << SUBPIXEL_BITS
            row2 += dx2 << SUBPIXEL_BITS


@njit(cache=True, nogil=True)
@no_type_check
def _fill_weights(
    position: Int64[np.ndarray, "vertices 2"],
    inverse_depth: Float64[np.ndarray, " vertices"],
    faces: Int64[np.ndarray, "triangles 3"],
    triangle: np.ndarray,
    barycentric: np.ndarray,
    depth_mm: np.ndarray,
) -> None:
    """Write perspective-correct weights and depth of every pixel that shows a triangle."""
    height, width = triangle.shape
    for y in range(height):
        py = (y << SUBPIXEL_BITS) + HALF
        for x in range(width):
            t = triangle[y, x]
            if t < 0:
                continue
            px = (x << SUBPIXEL_BITS) + HALF
            a, b, c = faces[t, 0], faces[t, 1], faces[t, 2]
            ax, ay = px - position[a, 0], py - position[a, 1]
            bx, by = px - position[b, 0], py - position[b, 1]
            cx, cy = px - position[c, 0], py - position[c, 1]
            e0, e1, e2 = bx * cy - by * cx, cx * ay - cy * ax, ax * by - ay * bx
            scale = 1.0 / float(e0 + e1 + e2)
            w0 = float(e0) * scale * inverse_depth[a]
            w1 = float(e1) * scale * inverse_depth[b]
            w2 = float(e2) * scale * inverse_depth[c]
            depth = 1.0 / (w0 + w1 + w2)
            barycentric[y, x, 0] = w0 * depth
            barycentric[y, x, 1] = w1 * depth
            barycentric[y, x, 2] = w2 * depth
            depth_mm[y, x] = depth
