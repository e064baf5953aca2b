"""Expression, jaw and gaze of a volume: soft tissue moves over bone that stays, mandible and
the globes turn as rigid bodies, and what lies between them is stretched harmonically.

Each share is 1 on what moves, 0 on what stays, and solves Laplace's equation between; a body that
turns by its share of a rotation vector does not shrink on the way (as the mesh does).
"""

from dataclasses import dataclass, field
from typing import no_type_check

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32
from numba import njit, prange

from augment.morphable.pose import JAW_HINGE_MM, gaze_vectors, rotation_matrix
from augment.volume.anatomy.body import Body
from augment.volume.atlas import Atlas
from augment.volume.field.extension import extended
from augment.volume.field.lattice import Field
from augment.volume.field.subject import relaxed
from augment.volume.grid import Grid
from augment.volume.labels import LABELS

SWEEPS, OVERRELAXATION = 60, 1.85
EXPRESSION_FINEST_MM = 6.0
GLOBE_REACH_MM = 8.0
"""Depth of the orbital tissue around a globe that is dragged along."""

_JAW = ("mandible", "teeth_lower")
_SKULL = ("cranium", "petrous", "skull_base", "maxilla", "zygoma", "nasal_bone", "teeth_upper")
_SPINE = ("vertebra", "disc", "spinal_cord")


@dataclass(frozen=True)
class Shares:
    """Shares of each motion at the nodes of a field, 0 to 1; None for what does not happen.

    Attributes:
        soft: Follows the skin's expression.
        jaw: Follows the mandible.
        globes: Follows the left, the right globe.
    """

    soft: Float32[np.ndarray, "x y z"] | None
    jaw: Float32[np.ndarray, "x y z"] | None
    globes: tuple[Float32[np.ndarray, "x y z"], ...]


@dataclass(frozen=True)
class Motion:
    """How a head departs from rest.

    Attributes:
        atlas: Where the bodies are, template frame.
        jaw_share: Share of a jaw rotation that each template vertex follows, 0 to 1.
        expression_mm: Displacement of each template vertex from the neutral face; None for neutral.
        jaw_rad: Rotation vector of the jaw about its hinge, as `pose.POSE_NAMES`; up to 0.15 (14 mm
            between the incisors) no head folds, since ramus and neck keep apart.
        gaze_rad: Pitch and yaw of the left, then the right eye; lids that lie on a globe are
            dragged along.
        shares: Result of `motion_shares`, for many heads with one atlas on one grid; None to find
            them anew.
    """

    atlas: Atlas
    jaw_share: Float[np.ndarray, " vertices"]
    expression_mm: Float[np.ndarray, "vertices 3"] | None = None
    jaw_rad: Float[np.ndarray, "3"] = field(default_factory=lambda: np.zeros(3))
    gaze_rad: Float[np.ndarray, "4"] = field(default_factory=lambda: np.zeros(4))
    shares: Shares | None = None


def motion_shares(
    motion: Motion,
    template_mm: Float[np.ndarray, "vertices 3"],
    skin: Bool[np.ndarray, " vertices"],
    body: Body,
    grid: Grid,
) -> Shares:
    """Find who moves with what.

    Args:
        motion: The motion, its atlas and the jaw's share of the skin.
        template_mm: Vertices of the template.
        skin: Which of them lie on the outer skin.
        body: The filled template.
        grid: Nodes of the field.
    """
    if motion.shares is not None:
        return motion.shares
    atlas = motion.atlas
    weight, share = np.zeros(grid.shape, np.float32), np.zeros(grid.shape, np.float32)
    _scatter(template_mm[skin], motion.jaw_share[skin], *grid.geometry, weight, share)
    surface = weight > 0
    share[surface] /= weight[surface]
    jaw, skull = nodes_of(atlas, _JAW, grid), nodes_of(atlas, (*_SKULL, *_SPINE), grid)
    globes = [nodes_of(atlas, (f"globe_{s}", f"lens_{s}"), grid) for s in ("left", "right")]
    still = (skull | globes[0] | globes[1]) & ~jaw
    soft_share, jaw_share, sides = None, None, []
    if motion.expression_mm is not None:
        outside = surface | ~nodes_inside(body, grid)
        bone = (jaw | still) & ~outside
        soft_share = harmonic(outside.astype(np.float32), outside | bone)
    if np.any(motion.jaw_rad):
        share[still], share[jaw] = 0.0, 1.0
        jaw_share = harmonic(share, surface | jaw | still)
    if np.any(motion.gaze_rad):
        reach = int(np.ceil(GLOBE_REACH_MM / grid.spacing_mm[0]))
        for globe in globes:
            far = ~_dilated(globe, reach) | ((skull | surface) & ~_dilated(globe, 1))
            sides.append(harmonic(globe.astype(np.float32), globe | far))
    return Shares(soft_share, jaw_share, tuple(sides))


def expressed(
    rest: Field,
    motion: Motion,
    template_mm: Float[np.ndarray, "vertices 3"],
    skin: Bool[np.ndarray, " vertices"],
    shares: Shares,
) -> Field:
    """Return a field with the expression's displacement of soft tissue added; bone stays."""
    if motion.expression_mm is None or shares.soft is None:
        return rest
    moved = extended(template_mm[skin], motion.expression_mm[skin], rest.grid, EXPRESSION_FINEST_MM)
    return Field(rest.grid, rest.displacement_mm + shares.soft[..., None] * moved.displacement_mm)


def posed(rest: Field, motion: Motion, shares: Shares) -> Field:
    """Return a field whose jaw and globes are turned; soft tissue that would fold is smoothed."""
    values, rigid = rest.displacement_mm.copy(), np.zeros(rest.grid.shape, bool)
    if shares.jaw is not None and np.any(motion.jaw_rad):
        rigid |= shares.jaw >= 1.0
        _turn(values, rest.grid, shares.jaw, -np.asarray(motion.jaw_rad), np.array(JAW_HINGE_MM))
    gaze = gaze_vectors(torch.as_tensor(np.asarray(motion.gaze_rad, float))[None])
    for share, vector in zip(shares.globes, gaze, strict=False):
        if not vector.any():
            continue
        rigid |= share >= 1.0
        centre = _mean_place(values, rest.grid, share >= 1.0)
        _turn(values, rest.grid, share, vector[0].numpy(), centre)
    return relaxed(Field(rest.grid, values), keep=rigid)


def nodes_of(atlas: Atlas, names: tuple[str, ...], grid: Grid) -> np.ndarray:
    """Mark the eight nodes around every voxel of the labels whose names begin with one of some."""
    chosen = np.zeros(256, bool)
    chosen[[row.number for row in LABELS if row.name.startswith(names)]] = True
    marks = np.zeros(grid.shape, bool)
    _mark(atlas.labels, chosen, *atlas.grid.geometry, *grid.geometry, marks)
    return marks


def nodes_inside(body: Body, grid: Grid) -> np.ndarray:
    """Tell which nodes lie in the filled head."""
    index = [
        np.rint((grid.axis_mm(a) - body.grid.origin_mm[a]) / body.grid.spacing_mm[a]).astype(int)
        for a in range(3)
    ]
    known = [(i >= 0) & (i < n) for i, n in zip(index, body.grid.shape, strict=True)]
    clipped = [np.clip(i, 0, n - 1) for i, n in zip(index, body.grid.shape, strict=True)]
    return body.inside[np.ix_(*clipped)] & known[0][:, None, None] & known[1][:, None] & known[2]


def harmonic(
    values: Float32[np.ndarray, "x y z"], fixed: np.ndarray
) -> Float32[np.ndarray, "x y z"]:
    """Solve Laplace's equation between fixed nodes, with no flow through the border.

    Args:
        values: Values of the fixed nodes; others are not read.
        fixed: Which nodes are fixed.

    Returns:
        The values everywhere; within the range of the fixed ones.
    """
    result = np.where(fixed, values, np.float32(0.0))
    for step in (8, 4, 2, 1):
        if min(result.shape) < 4 * step:
            continue
        coarse, pinned = _coarsened(values, fixed, step)
        start = result[::step, ::step, ::step]
        coarse = np.where(pinned, coarse, start).astype(np.float32)
        for _ in range(SWEEPS if step > 1 else SWEEPS // 2):
            for colour in (0, 1):
                _sweep(coarse, pinned, colour, np.float32(OVERRELAXATION if step > 1 else 1.5))
        result = _spread(coarse, result.shape, step)
    result = np.where(fixed, values, result)
    return np.clip(result, values[fixed].min(), values[fixed].max()).astype(np.float32)


def _coarsened(values: np.ndarray, fixed: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the fixed nodes in each block, and which blocks have any."""
    if step == 1:
        return values, fixed
    pad = [(0, -n % step) for n in values.shape]
    shape = [v for n, p in zip(values.shape, pad, strict=True) for v in ((n + p[1]) // step, step)]
    held = np.pad(np.where(fixed, values, 0.0), pad).reshape(shape).sum(axis=(1, 3, 5))
    count = np.pad(fixed, pad).reshape(shape).sum(axis=(1, 3, 5))
    return (held / np.maximum(count, 1)).astype(np.float32), count > 0


def _spread(coarse: np.ndarray, shape: tuple[int, ...], step: int) -> np.ndarray:
    result = coarse
    for axis in range(3):
        result = np.repeat(result, step, axis=axis)
    return np.ascontiguousarray(result[: shape[0], : shape[1], : shape[2]])


def _dilated(mask: np.ndarray, reach: int) -> np.ndarray:
    """Nodes within a number of steps along the axes and diagonals."""
    result = mask.copy()
    for axis in range(3):
        line = np.moveaxis(result, axis, 0)
        summed = np.cumsum(np.pad(line, ((reach + 1, reach), (0, 0), (0, 0))), axis=0, dtype=int)
        line[:] = summed[2 * reach + 1 :] > summed[: -2 * reach - 1]
    return result


def _mean_place(values: np.ndarray, grid: Grid, chosen: np.ndarray) -> np.ndarray:
    index = np.argwhere(chosen)
    return (index * grid.spacing_mm + grid.origin_mm + values[chosen]).mean(axis=0)


def _turn(
    values: np.ndarray, grid: Grid, share: np.ndarray, vector: np.ndarray, centre: np.ndarray
) -> None:
    """Turn the nodes' targets in place about a centre, each by its share of a rotation vector."""
    index = np.argwhere(share > 0)
    where = tuple(index.T)
    nodes = index * grid.spacing_mm + grid.origin_mm
    vectors = torch.as_tensor(share[where].astype(float)[:, None] * vector)
    arm = torch.as_tensor(nodes + values[where] - centre)
    turned = (rotation_matrix(vectors) @ arm[..., None])[..., 0].numpy()
    values[where] = (turned + centre - nodes).astype(np.float32)


@njit(cache=True, nogil=True)
@no_type_check
def _scatter(points, shares, origin, spacing, weight, total):
    for p in range(len(points)):
        x, y, z = (points[p] - origin) / spacing
        i, j, k = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
        if not (
            0 <= i < weight.shape[0] - 1
            and 0 <= j < weight.shape[1] - 1
            and 0 <= k < weight.shape[2] - 1
        ):
            continue
        for corner in range(8):
            a, b, c = corner & 1, (corner >> 1) & 1, (corner >> 2) & 1
            w = abs(1 - a - (x - i)) * abs(1 - b - (y - j)) * abs(1 - c - (z - k)) + 1e-6
            weight[i + a, j + b, k + c] += w
            total[i + a, j + b, k + c] += w * shares[p]


@njit(cache=True, nogil=True)
@no_type_check
def _mark(labels, chosen, a_origin, a_spacing, origin, spacing, marks):
    for i in range(labels.shape[0]):
        x = int(np.floor((a_origin[0] + i * a_spacing[0] - origin[0]) / spacing[0]))
        if not 0 <= x < marks.shape[0] - 1:
            continue
        for j in range(labels.shape[1]):
            y = int(np.floor((a_origin[1] + j * a_spacing[1] - origin[1]) / spacing[1]))
            if not 0 <= y < marks.shape[1] - 1:
                continue
            for k in range(labels.shape[2]):
                if chosen[labels[i, j, k]]:
                    z = int(np.floor((a_origin[2] + k * a_spacing[2] - origin[2]) / spacing[2]))
                    if 0 <= z < marks.shape[2] - 1:
                        marks[x : x + 2, y : y + 2, z : z + 2] = True


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _sweep(values, fixed, colour, factor):
    """Successive over-relaxation of the nodes of one colour of a chessboard."""
    nx, ny, nz = values.shape
    for i in prange(nx):
        for j in range(ny):
            for k in range((i + j + colour) & 1, nz, 2):
                if fixed[i, j, k]:
                    continue
                total, count = np.float32(0.0), np.float32(0.0)
                if i > 0:
                    total, count = total + values[i - 1, j, k], count + 1
                if i < nx - 1:
                    total, count = total + values[i + 1, j, k], count + 1
                if j > 0:
                    total, count = total + values[i, j - 1, k], count + 1
                if j < ny - 1:
                    total, count = total + values[i, j + 1, k], count + 1
                if k > 0:
                    total, count = total + values[i, j, k - 1], count + 1
                if k < nz - 1:
                    total, count = total + values[i, j, k + 1], count + 1
                values[i, j, k] += factor * (total / np.float32(count) - values[i, j, k])
