"""The scanner: from tissue values on a grid to an image with blur, correlated noise, metal streaks,
couch and quantisation."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int16
from scipy import ndimage

from augment.volume.grid import Grid

AIR_HU, CEILING_HU = -1024, 3071
"""Range of a 12-bit scanner."""


@dataclass(frozen=True)
class Scanner:
    """Acquisition of one scan.

    Attributes:
        blur_mm: Standard deviation of the reconstruction kernel in plane and across slices.
        noise_hu: Standard deviation of the noise.
        noise_grain_mm: Correlation length of the noise in plane: 0 for a sharp kernel.
        streak_hu: Strength of the streaks from metal.
        n_streaks: Streaks around one restoration.
        couch: Whether a table lies under the person.
        couch_hu: Value of its shell.
        shift_hu: Calibration error, added to everything but air.
    """

    blur_mm: tuple[float, float] = (0.4, 0.4)
    noise_hu: float = 12.0
    noise_grain_mm: float = 0.8
    streak_hu: float = 400.0
    n_streaks: int = 6
    couch: bool = True
    couch_hu: float = -150.0
    shift_hu: float = 0.0


def draw_diagnostic_scanner(rng: np.random.Generator) -> Scanner:
    """Draw a diagnostic head CT: fine, little noise, a head rest outside the field of view."""
    uniform = rng.uniform
    return Scanner(
        blur_mm=(float(uniform(0.3, 0.7)), float(uniform(0.3, 0.7))),
        noise_hu=float(uniform(4.0, 25.0)),
        noise_grain_mm=float(uniform(0.4, 1.2)),
        streak_hu=float(uniform(100.0, 800.0)),
        n_streaks=int(rng.integers(3, 9)),
        couch=False,
    )


def draw_cbct_scanner(rng: np.random.Generator) -> Scanner:
    """Draw a cone-beam CT of the jaws: fine, noisy, badly calibrated."""
    uniform = rng.uniform
    return Scanner(
        blur_mm=(float(uniform(0.15, 0.35)), float(uniform(0.15, 0.35))),
        noise_hu=float(uniform(40.0, 110.0)),
        noise_grain_mm=float(uniform(0.15, 0.4)),
        streak_hu=float(uniform(300.0, 1200.0)),
        n_streaks=int(rng.integers(3, 9)),
        couch=False,
        shift_hu=float(rng.normal(0.0, 80.0)),
    )


def draw_radiotherapy_scanner(rng: np.random.Generator) -> Scanner:
    """Draw a planning CT: coarse, moderately noisy, with a flat couch and metal streaks."""
    uniform = rng.uniform
    return Scanner(
        blur_mm=(float(uniform(0.2, 1.6)), float(uniform(0.2, 1.2))),
        noise_hu=float(uniform(3.0, 45.0)),
        noise_grain_mm=float(uniform(0.0, 2.5)),
        streak_hu=float(uniform(100.0, 1200.0)),
        n_streaks=int(rng.integers(3, 9)),
        couch=bool(rng.random() < 0.5),
        couch_hu=float(uniform(-500.0, 150.0)),
        shift_hu=float(rng.normal(0.0, 8.0)),
    )


def acquire(
    image_hu: Float32[np.ndarray, "x y z"],
    grid: Grid,
    scanner: Scanner,
    metal_mm: Float[np.ndarray, "restorations 3"],
    rng: np.random.Generator,
) -> Int16[np.ndarray, "x y z"]:
    """Apply a scanner to ideal tissue values.

    Args:
        image_hu: Mean value of the tissue in each voxel.
        grid: Its grid, scan frame.
        scanner: The acquisition.
        metal_mm: Centres of metal restorations, scan frame.
        rng: Generator of the sample's ``"noise"`` stage.

    Returns:
        HU as a scanner stores them.
    """
    sigma = np.array([scanner.blur_mm[0], scanner.blur_mm[0], scanner.blur_mm[1]]) / grid.spacing_mm
    image = image_hu + np.float32(scanner.shift_hu) * (image_hu > -900)
    if scanner.couch:
        image = _with_couch(image, grid, scanner, rng)
    image = _with_streaks(image, grid, scanner, metal_mm, rng)
    image = ndimage.gaussian_filter(image, sigma, mode="nearest")
    image += scanner.noise_hu * _noise(grid, scanner.noise_grain_mm, rng)
    return np.clip(np.rint(image), AIR_HU, CEILING_HU).astype(np.int16)


def _noise(grid: Grid, grain_mm: float, rng: np.random.Generator) -> Float32[np.ndarray, "x y z"]:
    """Noise of unit variance, correlated in plane."""
    white = rng.standard_normal(grid.shape, dtype=np.float32)
    sigma = grain_mm / np.array(grid.spacing_mm)
    smooth = ndimage.gaussian_filter(white, (sigma[0], sigma[1], 0.3 * sigma[2]), mode="wrap")
    return smooth / max(float(smooth.std()), 1e-6)


def _with_couch(
    image: np.ndarray, grid: Grid, scanner: Scanner, rng: np.random.Generator
) -> np.ndarray:
    """Lay a couch with a shell and a foam core just under the back."""
    lower = int(grid.shape[2] * 0.7)
    behind = np.nonzero((image[:, :, :lower] > -300).any(axis=(0, 2)))[0]
    if not len(behind):
        return image
    top = grid.axis_mm(1)[behind[0]] - rng.uniform(0.0, 10.0)
    thickness, shell = rng.uniform(12.0, 40.0), rng.uniform(3.0, 8.0)
    y = grid.axis_mm(1)[None, :, None]
    below = (y < top) & (y > top - thickness)
    core = below & (y < top - shell) & (y > top - thickness + shell)
    couch = np.where(core, np.float32(scanner.couch_hu - 500.0), np.float32(scanner.couch_hu))
    return np.where(below & (image < -600), np.maximum(couch, -980.0), image).astype(np.float32)


def _with_streaks(
    image: np.ndarray, grid: Grid, scanner: Scanner, metal_mm: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Add bright and dark rays around each restoration, fading with distance, in the slices that it
    touches."""
    result = image.copy()
    x, y, z = grid.axis_mm(0)[:, None], grid.axis_mm(1)[None, :], grid.axis_mm(2)
    for centre in metal_mm:
        phase, reach = rng.uniform(0, 2 * np.pi, 2), rng.uniform(20.0, 70.0)
        strength, height = scanner.streak_hu * rng.uniform(0.3, 1.0), rng.uniform(3.0, 6.0)
        angle = np.arctan2(y - centre[1], x - centre[0])
        radius = np.hypot(x - centre[0], y - centre[1])
        rays = np.cos(scanner.n_streaks * angle + phase[0]) + 0.6 * np.cos(
            (2 * scanner.n_streaks + 1) * angle + phase[1]
        )
        plane = (strength * rays * np.exp(-radius / reach)).astype(np.float32)
        for k in np.nonzero(np.abs(z - centre[2]) < height)[0]:
            result[:, :, k] += np.where(image[:, :, k] > -600, plane, 0.3 * plane)
    return result
