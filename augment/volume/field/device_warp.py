"""The warp of `anchored_twin` in torch, for any device: one lattice and one image lookup a voxel.

Agrees with the compiled kernel within `TOLERANCE_HU` (float32 positions); labels differ only where
a voxel falls midway between two others.
"""

import numpy as np
import torch
from jaxtyping import Float, Int16, UInt8
from torch import Tensor

from augment.volume.field.lattice import Field

TOLERANCE_HU = 1
STILL_MM = 0.01
"""As in `anchored`: a voxel that moves less keeps its value."""


def warp_on_device(
    image_hu: Int16[Tensor, "x y z"],
    labels: UInt8[Tensor, "x y z"],
    head_from_voxel: Float[np.ndarray, "4 4"],
    healthy_from_pathological: Field,
) -> tuple[Int16[Tensor, "x y z"], UInt8[Tensor, "x y z"], Float[Tensor, "x y z 3"]]:
    """Move an image and its labels by a field, where the image lies.

    Args:
        image_hu: Original, HU, on any device.
        labels: Its labels, on the same device.
        head_from_voxel: Affine from voxel indices to the head frame, mm.
        healthy_from_pathological: Where each point of the result is in the original, head frame.

    Returns:
        Image, labels and displacement (head frame, mm), on that device.
    """
    device, shape = image_hu.device, torch.tensor(image_hu.shape)
    field, grid = healthy_from_pathological.displacement_mm, healthy_from_pathological.grid
    lattice_from_head = np.linalg.inv(grid.head_from_voxel)
    last = torch.tensor(grid.shape) - 1
    place = _affine_grid(lattice_from_head @ head_from_voxel, image_hu.shape, device)
    inside = ((place >= 0) & (place < last.to(device))).all(-1)
    vectors = torch.as_tensor(field, device=device).movedim(3, 0)[None]
    displacement = _sampled(vectors, place)[0].movedim(0, 3)
    displacement[~inside | (displacement.square().sum(-1) < STILL_MM**2)] = 0.0
    still = (displacement == 0).all(-1)
    axes = np.linalg.inv(head_from_voxel)[:3, :3].astype(np.float32)
    source = _affine_grid(np.eye(4), image_hu.shape, device)
    source += displacement @ torch.as_tensor(axes.T.copy(), device=device)
    source = torch.minimum(source.clamp_min(0.0), (shape - 1).to(device, source.dtype))
    moved = _sampled(image_hu[None, None].float(), source)[0, 0]
    image = torch.where(still, image_hu, torch.floor(moved + 0.5).to(torch.int16))
    i, j, k = torch.floor(source + 0.5).long().unbind(-1)
    return image, torch.where(still, labels, labels[i, j, k]), displacement


def _affine_grid(matrix: np.ndarray, shape: torch.Size, device: torch.device) -> Tensor:
    """Positions (x, y, z, 3) of all voxels after an affine, float32, formed in float64."""
    total = torch.as_tensor(matrix[:3, 3], dtype=torch.float32, device=device)
    for axis, size in enumerate(shape):
        line = np.arange(size)[:, None] * matrix[:3, axis]
        view = [1, 1, 1, 3]
        view[axis] = size
        total = total + torch.as_tensor(line.astype(np.float32), device=device).view(view)
    return total


def _sampled(values: Tensor, place: Tensor) -> Tensor:
    """Interpolate (1, c, x, y, z) linearly at voxel positions (a, b, d, 3)."""
    size = torch.tensor(values.shape[2:], dtype=torch.float32, device=values.device)
    unit = place * (2.0 / (size - 1)) - 1.0
    return torch.nn.functional.grid_sample(
        values, unit.flip(-1)[None], mode="bilinear", padding_mode="border", align_corners=True
    )
