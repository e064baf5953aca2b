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
from augment.render.shade import shade_points
from augment.render.surface import SurfacePoints, surface_points
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
    colour = shade_points(wardrobe, scene, points, camera, appearance)
    colour, coverage = gather_pixels(points, colour, grid, is_edge)
    backdrop = background_image(
        appearance.background, wardrobe.skin_tile, grid.height, grid.width, colour.device
    )
    radiance = colour + backdrop * (1.0 - coverage)
    return expose(appearance.lens, radiance, wardrobe.grain)


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
        steps = [
            torch.arange(count, device=values.device) * grid.factor + tap
            for tap in range(grid.taps)
        ]
        lows = [low.index_select(axis, step) for step in steps]
        highs = [high.index_select(axis, step) for step in steps]
        low, high = lows[0], highs[0]
        for tap in range(1, grid.taps):
            low, high = torch.minimum(low, lows[tap]), torch.maximum(high, highs[tap])
    return low, high


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
    points: SurfacePoints,
    colour: Float[Tensor, "points 3"],
    grid: SampleGrid,
    is_edge: Bool[Tensor, "twins height width"],
) -> tuple[Float[Tensor, "twins height width 3"], Float[Tensor, "twins height width 1"]]:
    """Return each pixel's colour times coverage, and its coverage."""
    n_twins = is_edge.shape[0]
    n_samples = n_twins * grid.sample_height * grid.sample_width
    samples = torch.zeros((n_samples, 4), device=colour.device)
    samples[points.sample, :3] = colour
    samples[points.sample, 3] = 1.0
    image = samples.reshape(n_twins, grid.sample_height, grid.sample_width, 4)
    centre = slice(grid.centre, None, grid.factor)
    pixels = image[:, centre, centre].reshape(-1, 4)
    edge = torch.nonzero(is_edge.reshape(-1))[:, 0]
    taps = grid.first_tap(edge)[:, None] + grid.tap_offsets(edge.device)
    weights = (grid.weights[:, None] * grid.weights[None]).reshape(-1).to(colour.device)
    pixels = pixels.index_copy(0, edge, (samples[taps] * weights[:, None]).sum(1))
    pixels = pixels.reshape(*is_edge.shape, 4)
    return pixels[..., :3], pixels[..., 3:]
