"""Exact Euclidean distance to the nearest background voxel, one axis after the other.

Felzenszwalb and Huttenlocher, Theory of Computing 2012;8:415-428: the squared distance along one
axis is the lower envelope of
parabolas. Where only short distances count, the smallest of all parabolas within reach is taken
instead, which compiles to vector instructions. Threads work on separate lines, so their number
does not change a bit.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float32
from numba import njit, prange

FAR = 1.0e10


def depth_inside(
    inside: Bool[np.ndarray, "x y z"], spacing_mm: float, reach_mm: float | None = None
) -> Float32[np.ndarray, "x y z"]:
    """Return the distance in mm from each inside voxel's centre to the nearest outside centre, 0
    outside.

    Args:
        inside: Mask on an isotropic grid.
        spacing_mm: Edge length of a voxel.
        reach_mm: Distances up to this are exact; farther voxels have some greater number. None for
            exact distances everywhere.
    """
    if reach_mm is not None:
        return _near(inside, int(reach_mm / spacing_mm) + 1) * np.float32(spacing_mm)
    squared = np.where(inside, np.float32(FAR), np.float32(0.0))
    _along_last(squared)
    for axes in ((0, 2, 1), (1, 2, 0)):
        turned = np.ascontiguousarray(squared.transpose(axes))
        _along_last(turned)
        squared = turned.transpose(np.argsort(axes))
    return np.sqrt(np.ascontiguousarray(squared)) * np.float32(spacing_mm)


def _near(inside: np.ndarray, reach: int) -> np.ndarray:
    """Distances up to a reach, in voxels; a greater number beyond."""
    squared, result = np.zeros(inside.shape, np.float32), np.zeros(inside.shape, np.float32)
    _lines(inside, np.float32(reach + 1), result)
    _across(result, reach, squared)
    _along_first(squared, reach, result)
    return result


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _lines(inside, far, squared):
    """Squared distance along the last axis, at most that of ``far``."""
    n = squared.shape[2]
    one = np.float32(1.0)
    for i in prange(squared.shape[0]):
        for j in range(squared.shape[1]):
            away = far
            for k in range(n):
                away = min(away + one, far) if inside[i, j, k] else np.float32(0.0)
                squared[i, j, k] = away
            away = far
            for k in range(n - 1, -1, -1):
                away = min(away + one, far, squared[i, j, k])
                squared[i, j, k] = away * away


@njit(cache=True, nogil=True, forceinline=True)
@no_type_check
def _lower(target, source, distance):
    """Lower a line to that of parabolas whose feet are some voxels away."""
    away = np.float32(distance * distance)
    for k in range(target.shape[0]):
        value = source[k] + away
        target[k] = value if value < target[k] else target[k]


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _across(source, reach, target):
    """Least of the parabolas along the middle axis."""
    n = source.shape[1]
    for i in prange(source.shape[0]):
        for j in range(n):
            target[i, j] = source[i, j]
            for a in range(max(j - reach, 0), min(j + reach + 1, n)):
                _lower(target[i, j], source[i, a], a - j)


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _along_first(source, reach, target):
    """Root of the least of the parabolas along the first axis."""
    n = source.shape[0]
    for i in prange(n):
        for j in range(source.shape[1]):
            target[i, j] = source[i, j]
            for a in range(max(i - reach, 0), min(i + reach + 1, n)):
                _lower(target[i, j], source[a, j], a - i)
            for k in range(source.shape[2]):
                target[i, j, k] = np.sqrt(target[i, j, k])


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _along_last(squared):
    n = squared.shape[2]
    for i in prange(squared.shape[0]):
        place, bound = np.zeros(n, np.int64), np.zeros(n + 1)
        line = np.zeros(n)
        for j in range(squared.shape[1]):
            top = -1
            for q in range(n):
                line[q] = squared[i, j, q]
                if line[q] >= FAR:
                    continue
                cross = -FAR
                while top >= 0:
                    p = place[top]
                    cross = ((line[q] + q * q) - (line[p] + p * p)) / (2.0 * (q - p))
                    if cross > bound[top]:
                        break
                    top -= 1
                if top < 0:
                    cross = -FAR
                top += 1
                place[top], bound[top] = q, cross
            if top < 0:
                continue
            k = 0
            for q in range(n):
                while k < top and bound[k + 1] < q:
                    k += 1
                squared[i, j, q] = (q - place[k]) ** 2 + line[place[k]]
