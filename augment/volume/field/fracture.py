"""Fractures: a piece of bone is cut out of the atlas and moves as a rigid body; the gap that it
leaves fills with a stated tissue.

No smooth field can do this, so the field is told where it ends: ``gap`` marks the voxels of the
fractured atlas that have no counterpart in the whole one, ``covered`` the voxels of the whole atlas
that the fragment has pushed away. Between twins, everything else keeps its exact displacement.
Skin stays: a swollen or sunken cheek is a pathology of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, UInt8

from augment.errors import GeometryError
from augment.morphable.pose import rotation_matrix
from augment.volume.atlas import Atlas
from augment.volume.field.lattice import Field, grid_points
from augment.volume.field.twins import TwinFields
from augment.volume.grid import Box, Grid
from augment.volume.labels import LABELS, NUMBER
from augment.volume.posture import Posture

Point = tuple[float, float, float]
Plane = tuple[Point, Point]

BOX_MARGIN_MM = 15.0
"""How far a subject's field may bend the sides of the fragment's box."""

LEAST_FRAGMENT_ML = 0.05
FRAGMENT, GAP = 1, 2
"""Marks of a voxel of the fractured twin."""

HAEMATOMA = "muscle"
"""Fresh blood and muscle lie in one range of HU (50 to 75, against 30 to 75)."""


@dataclass(frozen=True)
class FractureKind:
    """A piece of bone that breaks off as a whole.

    Attributes:
        title: Clinical name.
        labels: The piece is among the labels whose names begin with one of these.
        planes: It lies on the side of each plane (point, normal; template frame, mm) to which the
            normal points.
        direction: Where it usually goes, template frame.
        axis: About which axis it usually turns, template frame.
    """

    title: str
    labels: tuple[str, ...]
    planes: tuple[Plane, ...]
    direction: Point
    axis: Point

    def mirrored(self, *names: str) -> "FractureKind":
        """Return the fracture of the left side from the right one, with its label names."""
        flip = np.array((-1.0, 1.0, 1.0))
        planes = tuple((_point(flip * p), _point(flip * n)) for p, n in self.planes)
        direction, axis = _point(flip * self.direction), _point(-flip * self.axis)
        return replace(self, labels=names, planes=planes, direction=direction, axis=axis)


def _point(values: np.ndarray) -> Point:
    x, y, z = (float(value) + 0.0 for value in values)
    return x, y, z


_ZYGOMA = FractureKind(
    title="Zygomaticomaxillary complex fracture",
    labels=("zygoma_right",),
    planes=(((60.0, 38.0, 0.0), (0.0, 1.0, 0.0)),),
    direction=(-0.55, -0.80, -0.24),
    axis=(0.0, 0.0, 1.0),
)
_CONDYLE = FractureKind(
    title="Subcondylar fracture of the mandible",
    labels=("mandible",),
    planes=(
        ((49.5, 13.0, -16.0), (0.0, 0.0, 1.0)),
        ((49.5, 25.0, 0.0), (0.0, -1.0, 0.0)),
        ((25.0, 0.0, 0.0), (1.0, 0.0, 0.0)),
    ),
    direction=(-0.8, 0.5, -0.3),
    axis=(0.0, 1.0, 0.0),
)
FRACTURES: Mapping[str, FractureKind] = MappingProxyType(
    {
        "zygoma_right": _ZYGOMA,
        "zygoma_left": _ZYGOMA.mirrored("zygoma_left"),
        "condyle_right": _CONDYLE,
        "condyle_left": _CONDYLE.mirrored("mandible"),
    }
)


@dataclass(frozen=True)
class Fracture:
    """A drawn fracture.

    Attributes:
        name: One of `FRACTURES`.
        displacement_mm: How far the fragment's centre goes along its kind's direction.
        turn_deg: How far it turns about its kind's axis through its centre.
        gap: Label that fills what it leaves behind.
    """

    name: str
    displacement_mm: float
    turn_deg: float = 0.0
    gap: str = HAEMATOMA


@dataclass(frozen=True)
class FracturedAtlas:
    """An atlas with a displaced fragment.

    Attributes:
        atlas: The fractured atlas, on the grid of the whole one.
        box: Outside this box of voxels nothing changed.
        displacement_mm: Concretely, what lies at the centre p of voxel (i, j, k) of the box in the
            fractured atlas lies at ``p + displacement_mm[i, j, k]`` in the whole one; 0 outside the
            fragment and in the gap.
        fragment: Voxels of the box that belong to the fragment where it is now.
        gap: Voxels of the box without a counterpart in the whole atlas.
        covered: Voxels of the box whose tissue has no place in the fractured atlas.
        measured_mm: Shift of the fragment's centre, taken from the voxels.
        whole: Voxels of the whole atlas that broke off.
        motion: Rotation, centre and shift (mm) of the fragment, template frame.
    """

    atlas: Atlas
    box: Box
    displacement_mm: Float32[np.ndarray, "x y z 3"]
    fragment: Bool[np.ndarray, "x y z"]
    gap: Bool[np.ndarray, "x y z"]
    covered: Bool[np.ndarray, "x y z"]
    measured_mm: float
    whole: Bool[np.ndarray, "a b c"]
    motion: tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"], Float[np.ndarray, "3"]]

    def carried(self, points_mm: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 3"]:
        """Return where points of the whole atlas are after the fracture: those on the fragment move
        with it, template frame."""
        index = np.rint((points_mm - self.atlas.grid.origin_mm) / self.atlas.grid.spacing_mm)
        last = np.array(self.whole.shape) - 1
        on_it = np.zeros(len(points_mm), bool)
        # A surface lies between voxels: the nearest one or a neighbour belongs to it.
        for step in np.ndindex(3, 3, 3):
            near = np.clip(index.astype(int) + step - 1, 0, last)
            on_it |= self.whole[tuple(near.T)]
        rotation, centre, shift = self.motion
        result = np.array(points_mm, float)
        result[on_it] = (result[on_it] - centre) @ rotation.T + centre + shift
        return result


def fracture_of_size(atlas: Atlas, fracture: Fracture, head_from_template: Field) -> FracturedAtlas:
    """Break a piece of bone off so that in this head its centre moves as far as was asked.

    Args:
        atlas: Whole anatomy in template space.
        fracture: What breaks; its displacement is meant in the head.
        head_from_template: Carries the template to the head.

    Returns:
        The fractured atlas; its ``measured_mm`` is that of the head, taken from voxels.

    Raises:
        GeometryError: As `fractured`.
    """
    trial = fractured(atlas, fracture)
    found = _moved_mm(trial, head_from_template)
    if found > 0.0:
        size = fracture.displacement_mm * fracture.displacement_mm / found
        trial = fractured(atlas, replace(fracture, displacement_mm=size))
    return replace(trial, measured_mm=_moved_mm(trial, head_from_template))


def _moved_mm(broken: FracturedAtlas, head_from_template: Field) -> float:
    """How far the fragment's centre has moved in a head."""
    grid = broken.atlas.grid
    before = np.argwhere(broken.whole) * grid.spacing_mm + grid.origin_mm
    after = grid_points(grid.box_grid(broken.box))[broken.fragment]
    shift = head_from_template.move(after).mean(axis=0) - head_from_template.move(before).mean(
        axis=0
    )
    return float(np.linalg.norm(shift))


def fractured(atlas: Atlas, fracture: Fracture) -> FracturedAtlas:
    """Break a piece of bone off and move it.

    Args:
        atlas: Whole anatomy in template space.
        fracture: What breaks and where it goes.

    Raises:
        GeometryError: If the fracture or its gap tissue is unknown, or the atlas has no such bone.
    """
    kind = _kind(fracture)
    whole = _fragment_mask(atlas, kind)
    centre = (np.argwhere(whole) * atlas.grid.spacing_mm).mean(axis=0) + atlas.grid.origin_mm
    shift = fracture.displacement_mm * _unit(kind.direction)
    turn = torch.as_tensor(np.deg2rad(fracture.turn_deg) * _unit(kind.axis))
    rotation = rotation_matrix(turn).numpy()
    box = _reach(whole, atlas.grid, centre, rotation, shift)
    points = grid_points(atlas.grid.box_grid(box))
    source = (points - centre - shift) @ rotation + centre
    index = np.rint((source - atlas.grid.origin_mm) / atlas.grid.spacing_mm).astype(int)
    known = ((index >= 0) & (index < atlas.grid.shape)).all(axis=3)
    index = np.where(known[..., None], index, 0)
    came = tuple(np.moveaxis(index, 3, 0))
    fragment = known & whole[came]
    gap = whole[box] & ~fragment
    labels = atlas.labels.copy()
    view = labels[box]
    view[gap] = NUMBER[fracture.gap]
    view[fragment] = atlas.labels[came][fragment]
    displacement = np.where(fragment[..., None], source - points, 0.0).astype(np.float32)
    place = points[fragment].mean(axis=0)
    return FracturedAtlas(
        replace(atlas, labels=labels),
        box,
        displacement,
        fragment,
        gap,
        fragment & ~whole[box],
        float(np.linalg.norm(place - centre)),
        whole,
        (rotation, centre, shift),
    )


def fractured_displacement(
    fields: TwinFields, broken: FracturedAtlas, posture: Posture, between: Field
) -> tuple[Field, UInt8[np.ndarray, "x y z"]]:
    """Return the field between twins of which the pathological one is also fractured.

    Args:
        fields: Fields of the case without the fracture, head frame.
        broken: The fractured atlas that the pathological twin is scanned from.
        posture: How both twins lie.
        between: ``healthy_from_pathological`` without the fracture, scan frame.

    Returns:
        The field, and what each voxel is: `FRAGMENT`, `GAP` (it has no counterpart in the healthy
        twin) or 0.
    """
    grid, values = between.grid, between.displacement_mm.copy()
    marks = np.zeros(grid.shape, np.uint8)
    box_grid = broken.atlas.grid.box_grid(broken.box)
    placed = fields.pathological_from_template.move(_corners(box_grid))
    seen = posture.scan_from_head(placed)
    box = grid.box_around(seen.min(0) - BOX_MARGIN_MM, seen.max(0) + BOX_MARGIN_MM)
    inner = grid.box_grid(box)
    if not all(inner.shape):
        return between, marks
    points = grid_points(inner).reshape(-1, 3)
    template = fields.template_from_pathological.move(posture.head_from_scan(points))
    index = np.rint((template - box_grid.origin_mm) / box_grid.spacing_mm).astype(int)
    rows = np.nonzero(((index >= 0) & (index < box_grid.shape)).all(axis=1))[0]
    at = tuple(index[rows].T)
    is_fragment, is_gap = broken.fragment[at], broken.gap[at]
    moved = rows[is_fragment]
    origin = template[moved] + broken.displacement_mm[at][is_fragment]
    flat = values[box].reshape(-1, 3)
    flat[moved] = posture.scan_from_head(fields.healthy_from_template.move(origin)) - points[moved]
    values[box] = flat.reshape(*inner.shape, 3)
    found = np.zeros(len(points), np.uint8)
    found[moved], found[rows[is_gap]] = FRAGMENT, GAP
    marks[box] = found.reshape(inner.shape)
    return Field(grid, values), marks


def jacobian_within(
    field: Field, marks: UInt8[np.ndarray, "x y z"]
) -> Float32[np.ndarray, "x y z"]:
    """Return the determinant of p + u(p) with differences taken within fragment and surroundings
    apart: across the cut there is none.

    Args:
        field: The field of `fractured_displacement`.
        marks: Its marks.
    """
    slopes = np.zeros((*field.grid.shape, 3, 3), np.float32)
    for axis in range(3):
        rise = np.diff(field.displacement_mm, axis=axis) / np.float32(field.grid.spacing_mm[axis])
        low, high = [slice(None)] * 3, [slice(None)] * 3
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        lower, upper = tuple(low), tuple(high)
        same = marks[lower] == marks[upper]
        rise *= same[..., None]
        count = np.zeros(field.grid.shape, np.float32)
        for side in (lower, upper):
            slopes[..., axis][side] += rise
            count[side] += same
        slopes[..., axis] /= np.maximum(count, 1.0)[..., None]
    return np.linalg.det(slopes + np.eye(3, dtype=np.float32))


def _corners(grid: Grid) -> Float[np.ndarray, "corners 3"]:
    ends = [grid.axis_mm(axis)[[0, -1]] for axis in range(3)]
    return np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, 3)


def _kind(fracture: Fracture) -> FractureKind:
    if fracture.name not in FRACTURES:
        raise GeometryError(
            f"expected a fracture among {', '.join(sorted(FRACTURES))}, got {fracture.name!r}"
        )
    if fracture.gap not in NUMBER:
        raise GeometryError(
            f"expected a label that fills the gap of a fracture, got {fracture.gap!r}: see "
            "labels.json for the names"
        )
    return FRACTURES[fracture.name]


def _fragment_mask(atlas: Atlas, kind: FractureKind) -> Bool[np.ndarray, "x y z"]:
    """Voxels of the whole atlas that break off."""
    numbers = [row.number for row in LABELS if row.name.startswith(kind.labels)]
    mask = np.isin(atlas.labels, numbers)
    x, y, z = atlas.grid.mesh_mm()
    for point, normal in kind.planes:
        side = normal[0] * (x - point[0]) + normal[1] * (y - point[1]) + normal[2] * (z - point[2])
        mask &= side > 0
    if mask.sum() * atlas.grid.voxel_ml < LEAST_FRAGMENT_ML:
        raise GeometryError(
            f"expected bone for a {kind.title}, got an atlas with "
            f"{int(mask.sum())} such voxels: use a head atlas whose labels name that bone"
        )
    return np.asarray(mask)


def _reach(
    whole: np.ndarray, grid: Grid, centre: np.ndarray, rotation: np.ndarray, shift: np.ndarray
) -> Box:
    """Box of the fragment before and after its motion."""
    before = np.argwhere(whole) * grid.spacing_mm + grid.origin_mm
    after = (before - centre) @ rotation.T + centre + shift
    margin = 2.0 * np.array(grid.spacing_mm)
    low = np.minimum(before.min(0), after.min(0)) - margin
    return grid.box_around(low, np.maximum(before.max(0), after.max(0)) + margin)


def _unit(vector: Point) -> Float[np.ndarray, "3"]:
    return np.asarray(vector) / np.linalg.norm(vector)
