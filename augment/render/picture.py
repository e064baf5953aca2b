"""From shaded samples to a picture: which samples need colour, and the mean over a pixel.

Inside a surface one sample a pixel, at its centre, is enough, for textures are soft at that scale;
where a pixel's samples show different things all of them are shaded.
"""

import torch
from jaxtyping import Bool, Float, Int32, Int64, UInt8
from torch import Tensor

from augment.geometry.camera import Camera
from augment.raster.fragments import Fragments
from augment.raster.sampling import SampleGrid
from augment.render.appearance import Appearance
from augment.render.background import background_image
from augment.render.lens import expose
from augment.render.scene import Scene
from augment.render.shade import Shader
from augment.render.surface import surface_points
from augment.render.wardrobe import Wardrobe

EDGE_DEPTH_MM = 6.0
"""A pixel whose samples lie further apart than this in depth shows an edge."""


def take_picture(
    wardrobe: Wardrobe,
    scene: Scene,
    fine: Fragments,
    grid: SampleGrid,
    camera: Camera,
    appearance: Appearance,
) -> UInt8[Tensor, "twins height width 3"]:
    """Return the pictures of one sample's twins.

    Args:
        wardrobe: Sheets, tiles and visibility of the model.
        scene: The twins.
        fine: Fragments of the sample grid.
        grid: Which samples belong to which pixel.
        camera: The camera of the picture.
        appearance: How subject and picture look.
    """
    is_edge = edge_pixels(scene.part_of_triangle, fine, grid)
    needed = needed_samples(fine, grid, is_edge)
    shader = Shader(wardrobe, scene, grid, camera, appearance)
    repeated = repeated_samples(shader.is_changed(), fine, needed)
    needed.view(-1)[repeated] = False
    points = surface_points(fine, torch.nonzero(needed.reshape(-1))[:, 0])
    radiance, sample = shader.radiance(points)
    rows = rows_of_samples(sample, repeated, needed.shape)
    pixels = gather_pixels(radiance, rows, grid, is_edge)
    backdrop = background_image(
        appearance.background, wardrobe.skin_tile, grid.height, grid.width, radiance.device
    )
    pixels = torch.addcmul(pixels[:, :3], backdrop, 1.0 - pixels[:, 3:])
    return expose(appearance.lens, pixels, wardrobe.grain)


def edge_pixels(
    part_of_triangle: UInt8[Tensor, " triangles"], fine: Fragments, grid: SampleGrid
) -> Bool[Tensor, "twins height width"]:
    """Return the pixels whose samples show different parts or lie far apart in depth.

    Args:
        part_of_triangle: Part of each triangle, above 0.
        fine: Fragments of the sample grid.
        grid: Which samples belong to which pixel.
    """
    part = torch.cat((part_of_triangle.new_zeros(1), part_of_triangle))
    parts = part.index_select(0, (fine.triangle + 1).reshape(-1)).reshape(fine.triangle.shape)
    low, high = _extremes(parts, grid)
    nearest, farthest = _extremes(fine.depth_mm, grid)
    return (low != high) | (farthest - nearest > EDGE_DEPTH_MM)


def _extremes(values: Tensor, grid: SampleGrid) -> tuple[Tensor, Tensor]:
    """Return the least and the greatest value among the taps of each pixel."""
    low = high = values
    for axis, count in ((1, grid.height), (2, grid.width)):
        lows = [_every(low, axis, tap, grid.factor, count) for tap in range(grid.taps)]
        highs = [_every(high, axis, tap, grid.factor, count) for tap in range(grid.taps)]
        low, high = lows[0], highs[0]
        for tap in range(1, grid.taps):
            low, high = torch.minimum(low, lows[tap]), torch.maximum(high, highs[tap])
    return low, high


def _every(values: Tensor, axis: int, start: int, step: int, count: int) -> Tensor:
    """Return `count` entries along an axis, from a start on, a step apart, without a copy."""
    stop = start + (count - 1) * step + 1
    return values[:, start:stop:step] if axis == 1 else values[:, :, start:stop:step]


def needed_samples(
    fine: Fragments, grid: SampleGrid, is_edge: Bool[Tensor, "twins height width"]
) -> Bool[Tensor, "twins sample_height sample_width"]:
    """Return the samples whose colour counts: centres of pixels, and every tap of edge pixels."""
    wanted = torch.zeros(fine.triangle.shape, dtype=torch.bool, device=fine.triangle.device)
    centre = slice(grid.centre, None, grid.factor)
    wanted[:, centre, centre] = True
    wanted = wanted.reshape(-1)
    edge = torch.nonzero(is_edge.reshape(-1))[:, 0]
    taps = grid.first_tap(edge)[:, None] + grid.tap_offsets(edge.device)
    wanted[taps.reshape(-1)] = True
    return wanted.reshape(fine.triangle.shape).logical_and_(fine.triangle >= 0)


def repeated_samples(
    is_changed: Bool[Tensor, " triangles"],
    fine: Fragments,
    needed: Bool[Tensor, "twins sample_height sample_width"],
) -> Int64[Tensor, " repeated"]:
    """Return the flat samples of the pathological twin that look like the healthy twin's.

    They show the same point of a triangle that has not changed, so their colour is the same to the
    last bit and is not calculated again: hair, clothes, and skin that is not affected.
    """
    if len(needed) < 2:
        return torch.zeros(0, dtype=torch.int64, device=needed.device)
    per_image = needed[0].numel()
    triangle, weights = fine.triangle.reshape(2, -1), fine.barycentric.reshape(2, -1, 3)
    both = (needed[0] & needed[1]).reshape(-1) & (triangle[0] == triangle[1])
    sample = torch.nonzero(both)[:, 0]
    still = ~is_changed.index_select(0, triangle[0].index_select(0, sample))
    first, second = (weights[k].index_select(0, sample) for k in range(2))
    return sample[still & (first == second).all(1)] + per_image


def rows_of_samples(
    sample: Int64[Tensor, " points"],
    repeated: Int64[Tensor, " repeated"],
    shape: torch.Size,
) -> Int32[Tensor, "twins sample_height sample_width"]:
    """Return which shaded point each sample shows; one more than the last is background.

    Args:
        sample: Flat samples of the shaded points.
        repeated: Flat samples of the second image that show what the first shows there.
        shape: Images, rows and columns of the sample grid.
    """
    n_samples, per_image = shape.numel(), shape[1:].numel()
    rows = torch.full((n_samples,), len(sample), dtype=torch.int32, device=sample.device)
    rows[sample] = torch.arange(len(sample), dtype=torch.int32, device=sample.device)
    rows[repeated] = rows[repeated - per_image]
    return rows.reshape(shape)


def gather_pixels(
    radiance: Float[Tensor, "3 points"],
    rows_of_samples: Int32[Tensor, "twins sample_height sample_width"],
    grid: SampleGrid,
    is_edge: Bool[Tensor, "twins height width"],
) -> Float[Tensor, "twins 4 height width"]:
    """Return each pixel's radiance times coverage, and its coverage.

    Args:
        radiance: Of shaded samples.
        rows_of_samples: Which of them each sample shows.
        grid: Which samples belong to which pixel.
        is_edge: Pixels whose taps count; others take their centre's sample.
    """
    device, n_points = radiance.device, radiance.shape[1]
    rows = torch.zeros((n_points + 1, 4), device=device)  # the last one is background
    rows[:-1, :3], rows[:-1, 3] = radiance.T, 1.0
    centre = slice(grid.centre, None, grid.factor)
    pixels = rows.index_select(0, rows_of_samples[:, centre, centre].reshape(-1))
    edge = torch.nonzero(is_edge.reshape(-1))[:, 0]
    if len(edge):
        taps = grid.first_tap(edge)[:, None] + grid.tap_offsets(device)
        taps = rows_of_samples.reshape(-1)[taps].long()
        weights = (grid.weights[:, None] * grid.weights[None]).reshape(-1).to(device)
        mean = torch.nn.functional.embedding_bag(
            taps, rows, per_sample_weights=weights.expand(len(edge), -1).contiguous(), mode="sum"
        )
        pixels.index_copy_(0, edge, mean)
    return pixels.reshape(*is_edge.shape, 4).permute(0, 3, 1, 2).contiguous()
