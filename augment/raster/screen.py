"""Vertices on the pixel grid: the one projection and snapping that the exact rasterizers share.

Positions are fixed-point numbers of 1 / 65,536 pixel. Edge functions of integers have no rounding
error, so a pixel centre is left of an edge, right of it or exactly on it, and the two triangles of
a shared edge always agree on which.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from augment.errors import GeometryError
from augment.geometry.camera import Camera

SUBPIXEL_BITS = 16
"""Fractional bits of a coordinate: snapping moves it by 0.8e-5 px at most (a tie is 1e-4 px)."""
SUBPIXELS = 1 << SUBPIXEL_BITS
MAX_COORDINATE_PX = 16_000
"""Coordinates take 30 bits and a sign, differences 31, edge functions 63: int64 holds them."""


@dataclass(frozen=True, eq=False)
class ScreenVertices:
    """Projected vertices.

    Attributes:
        position: Snapped (x, y) in units of 1 / SUBPIXELS pixel; the centre of pixel (0, 0) is half
            of SUBPIXELS.
        inverse_depth: 1 / z of the camera frame, 1/mm: the quantity that is linear on the screen.
    """

    position: Int64[Tensor, "images vertices 2"]
    inverse_depth: Float64[Tensor, "images vertices"]


def project_to_screen(
    vertices: Float[Tensor, "images vertices 3"], camera: Camera, near_mm: float
) -> ScreenVertices:
    """Return vertices projected in float64 and snapped to the sub-pixel grid.

    Args:
        vertices: Positions in the head frame, mm.
        camera: One camera an image.
        near_mm: Smallest depth that is accepted, above 0.

    Returns:
        Snapped positions and inverse depths.

    Raises:
        GeometryError: If a vertex is nearer than near_mm, behind the camera, not finite, or
            projects further than MAX_COORDINATE_PX from the image's corner, where integer edges
            would overflow.
    """
    pixels, depth_mm = camera.project(vertices)
    check_bounds(pixels, depth_mm, near_mm)
    position = torch.floor(pixels * SUBPIXELS + 0.5).to(torch.int64)
    return ScreenVertices(position, 1.0 / depth_mm)


def check_bounds(
    pixels: Float64[Tensor, "images vertices 2"],
    depth_mm: Float64[Tensor, "images vertices"],
    near_mm: float,
) -> None:
    """Refuse projected vertices that are out of bounds.

    Args:
        pixels: Where the vertices project.
        depth_mm: Their depth z in the camera frame.
        near_mm: Smallest depth that is accepted.

    Raises:
        GeometryError: As `project_to_screen`.
    """
    # Written with "not >=" and "not <", because NaN must fail too.
    n_behind = int((~(depth_mm >= near_mm)).sum())
    if n_behind:
        raise GeometryError(
            f"every vertex was expected {near_mm} mm or more in front of the camera, got "
            f"{n_behind} of {depth_mm.numel()} nearer, behind or not finite; move the camera back"
        )
    n_far = int((~(pixels.abs() < MAX_COORDINATE_PX)).any(-1).sum())
    if n_far:
        raise GeometryError(
            f"every vertex was expected within {MAX_COORDINATE_PX} px of the image, got {n_far} of "
            f"{depth_mm.numel()} outside; move the camera back or shorten its focal length"
        )
