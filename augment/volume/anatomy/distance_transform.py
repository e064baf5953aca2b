"""Exact Euclidean distance to the nearest background voxel, one axis after the other.

Felzenszwalb and Huttenlocher, Theory of Computing 2012;8:415-428: the squared distance along one
axis is the lower envelope of
parabolas. Threads work on separate lines, so their number does not change a bit.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float32
from numba import njit, prange

FAR = 1.0e10


def depth_inside(
    inside: Bool[np.ndarray, "x y z"], spacing_mm: float
) -> Float32[np.ndarray, "x y z"]:
    """Return the distance in mm from each inside voxel's centre to the nearest outside centre, 0
    outside.

    Args:
        inside: Mask on an isotropic grid.
        spacing_mm: Edge length of a voxel.
    """
    squared = np.where(inside, np.float32(FAR), np.float32(0.0))
    _along_last(squared)
    for axes in ((0, 2, 1), (1, 2, 0)):
        turned = np.ascontiguousarray(squared.transpose(axes))
        _along_last(turned)
        squared = turned.transpose(np.argsort(axes))
    return np.sqrt(np.ascontiguousarray(squared)) * np.float32(spacing_mm)


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
