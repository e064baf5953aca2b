"""Noise of a CT: its power spectrum, its direction and its strength where the body is thick.

In a slice the power rises with frequency (the ramp of filtered backprojection) until the
reconstruction kernel lets it fall: S(f) = f exp(-2 (f / f0)^2), folded at the Nyquist frequency
(Kijewski and Judy, Phys Med Biol 1987;32:565). Rays through a thickness L of water-like tissue
carry exp(-mu L) photons, so their variance grows by exp(mu L): a slice through the shoulders is
noisier, and its noise runs along the long, lateral rays (Hsieh, Med Phys 1998;25:2139).
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float32
from numba import get_num_threads, njit, prange
from scipy import fft

from augment.volume.grid import Grid
from augment.volume.imaging.psf import convolved

MU_WATER_PER_MM = 0.0193
"""Attenuation of water at 70 keV, the mean energy of a 120 kV beam (NIST XCOM)."""

REFERENCE_MM = 170.0
"""Water thickness at which the noise has its nominal strength: a head's mean diameter."""

LARGEST_FACTOR = 6.0
"""Scanners raise the tube current before noise grows further."""

N_FOLDS = 2


def noise_field(
    grid: Grid,
    peak_per_mm: float,
    z_kernel: Float32[np.ndarray, " taps"],
    thickness_mm: Float32[np.ndarray, "2 z"],
    rng: np.random.Generator,
) -> Float32[np.ndarray, "x y z"]:
    """Return noise of unit variance in every slice.

    Args:
        grid: Scan grid.
        peak_per_mm: Frequency f0 / 2 at which the power peaks, per mm; 0 for white noise.
        z_kernel: Slice profile, which ties neighbouring slices.
        thickness_mm: Mean water thickness of each slice along x and along y, already scaled by what
            the tube current leaves.
        rng: Generator of the noise.
    """
    nx, ny = (fft.next_fast_len(n, real=True) for n in grid.shape[:2])
    half = ny // 2 + 1
    reach = len(z_kernel) // 2
    numbers = rng.standard_normal((nx, half, grid.shape[2] + 2 * reach, 2), dtype=np.float32)
    spectrum = numbers.view(np.complex64)[..., 0]
    frequency_x = np.fft.fftfreq(nx, grid.spacing_mm[0])
    frequency_y = np.abs(np.fft.rfftfreq(ny, grid.spacing_mm[1]))
    power = _power(frequency_x, frequency_y, peak_per_mm, grid.spacing_mm[:2])
    # Only the real part of the first and last column survives the inverse transform.
    lonely = np.zeros(half, bool)
    lonely[[0, -1] if ny % 2 == 0 else [0]] = True
    power[:, lonely] *= 2.0
    lateral = _lateral(frequency_x, frequency_y)
    counted = np.where(lonely, 1.0, 2.0)[None, :] * np.where(lonely, 0.5, 1.0)[None, :] * power
    _shape(
        spectrum,
        np.sqrt(power).astype(np.float32),
        lateral.astype(np.float32),
        (counted / counted.sum()).astype(np.float32),
        np.pad(MU_WATER_PER_MM * (thickness_mm[0] - thickness_mm[1]), reach, mode="edge"),
        np.float32(nx * ny / np.sqrt(2.0 * counted.sum())),
    )
    field = fft.irfft2(
        spectrum, s=(nx, ny), axes=(0, 1), workers=get_num_threads(), overwrite_x=True
    )
    field = np.ascontiguousarray(field[: grid.shape[0], : grid.shape[1]])
    if len(z_kernel) == 1:
        return field
    one = np.ones(1, np.float32)
    field = convolved(field, (one, one, z_kernel / np.sqrt(np.square(z_kernel).sum())))
    return np.ascontiguousarray(field[:, :, reach:-reach])


def water_thickness(
    image_hu: Float32[np.ndarray, "x y z"], grid: Grid
) -> tuple[Float32[np.ndarray, "y z"], Float32[np.ndarray, "x z"]]:
    """Return the water-equivalent length of the rays along x and along y, mm."""
    along_x = np.zeros(grid.shape[1:], np.float32)
    along_y = np.zeros((grid.shape[0], grid.shape[2]), np.float32)
    _lengths(image_hu, along_y)
    _sum_x(image_hu, along_x)
    return along_x * np.float32(grid.spacing_mm[0]), along_y * np.float32(grid.spacing_mm[1])


def scale_noise(
    noise: Float32[np.ndarray, "x y z"],
    noise_hu: float,
    along_x_mm: Float32[np.ndarray, "y z"],
    along_y_mm: Float32[np.ndarray, "x z"],
    share: float,
) -> None:
    """Scale unit noise in place by its strength at each voxel.

    The variance of a voxel is the mean over its rays; two of them, lateral and frontal, stand for
    all.

    Args:
        noise: Unit noise; overwritten by noise in HU.
        noise_hu: Standard deviation at the reference thickness.
        along_x_mm: Water thickness along x.
        along_y_mm: Water thickness along y.
        share: Share of the attenuation that the tube current does not make up for, 0 to 1.
    """
    lateral, frontal = (
        0.5 * np.exp(np.minimum(share * MU_WATER_PER_MM * (length - REFERENCE_MM), 20.0))
        for length in (along_x_mm, along_y_mm)
    )
    _scale(
        noise,
        lateral.astype(np.float32),
        frontal.astype(np.float32),
        np.float32(noise_hu),
        np.float32(LARGEST_FACTOR**2),
    )


def _power(
    frequency_x: np.ndarray,
    frequency_y: np.ndarray,
    peak: float,
    spacing_mm: tuple[float, float],
) -> np.ndarray:
    """Power at each frequency of a slice, with what folds back from above the Nyquist
    frequency."""
    if peak <= 0.0:
        return np.ones((len(frequency_x), len(frequency_y)))
    total = np.zeros((len(frequency_x), len(frequency_y)))
    for a in range(-N_FOLDS, N_FOLDS + 1):
        for b in range(-N_FOLDS, N_FOLDS + 1):
            radius = np.hypot(
                frequency_x[:, None] + a / spacing_mm[0], frequency_y[None, :] + b / spacing_mm[1]
            )
            total += radius * np.exp(-0.5 * np.square(radius / peak))
    return np.asarray(total + 1e-3 * total.max())


def _lateral(frequency_x: np.ndarray, frequency_y: np.ndarray) -> np.ndarray:
    """Share of lateral rays in each frequency: 1 where it comes from rays along x, 0 along y."""
    x, y = np.square(frequency_x)[:, None], np.square(frequency_y)[None, :]
    return np.asarray((y + 1e-12) / (x + y + 2e-12))


@njit(cache=True, nogil=True, parallel=True, fastmath=True)
@no_type_check
def _shape(spectrum, amplitude, lateral, weight, excess, scale):
    n_slices = spectrum.shape[2]
    norms = np.zeros((spectrum.shape[0], n_slices))
    for i in prange(spectrum.shape[0]):
        for j in range(spectrum.shape[1]):
            for k in range(n_slices):
                factor = np.exp(np.float32(0.5) * excess[k] * lateral[i, j])
                norms[i, k] += weight[i, j] * factor * factor
                spectrum[i, j, k] *= factor * amplitude[i, j]
    norm = np.zeros(n_slices, np.float32)
    for i in range(spectrum.shape[0]):
        for k in range(n_slices):
            norm[k] += norms[i, k]
    for k in range(n_slices):
        norm[k] = scale / np.sqrt(norm[k])
    for i in prange(spectrum.shape[0]):
        for j in range(spectrum.shape[1]):
            for k in range(n_slices):
                spectrum[i, j, k] *= norm[k]


@njit(cache=True, nogil=True, inline="always")
@no_type_check
def _water(value_hu):
    """Attenuation as a share of water's."""
    return max(np.float32(0.0), np.float32(1.0) + value_hu * np.float32(0.001))


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _lengths(image, along_y):
    for i in prange(image.shape[0]):
        for j in range(image.shape[1]):
            for k in range(image.shape[2]):
                along_y[i, k] += _water(image[i, j, k])


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _sum_x(image, along_x):
    for j in prange(image.shape[1]):
        for i in range(image.shape[0]):
            for k in range(image.shape[2]):
                along_x[j, k] += _water(image[i, j, k])


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _scale(noise, lateral, frontal, strength, largest):
    for i in prange(noise.shape[0]):
        for j in range(noise.shape[1]):
            for k in range(noise.shape[2]):
                variance = min(lateral[j, k] + frontal[i, k], largest)
                noise[i, j, k] *= strength * np.sqrt(variance)
