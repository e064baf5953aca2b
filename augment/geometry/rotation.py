"""Rotations and rigid transforms: 3x3 and 4x4 matrices in float64, batched, angles in radians."""

import torch
from jaxtyping import Float
from torch import Tensor

from augment.errors import GeometryError

SMALL_ANGLE_RAD = 1e-4
"""Below this angle a Taylor series replaces Rodrigues' formula (its next term is under 1e-17)."""


def rotation_from_vector(vector: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Return the rotation matrix of an axis times angle vector (Rodrigues' formula).

    Args:
        vector: Axis times angle in radians; the zero vector is the identity.

    Returns:
        Rotations that turn counter-clockwise about the axis: ``R @ point``. Differentiable, also at
        zero.
    """
    square = (vector * vector).sum(-1)
    is_small = square < SMALL_ANGLE_RAD**2
    angle = torch.where(is_small, torch.ones_like(square), square).sqrt()
    sine = torch.where(is_small, 1 - square / 6, torch.sin(angle) / angle)
    versine = torch.where(is_small, 0.5 - square / 24, (1 - torch.cos(angle)) / angle**2)
    cross = cross_matrix(vector)
    identity = torch.eye(3, dtype=vector.dtype, device=vector.device)
    return identity + sine[..., None, None] * cross + versine[..., None, None] * (cross @ cross)


def vector_from_rotation(rotation: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 3"]:
    """Return the axis times angle vector of a rotation matrix, with the angle in [0, pi].

    Args:
        rotation: Orthonormal matrices of determinant 1.

    Returns:
        The inverse of `rotation_from_vector`. At exactly pi the axis is one of the two opposite
        ones.
    """
    quaternion = quaternion_from_rotation(rotation)
    real, imaginary = quaternion[..., 0], quaternion[..., 1:]
    length = imaginary.norm(dim=-1)
    angle = 2 * torch.atan2(length, real)
    is_small = length < SMALL_ANGLE_RAD
    ratio = torch.where(
        is_small, 2 / real.clamp_min(0.5), angle / length.clamp_min(SMALL_ANGLE_RAD)
    )
    return ratio[..., None] * imaginary


def quaternion_from_rotation(rotation: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 4"]:
    """Return the unit quaternion (real part first, 0 or greater) of a rotation matrix.

    The largest of the four components is found first and divides the others (Shepperd 1978), so no
    angle loses digits.
    """
    m = rotation
    diagonal = torch.diagonal(m, dim1=-2, dim2=-1)
    trace = diagonal.sum(-1)
    squares = torch.stack((1 + trace, *(1 + 2 * diagonal[..., i] - trace for i in range(3))), -1)
    xy, xz, yz = (m[..., i, j] + m[..., j, i] for i, j in ((0, 1), (0, 2), (1, 2)))
    wx, wy, wz = (m[..., i, j] - m[..., j, i] for i, j in ((2, 1), (0, 2), (1, 0)))
    rows = torch.stack(
        (
            torch.stack((squares[..., 0], wx, wy, wz), -1),
            torch.stack((wx, squares[..., 1], xy, xz), -1),
            torch.stack((wy, xy, squares[..., 2], yz), -1),
            torch.stack((wz, xz, yz, squares[..., 3]), -1),
        ),
        -2,
    )
    largest = squares.argmax(-1)[..., None, None].expand(*squares.shape[:-1], 1, 4)
    row = torch.gather(rows, -2, largest)[..., 0, :]
    row = row / row.norm(dim=-1, keepdim=True)
    return torch.where(row[..., :1] < 0, -row, row)


def cross_matrix(vector: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Return the skew matrix K with ``K @ point = cross(vector, point)``."""
    x, y, z = vector.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack((zero, -z, y, z, zero, -x, -y, x, zero), -1).reshape(*vector.shape, 3)


def rigid_transform(
    rotation: Float[Tensor, "*batch 3 3"], translation: Float[Tensor, "*batch 3"]
) -> Float[Tensor, "*batch 4 4"]:
    """Return the 4x4 matrix that rotates and then translates."""
    top = torch.cat((rotation, translation[..., None]), -1)
    bottom = torch.zeros_like(top[..., :1, :])
    bottom[..., 0, 3] = 1
    return torch.cat((top, bottom), -2)


def invert_rigid(transform: Float[Tensor, "*batch 4 4"]) -> Float[Tensor, "*batch 4 4"]:
    """Return the inverse of rigid transforms: the transposed rotation and ``-R.T @ t``."""
    transposed = transform[..., :3, :3].transpose(-1, -2)
    return rigid_transform(transposed, -(transposed @ transform[..., :3, 3:])[..., 0])


def apply_transform(
    transform: Float[Tensor, "*#batch 4 4"], points: Float[Tensor, "*#batch points 3"]
) -> Float[Tensor, "*broadcast points 3"]:
    """Return points moved by affine transforms, ``destination = destination_from_source applied to
    source``.

    Written as three products and sums, never as a matrix product, so one point's result does not
    depend on how many others travel with it, nor on the number of threads.
    """
    x, y, z = (points[..., i, None].to(transform.dtype) for i in range(3))
    column = transform[..., None, :3, :]
    return x * column[..., 0] + y * column[..., 1] + z * column[..., 2] + column[..., 3]


def align_points(
    source: Float[Tensor, "*batch points 3"],
    target: Float[Tensor, "*batch points 3"],
    weights: Float[Tensor, "*batch points"] | None = None,
    with_scale: bool = False,
) -> Float[Tensor, "*batch 4 4"]:
    """Return target_from_source, the weighted least-squares rigid (or similarity) alignment
    (Umeyama 1991).

    Args:
        source: Points to be moved, at least three that are not on a line.
        target: Their counterparts, in the same order.
        weights: 0 or greater, one a point; all equal when left out.
        with_scale: Whether the transform may scale uniformly.

    Returns:
        4x4 matrices; the rotation part has determinant +1 (times the scale).

    Raises:
        GeometryError: If the weights of a set sum to zero or fewer than three points are given.
    """
    if source.shape[-2] < 3:
        raise GeometryError(
            f"align_points expects 3 points or more, got {source.shape[-2]}; give more points"
        )
    weights = torch.ones_like(source[..., 0]) if weights is None else weights
    total = weights.sum(-1, keepdim=True)
    if bool((total <= 0).any()):
        raise GeometryError(
            "align_points expects weights with a positive sum, got 0 or less; check the weights"
        )
    share = (weights / total)[..., None]
    source_mean, target_mean = (share * source).sum(-2), (share * target).sum(-2)
    source_c, target_c = source - source_mean[..., None, :], target - target_mean[..., None, :]
    u, singular, vh = torch.linalg.svd((share * target_c).transpose(-1, -2) @ source_c)
    sign = torch.ones_like(singular)
    sign[..., 2] = torch.sign(torch.linalg.det(u @ vh))
    rotation = (u * sign[..., None, :]) @ vh
    if with_scale:
        spread = (share * source_c**2).sum((-1, -2))
        rotation = rotation * ((singular * sign).sum(-1) / spread)[..., None, None]
    return rigid_transform(rotation, target_mean - (rotation @ source_mean[..., None])[..., 0])
