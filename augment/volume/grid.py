"""Voxel grids: an axis-aligned lattice in the head frame, described by spacing, shape and the
centre of voxel (0, 0, 0)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

Box = tuple[slice, slice, slice]


def triple(values: Iterable[float]) -> tuple[float, float, float]:
    """Return three numbers as plain floats."""
    first, second, third = (float(value) for value in values)
    return first, second, third


@dataclass(frozen=True)
class Grid:
    """Lattice of voxels whose axes are the head frame's (right, anterior, superior).

    Concretely, voxel (i, j, k) is centred at ``origin_mm + spacing_mm * (i, j, k)``.

    Attributes:
        origin_mm: Centre of voxel (0, 0, 0) in the head frame.
        spacing_mm: Edge lengths of a voxel.
        shape: Number of voxels along each axis.
    """

    origin_mm: tuple[float, float, float]
    spacing_mm: tuple[float, float, float]
    shape: tuple[int, int, int]

    @property
    def head_from_voxel(self) -> Float[np.ndarray, "4 4"]:
        """Affine from voxel indices to head-frame millimetres (the NIfTI sform)."""
        affine = np.diag([*self.spacing_mm, 1.0])
        affine[:3, 3] = self.origin_mm
        return affine

    @property
    def geometry(self) -> tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"]]:
        """Origin and spacing as arrays, in mm, for compiled kernels."""
        return np.array(self.origin_mm), np.array(self.spacing_mm)

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in millilitres."""
        return float(np.prod(self.spacing_mm)) / 1000.0

    def axis_mm(self, axis: int) -> Float[np.ndarray, " n"]:
        """Return the voxel centres along one axis, in mm."""
        return self.origin_mm[axis] + self.spacing_mm[axis] * np.arange(self.shape[axis])

    def mesh_mm(self, box: Box | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return sparse float32 coordinates (x, y, z), ready to broadcast, of the grid or of a box
        of it."""
        box = box if box is not None else (slice(None),) * 3
        axes = [self.axis_mm(axis)[box[axis]].astype(np.float32) for axis in range(3)]
        x, y, z = np.meshgrid(*axes, indexing="ij", sparse=True)
        return x, y, z

    def box_around(self, low_mm: np.ndarray, high_mm: np.ndarray) -> Box:
        """Return the voxels between two corners, clipped to the grid (possibly empty)."""
        slices = []
        for axis in range(3):
            start = np.floor((low_mm[axis] - self.origin_mm[axis]) / self.spacing_mm[axis])
            stop = np.ceil((high_mm[axis] - self.origin_mm[axis]) / self.spacing_mm[axis]) + 1
            start, stop = np.clip([start, stop], 0, self.shape[axis]).astype(int)
            slices.append(slice(int(start), int(max(start, stop))))
        return slices[0], slices[1], slices[2]

    def box_grid(self, box: Box) -> "Grid":
        """Return the grid of one box of this grid."""
        origin = triple(
            float(self.axis_mm(a)[box[a].start])
            if box[a].stop > box[a].start
            else self.origin_mm[a]
            for a in range(3)
        )
        nx, ny, nz = (s.stop - s.start for s in box)
        return Grid(origin, self.spacing_mm, (nx, ny, nz))


def grid_over(low_mm: Any, high_mm: Any, spacing_mm: float) -> Grid:
    """Return the isotropic grid whose voxel centres cover a box given by two corners in mm."""
    low, high = np.asarray(low_mm, float), np.asarray(high_mm, float)
    nx, ny, nz = (int(n) for n in np.ceil((high - low) / spacing_mm) + 1)
    return Grid(triple(low), (spacing_mm,) * 3, (nx, ny, nz))
