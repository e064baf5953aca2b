"""The scanner's parts against closed forms: blur, noise, metal, accessories, calibration."""

from dataclasses import replace

import numpy as np
import pytest

from augment.volume.grid import Grid
from augment.volume.imaging import metal
from augment.volume.imaging.accessories import (
    HeadRest,
    Mask,
    Table,
    back_mm,
    lay_head_rest,
    lay_mask,
    lay_table,
)
from augment.volume.imaging.metal import metal_artefacts
from augment.volume.imaging.noise import LARGEST_FACTOR, noise_field, scale_noise, water_thickness
from augment.volume.imaging.psf import convolved, plane_kernel, slice_kernel
from augment.volume.imaging.scanner import (
    AIR_HU,
    CEILING_HU,
    Scanner,
    Shading,
    acquire,
    expose,
    without_x_rays,
)

NO_METAL = np.zeros((0, 3))
QUIET = Scanner(kernel_mm=0.0, noise_hu=0.0, metal=0.0)
ONE = np.ones(1, np.float32)


def grid_of(shape, spacing=(1.0, 1.0, 1.0)):
    low = [-0.5 * s * (n - 1) for s, n in zip(spacing, shape, strict=True)]
    return Grid(tuple(low), spacing, shape)


def phantom(grid, radius_mm=80.0, inside=0.0):
    """A water cylinder along z in air."""
    x, y, _ = grid.mesh_mm()
    disc = np.hypot(x, y) < radius_mm
    return np.broadcast_to(np.where(disc, inside, -1000.0), grid.shape).astype(np.float32).copy()


def taken(image, grid, scanner, metal_mm=NO_METAL, seed=0):
    exposure = expose(image, grid, scanner, 1, np.random.default_rng(seed))
    return acquire(image.copy(), grid, scanner, 1, metal_mm, exposure)


def test_a_quiet_scanner_only_rounds_and_clips():
    image = np.random.default_rng(0).uniform(-3000, 5000, (6, 7, 8)).astype(np.float32)
    expected = np.clip(np.floor(image + np.float32(0.5)), AIR_HU, CEILING_HU)
    np.testing.assert_allclose(taken(image, grid_of(image.shape), QUIET), expected, atol=1)


@pytest.mark.parametrize("kernel", [plane_kernel(1.2, 0.0, 1.0), plane_kernel(0.6, 0.7, 1.0)])
def test_blur_equals_the_naive_sum(kernel):
    image = np.random.default_rng(0).normal(size=(9, 8, 7)).astype(np.float32)
    kernels = (kernel, plane_kernel(0.8, 0.0, 1.0), slice_kernel(3.3, 1.0, 1))
    expected = image.astype(float)
    for axis, weights in enumerate(kernels):
        reach, n = len(weights) // 2, image.shape[axis]
        moved = [
            w * np.take(expected, np.clip(np.arange(n) + t - reach, 0, n - 1), axis)
            for t, w in enumerate(weights)
        ]
        expected = sum(moved)
    np.testing.assert_allclose(convolved(image, kernels), expected, atol=1e-5)


def test_kernels_keep_the_mean_and_sharp_ones_overshoot():
    soft, sharp = plane_kernel(0.5, 0.0, 1.0), plane_kernel(0.5, 0.8, 1.0)
    assert abs(float(soft.sum()) - 1) < 1e-6
    assert abs(float(sharp.sum()) - 1) < 1e-6
    edge = np.repeat(np.float32([0.0, 100.0]), 12).reshape(-1, 1, 1)
    assert convolved(edge, (soft, ONE, ONE)).max() <= 100.001
    assert convolved(edge, (sharp, ONE, ONE)).max() > 104


@pytest.mark.parametrize(("thickness", "n_sub"), [(2.0, 1), (5.0, 1), (5.0, 2), (3.0, 3)])
def test_a_slice_is_as_thick_as_asked(thickness, n_sub):
    """A box of width w has the variance w²/12, n points at equal steps of it a share 1/n² less."""
    spacing = 1.0
    kernel = slice_kernel(thickness, spacing, n_sub).astype(float)
    place = np.arange(len(kernel)) - len(kernel) // 2
    variance = (kernel * place**2).sum() + spacing**2 * (1 - 1 / n_sub**2) / 12
    assert abs(np.sqrt(12 * variance) - thickness) < 1e-5
    assert abs(kernel.sum() - 1) < 1e-6


def test_an_even_kernel_is_refused():
    with pytest.raises(ValueError, match="expected an odd number of weights along axis 0, got 2"):
        convolved(np.zeros((3, 3, 3), np.float32), (np.ones(2, np.float32), ONE, ONE))


@pytest.mark.parametrize("shape", [(61, 64, 40), (64, 50, 40)])
@pytest.mark.parametrize("peak", [0.0, 0.2, 0.5])
def test_noise_has_unit_variance_and_its_spectrum(shape, peak):
    flat = np.zeros((2, shape[2]), np.float32)
    noise = noise_field(grid_of(shape), peak, ONE, flat, np.random.default_rng(1))
    assert noise.shape == shape
    assert abs(float(noise.std()) - 1.0) < 0.02
    if peak:
        power = np.square(np.abs(np.fft.fft2(noise, axes=(0, 1)))).mean(axis=2)
        radius = np.hypot(*np.meshgrid(*[np.fft.fftfreq(n) for n in shape[:2]], indexing="ij"))
        bands = [power[(radius > r - 0.03) & (radius <= r + 0.03)].mean() for r in (0.03, peak)]
        assert bands[1] > (2.0 if peak < 0.3 else 1.3) * bands[0]


def test_thick_slices_share_noise_and_thin_ones_do_not():
    grid, flat = grid_of((64, 64, 60)), np.zeros((2, 60), np.float32)
    thick, thin = (
        noise_field(grid, 0.3, kernel, flat, np.random.default_rng(0))
        for kernel in (slice_kernel(3.0, 1.0, 1), ONE)
    )
    assert abs(float(thick.std()) - 1.0) < 0.02
    assert abs((thin[..., 1:] * thin[..., :-1]).mean()) < 0.02
    # Two boxes of three slices, one slice apart, share two of three.
    assert abs((thick[..., 1:] * thick[..., :-1]).mean() - 2 / 3) < 0.03


def test_noise_runs_along_the_long_rays():
    grid = grid_of((96, 96, 40))
    wide = np.stack([np.full(40, 300.0), np.full(40, 150.0)]).astype(np.float32)
    noise = noise_field(grid, 0.3, ONE, wide, np.random.default_rng(0))
    assert abs(float(noise.std()) - 1.0) < 0.03
    along_x, along_y = ((np.diff(noise, axis=axis) ** 2).mean() for axis in (0, 1))
    assert along_y > 1.3 * along_x


def test_noise_grows_with_thickness_as_photons_are_lost():
    grid = grid_of((121, 121, 4), (3.0, 3.0, 3.0))
    noise = np.ones(grid.shape, np.float32)
    image = phantom(grid, radius_mm=120.0)
    along_x, along_y = water_thickness(image, grid)
    np.testing.assert_allclose(along_x[60], 240.0, atol=4.0)
    scale_noise(noise, 10.0, along_x, along_y, 0.5)
    centre = float(noise[60, 60, 0])
    assert abs(centre / (10.0 * np.exp(0.5 * 0.5 * 0.0193 * (240 - 170))) - 1) < 0.02
    assert noise[60, 60, 0] > noise[25, 60, 0] > noise[0, 0, 0]
    scale_noise(noise, 1000.0, along_x + 5000, along_y, 1.0)
    assert noise.max() <= centre * 1000.0 * LARGEST_FACTOR * 1.001


METALS = np.array([[-25.0, 30.0, 0.0], [25.0, 30.0, 0.0]])


def test_metal_leaves_a_dark_band_between_restorations():
    grid = grid_of((120, 120, 21), (1.5, 1.5, 1.0))
    added = metal_artefacts(phantom(grid), grid, METALS, 1.5, np.random.default_rng(0))
    assert 10 in added
    assert 0 not in added
    x, y = grid.axis_mm(0), grid.axis_mm(1)
    between = added[10][np.abs(x) < 8][:, np.abs(y - 30) < 2].mean()
    beside = added[10][np.abs(x) < 8][:, np.abs(y - 16) < 3].mean()
    assert between < -60
    assert beside > between + 60
    far = added[10][np.abs(x) < 60][:, np.abs(y + 40) < 5]
    assert far.std() > 3, "streaks reach through the whole slice"


def test_streaks_fade_along_z():
    grid = grid_of((80, 80, 41), (2.0, 2.0, 0.7))
    added = metal_artefacts(phantom(grid), grid, METALS, 1.5, np.random.default_rng(0))
    strength = [float(added[k].std()) if k in added else 0.0 for k in range(41)]
    assert strength[0] == strength[-1] == 0.0
    assert np.abs(np.diff(strength)).max() < 0.25 * max(strength)


def test_one_energy_without_scatter_and_noise_leaves_no_streak(monkeypatch):
    """Then the logarithm is a straight line, which reconstruction inverts."""
    monkeypatch.setattr(metal, "WATER_PER_MM", (0.02, 0.02))
    monkeypatch.setattr(metal, "METAL_PER_MM", (0.5, 0.5))
    monkeypatch.setattr(metal, "SCATTER", 0.0)
    monkeypatch.setattr(metal, "STARVED_NOISE", 0.0)
    grid = grid_of((80, 80, 9), (2.0, 2.0, 1.0))
    added = metal_artefacts(phantom(grid), grid, METALS, 1.0, np.random.default_rng(0))
    assert max(np.abs(plane).max() for plane in added.values()) < 1e-2


def test_no_metal_no_streak():
    grid = grid_of((20, 20, 9), (2.0, 2.0, 1.0))
    assert metal_artefacts(phantom(grid), grid, METALS, 0.0, np.random.default_rng(0)) == {}
    assert metal_artefacts(phantom(grid), grid, NO_METAL, 1.0, np.random.default_rng(0)) == {}


def test_table_rest_and_mask_fill_only_air():
    grid = grid_of((130, 150, 60), (2.0, 2.0, 4.0))
    image = phantom(grid, 85.0, 40.0)
    back, head_back, top = back_mm(image, grid)
    assert abs(back + 85) <= 2
    assert abs(head_back + 85) <= 2
    laid = image.copy()
    lay_table(laid, grid, Table(5.0, 30.0, 4.0, 100.0, -900.0), back)
    lay_head_rest(laid, grid, HeadRest(95.0, 4.0, 2.0, 60.0, 100.0, 100.0), head_back, top)
    lay_mask(laid, grid, Mask(2.0, 0.0), head_back, top)
    changed = laid != image
    assert (image[changed] < -600).all()
    y = grid.axis_mm(1)
    column = laid[65, :, 5]
    assert column[np.argmin(np.abs(y + 91))] == pytest.approx(100.0)
    assert column[np.argmin(np.abs(y + 105))] == pytest.approx(-900.0)
    assert changed[65, np.argmin(np.abs(y - 86)), 30], "the mask lies on the face"
    assert not changed[:, -3:].any()


def test_a_round_field_is_cut_and_padded():
    grid = grid_of((60, 60, 5))
    scanner = replace(QUIET, field_share=1.0)
    stored = taken(np.zeros(grid.shape, np.float32), grid, scanner)
    x, y, _ = grid.mesh_mm()
    np.testing.assert_array_equal(
        stored == AIR_HU, np.broadcast_to(np.hypot(x, y) > 30, stored.shape)
    )


def test_gain_shift_and_cup_act_on_attenuation():
    grid = grid_of((41, 41, 5))
    water = np.zeros(grid.shape, np.float32)
    scanner = replace(QUIET, gain=0.9, shift_hu=30.0, shading=Shading(cup=0.1))
    stored = taken(water, grid, scanner)
    assert stored[20, 20, 2] == round(1000 * 0.9 * 0.9 - 1000 + 30)
    assert stored[0, 0, 2] == round(1000 * 0.9 - 1000 + 30)


def test_magnitude_noise_is_rician():
    """Without signal the mean of a Rician variable is sigma * sqrt(pi / 2)."""
    grid = grid_of((64, 64, 20))
    scanner = without_x_rays(Scanner(), True, np.random.default_rng(0))
    scanner = replace(scanner, noise_hu=50.0, shading=Shading(), kernel_mm=0.0)
    stored = taken(np.zeros(grid.shape, np.float32), grid, scanner)
    assert stored.min() >= 0
    assert abs(stored.mean() / (50.0 * np.sqrt(np.pi / 2)) - 1) < 0.02
    bright = taken(np.full(grid.shape, 1000.0, np.float32), grid, scanner)
    assert abs(bright.mean() / np.sqrt(1000.0**2 + 50**2) - 1) < 0.01
    assert abs(bright.std() / 50.0 - 1) < 0.03


def test_the_same_exposure_gives_the_same_bytes_whatever_the_threads():
    numba = pytest.importorskip("numba")
    grid = grid_of((40, 44, 30), (4.0, 4.0, 3.0))
    image = phantom(grid, 70.0, 40.0)
    scanner = Scanner(table=Table(5.0, 30.0, 4.0, 100.0, -900.0), slice_mm=5.0, edge=0.3)
    before = numba.get_num_threads()
    stored = []
    for threads in {1, before}:
        numba.set_num_threads(threads)
        stored.append(taken(image, grid, scanner, METALS))
    numba.set_num_threads(before)
    for other in stored[1:]:
        np.testing.assert_array_equal(other, stored[0])
