"""The readable rasterizer, the oracle of the others, in torch, on any device.

Every pixel centre in the bounding box of every triangle is tested.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from augment.geometry.camera import Camera
from augment.raster.fragments import NO_TRIANGLE, Fragments
from augment.raster.screen import SUBPIXELS, ScreenVertices, project_to_screen

MAX_CANDIDATES = 1 << 21
"""Pairs of a pixel and a triangle tested at once: bounds the memory to some 400 MB."""


def rasterize_reference(
    vertices: Float[Tensor, "images vertices 3"],
    faces: Int64[Tensor, "triangles 3"],
    camera: Camera,
    near_mm: float,
) -> Fragments:
    """Return the fragments of all images.

    Args:
        vertices: Positions in the head frame, mm, on any device.
        faces: Triangles on that device, indices in range.
        camera: One camera an image, on that device.
        near_mm: Smallest depth that is accepted.

    Returns:
        Fragments on that device.

    Raises:
        GeometryError: As `project_to_screen`.
    """
    screen = project_to_screen(vertices, camera, near_mm)
    height, width = camera.height, camera.width
    n_images = screen.position.shape[0]
    device = faces.device
    nearest = torch.zeros(n_images * height * width, dtype=torch.float64, device=device)
    first = torch.full_like(nearest, len(faces), dtype=torch.int64)
    for image, triangle, x, y in _candidates(screen.position, faces, height, width):
        edges, area, corners = _edges(screen, faces, image, triangle, x, y)
        inside, inverse_depth = _coverage(screen, edges, area, corners, image)
        pixel = ((image * height + y) * width + x)[inside]
        before = nearest.clone()
        nearest.scatter_reduce_(0, pixel, inverse_depth[inside], "amax")
        # A nearer surface discards the triangles found so far; among equals the smallest index
        # wins.
        first = torch.where(nearest > before, len(faces), first)
        is_nearest = inverse_depth[inside] == nearest[pixel]
        first.scatter_reduce_(0, pixel[is_nearest], triangle[inside][is_nearest], "amin")
    return _fragments(
        screen, faces, torch.where(first < len(faces), first, NO_TRIANGLE), height, width
    )


def _candidates(
    position: Int64[Tensor, "images vertices 2"],
    faces: Int64[Tensor, "triangles 3"],
    height: int,
    width: int,
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Yield image, triangle, x, y of the pixel centres in bounding boxes, a chunk at a time."""
    corners = position[:, faces].flatten(0, 1)
    half = SUBPIXELS // 2
    limit = torch.tensor((width, height), device=faces.device)
    low = torch.clamp_min(-((half - corners.amin(1)) // SUBPIXELS), 0)
    high = torch.minimum((corners.amax(1) - half) // SUBPIXELS, limit - 1)
    size = torch.clamp_min(high - low + 1, 0)
    n_pixels = size[:, 0] * size[:, 1]
    boxes = torch.nonzero(n_pixels)[:, 0]
    ends = torch.cumsum(n_pixels[boxes], 0)
    done, done_pixels = 0, 0
    while done < len(boxes):
        until = int(torch.searchsorted(ends, done_pixels + MAX_CANDIDATES, right=True))
        chunk = boxes[done : max(until, done + 1)]
        box = torch.repeat_interleave(chunk, n_pixels[chunk])
        starts = torch.cumsum(n_pixels[chunk], 0) - n_pixels[chunk]
        rank = torch.arange(len(box), device=box.device) - torch.repeat_interleave(
            starts, n_pixels[chunk]
        )
        x = low[box, 0] + rank % size[box, 0]
        y = low[box, 1] + rank // size[box, 0]
        yield box // len(faces), box % len(faces), x, y
        done += len(chunk)
        done_pixels = int(ends[done - 1])


def _edges(
    screen: ScreenVertices,
    faces: Int64[Tensor, "triangles 3"],
    image: Tensor,
    triangle: Tensor,
    x: Tensor,
    y: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return edge functions at pixel centres (edge i is opposite corner i), their sum, corners."""
    corners = faces[triangle]
    centre = torch.stack((x, y), -1) * SUBPIXELS + SUBPIXELS // 2
    a, b, c = (centre - screen.position[image, corners[:, i]] for i in range(3))
    edges = torch.stack((_cross(b, c), _cross(c, a), _cross(a, b)), -1)
    return edges, edges.sum(-1), corners


def _coverage(
    screen: ScreenVertices, edges: Tensor, area: Tensor, corners: Tensor, image: Tensor
) -> tuple[Tensor, Tensor]:
    """Return which candidates are covered, and the inverse depth of the triangle there."""
    at = screen.position[image[:, None], corners]
    # A triangle seen from behind has negative area: all its edges are walked the other way round.
    sign = torch.where(area < 0, -1, 1)[:, None]
    edges, area = edges * sign, area.abs()
    dx, dy = ((at.roll(1, 1) - at.roll(-1, 1)) * sign[..., None]).unbind(-1)
    is_top_or_left = (dy < 0) | ((dy == 0) & (dx > 0))
    inside = ((edges > 0) | ((edges == 0) & is_top_or_left)).all(-1) & (area > 0)
    scale = 1.0 / area.double()
    a, b, c = screen.inverse_depth[image[:, None], corners].unbind(-1)
    to_b, to_c = (b - a) * scale, (c - a) * scale
    return inside, a + edges[:, 1].double() * to_b + edges[:, 2].double() * to_c


def _fragments(
    screen: ScreenVertices,
    faces: Int64[Tensor, "triangles 3"],
    triangle: Int64[Tensor, " pixels"],
    height: int,
    width: int,
) -> Fragments:
    """Return weights and depth of the triangle that each pixel shows."""
    n_images = screen.position.shape[0]
    barycentric = torch.zeros((len(triangle), 3), dtype=torch.float32, device=triangle.device)
    depth_mm = torch.zeros(len(triangle), dtype=torch.float32, device=triangle.device)
    pixel = torch.nonzero(triangle >= 0)[:, 0]
    image, y, x = pixel // (height * width), pixel // width % height, pixel % width
    edges, area, corners = _edges(screen, faces, image, triangle[pixel], x, y)
    weights = edges.double() * screen.inverse_depth[image[:, None], corners]
    scale = 1.0 / (weights[:, 0] + weights[:, 1] + weights[:, 2])
    barycentric[pixel] = (weights * scale[:, None]).float()
    depth_mm[pixel] = (area.double() * scale).float()
    shape = (n_images, height, width)
    return Fragments(
        triangle.int().reshape(shape), barycentric.reshape(*shape, 3), depth_mm.reshape(shape)
    )


def _cross(first: Tensor, second: Tensor) -> Tensor:
    """Return the z component of the cross product of plane vectors."""
    return first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
