"""The scanner: from tissue values on a grid to an image with table and mask, metal streaks, blur,
calibration, noise, field of view and whole numbers.

What both twins share (noise, place of the table) is drawn once, as an `Exposure` of the healthy
twin.
"""

from dataclasses import dataclass, field, replace
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Float32, Int16
from numba import njit, prange

from augment.volume.grid import Grid
from augment.volume.imaging.accessories import (
    HeadRest,
    Mask,
    Table,
    back_mm,
    draw_head_rest,
    draw_mask,
    draw_table,
    lay_head_rest,
    lay_mask,
    lay_table,
)
from augment.volume.imaging.metal import metal_artefacts
from augment.volume.imaging.noise import noise_field, scale_noise, water_thickness
from augment.volume.imaging.psf import convolved, plane_kernel, slice_kernel

AIR_HU, CEILING_HU = -1024, 3071
"""Range of a 12-bit scanner."""

RANDOM_NOISE, MR_NOISE = (5.0, 60.0), (8.0, 45.0)
"""Noise of images whose signal reaches about 1,000."""


@dataclass(frozen=True)
class Shading:
    """A smooth factor on the image: cupping and shading of a cone beam, coil profile of an MR.

    Attributes:
        cup: Loss at the centre of the field of view, as a share.
        slope: Change from the centre to the end of each axis, as a share.
        wave: Height of a wave across the field of view, as a share.
        phase_rad: Its phase along each axis.
    """

    cup: float = 0.0
    slope: tuple[float, float, float] = (0.0, 0.0, 0.0)
    wave: float = 0.0
    phase_rad: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Scanner:
    """Acquisition of one scan.

    Attributes:
        kernel_mm: Standard deviation of the reconstruction kernel in plane.
        edge: Edge enhancement: 0 soft, 0.6 sharp.
        slice_mm: Slice thickness; 0 for as thick as sampled.
        noise_hu: Noise behind 170 mm of water.
        noise_peak_per_mm: Frequency at which the noise peaks; 0 for white noise.
        dose_share: Share of the attenuation that the tube current does not make up for: 0 gives
            the same noise everywhere.
        shift_hu: Calibration error.
        gain: Factor on HU + 1000.
        shading: Smooth factor on the image.
        metal: Density of dental metal: 0 no streaks, 1 zirconia, 4 gold.
        field_share: Diameter of the reconstructed circle as a share of the grid's width; 0 for the
            whole grid.
        table: Couch, or None.
        head_rest: Trough under the head, or None.
        mask: Sheet on the face, or None.
        nothing_hu: Value of a vacuum: -1000 for X-rays, 0 for other contrasts.
        is_magnitude: Whether the image is the magnitude of a complex signal, with Rician noise.
    """

    kernel_mm: float = 0.4
    edge: float = 0.0
    slice_mm: float = 0.0
    noise_hu: float = 12.0
    noise_peak_per_mm: float = 0.3
    dose_share: float = 0.5
    shift_hu: float = 0.0
    gain: float = 1.0
    shading: Shading = field(default_factory=Shading)
    metal: float = 1.0
    field_share: float = 0.0
    table: Table | None = None
    head_rest: HeadRest | None = None
    mask: Mask | None = None
    nothing_hu: float = -1000.0
    is_magnitude: bool = False


def draw_diagnostic_scanner(rng: np.random.Generator) -> Scanner:
    """Draw a diagnostic head CT: fine, little noise, soft or sharp kernel, a head rest."""
    uniform = rng.uniform
    is_sharp = bool(rng.random() < 0.35)
    return Scanner(
        kernel_mm=float(uniform(0.25, 0.4) if is_sharp else uniform(0.35, 0.6)),
        edge=float(uniform(0.3, 0.8) if is_sharp else uniform(0.0, 0.15)),
        slice_mm=float(rng.choice((0.6, 1.0, 1.25, 2.0))),
        noise_hu=float(uniform(15.0, 45.0) if is_sharp else uniform(4.0, 20.0)),
        noise_peak_per_mm=float(uniform(0.4, 0.65) if is_sharp else uniform(0.18, 0.35)),
        dose_share=float(uniform(0.2, 0.6)),
        shift_hu=float(rng.normal(0.0, 3.0)),
        metal=float(uniform(0.4, 4.0)),
        head_rest=draw_head_rest(rng) if rng.random() < 0.8 else None,
    )


def draw_cbct_scanner(rng: np.random.Generator) -> Scanner:
    """Draw a cone-beam CT of the jaws: fine, noisy, shaded, badly calibrated, a round field.

    Ranges follow reviews of grey values in dental CBCT (Pauwels et al., Dentomaxillofac Radiol
    2015;44:20140238): shifts of hundreds of HU, cupping, noise far above that of CT.
    """
    uniform = rng.uniform
    return Scanner(
        kernel_mm=float(uniform(0.15, 0.35)),
        edge=float(uniform(0.0, 0.4)),
        noise_hu=float(uniform(40.0, 110.0)),
        noise_peak_per_mm=float(uniform(0.5, 0.9)),
        dose_share=float(uniform(0.3, 0.8)),
        shift_hu=float(rng.normal(0.0, 80.0)),
        gain=float(uniform(0.82, 1.08)),
        shading=Shading(
            cup=float(uniform(0.0, 0.12)),
            slope=_three(rng.normal(0.0, 0.04, 3)),
            wave=float(uniform(0.0, 0.04)),
            phase_rad=_three(uniform(0.0, 2 * np.pi, 3)),
        ),
        metal=float(uniform(0.8, 5.0)),
        field_share=1.0,
    )


def draw_radiotherapy_scanner(rng: np.random.Generator) -> Scanner:
    """Draw a planning CT: coarse, moderately noisy, with couch, head rest, mask and metal."""
    uniform = rng.uniform
    return Scanner(
        kernel_mm=float(uniform(0.2, 0.45)),
        edge=float(max(0.0, uniform(-0.3, 0.4))),
        slice_mm=float(uniform(1.5, 3.5)),
        noise_hu=float(uniform(3.0, 20.0)),
        noise_peak_per_mm=float(uniform(0.05, 0.25)),
        dose_share=float(uniform(0.2, 0.65)),
        shift_hu=float(rng.normal(-8.0, 11.0)),
        metal=float(uniform(0.4, 4.0)),
        field_share=float(uniform(1.0, 1.25)) if rng.random() < 0.4 else 0.0,
        table=draw_table(rng) if rng.random() < 0.6 else None,
        head_rest=draw_head_rest(rng) if rng.random() < 0.6 else None,
        mask=draw_mask(rng) if rng.random() < 0.4 else None,
    )


def without_x_rays(scanner: Scanner, is_magnitude: bool, rng: np.random.Generator) -> Scanner:
    """Return a scanner without what only X-rays make, with the bias field of a coil.

    Args:
        scanner: The drawn CT.
        is_magnitude: Whether noise is that of an MR magnitude.
        rng: Generator of the sample's ``"scan"`` stage.
    """
    uniform = rng.uniform
    bias = Shading(
        cup=float(uniform(-0.15, 0.25)),
        slope=_three(rng.normal(0.0, 0.15, 3)),
        wave=float(uniform(0.0, 0.12)),
        phase_rad=_three(uniform(0.0, 2 * np.pi, 3)),
    )
    noise = float(uniform(*(MR_NOISE if is_magnitude else RANDOM_NOISE)))
    return replace(
        scanner,
        noise_hu=noise,
        noise_peak_per_mm=0.0,
        dose_share=0.0,
        shift_hu=0.0,
        gain=1.0,
        shading=bias,
        metal=0.0,
        table=None,
        head_rest=None,
        mask=None,
        nothing_hu=0.0,
        is_magnitude=is_magnitude,
    )


@dataclass(frozen=True)
class Exposure:
    """What both twins of a case share.

    Attributes:
        noise: Noise per voxel, HU.
        places_mm: y of the back, y of the back of the head, z of its top.
        metal_seed: Seed of sizes and noise of restorations.
    """

    noise: Float32[np.ndarray, "x y z"]
    places_mm: tuple[float, float, float]
    metal_seed: int


def expose(
    image_hu: Float32[np.ndarray, "x y z"],
    grid: Grid,
    scanner: Scanner,
    n_sub: int,
    rng: np.random.Generator,
) -> Exposure:
    """Draw what both twins share, for the thickness of one of them.

    Args:
        image_hu: Ideal image of the healthy twin.
        grid: Its grid, scan frame.
        scanner: The acquisition.
        n_sub: Super-sampling of the ideal image.
        rng: Generator of the sample's ``"noise"`` stage.
    """
    metal_seed = int(rng.integers(2**62))
    kernel = slice_kernel(scanner.slice_mm, grid.spacing_mm[2], n_sub)
    flat = np.zeros((2, grid.shape[2]), np.float32)
    if scanner.dose_share > 0.0:
        along_x, along_y = water_thickness(image_hu, grid)
        thickness = np.stack([_mean_of_body(along_x), _mean_of_body(along_y)])
        flat = (scanner.dose_share * thickness).astype(np.float32)
    noise = noise_field(grid, scanner.noise_peak_per_mm, kernel, flat, rng)
    if scanner.dose_share > 0.0:
        scale_noise(noise, scanner.noise_hu, along_x, along_y, scanner.dose_share)
    else:
        noise *= np.float32(scanner.noise_hu)
    return Exposure(noise, back_mm(image_hu, grid), metal_seed)


def acquire(
    image_hu: Float32[np.ndarray, "x y z"],
    grid: Grid,
    scanner: Scanner,
    n_sub: int,
    metal_mm: Float[np.ndarray, "restorations 3"],
    exposure: Exposure,
) -> Int16[np.ndarray, "x y z"]:
    """Apply a scanner to ideal tissue values.

    Args:
        image_hu: Mean value of the tissue in each voxel; overwritten.
        grid: Its grid, scan frame.
        scanner: The acquisition.
        n_sub: Super-sampling of the image.
        metal_mm: Centres of metal restorations, scan frame.
        exposure: What the twins share.

    Returns:
        HU as a scanner stores them.
    """
    back, head_back, top = exposure.places_mm
    if scanner.mask is not None:
        lay_mask(image_hu, grid, scanner.mask, head_back, top)
    if scanner.head_rest is not None:
        lay_head_rest(image_hu, grid, scanner.head_rest, head_back, top)
    if scanner.table is not None:
        lay_table(image_hu, grid, scanner.table, back)
    rng = np.random.default_rng(exposure.metal_seed)
    streaks = metal_artefacts(image_hu, grid, metal_mm, scanner.metal, rng)
    x, y = (plane_kernel(scanner.kernel_mm, scanner.edge, s) for s in grid.spacing_mm[:2])
    image = convolved(image_hu, (x, y, slice_kernel(scanner.slice_mm, grid.spacing_mm[2], n_sub)))
    for k, addition in streaks.items():
        image[:, :, k] += addition
    return _stored(image, grid, scanner, exposure.noise)


def _mean_of_body(lengths: np.ndarray) -> np.ndarray:
    """Mean thickness of each slice over the rays that meet the body."""
    met = lengths > 20.0
    return np.asarray((lengths * met).sum(axis=0) / np.maximum(met.sum(axis=0), 1))


def _stored(
    image: np.ndarray, grid: Grid, scanner: Scanner, noise: np.ndarray
) -> Int16[np.ndarray, "x y z"]:
    """Calibrate, shade, add noise, cut the field of view, round and clip."""
    stored = np.zeros(grid.shape, np.int16)
    shading, axes = scanner.shading, [np.linspace(-1.0, 1.0, n) for n in grid.shape]
    waves = [np.cos(2.2 * a + p) for a, p in zip(axes, shading.phase_rad, strict=True)]
    width = max(grid.shape[a] * grid.spacing_mm[a] for a in range(2))
    radius = 0.5 * scanner.field_share * width
    shade = np.array([shading.cup, shading.wave, *shading.slope], np.float32)
    _finish(
        image,
        noise,
        stored,
        *(np.asarray(a, np.float32) for a in (*axes, *waves)),
        shade,
        np.array([scanner.gain, scanner.shift_hu, radius, scanner.nothing_hu], np.float32),
        np.array(grid.spacing_mm[:2], np.float32),
        scanner.is_magnitude,
    )
    return stored


def _three(values: np.ndarray) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in values)
    return first, second, third


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _finish(
    image, noise, stored, x, y, z, wave_x, wave_y, wave_z, shade, settings, spacing, magnitude
):
    nx, ny, nz = image.shape
    gain, shift, radius = settings[0], settings[1], settings[2]
    nothing, one, half = settings[3], np.float32(1.0), np.float32(0.5)
    lowest = np.float32(AIR_HU) if nothing < 0 else np.float32(0.0)
    for i in prange(nx):
        other = (i + nx // 2) % nx
        for j in range(ny):
            away = np.hypot((i - half * (nx - 1)) * spacing[0], (j - half * (ny - 1)) * spacing[1])
            if radius > 0 and away > radius:
                for k in range(nz):
                    stored[i, j, k] = np.int16(lowest)
                continue
            plane = shade[2] * x[i] + shade[3] * y[j]
            cup = one - half * (x[i] * x[i] + y[j] * y[j])
            wave = shade[1] * wave_x[i] * wave_y[j]
            for k in range(nz):
                factor = gain * (one + plane + shade[4] * z[k] - shade[0] * cup + wave * wave_z[k])
                value = (image[i, j, k] - nothing) * factor + nothing + shift
                if magnitude:
                    # The imaginary part's noise: the same field from half the volume away.
                    imaginary = noise[other, j, k]
                    value = np.sqrt((value + noise[i, j, k]) ** 2 + imaginary * imaginary)
                else:
                    value += noise[i, j, k]
                value = min(max(value, lowest), np.float32(CEILING_HU))
                stored[i, j, k] = np.int16(np.floor(value + half))
