"""From atlas to image: sampling, posture, tissue, scanner, twins."""

import numpy as np
import pytest

from augment.volume.atlas import Atlas
from augment.volume.grid import Grid, grid_over
from augment.volume.head_ct import HeadScan, scan_twins, write_case
from augment.volume.labels import LABELS, NUMBER
from augment.volume.lattice import Field, grid_points, identity_field
from augment.volume.posture import UPRIGHT, Posture
from augment.volume.radiotherapy import draw_radiotherapy_scan, scan_radiotherapy
from augment.volume.sampling import draw_texture, pull_back
from augment.volume.scanner import AIR_HU, CEILING_HU, Scanner, acquire
from augment.volume.tissue import Contrast, TissueValues, draw_tissue_values
from augment.volume.twins import TwinFields

GRID = grid_over((-30, -30, -30), (30, 30, 30), 1.0)
NO_METAL = np.zeros((0, 3))
QUIET = Scanner(blur_mm=(0.0, 0.0), noise_hu=0.0, couch=False)


def plain_values():
    numbers = np.arange(len(LABELS), dtype=np.float32)
    return TissueValues(10 * numbers, np.zeros_like(numbers))


def toy_atlas():
    labels = np.zeros(GRID.shape, np.uint8)
    points = grid_points(GRID)
    labels[np.linalg.norm(points, axis=-1) < 20] = NUMBER["brain"]
    labels[np.linalg.norm(points - (5, 0, 0), axis=-1) < 8] = NUMBER["mandible_cortical"]
    return Atlas(labels, GRID, NO_METAL, None)


def pulled(field=None, posture=UPRIGHT, grid=GRID, n_sub=1):
    texture = draw_texture(np.random.default_rng(0))
    field = field or identity_field(grid_over((-60, -60, -60), (60, 60, 60), 6.0))
    return pull_back(
        toy_atlas(),
        field,
        posture,
        plain_values(),
        texture,
        grid,
        n_sub,
        (NUMBER["mandible_cortical"],),
    )


def test_without_motion_the_atlas_comes_back():
    image, labels, share = pulled()
    np.testing.assert_array_equal(labels, toy_atlas().labels)
    np.testing.assert_array_equal(image, 10.0 * labels)
    np.testing.assert_array_equal(share, labels == NUMBER["mandible_cortical"])


def test_a_shift_shifts():
    lattice = grid_over((-60, -60, -60), (60, 60, 60), 6.0)
    shift = Field(lattice, np.full((*lattice.shape, 3), (3.0, 0.0, -2.0), np.float32))
    labels = pulled(shift)[1]
    np.testing.assert_array_equal(labels[:-3, :, 2:], toy_atlas().labels[3:, :, :-2])


def test_coarse_voxels_hold_means_and_shares():
    coarse = Grid((-29.5, -29.5, -29.5), (2.0, 2.0, 2.0), (30, 30, 30))
    image, _, share = pulled(grid=coarse, n_sub=2)
    fine = toy_atlas().labels[:60, :60, :60].reshape(30, 2, 30, 2, 30, 2)
    np.testing.assert_allclose(image, 10 * fine.mean((1, 3, 5)), atol=1e-3)
    np.testing.assert_allclose(
        share, (fine == NUMBER["mandible_cortical"]).mean((1, 3, 5)), atol=1e-6
    )


def test_lifting_the_chin_brings_the_face_up():
    posture = Posture(neck_bend_deg=20.0)
    level = np.array([[0.0, 80.0, 20.0]])
    raised = np.array([[0.0, 80.0, 50.0]])
    assert posture.head_from_scan(raised)[0, 2] < raised[0, 2]
    assert posture.head_from_scan(level)[0, 2] < level[0, 2]
    np.testing.assert_allclose(UPRIGHT.head_from_scan(level), level)


def test_the_kernel_poses_as_the_readable_formula():
    posture = Posture((5.0, -3.0, 4.0), 18.0, (1.1, 0.9, 1.0), (0.0, -5.0, -10.0), -40.0, 5.0)
    labels = pulled(posture=posture)[1]
    points = posture.head_from_scan(grid_points(GRID).reshape(-1, 3))
    index = np.floor(points - GRID.origin_mm + 0.5).astype(int)
    index[:, 2] = np.maximum(index[:, 2], 0)
    inside = ((index >= 0) & (index < GRID.shape)).all(1)
    expected = np.zeros(len(points), np.uint8)
    expected[inside] = toy_atlas().labels[tuple(index[inside].T)]
    assert (labels.ravel() != expected).mean() < 1e-4


def test_a_quiet_scanner_only_rounds_and_clips():
    image = np.random.default_rng(0).uniform(-3000, 5000, (6, 7, 8)).astype(np.float32)
    grid = Grid((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), image.shape)
    taken = acquire(image, grid, QUIET, NO_METAL, np.random.default_rng(0))
    np.testing.assert_array_equal(taken, np.clip(np.rint(image), AIR_HU, CEILING_HU))


def test_noise_has_its_strength_and_metal_its_streaks():
    grid = Grid((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (40, 40, 20))
    noisy = Scanner(blur_mm=(0.0, 0.0), noise_hu=30.0, noise_grain_mm=1.0, couch=False)
    image = np.zeros(grid.shape, np.float32)
    taken = acquire(image, grid, noisy, NO_METAL, np.random.default_rng(0))
    assert abs(float(taken.std()) - 30.0) < 1.0
    streaked = acquire(image, grid, QUIET, np.array([[20.0, 20.0, 10.0]]), np.random.default_rng(0))
    assert np.abs(streaked[:, :, 10]).max() > 50
    assert not streaked[:, :, 0].any()


@pytest.mark.parametrize("contrast", list(Contrast))
def test_tissue_values_cover_every_label(contrast):
    values = draw_tissue_values(np.random.default_rng(0), contrast)
    assert values.mean.shape == values.spread.shape == (len(LABELS),)
    if contrast is Contrast.CT:
        order = ("air", "fat", "muscle", "mandible_cortical", "teeth_lower_crown")
        assert list(np.argsort([values.mean[NUMBER[name]] for name in order])) == [0, 1, 2, 3, 4]


def test_a_radiotherapy_scan_repeats():
    fields = identity_field(grid_over((-60, -60, -60), (60, 60, 60), 6.0))
    scan = draw_radiotherapy_scan(np.random.default_rng(4))
    first, again = (
        scan_radiotherapy(toy_atlas(), fields, fields, scan, np.random.default_rng(5))
        for _ in range(2)
    )
    np.testing.assert_array_equal(first.image_hu, again.image_hu)
    assert first.image_hu.shape == scan.grid.shape


def test_twins_without_pathology_are_equal_and_are_written(tmp_path):
    lattice = grid_over((-60, -60, -60), (60, 60, 60), 6.0)
    still = identity_field(lattice)
    scan = HeadScan(GRID, plain_values(), QUIET, Contrast.CT, 1)
    case = scan_twins(
        toy_atlas(), TwinFields(still, still, still, still), scan, np.random.default_rng(0)
    )
    np.testing.assert_array_equal(case.healthy.image_hu, case.pathological.image_hu)
    assert not case.displacement_mm.any()
    write_case(tmp_path, case)
    assert len(list(tmp_path.iterdir())) == 9
