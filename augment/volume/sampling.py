"""Pulls an atlas back through posture and field onto a scan grid: mean value, most frequent label
and share of a structure per voxel.

Every voxel is divided into ``n_sub``³ equal parts; each looks up the nearest atlas voxel. The
texture lives in the template, so that it
moves with the tissue and a twin keeps it.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float32, UInt8
from numba import njit, prange

from augment.volume.atlas import Atlas
from augment.volume.grid import Grid
from augment.volume.lattice import Field, _lookup
from augment.volume.posture import Posture
from augment.volume.tissue import TissueValues

TEXTURE_STEP_MM = 2.5
TEXTURE_SIZE = 48


def draw_texture(rng: np.random.Generator) -> Float32[np.ndarray, "n n n"]:
    """Draw a periodic random lattice of unit variance, the grain of the tissues."""
    white = np.fft.fftn(rng.standard_normal((TEXTURE_SIZE,) * 3))
    frequency = np.meshgrid(*[np.fft.fftfreq(TEXTURE_SIZE)] * 3, indexing="ij")
    low_pass = np.exp(-12.0 * sum(f * f for f in frequency))
    texture = np.fft.ifftn(white * low_pass).real
    return (texture / texture.std()).astype(np.float32)


def pull_back(
    atlas: Atlas,
    template_from_head: Field,
    posture: Posture,
    values: TissueValues,
    texture: Float32[np.ndarray, "n n n"],
    grid: Grid,
    n_sub: int = 2,
    structure: tuple[int, ...] = (),
    footprint_mm: tuple[float, float, float] | None = None,
) -> tuple[
    Float32[np.ndarray, "x y z"],
    UInt8[np.ndarray, "x y z"],
    UInt8[np.ndarray, "x y z"] | None,
]:
    """Sample an atlas on a scan grid.

    Args:
        atlas: Labels in template space.
        template_from_head: Field from the subject's head frame to the template.
        posture: Head on the couch.
        values: Value per label.
        texture: Grain, from `draw_texture`.
        grid: Scan grid.
        n_sub: Parts along each edge of a voxel.
        structure: Labels whose share of each voxel is wanted.
        footprint_mm: Box about each voxel's centre that is averaged; None for the voxel itself.

    Returns:
        Mean value, most frequent label (the smaller number on a tie) and share of the structure,
        0 to 255, None if none is wanted.
    """
    chosen: Bool[np.ndarray, " labels"] = np.zeros(256, bool)
    chosen[list(structure)] = True
    image = np.zeros(grid.shape, np.float32)
    labels = np.zeros(grid.shape, np.uint8)
    share = np.zeros(grid.shape if structure else (1, 1, 1), np.uint8)
    _pull(
        image,
        labels,
        share,
        *grid.geometry,
        np.array(grid.spacing_mm if footprint_mm is None else footprint_mm, float),
        posture.parameters(),
        template_from_head.displacement_mm,
        *template_from_head.grid.geometry,
        atlas.labels,
        *atlas.grid.geometry,
        np.array(values.mean, np.float32),
        np.array(values.spread, np.float32),
        texture,
        chosen,
        n_sub,
        bool(structure),
    )
    return image, labels, share if structure else None


@njit(cache=True, nogil=True, inline="always")
@no_type_check
def _to_head(q, x, y, z):
    """Scan frame to head frame; q as in `Posture.parameters`."""
    y, z = y - q[12], z - q[13]
    share = min(1.0, max(0.0, (z + q[13] - q[15]) / (q[16] - q[15])))
    angle = q[14] * share * share * (3.0 - 2.0 * share)
    c, s = np.cos(angle), np.sin(angle)
    y, z = c * y + s * z + q[12], c * z - s * y + q[13]
    return (
        q[0] * x + q[1] * y + q[2] * z + q[9],
        q[3] * x + q[4] * y + q[5] * z + q[10],
        q[6] * x + q[7] * y + q[8] * z + q[11],
    )


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _pull(
    image,
    labels,
    share,
    origin,
    spacing,
    footprint,
    posture,
    field,
    f_origin,
    f_spacing,
    atlas,
    a_origin,
    a_spacing,
    mean,
    spread,
    texture,
    chosen,
    n_sub,
    with_share,
):
    n_parts, size = n_sub**3, texture.shape[0]
    for i in prange(image.shape[0]):
        count = np.zeros(256, np.int32)
        seen = np.zeros(n_parts, np.uint8)
        for j in range(image.shape[1]):
            for k in range(image.shape[2]):
                total, inside = 0.0, 0
                for part in range(n_parts):
                    a, b, c = part % n_sub, (part // n_sub) % n_sub, part // (n_sub * n_sub)
                    x = origin[0] + spacing[0] * i + footprint[0] * ((a + 0.5) / n_sub - 0.5)
                    y = origin[1] + spacing[1] * j + footprint[1] * ((b + 0.5) / n_sub - 0.5)
                    z = origin[2] + spacing[2] * k + footprint[2] * ((c + 0.5) / n_sub - 0.5)
                    x, y, z = _to_head(posture, x, y, z)
                    dx, dy, dz = _lookup(field, f_origin, f_spacing, x, y, z)
                    x, y, z = x + dx, y + dy, z + dz
                    u = int(np.floor((x - a_origin[0]) / a_spacing[0] + 0.5))
                    v = int(np.floor((y - a_origin[1]) / a_spacing[1] + 0.5))
                    w = max(0, int(np.floor((z - a_origin[2]) / a_spacing[2] + 0.5)))
                    label = 0
                    if 0 <= u < atlas.shape[0] and 0 <= v < atlas.shape[1] and w < atlas.shape[2]:
                        label = atlas[u, v, w]
                    t = texture[
                        int(x / 2.5 + 4096) % size,
                        int(y / 2.5 + 4096) % size,
                        int(z / 2.5 + 4096) % size,
                    ]
                    total += mean[label] + spread[label] * t
                    inside += chosen[label]
                    count[label] += 1
                    seen[part] = label
                best = seen[0]
                for part in range(n_parts):
                    label = seen[part]
                    if count[label] > count[best] or (count[label] == count[best] and label < best):
                        best = label
                for part in range(n_parts):
                    count[seen[part]] = 0
                image[i, j, k] = total / n_parts
                labels[i, j, k] = best
                if with_share:
                    share[i, j, k] = int(255.0 * inside / n_parts + 0.5)
