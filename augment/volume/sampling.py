"""Pulls an atlas back through posture and field onto a scan grid: mean value, most frequent label
and share of a structure per voxel.

Every voxel is divided into ``n_sub``³ equal parts; each looks up the nearest atlas voxel. The
texture lives in the template, so that it
moves with the tissue and a twin keeps it.
"""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float32, UInt8
from numba import njit, prange
from scipy import ndimage

from augment.volume.atlas import Atlas
from augment.volume.field.lattice import Field, _inverses, _values
from augment.volume.field.refinement import Inverse, _exact, _is_marked, interpolated
from augment.volume.grid import Grid
from augment.volume.imaging.tissue import TissueValues
from augment.volume.posture import Posture

TEXTURE_STEP_MM = 2.5
TEXTURE_SIZE = 48
PER_STEP, FAR_STEPS = 1.0 / TEXTURE_STEP_MM, 4096
"""Grains a mm, and a shift that keeps their numbers positive."""

LARGEST_SCALE = 1.3
"""Postures scale a person by less."""

Pulled = tuple[
    Float32[np.ndarray, "x y z"],
    UInt8[np.ndarray, "x y z"],
    UInt8[np.ndarray, "x y z"] | None,
]


def draw_texture(rng: np.random.Generator) -> Float32[np.ndarray, "n n n"]:
    """Draw a periodic random lattice of unit variance, the grain of the tissues."""
    white = np.fft.fftn(rng.standard_normal((TEXTURE_SIZE,) * 3))
    frequency = np.meshgrid(*[np.fft.fftfreq(TEXTURE_SIZE)] * 3, indexing="ij")
    low_pass = np.exp(-12.0 * sum(f * f for f in frequency))
    texture = np.fft.ifftn(white * low_pass).real
    return (texture / texture.std()).astype(np.float32)


@dataclass(frozen=True)
class Twin:
    """A scan of which most is known already, since it is a twin's.

    Attributes:
        pulled: What `pull_back` returned for the twin.
        differing: Cells of the field's grid, named by their lowest corner, in which this head's
            field is not the twin's.
    """

    pulled: Pulled
    differing: Bool[np.ndarray, "a b c"]


def pull_back(
    atlas: Atlas,
    template_from_head: Field | Inverse,
    posture: Posture,
    values: TissueValues,
    texture: Float32[np.ndarray, "n n n"],
    grid: Grid,
    n_sub: int = 2,
    structure: tuple[int, ...] = (),
    footprint_mm: tuple[float, float, float] | None = None,
    twin: Twin | None = None,
) -> Pulled:
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
        twin: A twin with the same atlas and arguments, whose voxels are kept where both agree.

    Returns:
        Mean value, most frequent label (the smaller number on a tie) and share of the structure,
        0 to 255, None if none is wanted.
    """
    if isinstance(template_from_head, Field):
        template_from_head = interpolated(template_from_head)
    chosen: Bool[np.ndarray, " labels"] = np.zeros(256, bool)
    chosen[list(structure)] = True
    footprint = np.array(grid.spacing_mm if footprint_mm is None else footprint_mm, float)
    if twin is None:
        image, labels = np.zeros(grid.shape, np.float32), np.zeros(grid.shape, np.uint8)
        share = np.zeros(grid.shape if structure else (1, 1, 1), np.uint8)
        active = np.ones(template_from_head.grid.shape, bool)
    else:
        image, labels = twin.pulled[0].copy(), twin.pulled[1].copy()
        share = np.zeros((1, 1, 1), np.uint8) if twin.pulled[2] is None else twin.pulled[2].copy()
        # Parts of a voxel reach half a footprint from its centre, and a posture turns them.
        reach = 0.5 * float(np.linalg.norm(footprint)) * (n_sub > 1) * LARGEST_SCALE
        active = _reaching(twin.differing, reach, template_from_head.grid)
    _pull(
        image,
        labels,
        share,
        (*grid.geometry, footprint),
        posture.parameters(),
        template_from_head.arrays(),
        active,
        (atlas.labels, *atlas.grid.geometry),
        (np.array(values.mean, np.float32), np.array(values.spread, np.float32), texture),
        chosen,
        n_sub,
        bool(structure),
    )
    return image, labels, share if structure else None


def _reaching(cells: np.ndarray, reach_mm: float, grid: Grid) -> np.ndarray:
    """Cells within a distance of marked ones."""
    n_steps = [int(np.ceil(reach_mm / s)) for s in grid.spacing_mm]
    if not any(n_steps) or not cells.any():
        return cells
    return np.asarray(ndimage.maximum_filter(cells, [2 * n + 1 for n in n_steps]))


@njit(cache=True, nogil=True, forceinline=True)
@no_type_check
def _to_head(q, x, y, z):
    """Scan frame to head frame; q as in `Posture.parameters`."""
    if q[14] != 0.0:
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


@njit(cache=True, nogil=True, forceinline=True)
@no_type_check
def _grain(texture, x, y, z):
    """Grain of the tissue at a point of the template."""
    return texture[
        np.uint32(x * PER_STEP + FAR_STEPS) % TEXTURE_SIZE,
        np.uint32(y * PER_STEP + FAR_STEPS) % TEXTURE_SIZE,
        np.uint32(z * PER_STEP + FAR_STEPS) % TEXTURE_SIZE,
    ]


@njit(cache=True, nogil=True, forceinline=True)
@no_type_check
def _label(labels, origin, per_mm, x, y, z):
    """Label at a point of the template; the trunk goes on below."""
    u = int(np.floor((x - origin[0]) * per_mm[0] + 0.5))
    v = int(np.floor((y - origin[1]) * per_mm[1] + 0.5))
    w = max(0, int(np.floor((z - origin[2]) * per_mm[2] + 0.5)))
    if 0 <= u < labels.shape[0] and 0 <= v < labels.shape[1] and w < labels.shape[2]:
        return labels[u, v, w]
    return np.uint8(0)


@njit(cache=True, nogil=True, forceinline=True)
@no_type_check
def _seen(x, y, z, lattice, atlas, values):
    """Label and value of the tissue at a point of the head."""
    nodes, origin, per_mm, rough, forward, f_origin, f_per_mm = lattice
    names, a_origin, a_per_mm = atlas
    mean, spread, texture = values
    a, b, c = _exact(nodes, origin, per_mm, rough, forward, f_origin, f_per_mm, x, y, z)
    x, y, z = x + a, y + b, z + c
    label = _label(names, a_origin, a_per_mm, x, y, z)
    return label, mean[label] + spread[label] * _grain(texture, x, y, z)


@njit(cache=True, nogil=True)
@no_type_check
def _most_frequent(seen, count):
    """The label that most parts of a voxel have, the smaller number on a tie."""
    best = seen[0]
    for label in seen:
        count[label] += 1
    for label in seen:
        if count[label] > count[best] or (count[label] == count[best] and label < best):
            best = label
    for label in seen:
        count[label] = 0
    return best


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _pull(
    image, labels, share, scan, posture, inverse, active, atlas, values, chosen, n_sub, with_share
):
    origin, spacing, footprint = scan
    nodes, n_origin, n_spacing, rough, forward, f_origin, f_spacing = inverse
    names, a_origin, a_spacing = atlas
    mean, spread, texture = values
    n_parts = n_sub**3
    for i in prange(image.shape[0]):
        first, per_mm = _values(n_origin), _inverses(n_spacing)
        lattice = (nodes, first, per_mm, rough, forward, _values(f_origin), _inverses(f_spacing))
        anatomy = (names, _values(a_origin), _inverses(a_spacing))
        look = (mean, spread, texture)
        count, seen = np.zeros(256, np.int32), np.zeros(n_parts, np.uint8)
        for j in range(image.shape[1]):
            for k in range(image.shape[2]):
                cx = origin[0] + spacing[0] * i
                cy = origin[1] + spacing[1] * j
                cz = origin[2] + spacing[2] * k
                x, y, z = _to_head(posture, cx, cy, cz)
                if not _is_marked(active, first, per_mm, x, y, z):
                    continue
                if n_parts == 1:
                    label, value = _seen(x, y, z, lattice, anatomy, look)
                    image[i, j, k], labels[i, j, k] = value, label
                    if with_share:
                        share[i, j, k] = 255 * chosen[label]
                    continue
                total, inside = 0.0, 0
                for part in range(n_parts):
                    a, b, c = part % n_sub, (part // n_sub) % n_sub, part // (n_sub * n_sub)
                    x = cx + footprint[0] * ((a + 0.5) / n_sub - 0.5)
                    y = cy + footprint[1] * ((b + 0.5) / n_sub - 0.5)
                    z = cz + footprint[2] * ((c + 0.5) / n_sub - 0.5)
                    x, y, z = _to_head(posture, x, y, z)
                    label, value = _seen(x, y, z, lattice, anatomy, look)
                    total += value
                    inside += chosen[label]
                    seen[part] = label
                image[i, j, k] = total / n_parts
                labels[i, j, k] = _most_frequent(seen, count)
                if with_share:
                    share[i, j, k] = int(255.0 * inside / n_parts + 0.5)
