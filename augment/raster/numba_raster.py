"""The fast rasterizer for the CPU: integer edge functions, one triangle after the other.

It gives the bytes of `reference`: same snapped vertices, same edges, same order of the float64
operations.
"""

import math
from typing import no_type_check

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int32, Int64
from numba import njit, uint64
from torch import Tensor

from augment.geometry.camera import Camera
from augment.raster.fragments import NO_TRIANGLE, Fragments
from augment.raster.screen import (
    MAX_COORDINATE_PX,
    SUBPIXEL_BITS,
    SUBPIXELS,
    ScreenVertices,
    project_to_screen,
)

HALF = SUBPIXELS // 2
TILE_BITS = 3
"""Tiles of 8 x 8 pixels: small enough to fill up, large enough to be few."""


def rasterize_numba(
    vertices: Float[Tensor, "images vertices 3"],
    faces: Int64[Tensor, "triangles 3"],
    camera: Camera,
    near_mm: float,
) -> Fragments:
    """Return the fragments of each image, one after the other on one core.

    Args:
        vertices: Positions in the head frame, mm, on the CPU.
        faces: Triangles on the CPU, indices in range.
        camera: One camera an image.
        near_mm: Smallest depth that is accepted.

    Returns:
        Fragments on the CPU.

    Raises:
        GeometryError: As `project_to_screen`.
    """
    shape = (camera.n_images, camera.height, camera.width)
    screen = snap_numba(vertices, camera, near_mm)
    position, inverse_depth = screen.position.numpy(), screen.inverse_depth.numpy()
    corners = faces.contiguous().numpy()
    triangle = np.full(shape, NO_TRIANGLE, dtype=np.int32)
    barycentric = np.zeros((*shape, 3), dtype=np.float32)
    depth_mm = np.zeros(shape, dtype=np.float32)
    for n in range(camera.n_images):
        nearest = np.zeros(shape[1:], dtype=np.float64)
        _fill_nearest(position[n], inverse_depth[n], corners, nearest, triangle[n])
        _fill_weights(
            position[n], inverse_depth[n], corners, triangle[n], barycentric[n], depth_mm[n]
        )
    return Fragments(
        torch.from_numpy(triangle), torch.from_numpy(barycentric), torch.from_numpy(depth_mm)
    )


def snap_numba(
    vertices: Float[Tensor, "images vertices 3"], camera: Camera, near_mm: float
) -> ScreenVertices:
    """Return the bytes of `project_to_screen` in one pass over the vertices.

    Args:
        vertices: Positions in the head frame, mm, on the CPU.
        camera: One camera an image.
        near_mm: Smallest depth that is accepted.

    Returns:
        Snapped positions and inverse depths.

    Raises:
        GeometryError: As `project_to_screen`, whose words they are.
    """
    points = vertices.detach().contiguous().numpy()
    position = np.zeros((*points.shape[:2], 2), dtype=np.int64)
    inverse_depth = np.zeros(points.shape[:2], dtype=np.float64)
    for n in range(camera.n_images):
        is_usable = _snap(
            points[n],
            camera.camera_from_world[n].numpy(),
            float(camera.focal_px[n]),
            camera.principal_px[n].numpy(),
            near_mm,
            position[n],
            inverse_depth[n],
        )
        if not is_usable:
            return project_to_screen(vertices, camera, near_mm)
    return ScreenVertices(torch.from_numpy(position), torch.from_numpy(inverse_depth))


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _snap(
    points: Float[np.ndarray, "vertices 3"],
    camera_from_world: Float64[np.ndarray, "4 4"],
    focal_px: float,
    principal_px: Float64[np.ndarray, " 2"],
    near_mm: float,
    position: Int64[np.ndarray, "vertices 2"],
    inverse_depth: Float64[np.ndarray, " vertices"],
) -> bool:
    """Write snapped positions and inverse depths; False if a vertex is out of bounds."""
    m, limit = camera_from_world, float(MAX_COORDINATE_PX)
    for i in range(points.shape[0]):
        x, y, z = float(points[i, 0]), float(points[i, 1]), float(points[i, 2])
        depth = x * m[2, 0] + y * m[2, 1] + z * m[2, 2] + m[2, 3]
        across = x * m[0, 0] + y * m[0, 1] + z * m[0, 2] + m[0, 3]
        down = x * m[1, 0] + y * m[1, 1] + z * m[1, 2] + m[1, 3]
        pixel_x = focal_px * across / depth + principal_px[0]
        pixel_y = focal_px * down / depth + principal_px[1]
        if not (depth >= near_mm and abs(pixel_x) < limit and abs(pixel_y) < limit):
            return False
        position[i, 0] = math.floor(pixel_x * SUBPIXELS + 0.5)
        position[i, 1] = math.floor(pixel_y * SUBPIXELS + 0.5)
        inverse_depth[i] = 1.0 / depth
    return True


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _fill_nearest(
    position: Int64[np.ndarray, "vertices 2"],
    inverse_depth: Float64[np.ndarray, " vertices"],
    faces: Int64[np.ndarray, "triangles 3"],
    nearest: Float64[np.ndarray, "height width"],
    triangle: Int32[np.ndarray, "height width"],
) -> None:
    """Write the nearest triangle of every pixel, and its inverse depth.

    Triangles that face the camera come first: most of the others then lie behind whole tiles of
    them and are left out. The picture does not depend on it, for equals are told apart by number.
    """
    turned_away = np.zeros(faces.shape[0], dtype=np.int32)
    n_turned_away = 0
    for t in range(faces.shape[0]):
        if _is_turned_away(t, position, faces):
            turned_away[n_turned_away] = t
            n_turned_away += 1
        else:
            _draw(t, position, inverse_depth, faces, nearest, triangle)
    farthest = _farthest_in_tiles(nearest)
    for k in range(n_turned_away):
        t = turned_away[k]
        if not _is_hidden(t, position, inverse_depth, faces, farthest, nearest.shape):
            _draw(t, position, inverse_depth, faces, nearest, triangle)


@njit(inline="always")
@no_type_check
def _is_turned_away(t: int, position: np.ndarray, faces: np.ndarray) -> bool:
    """Return whether the corners run clockwise on the screen, where y points down."""
    a, b, c = uint64(faces[t, 0]), uint64(faces[t, 1]), uint64(faces[t, 2])
    ax, ay = position[a, 0], position[a, 1]
    to_b = (position[b, 0] - ax, position[b, 1] - ay)
    to_c = (position[c, 0] - ax, position[c, 1] - ay)
    return to_b[0] * to_c[1] - to_b[1] * to_c[0] > 0


@njit(inline="always")
@no_type_check
def _bounds(a: int, b: int, c: int, n_pixels: int) -> tuple[int, int]:
    """Return the first and last pixel whose centre lies between three coordinates."""
    first = max((min(a, b, c) + HALF - 1) >> SUBPIXEL_BITS, 0)
    last = min((max(a, b, c) - HALF) >> SUBPIXEL_BITS, n_pixels - 1)
    return first, last


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _farthest_in_tiles(nearest: Float64[np.ndarray, "height width"]) -> np.ndarray:
    """Return the smallest inverse depth of each tile: 0 where a pixel of it is still open."""
    height, width = nearest.shape
    farthest = np.full(
        (((height - 1) >> TILE_BITS) + 1, ((width - 1) >> TILE_BITS) + 1), np.inf, dtype=np.float64
    )
    for y in range(height):
        for x in range(width):
            tile_y, tile_x = y >> TILE_BITS, x >> TILE_BITS
            farthest[tile_y, tile_x] = min(farthest[tile_y, tile_x], nearest[y, x])
    return farthest


@njit(inline="always")
@no_type_check
def _is_hidden(t, position, inverse_depth, faces, farthest, shape) -> bool:
    """Return whether every tile that a triangle touches is covered by nearer surfaces."""
    a, b, c = uint64(faces[t, 0]), uint64(faces[t, 1]), uint64(faces[t, 2])
    x_first, x_last = _bounds(position[a, 0], position[b, 0], position[c, 0], shape[1])
    y_first, y_last = _bounds(position[a, 1], position[b, 1], position[c, 1], shape[0])
    if x_first > x_last or y_first > y_last:
        return True
    # Interpolation may round a depth past the nearest corner's.
    closest = max(inverse_depth[a], inverse_depth[b], inverse_depth[c]) * (1 + 1e-9)
    for tile_y in range(y_first >> TILE_BITS, (y_last >> TILE_BITS) + 1):
        for tile_x in range(x_first >> TILE_BITS, (x_last >> TILE_BITS) + 1):
            if farthest[uint64(tile_y), uint64(tile_x)] <= closest:
                return False
    return True


@njit(inline="always")
@no_type_check
def _tie(dx: int, dy: int) -> int:
    """Return 0 if a point exactly on this edge is inside (a top or left edge), else -1."""
    return 0 if dy < 0 or (dy == 0 and dx > 0) else -1


@njit(inline="always")
@no_type_check
def _draw(t, position, inverse_depth, faces, nearest, triangle) -> None:
    """Draw one triangle where it is the nearest so far."""
    # Unsigned indices spare numba's test for negative ones.
    a, b, c = uint64(faces[t, 0]), uint64(faces[t, 1]), uint64(faces[t, 2])
    ax, ay = position[a, 0], position[a, 1]
    bx, by = position[b, 0], position[b, 1]
    cx, cy = position[c, 0], position[c, 1]
    x_first, x_last = _bounds(ax, bx, cx, triangle.shape[1])
    y_first, y_last = _bounds(ay, by, cy, triangle.shape[0])
    dx0, dy0, dx1, dy1, dx2, dy2 = cx - bx, cy - by, ax - cx, ay - cy, bx - ax, by - ay
    area = dx2 * dy0 - dy2 * dx0
    if x_first > x_last or y_first > y_last or area == 0:
        return
    if area < 0:
        # Walk the edges the other way round.
        area = -area
        dx0, dy0, dx1, dy1, dx2, dy2 = -dx0, -dy0, -dx1, -dy1, -dx2, -dy2
    tie0, tie1, tie2 = _tie(dx0, dy0), _tie(dx1, dy1), _tie(dx2, dy2)
    px, py = (x_first << SUBPIXEL_BITS) + HALF, (y_first << SUBPIXEL_BITS) + HALF
    row0 = dx0 * (py - by) - dy0 * (px - bx) + tie0
    row1 = dx1 * (py - cy) - dy1 * (px - cx) + tie1
    row2 = dx2 * (py - ay) - dy2 * (px - ax) + tie2
    scale, za = 1.0 / float(area), inverse_depth[a]
    zb, zc = (inverse_depth[b] - za) * scale, (inverse_depth[c] - za) * scale
    for y in range(y_first, y_last + 1):
        e0, e1, e2 = row0, row1, row2
        was_inside = False
        for x in range(x_first, x_last + 1):
            # The sign bit of the three together: inside is where none is negative.
            if (e0 | e1 | e2) >= 0:
                was_inside = True
                inverse = za + float(e1 - tie1) * zb + float(e2 - tie2) * zc
                before = nearest[uint64(y), uint64(x)]
                if inverse > before or (inverse == before and t < triangle[uint64(y), uint64(x)]):
                    nearest[uint64(y), uint64(x)] = inverse
                    triangle[uint64(y), uint64(x)] = t
            elif was_inside:
                break
            e0 -= dy0 << SUBPIXEL_BITS
            e1 -= dy1 << SUBPIXEL_BITS
            e2 -= dy2 << SUBPIXEL_BITS
        row0 += dx0 << SUBPIXEL_BITS
        row1 += dx1 << SUBPIXEL_BITS
        row2 += dx2 << SUBPIXEL_BITS


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _fill_weights(
    position: Int64[np.ndarray, "vertices 2"],
    inverse_depth: Float64[np.ndarray, " vertices"],
    faces: Int64[np.ndarray, "triangles 3"],
    triangle: Int32[np.ndarray, "height width"],
    barycentric: Float32[np.ndarray, "height width 3"],
    depth_mm: Float32[np.ndarray, "height width"],
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
            a, b, c = uint64(faces[t, 0]), uint64(faces[t, 1]), uint64(faces[t, 2])
            ax, ay = px - position[a, 0], py - position[a, 1]
            bx, by = px - position[b, 0], py - position[b, 1]
            cx, cy = px - position[c, 0], py - position[c, 1]
            e0, e1, e2 = bx * cy - by * cx, cx * ay - cy * ax, ax * by - ay * bx
            w0 = float(e0) * inverse_depth[a]
            w1 = float(e1) * inverse_depth[b]
            w2 = float(e2) * inverse_depth[c]
            scale = 1.0 / (w0 + w1 + w2)
            barycentric[y, x, 0] = w0 * scale
            barycentric[y, x, 1] = w1 * scale
            barycentric[y, x, 2] = w2 * scale
            depth_mm[y, x] = float(e0 + e1 + e2) * scale
