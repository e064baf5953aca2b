"""The field between twins as the scanner sees it: points and vectors of the scan frame.

With P = ``head_from_scan`` and u = ``healthy_from_pathological`` in the head frame, a scan point p
goes to q with P(q) = P(p) + u(P(p)). Without a bend of the neck P is affine and q - p is the vector
u in the axes of the scan; with one, Newton's method finds q.
"""

from typing import no_type_check

import numpy as np
from numba import njit, prange

from augment.volume.field.lattice import Field, _inverses, _values
from augment.volume.field.refinement import _is_marked
from augment.volume.field.twins import TwinFields, counterpart
from augment.volume.grid import Grid
from augment.volume.posture import Posture
from augment.volume.sampling import _to_head

NEWTON_STEPS, NEWTON_TOLERANCE_MM = 20, 1.0e-4


def scan_displacement(fields: TwinFields, posture: Posture, grid: Grid) -> Field:
    """Return ``healthy_from_pathological`` in the scan frame.

    Args:
        fields: Fields of the case, head frame.
        posture: How both twins lie.
        grid: Scan grid.

    Returns:
        Displacement of each scan voxel, vectors along the axes of the scan frame, mm.
    """
    if posture.is_upright():
        return fields.healthy_from_pathological(grid)
    result = np.zeros((*grid.shape, 3), np.float32)
    parameters = posture.parameters()
    _displace(
        result,
        *grid.geometry,
        parameters,
        np.linalg.inv(parameters[:9].reshape(3, 3)),
        fields.twin_arrays(),
        NEWTON_STEPS,
        NEWTON_TOLERANCE_MM,
    )
    return Field(grid, result)


@njit(cache=True, nogil=True, forceinline=True)
@no_type_check
def _unturn(inverse, angle, a, b, c):
    """A head-frame vector along the axes of the scan, where the neck bends by an angle."""
    x = inverse[0, 0] * a + inverse[0, 1] * b + inverse[0, 2] * c
    y = inverse[1, 0] * a + inverse[1, 1] * b + inverse[1, 2] * c
    z = inverse[2, 0] * a + inverse[2, 1] * b + inverse[2, 2] * c
    cosine, sine = np.cos(angle), np.sin(angle)
    return x, cosine * y - sine * z, sine * y + cosine * z


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _displace(result, to_origin, to_spacing, posture, inverse, twins, n_steps, tolerance):
    back, origin, spacing, rough_back, forth_back = twins[0]
    known, rough, forth, f_origin, f_spacing = twins[1]
    differing = twins[2]
    for i in prange(result.shape[0]):
        first, per_mm = _values(origin), _inverses(spacing)
        f_first, f_per_mm = _values(f_origin), _inverses(f_spacing)
        px = to_origin[0] + to_spacing[0] * i
        for j in range(result.shape[1]):
            py = to_origin[1] + to_spacing[1] * j
            for k in range(result.shape[2]):
                pz = to_origin[2] + to_spacing[2] * k
                hx, hy, hz = _to_head(posture, px, py, pz)
                if not _is_marked(differing, first, per_mm, hx, hy, hz):
                    continue
                u, v, w = counterpart(
                    hx, hy, hz, back, first, per_mm, rough_back, forth_back, known, rough, forth,
                    f_first, f_per_mm,
                )  # fmt: skip
                if u == 0.0 and v == 0.0 and w == 0.0:
                    continue
                share = min(1.0, max(0.0, (pz - posture[15]) / (posture[16] - posture[15])))
                angle = posture[14] * share * share * (3.0 - 2.0 * share)
                dx, dy, dz = _unturn(inverse, angle, u, v, w)
                if posture[14] != 0.0:
                    for _ in range(n_steps):
                        x, y, z = _to_head(posture, px + dx, py + dy, pz + dz)
                        x, y, z = hx + u - x, hy + v - y, hz + w - z
                        if max(abs(x), abs(y), abs(z)) < tolerance:
                            break
                        x, y, z = _unturn(inverse, angle, x, y, z)
                        dx, dy, dz = dx + x, dy + y, dz + z
                result[i, j, k, 0], result[i, j, k, 1], result[i, j, k, 2] = dx, dy, dz
