"""From shaded samples to a picture: which samples need colour, and the mean over a pixel.

Inside a surface one sample a pixel, at its centre, is enough, for textures are soft at that scale;
where a pixel's samples show different things all of them are shaded.
"""

import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor

from augment.geometry.camera import Camera
from augment.render.appearance import Appearance
from augment.render.background import background_image
from augment.render.fragments import Fragments
from augment.render.lens import expose
from augment.render.sampling import SampleGrid
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
    is_edge = edge_pixels(scene, fine, grid)
    points = surface_points(fine, needed_samples(fine, grid, is_edge))
    shader = Shader(wardrobe, scene, grid, camera, appearance)
    radiance, sample = shader.radiance(points)
    pixels = gather_pixels(radiance, sample, grid, is_edge)
    backdrop = background_image(
        appearance.background, wardrobe.skin_tile, grid.height, grid.width, radiance.device
    )
    pixels = torch.addcmul(pixels[:, :3], backdrop, 1.0 - pixels[:, 3:])
    return expose(appearance.lens, pixels, wardrobe.grain)


def edge_pixels(
    scene: Scene, fine: Fragments, grid: SampleGrid
) -> Bool[Tensor, "twins height width"]:
    """Return the pixels whose samples show different parts or lie far apart in depth."""
    part = torch.cat((scene.part_of_triangle.new_zeros(1), scene.part_of_triangle))
    parts = part[(fine.triangle + 1).long()]
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
) -> Int64[Tensor, " samples"]:
    """Return the flat samples to shade: centres of pixels, and every tap of edge pixels."""
    wanted = torch.zeros(fine.triangle.shape, dtype=torch.bool, device=fine.triangle.device)
    centre = slice(grid.centre, None, grid.factor)
    wanted[:, centre, centre] = True
    wanted = wanted.reshape(-1)
    edge = torch.nonzero(is_edge.reshape(-1))[:, 0]
    taps = grid.first_tap(edge)[:, None] + grid.tap_offsets(edge.device)
    wanted[taps.reshape(-1)] = True
    return torch.nonzero(wanted & (fine.triangle.reshape(-1) >= 0))[:, 0]


def gather_pixels(
    radiance: Float[Tensor, "3 points"],
    sample: Int64[Tensor, " points"],
    grid: SampleGrid,
    is_edge: Bool[Tensor, "twins height width"],
) -> Float[Tensor, "twins 4 height width"]:
    """Return each pixel's radiance times coverage, and its coverage.

    Args:
        radiance: Of shaded samples.
        sample: Which flat samples they are.
        grid: Which samples belong to which pixel.
        is_edge: Pixels whose taps count; others take their centre's sample.
    """
    n_twins, device = is_edge.shape[0], radiance.device
    rows = torch.zeros((len(sample) + 1, 4), device=device)  # the last one is background
    rows[:-1, :3], rows[:-1, 3] = radiance.T, 1.0
    n_samples = n_twins * grid.sample_height * grid.sample_width
    row_of_sample = torch.full((n_samples,), len(sample), dtype=torch.int32, device=device)
    row_of_sample[sample] = torch.arange(len(sample), dtype=torch.int32, device=device)
    image = row_of_sample.reshape(n_twins, grid.sample_height, grid.sample_width)
    centre = slice(grid.centre, None, grid.factor)
    pixels = rows.index_select(0, image[:, centre, centre].reshape(-1))
    edge = torch.nonzero(is_edge.reshape(-1))[:, 0]
    if len(edge):
        taps = row_of_sample[grid.first_tap(edge)[:, None] + grid.tap_offsets(device)].long()
        weights = (grid.weights[:, None] * grid.weights[None]).reshape(-1).to(device)
        mean = torch.nn.functional.embedding_bag(
            taps, rows, per_sample_weights=weights.expand(len(edge), -1).contiguous(), mode="sum"
        )
        pixels.index_copy_(0, edge, mean)
    return pixels.reshape(*is_edge.shape, 4).permute(0, 3, 1, 2).contiguous()
