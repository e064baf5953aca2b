"""From samples to pixels: edges found and means taken like a naive loop does."""

import numpy as np
import torch

from augment.raster.fragments import Fragments
from augment.raster.sampling import SampleGrid
from augment.render.picture import (
    edge_pixels,
    gather_pixels,
    needed_samples,
    rows_of_samples,
)
from augment.streams import stream

PARTS = torch.tensor([1, 1, 5], dtype=torch.uint8)


def random_fragments(grid, n_images=2):
    rng = stream(0, 0, "fragments")
    shape = (n_images, grid.sample_height, grid.sample_width)
    triangle = torch.from_numpy(rng.choice((-1, 0, 1, 2), size=shape, p=(0.5, 0.2, 0.2, 0.1)))
    depth = torch.where(triangle >= 0, torch.from_numpy(rng.uniform(100, 104, shape)), 0.0).float()
    return Fragments(triangle.int(), torch.full((*shape, 3), 1 / 3), depth)


def taps_of(grid, image, row, column):
    start = (row * grid.factor, column * grid.factor)
    return image[start[0] : start[0] + grid.taps, start[1] : start[1] + grid.taps]


def test_edges_are_the_pixels_whose_taps_show_two_parts():
    grid = SampleGrid(5, 4, 2)
    fine = random_fragments(grid)
    found = edge_pixels(PARTS, fine, grid)
    parts = torch.cat((torch.zeros(1, dtype=torch.uint8), PARTS))
    image = parts[(fine.triangle + 1).long()]
    for n, row, column in np.ndindex(2, 4, 5):
        expected = len(torch.unique(taps_of(grid, image[n], row, column))) > 1
        assert bool(found[n, row, column]) == expected


def test_pixels_are_weighted_means_of_their_taps():
    for factor in (1, 2, 3):
        grid = SampleGrid(5, 4, factor)
        fine = random_fragments(grid)
        is_edge = edge_pixels(PARTS, fine, grid)
        sample = torch.nonzero(needed_samples(fine, grid, is_edge).reshape(-1))[:, 0]
        colour = torch.rand((3, len(sample)), generator=torch.Generator().manual_seed(0))
        rows = rows_of_samples(sample, sample[:0], fine.triangle.shape)
        pixels = gather_pixels(colour, rows, grid, is_edge)
        table = torch.zeros((2, grid.sample_height, grid.sample_width, 4))
        table.reshape(-1, 4)[sample] = torch.cat((colour.T, torch.ones(len(sample), 1)), 1)
        weights = grid.weights[:, None] * grid.weights[None]
        for n, row, column in np.ndindex(2, 4, 5):
            taps = taps_of(grid, table[n], row, column)
            centre = taps[grid.centre, grid.centre]
            mean = (taps * weights[..., None]).sum((0, 1))
            expected = mean if is_edge[n, row, column] else centre
            assert torch.allclose(pixels[n, :, row, column], expected, atol=1e-6)
