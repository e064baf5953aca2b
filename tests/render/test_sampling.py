"""The sample grid: pixel centres are samples, and weights are those of a box one pixel wide."""

import pytest
import torch
from plain_camera import camera_at_origin

from augment.raster.fragments import Fragments
from augment.raster.rasterize import rasterize
from augment.raster.sampling import SampleGrid

FLOAT64_ROUNDING = 1e-9


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_every_pixel_centre_is_the_centre_of_a_sample(factor):
    camera = camera_at_origin(width=7, height=5)
    grid = SampleGrid(7, 5, factor)
    points = camera.unproject(camera.pixel_centres(), torch.full((1, 5, 7), 300.0))
    samples, _ = grid.camera(camera).project(points.reshape(1, -1, 3))
    x = torch.arange(7).repeat(5) * factor + grid.centre + 0.5
    y = torch.arange(5).repeat_interleave(7) * factor + grid.centre + 0.5
    expected = torch.stack((x, y), -1).double()
    assert (samples[0] - expected).abs().max() < FLOAT64_ROUNDING
    assert samples[0, :, 0].max() < grid.sample_width
    assert samples[0, :, 1].max() < grid.sample_height


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_weights_sum_to_one_and_lie_about_the_centre(factor):
    grid = SampleGrid(4, 4, factor)
    at = torch.arange(grid.taps).double() - grid.centre
    assert float(grid.weights.sum()) == pytest.approx(1.0)
    assert float((grid.weights * at).sum()) == pytest.approx(0.0)


def test_first_tap_and_offsets_list_the_samples_of_a_pixel():
    grid = SampleGrid(3, 2, 2)
    flat = torch.arange(2 * grid.sample_height * grid.sample_width)
    image = flat.reshape(2, grid.sample_height, grid.sample_width)
    pixel = torch.tensor([(1 * 2 + 1) * 3 + 2])  # image 1, row 1, column 2
    taps = grid.first_tap(pixel)[:, None] + grid.tap_offsets(flat.device)
    assert torch.equal(flat[taps[0]].reshape(3, 3), image[1, 2:5, 4:7])


def test_fragments_at_centres_are_those_of_a_plain_rasterization(model, portrait):
    vertices, camera, _ = portrait()
    grid = SampleGrid(camera.width, camera.height, 2)
    plain = rasterize(vertices, model.faces, camera)
    centres = grid.at_centres(rasterize(vertices, model.faces, grid.camera(camera)))
    assert isinstance(centres, Fragments)
    # Snapping is twice as fine on the finer grid: only ties within 1e-5 px may differ.
    assert (plain.triangle != centres.triangle).float().mean() < 1e-3
    same = plain.triangle == centres.triangle
    assert (plain.depth_mm - centres.depth_mm)[same].abs().max() < 0.02
