"""Streaks of dental metal, by the physics of one slice: a beam of two energies through water-like
tissue and metal discs, starved and scattered, reconstructed as if it had one energy.

A detector sees p = -ln(mean over energies of exp(-mu_w L_w - mu_m L_m) + scatter). What differs
from the straight line that reconstruction assumes is filtered and backprojected: dark bands between
restorations, bright and dark rays through the whole slice, noise along the starved rays
(De Man et al., IEEE Trans Nucl Sci 1999;46:691).
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float, Float32
from numba import njit, prange

from augment.volume.grid import Grid
from augment.volume.imaging.psf import plane_kernel

WATER_PER_MM = (0.0227, 0.0184)
METAL_PER_MM = (1.6, 0.5)
"""Attenuation at 50 and 80 keV: water (NIST XCOM); metal between titanium (0.5, 0.18) and gold
(16, 4), about zirconia (NIST XCOM)."""

SCATTER = 2.0e-3
"""Scattered share of the primary beam behind a head, after the anti-scatter grid."""

STARVED_NOISE = 0.02
"""Noise of the logarithm at a transmission of 1e-3."""

N_ANGLES, FINEST_MM = 180, 1.5

HELIX_MM = 1.5
"""Standard deviation along z over which a helical scan mixes slices; our choice."""


def metal_artefacts(
    image_hu: Float32[np.ndarray, "x y z"],
    grid: Grid,
    metal_mm: Float[np.ndarray, "restorations 3"],
    strength: float,
    rng: np.random.Generator,
) -> dict[int, Float32[np.ndarray, "x y"]]:
    """Return what metal adds to the slices that it touches and to their neighbours, HU.

    Args:
        image_hu: Ideal image.
        grid: Its grid, scan frame.
        metal_mm: Centres of restorations, scan frame.
        strength: Factor on the density of the metal: 0 none, 1 zirconia, 4 gold.
        rng: Generator of sizes and noise: two numbers a restoration, drawn for all of them.

    Returns:
        Slice number to its addition.
    """
    radius = rng.uniform(2.0, 4.5, len(metal_mm))
    half_height = rng.uniform(1.5, 3.5, len(metal_mm))
    seed = int(rng.integers(2**62))
    if strength <= 0.0 or not len(metal_mm):
        return {}
    z = grid.axis_mm(2)
    cover = half_height[None, :] + 0.5 * grid.spacing_mm[2] - np.abs(z[:, None] - metal_mm[:, 2])
    cover = np.clip(cover / grid.spacing_mm[2], 0.0, 1.0)
    touched = np.nonzero(cover.max(axis=1) > 0)[0]
    if not len(touched):
        return {}
    stride = [max(1, int(FINEST_MM / s + 0.5)) for s in grid.spacing_mm]
    plane = [grid.axis_mm(a)[:: stride[a]] for a in range(2)]
    water = _projected_water(image_hu[:: stride[0], :: stride[1], touched], plane)
    additions: dict[int, Float32[np.ndarray, "x y"]] = {}
    for k in map(int, touched):
        group = k - k % stride[2]
        if group not in additions:
            noise = np.random.default_rng([seed, group])
            discs = np.c_[metal_mm[:, :2], radius, strength * cover[k]]
            additions[group] = _fine(_addition(water, discs, plane, noise), plane, grid)
    return _faded({k: additions[k - k % stride[2]] for k in map(int, touched)}, grid)


def _faded(
    additions: dict[int, Float32[np.ndarray, "x y"]], grid: Grid
) -> dict[int, Float32[np.ndarray, "x y"]]:
    """Spread streaks over neighbouring slices, as interpolation of a helical scan does."""
    weights = plane_kernel(HELIX_MM, 0.0, grid.spacing_mm[2])
    reach = len(weights) // 2
    first, last = max(min(additions) - reach, 0), min(max(additions) + reach, grid.shape[2] - 1)
    faded: dict[int, Float32[np.ndarray, "x y"]] = {}
    for k in range(first, last + 1):
        near = [(w, k + t - reach) for t, w in enumerate(weights) if k + t - reach in additions]
        if near:
            faded[k] = np.asarray(sum(w * additions[n] for w, n in near), np.float32)
    return faded


def _projected_water(slices_hu: np.ndarray, plane: list[np.ndarray]) -> np.ndarray:
    """Water thickness of every ray (angle, place), mean over the touched slices, mm."""
    water = np.clip(1.0 + slices_hu.mean(axis=2) / 1000.0, 0.0, 2.0).astype(np.float32)
    centre, step, n_rays = _rays(plane)
    x, y = plane[0] - centre[0], plane[1] - centre[1]
    sinogram = np.zeros((N_ANGLES, n_rays), np.float32)
    area = (plane[0][1] - plane[0][0]) * (plane[1][1] - plane[1][0]) / step
    _project(water, x, y, step, sinogram)
    return sinogram * np.float32(area)


def _rays(plane: list[np.ndarray]) -> tuple[np.ndarray, float, int]:
    """Centre of the plane, distance of the rays, and how many cover it."""
    centre = np.array([0.5 * (axis[0] + axis[-1]) for axis in plane])
    step = float(min(axis[1] - axis[0] for axis in plane)) / 1.5
    reach = float(np.hypot(*(axis[-1] - axis[0] for axis in plane)))
    return centre, step, 2 * int(0.5 * reach / step + 2) + 1


def _addition(
    water_mm: np.ndarray, discs: np.ndarray, plane: list[np.ndarray], rng: np.random.Generator
) -> np.ndarray:
    """What a slice's metal adds on the coarse plane, HU."""
    centre, step, n_rays = _rays(plane)
    angle = np.arange(N_ANGLES) * np.pi / N_ANGLES
    place = (np.arange(n_rays) - n_rays // 2) * step
    metal = np.zeros_like(water_mm, dtype=float)
    for x, y, radius, density in discs:
        offset = (
            place - ((x - centre[0]) * np.cos(angle) + (y - centre[1]) * np.sin(angle))[:, None]
        )
        metal += 2.0 * density * np.sqrt(np.clip(radius**2 - offset**2, 0.0, None))
    hit = metal > 0
    through, length = water_mm[hit], metal[hit]
    measured = _measured(through, length)
    error = measured - _measured(through, np.zeros_like(length))
    line = float((error @ length) / (length @ length))
    noise = STARVED_NOISE * np.sqrt(1.0e-3 / np.maximum(np.exp(-measured), 1.0e-5))
    # What misses all metal is measured as it should be.
    sinogram = np.zeros_like(metal)
    sinogram[hit] = error - line * length
    sinogram[hit] += np.minimum(noise, 0.3) * rng.standard_normal(metal.shape)[hit]
    image = np.zeros((len(plane[0]), len(plane[1])), np.float32)
    x, y = plane[0] - centre[0], plane[1] - centre[1]
    _backproject(_ramp(sinogram, step), x, y, step, image)
    return image * np.float32(np.pi / N_ANGLES * 1000.0 / WATER_PER_MM[1])


def _measured(water_mm: np.ndarray, metal_mm: np.ndarray) -> np.ndarray:
    """Logarithm that the detector measures behind water and metal."""
    energies = zip(WATER_PER_MM, METAL_PER_MM, strict=True)
    beams = [np.exp(-w * water_mm - m * metal_mm) for w, m in energies]
    open_beam = [np.exp(-w * water_mm) for w in WATER_PER_MM]
    scatter = SCATTER * sum(open_beam) / len(open_beam)
    return np.asarray(-np.log(sum(beams) / len(beams) + scatter))


def _ramp(sinogram: np.ndarray, step: float) -> np.ndarray:
    """Filter each projection by the ramp with a Hann window, per mm."""
    n = 1 << int(np.ceil(np.log2(2 * sinogram.shape[1])))
    frequency = np.fft.rfftfreq(n, step)
    window = frequency * (0.5 + 0.5 * np.cos(np.pi * frequency / frequency[-1]))
    filtered = np.fft.irfft(np.fft.rfft(sinogram, n, axis=1) * window, n, axis=1)
    return np.ascontiguousarray(filtered[:, : sinogram.shape[1]], dtype=np.float32)


def _fine(coarse: np.ndarray, plane: list[np.ndarray], grid: Grid) -> np.ndarray:
    """Interpolate a coarse plane linearly to the grid's."""
    for axis in range(2):
        fine = (grid.axis_mm(axis) - plane[axis][0]) / (plane[axis][1] - plane[axis][0])
        lower = np.minimum(fine.astype(int), len(plane[axis]) - 2)
        weight = np.clip(fine - lower, 0.0, 1.0).astype(np.float32)
        weight = weight.reshape([-1, 1] if axis == 0 else [1, -1])
        coarse = (
            np.take(coarse, lower, axis) * (1 - weight) + np.take(coarse, lower + 1, axis) * weight
        )
    return coarse


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _project(water, x, y, step, sinogram):
    n_rays = sinogram.shape[1]
    for a in prange(sinogram.shape[0]):
        c, s = np.cos(a * np.pi / sinogram.shape[0]), np.sin(a * np.pi / sinogram.shape[0])
        for i in range(x.size):
            for j in range(y.size):
                place = (c * x[i] + s * y[j]) / step + n_rays // 2
                lower = int(place)
                share = place - lower
                sinogram[a, lower] += (1 - share) * water[i, j]
                sinogram[a, lower + 1] += share * water[i, j]


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _backproject(sinogram, x, y, step, image):
    n_angles, n_rays = sinogram.shape
    angle = np.arange(n_angles) * (np.pi / n_angles)
    cosine, sine = np.cos(angle) / step, np.sin(angle) / step
    for i in prange(x.size):
        row = np.zeros(y.size, np.float32)
        for a in range(n_angles):
            start, slope = cosine[a] * x[i] + n_rays // 2, sine[a]
            for j in range(y.size):
                place = np.float32(start + slope * y[j])
                lower = np.int32(place)
                share = place - np.float32(lower)
                low, high = sinogram[a, lower], sinogram[a, lower + 1]
                row[j] += low + share * (high - low)
        image[i] = row
