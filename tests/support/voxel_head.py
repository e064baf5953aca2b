"""A head of the face model as a CT volume: known vertices in, voxels with partial volume out."""

import numpy as np

from augment.morphable.template import PARTS
from augment.reconstruct.nifti import Volume
from augment.volume.anatomy.body import inside_columns
from augment.volume.grid import grid_over

FINE_MM = 1.5
AIR_HU, TISSUE_HU = -1000.0, 40.0


def head_volume(model, world, low=(-115, -135, -140), high=(115, 135, 145), factor=2):
    """Fill the model's skin and globes, and average blocks of fine voxels.

    The mouth's cavity stays air, as in a patient; the trunk leaves through the bottom.
    """
    grid = grid_over(np.array(low, float), np.array(high, float), FINE_MM)
    part, faces = model.part_of_triangle.numpy(), model.faces.numpy()
    inside = np.zeros(grid.shape, dtype=bool)
    for name in ("skin", "eye_left", "eye_right"):
        inside |= inside_columns(world, faces[part == PARTS.index(name)], grid)
    shape = np.array(grid.shape) // factor
    crop = inside[tuple(slice(0, n) for n in shape * factor)].astype(np.float32)
    blocks = crop.reshape(shape[0], factor, shape[1], factor, shape[2], factor).mean((1, 3, 5))
    affine = np.diag([*(np.array(grid.spacing_mm) * factor), 1.0])
    affine[:3, 3] = np.array(grid.origin_mm) + FINE_MM * (factor - 1) / 2
    values = (AIR_HU + blocks * (TISSUE_HU - AIR_HU)).astype(np.float32)
    return Volume(values, affine)


def ball_volume(radius_mm, spacing_mm=4.0, half_mm=120.0, radii=(1.0, 1.0, 1.0)):
    """An ellipsoid of tissue in air, with partial volume at its border."""
    axis = np.arange(-half_mm, half_mm + 0.1, spacing_mm)
    x, y, z = np.meshgrid(axis / radii[0], axis / radii[1], axis / radii[2], indexing="ij")
    depth = radius_mm - np.sqrt(x**2 + y**2 + z**2)
    share = np.clip(depth / spacing_mm + 0.5, 0.0, 1.0)
    affine = np.diag([spacing_mm] * 3 + [1.0])
    affine[:3, 3] = -half_mm
    return Volume((AIR_HU + share * (TISSUE_HU - AIR_HU)).astype(np.float32), affine)
