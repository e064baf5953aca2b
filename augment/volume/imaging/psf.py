"""Blur of a scanner: one-dimensional kernels along each axis, applied one after the other.

In plane a reconstruction kernel is a Gaussian, with edge enhancement a Gaussian sharpened by the
difference to a wider one. Across slices it is the slice profile, a box as thick as the slice.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float32
from numba import njit, prange

EDGE_WIDTH = 2.0
"""How many times wider the Gaussian is that edge enhancement subtracts."""

REACH = 3.0
"""Standard deviations after which a Gaussian is cut."""


def plane_kernel(sigma_mm: float, edge: float, spacing_mm: float) -> Float32[np.ndarray, " taps"]:
    """Return the weights of a reconstruction kernel, which sum to 1.

    Args:
        sigma_mm: Standard deviation of the Gaussian; 0 for none.
        edge: Edge enhancement: 0 is a soft kernel, 0.6 overshoots visibly beside bone.
        spacing_mm: Distance of voxels.
    """
    narrow = _gaussian(sigma_mm / spacing_mm)
    if edge <= 0.0:
        return narrow.astype(np.float32)
    wide = _gaussian(EDGE_WIDTH * max(sigma_mm, 0.5 * spacing_mm) / spacing_mm)
    reach = (len(wide) - len(narrow)) // 2
    return ((1.0 + edge) * np.pad(narrow, reach) - edge * wide).astype(np.float32)


def slice_kernel(
    thickness_mm: float, spacing_mm: float, n_sub: int
) -> Float32[np.ndarray, " taps"]:
    """Return the weights of a slice profile, which sum to 1.

    Its variance is that of a box of the thickness, less what ``n_sub`` samples of a spacing have
    already averaged.

    Args:
        thickness_mm: Full width of the profile; 0 for that of the sampling alone.
        spacing_mm: Distance of slices.
        n_sub: Super-sampling of the image across slices.
    """
    sampled = spacing_mm * np.sqrt(1.0 - 1.0 / n_sub**2)
    variance = max(thickness_mm**2 - sampled**2, 0.0) / (12.0 * spacing_mm**2)
    # A box of 2 m + 1 slices has the variance m (m + 1) / 3; between two boxes it is mixed.
    m = int(0.5 * (np.sqrt(1.0 + 12.0 * variance) - 1.0))
    share = (variance - m * (m + 1) / 3.0) / (2.0 * (m + 1) / 3.0)
    weights = np.full(2 * m + 3, share / (2 * m + 3))
    weights[1:-1] += (1.0 - share) / (2 * m + 1)
    return (weights if share > 0.0 else weights[1:-1]).astype(np.float32)


def convolved(
    image: Float32[np.ndarray, "x y z"], kernels: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> Float32[np.ndarray, "x y z"]:
    """Return an image after a kernel along each axis, its borders repeated outwards.

    Args:
        image: Values; they stay as they are.
        kernels: Odd numbers of float32 weights for x, y, z.
    """
    result = image
    for axis, (kernel, along) in enumerate(
        zip(kernels, (_along_x, _along_y, _along_z), strict=True)
    ):
        if len(kernel) % 2 == 0:
            raise ValueError(
                f"expected an odd number of weights along axis {axis}, got {len(kernel)}"
            )
        if len(kernel) > 1:
            target = np.zeros(result.shape, np.float32)
            along(result, kernel, target)
            result = target
    return result


def _gaussian(sigma: float) -> np.ndarray:
    """Weights of a Gaussian in voxels, averaged over each voxel's width."""
    if sigma < 0.15:
        return np.ones(1)
    n_side = int(np.ceil(REACH * sigma))
    place = np.arange(-n_side, n_side + 1)
    weights = np.exp(-0.5 * np.square(place / sigma))
    return np.asarray(weights / weights.sum())


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _along_x(source, kernel, target):
    n, reach = source.shape[0], kernel.size // 2
    for i in prange(n):
        for t in range(kernel.size):
            a, w = min(max(i + t - reach, 0), n - 1), kernel[t]
            for j in range(source.shape[1]):
                for k in range(source.shape[2]):
                    target[i, j, k] += w * source[a, j, k]


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _along_y(source, kernel, target):
    n, reach = source.shape[1], kernel.size // 2
    for i in prange(source.shape[0]):
        for j in range(n):
            for t in range(kernel.size):
                a, w = min(max(j + t - reach, 0), n - 1), kernel[t]
                for k in range(source.shape[2]):
                    target[i, j, k] += w * source[i, a, k]


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _along_z(source, kernel, target):
    n, reach = source.shape[2], kernel.size // 2
    for i in prange(source.shape[0]):
        for j in range(source.shape[1]):
            for t in range(kernel.size):
                w, shift = kernel[t], t - reach
                first, last = min(max(-shift, 0), n), max(min(n - shift, n), 0)
                for k in range(first):
                    target[i, j, k] += w * source[i, j, 0]
                for k in range(first, last):
                    target[i, j, k] += w * source[i, j, k + shift]
                for k in range(max(first, last), n):
                    target[i, j, k] += w * source[i, j, n - 1]
