"""The label volume while it is painted: a grid, its labels, and where the anatomy sits in the
template."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float32, UInt8
from numba import njit

from augment.volume.anatomy.primitives import Shape, moved, signed_distance, thickened
from augment.volume.anatomy.seating import Seat
from augment.volume.grid import Box, Grid
from augment.volume.labels import NUMBER

SOFT = ("fat", "muscle", "skin")
"""What bone and air may replace: soft tissue without a name of its own."""


@dataclass(frozen=True)
class Canvas:
    """Labels under construction; painting changes ``labels`` in place.

    Attributes:
        grid: Grid in the template frame.
        seat: Placement of the anatomy in the template.
        labels: Label of each voxel.
    """

    grid: Grid
    seat: Seat
    labels: UInt8[np.ndarray, "x y z"]

    def coordinates(self, box: Box | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return sparse anatomy coordinates in mm of the grid, or of a box of it."""
        axes = self.grid.mesh_mm(box)
        x, y, z = (
            (axes[a] - np.float32(self.seat.offset_mm[a])) / np.float32(self.seat.scale[a])
            for a in range(3)
        )
        return x, y, z

    def box(self, low_mm: Iterable[float | int], high_mm: Iterable[float | int]) -> Box:
        """Return the box of the grid between two corners given in anatomy coordinates."""
        corners = self.seat.template_from_anatomy(np.array([list(low_mm), list(high_mm)], float))
        return self.grid.box_around(corners[0], corners[1])

    def distance(
        self, shapes: Shape | tuple[Shape, ...], blend_mm: float = 0.0, margin_mm: float = 3.0
    ) -> tuple[Box, Float32[np.ndarray, "x y z"]]:
        """Return the box around shapes given in anatomy coordinates and the signed distance to
        them."""
        shapes = (shapes,) if isinstance(shapes, Shape) else shapes
        seated = tuple(
            thickened(moved(shape, self.seat.template_from_anatomy), self.seat.size)
            for shape in shapes
        )
        return signed_distance(seated, self.grid, blend_mm, margin_mm)

    def paint(
        self,
        shapes: Shape | tuple[Shape, ...],
        label: str,
        onto: tuple[str, ...] | None = SOFT,
        blend_mm: float = 0.0,
    ) -> None:
        """Give a label to the inside of shapes, where the present label is one of ``onto`` (None:
        all but air)."""
        box, distance = self.distance(
            shapes, blend_mm, margin_mm=0.5 * max(self.grid.spacing_mm) + blend_mm
        )
        self._paint_below(box, distance, 0.0, label, onto)

    def paint_bone(
        self,
        shapes: Shape | tuple[Shape, ...],
        cortical: str,
        trabecular: str,
        cortex_mm: float,
        onto: tuple[str, ...] | None = SOFT,
        blend_mm: float = 0.0,
    ) -> None:
        """Paint a bone with a cortex of even thickness around its marrow."""
        box, distance = self.distance(shapes, blend_mm)
        self._paint_below(box, distance, 0.0, cortical, onto)
        self._paint_below(box, distance, -cortex_mm, trabecular, (cortical,))

    def paint_mask(
        self,
        box: Box,
        mask: Bool[np.ndarray, "x y z"],
        label: str,
        onto: tuple[str, ...] | None = SOFT,
    ) -> None:
        """Give a label to the voxels of a mask on a box of the grid."""
        _paint(self.labels[box], mask, _allowed(onto), NUMBER[label])

    def _paint_below(
        self, box: Box, distance: np.ndarray, limit: float, label: str, onto: tuple[str, ...] | None
    ) -> None:
        """Give a label to the voxels of a box whose distance is below a limit."""
        args = (_allowed(onto), NUMBER[label])
        _paint_less(self.labels[box], distance, np.float32(limit), *args)

    def holds(self, box: Box, names: tuple[str, ...] | None) -> Bool[np.ndarray, "x y z"]:
        """Tell where a box holds one of the named labels (None: anything but air)."""
        return _allowed(names)[self.labels[box]]


def _allowed(names: tuple[str, ...] | None) -> Bool[np.ndarray, " labels"]:
    """Tell for each label number whether it is one of the named (None: anything but air)."""
    allowed = np.full(256, names is None)
    allowed[[NUMBER[name] for name in names or ()]] = True
    if names is None:
        allowed[NUMBER["air"]] = False
    return allowed


@njit(cache=True, nogil=True)
@no_type_check
def _paint(labels, mask, allowed, number):
    for i in range(labels.shape[0]):
        for j in range(labels.shape[1]):
            for k in range(labels.shape[2]):
                if mask[i, j, k] and allowed[labels[i, j, k]]:
                    labels[i, j, k] = number


@njit(cache=True, nogil=True)
@no_type_check
def _paint_less(labels, distance, limit, allowed, number):
    for i in range(labels.shape[0]):
        for j in range(labels.shape[1]):
            for k in range(labels.shape[2]):
                if distance[i, j, k] < limit and allowed[labels[i, j, k]]:
                    labels[i, j, k] = number
