"""The atlas: a label volume of the template head, composed of the anatomical parts."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from augment.volume.anatomy.airway import paint_airway
from augment.volume.anatomy.body import (
    Body,
    body_from_mask,
    close_hollows,
    cover_with_skin,
    inside_columns,
    paint_soft_tissue,
)
from augment.volume.anatomy.canvas import Canvas
from augment.volume.anatomy.cranium import paint_cranium
from augment.volume.anatomy.dentition import paint_bite_block, paint_teeth, teeth
from augment.volume.anatomy.mandible import paint_mandible
from augment.volume.anatomy.midface import paint_midface
from augment.volume.anatomy.primitives import both_sides, chain, ellipsoid, join
from augment.volume.anatomy.seating import UNSEATED, Point, Seat
from augment.volume.anatomy.sella import MEAN_SELLA_MM, paint_sella
from augment.volume.anatomy.spec import AtlasSpec, ToothState
from augment.volume.anatomy.spine import paint_spine
from augment.volume.anatomy.trunk import paint_muscles_and_glands, paint_trunk
from augment.volume.grid import Grid, grid_over

OPEN_AIR = ("airway_nasal", "airway_oral", "ear_air", "air", "bite_block")


@dataclass(frozen=True)
class Atlas:
    """Label volume in template space.

    Attributes:
        labels: Label of each voxel, numbered as in `augment.volume.labels`.
        grid: Where the voxels are, template frame.
        metal_mm: Centres of metal restorations, template frame.
        spec: The anatomy it was built from; None for a user's own labelled CT.
    """

    labels: UInt8[np.ndarray, "x y z"]
    grid: Grid
    metal_mm: Float[np.ndarray, "restorations 3"]
    spec: AtlasSpec | None


def fill_template(
    vertices: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "triangles 3"],
    spacing_mm: float = 1.0,
    seat: Seat = UNSEATED,
) -> Body:
    """Fill the outer skin of a template head.

    Args:
        vertices: Template mesh, head frame, mm.
        faces: Triangles of its outer skin, without globes, tongue and teeth.
        spacing_mm: Edge length of a voxel.
        seat: Placement of the average anatomy in the template.

    Returns:
        The inside of the head and depths below its skin, shared by all atlases of this template.

    Raises:
        GeometryError: If the mesh does not enclose anything.
    """
    used = vertices[np.unique(faces)]
    grid = grid_over(used.min(0) - (4.0, 4.0, 0.0), used.max(0) + 4.0, spacing_mm)
    inside = inside_columns(vertices, faces, grid)
    canvas = Canvas(grid, seat, np.zeros(grid.shape, np.uint8))
    return body_from_mask(
        close_hollows(inside | _inner_mouth(canvas, inside) | _sockets(canvas)), grid
    )


def build_atlas(
    body: Body,
    spec: AtlasSpec,
    seat: Seat = UNSEATED,
    sella_mm: Point | None = MEAN_SELLA_MM,
) -> Atlas:
    """Build the label volume of a template head.

    Args:
        body: The filled template.
        spec: Individual anatomy beneath the skin.
        seat: Placement of the average anatomy in the template.
        sella_mm: Centre of the sella turcica, template frame; None leaves it to `with_sella`.

    Returns:
        The atlas on the body's grid; the same arguments give the same bytes.
    """
    canvas = Canvas(body.grid, seat, np.zeros(body.grid.shape, np.uint8))
    paint_soft_tissue(canvas, body, spec)
    paint_trunk(canvas, spec)
    paint_spine(canvas, spec)
    paint_muscles_and_glands(canvas, spec)
    paint_cranium(canvas, body, spec)
    paint_midface(canvas, spec)
    paint_airway(canvas, spec)
    paint_mandible(canvas, spec.mandible)
    paint_teeth(canvas, spec)
    if spec.bite_block:
        paint_bite_block(canvas, spec)
    # Bone and teeth do not show through the skin; airway openings stay open.
    cover_with_skin(canvas, body, OPEN_AIR)
    if sella_mm is not None:
        paint_sella(replace(canvas, seat=UNSEATED), np.array(sella_mm))
    metal_mm = seat.template_from_anatomy(_metal_mm(spec))
    return Atlas(canvas.labels, body.grid, metal_mm, spec)


def with_sella(atlas: Atlas, centre_mm: Float[np.ndarray, "3"]) -> Atlas:
    """Return an atlas with a sella turcica painted into its skull base.

    Args:
        atlas: An atlas that was built without one.
        centre_mm: Its centre S, template frame.
    """
    labels = atlas.labels.copy()
    paint_sella(Canvas(atlas.grid, UNSEATED, labels), centre_mm)
    return replace(atlas, labels=labels)


def _metal_mm(spec: AtlasSpec) -> Float[np.ndarray, "restorations 3"]:
    restored = (ToothState.FILLED, ToothState.CROWNED)
    return np.array(
        [tooth.centre_mm for arch in teeth(spec) for tooth in arch if tooth.state in restored]
    ).reshape(-1, 3)


def _inner_mouth(canvas: Canvas, inside: Bool[np.ndarray, "x y z"]) -> Bool[np.ndarray, "x y z"]:
    """Where the mesh is hollow behind the lips: tissue lies in front, behind and on both sides."""
    box = canvas.box((-62, -40, -80), (62, 125, -20))
    head = inside[box]
    enclosed = np.maximum.accumulate(head[:, ::-1], axis=1)[:, ::-1] & np.maximum.accumulate(
        head, axis=1
    )
    enclosed &= np.maximum.accumulate(head[::-1], axis=0)[::-1] & np.maximum.accumulate(
        head, axis=0
    )
    mouth = np.zeros_like(inside)
    mouth[box] = enclosed
    x, y, z = canvas.coordinates()
    return mouth | (((x / 44) ** 2 + ((y - 10) / 70) ** 2 < 1) & (z > -78) & (z < -12))


def _sockets(canvas: Canvas) -> Bool[np.ndarray, "x y z"]:
    """Where the mesh is hollow about the globes."""
    hollow = np.zeros(canvas.grid.shape, bool)
    box, distance = canvas.distance(
        both_sides(
            join(
                chain([(31.4, 69.5, 23), (28, 45, 23)], (15.5, 15.0)),
                ellipsoid((31.4, 71, 23), 15.0),
            )
        )
    )
    hollow[box] = distance < 0
    return hollow
