"""What lies beside a person in the scanner: table, head rest, mask. Each fills only air."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from scipy import ndimage

from augment.volume.grid import Grid

BODY_HU, AIR_BELOW_HU = -300.0, -600.0


@dataclass(frozen=True)
class Table:
    """A flat couch: a shell about a foam core.

    Attributes:
        gap_mm: Air between back and couch.
        thickness_mm: Height of the couch.
        shell_mm: Thickness of its shell.
        shell_hu: Value of the shell.
        core_hu: Value of the core.
    """

    gap_mm: float
    thickness_mm: float
    shell_mm: float
    shell_hu: float
    core_hu: float


@dataclass(frozen=True)
class HeadRest:
    """A trough under the head, open to the front, from the vertex down to the nape.

    Attributes:
        radius_mm: Radius of its inner side.
        thickness_mm: Thickness of its shell.
        gap_mm: Pad between head and trough.
        half_angle_deg: How far it reaches around the head from below.
        value_hu: Value of the shell.
        length_mm: Its length from the top of the field of view or of the head.
    """

    radius_mm: float
    thickness_mm: float
    gap_mm: float
    half_angle_deg: float
    value_hu: float
    length_mm: float


@dataclass(frozen=True)
class Mask:
    """A thermoplastic sheet on the face that holds the head for radiotherapy.

    Attributes:
        thickness_mm: Its thickness.
        value_hu: Its value, air in its holes included.
    """

    thickness_mm: float
    value_hu: float


def draw_table(rng: np.random.Generator) -> Table:
    """Draw a couch of carbon fibre or plastic."""
    uniform = rng.uniform
    shell = float(uniform(-500.0, 150.0))
    return Table(
        gap_mm=float(uniform(0.0, 10.0)),
        thickness_mm=float(uniform(12.0, 50.0)),
        shell_mm=float(uniform(2.0, 8.0)),
        shell_hu=shell,
        core_hu=float(max(-980.0, shell - uniform(450.0, 800.0))),
    )


def draw_head_rest(rng: np.random.Generator) -> HeadRest:
    """Draw a head rest."""
    uniform = rng.uniform
    return HeadRest(
        radius_mm=float(uniform(88.0, 125.0)),
        thickness_mm=float(uniform(2.0, 6.0)),
        gap_mm=float(uniform(2.0, 14.0)),
        half_angle_deg=float(uniform(40.0, 95.0)),
        value_hu=float(uniform(-500.0, 200.0)),
        length_mm=float(uniform(140.0, 220.0)),
    )


def draw_mask(rng: np.random.Generator) -> Mask:
    """Draw a mask."""
    return Mask(float(rng.uniform(1.2, 3.2)), float(rng.uniform(-350.0, 50.0)))


def back_mm(image_hu: Float32[np.ndarray, "x y z"], grid: Grid) -> tuple[float, float, float]:
    """Return y of the back in the lower two thirds, y of the back of the head, and z of its top.

    NaN where a part lies outside the field of view.
    """
    body = image_hu[::2, :, ::2] > BODY_HU
    y, z = grid.axis_mm(1), grid.axis_mm(2)[::2]
    profile = body.sum(axis=0) > 3
    heights = np.nonzero(profile.any(axis=0))[0]
    if not len(heights):
        return float("nan"), float("nan"), float("nan")
    trunk = np.nonzero(profile[:, : int(0.7 * len(z))].any(axis=1))[0]
    top = heights[-1]
    head = np.nonzero(profile[:, z > z[top] - 110.0].any(axis=1))[0]
    back = float(y[trunk[0]]) if len(trunk) else float("nan")
    return back, float(y[head[0]]), float(z[top])


def lay_table(
    image_hu: Float32[np.ndarray, "x y z"], grid: Grid, table: Table, back: float
) -> None:
    """Lay a couch under the back, in place."""
    if np.isnan(back):
        return
    y = grid.axis_mm(1)
    top, soft = back - table.gap_mm, grid.spacing_mm[1]
    depth = top - y
    whole = _between(depth, 0.0, table.thickness_mm, soft)
    core = _between(depth, table.shell_mm, table.thickness_mm - table.shell_mm, soft)
    value = -1000.0 + (whole - core) * (table.shell_hu + 1000.0) + core * (table.core_hu + 1000.0)
    for j in np.nonzero(whole > 0)[0]:
        plane = image_hu[:, j]
        np.maximum(plane, np.float32(value[j]), out=plane, where=plane < AIR_BELOW_HU)


def lay_head_rest(
    image_hu: Float32[np.ndarray, "x y z"], grid: Grid, rest: HeadRest, back: float, top: float
) -> None:
    """Lay a trough under the head, in place."""
    if np.isnan(back) or np.isnan(top):
        return
    x, y, z = grid.axis_mm(0)[:, None], grid.axis_mm(1)[None, :], grid.axis_mm(2)
    centre = back - rest.gap_mm + rest.radius_mm
    radius = np.hypot(x, y - centre)
    angle = np.abs(np.arctan2(x, centre - y))
    ring = _between(radius - rest.radius_mm, 0.0, rest.thickness_mm, min(grid.spacing_mm[:2]))
    ring = np.where(angle < np.deg2rad(rest.half_angle_deg), ring, 0.0)
    i, j = np.nonzero(ring > 0)
    slices = np.nonzero(z > top - rest.length_mm)[0]
    if not len(i) or not len(slices):
        return
    value = (-1000.0 + ring[i, j] * (rest.value_hu + 1000.0)).astype(np.float32)[:, None]
    part = image_hu[i, j, slices[0] :]
    image_hu[i, j, slices[0] :] = np.where(part < AIR_BELOW_HU, np.maximum(part, value), part)


def lay_mask(
    image_hu: Float32[np.ndarray, "x y z"], grid: Grid, mask: Mask, back: float, top: float
) -> None:
    """Lay a sheet on the face and the sides of the head, in place."""
    if np.isnan(back) or np.isnan(top):
        return
    start = int(np.searchsorted(grid.axis_mm(1), back + 60.0))
    lower = int(np.searchsorted(grid.axis_mm(2), top - 250.0))
    box = (slice(None), slice(start, None), slice(lower, None))
    part = image_hu[box]
    air = part < AIR_BELOW_HU
    spread = [max(1, round(mask.thickness_mm / s)) for s in grid.spacing_mm[:2]]
    near = ndimage.maximum_filter(
        (part > BODY_HU).astype(np.uint8), (2 * spread[0] + 1, 2 * spread[1] + 1, 1)
    )
    share = min(1.0, mask.thickness_mm / (min(spread) * min(grid.spacing_mm[:2])))
    value = np.float32(-1000.0 + share * (mask.value_hu + 1000.0))
    np.maximum(part, value, out=part, where=air & (near > 0))


def _between(depth: np.ndarray, low: float, high: float, soft: float) -> np.ndarray:
    """Share of a voxel between two depths."""
    return np.asarray(
        np.clip(
            (np.minimum(depth + 0.5 * soft, high) - np.maximum(depth - 0.5 * soft, low)) / soft,
            0,
            1,
        )
    )
