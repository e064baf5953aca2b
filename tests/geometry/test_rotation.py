"""Rotations: closed forms, round trips, and alignment of points that were moved on purpose."""

import math

import pytest
import torch

from augment.errors import GeometryError
from augment.geometry.rotation import (
    align_points,
    apply_transform,
    cross_matrix,
    invert_rigid,
    quaternion_from_rotation,
    rigid_transform,
    rotation_from_vector,
    vector_from_rotation,
)


def random(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def test_quarter_turn_about_z_takes_x_to_y():
    rotation = rotation_from_vector(torch.tensor([0, 0, math.pi / 2], dtype=torch.float64))
    expected = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]], dtype=torch.float64)
    torch.testing.assert_close(rotation, expected, atol=1e-15, rtol=0)


def test_rotation_equals_the_matrix_exponential():
    vectors = random(50, 3) * 2
    exponential = torch.linalg.matrix_exp(cross_matrix(vectors))
    torch.testing.assert_close(rotation_from_vector(vectors), exponential, atol=1e-13, rtol=0)


@pytest.mark.parametrize("angle", [0.0, 1e-12, 1e-7, 9.9e-5, 1.1e-4, 0.3, 1.6, 2.5, 3.1, 3.141592])
def test_vector_survives_the_round_trip(angle):
    axis = torch.nn.functional.normalize(random(20, 3), dim=-1)
    rotation = rotation_from_vector(axis * angle)
    torch.testing.assert_close(vector_from_rotation(rotation), axis * angle, atol=1e-9, rtol=0)


def test_half_turns_are_recovered_up_to_the_sign_of_the_axis():
    axes = torch.cat((torch.eye(3, dtype=torch.float64), random(10, 3)))
    axes = torch.nn.functional.normalize(axes, dim=-1)
    rotation = rotation_from_vector(math.pi * axes)
    again = rotation_from_vector(vector_from_rotation(rotation))
    torch.testing.assert_close(again, rotation, atol=1e-12, rtol=0)


def test_quaternion_has_unit_length_and_positive_real_part():
    quaternion = quaternion_from_rotation(rotation_from_vector(random(200, 3) * 3))
    torch.testing.assert_close(quaternion.norm(dim=-1), torch.ones(200, dtype=torch.float64))
    assert (quaternion[:, 0] >= 0).all()


def test_rotation_is_differentiable_at_zero():
    vector = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    rotation_from_vector(vector)[1, 0].backward()
    assert vector.grad.tolist() == [0.0, 0.0, 1.0]
    sample = random(4, 3).requires_grad_()
    assert torch.autograd.gradcheck(rotation_from_vector, (sample,))


def test_inverse_of_a_rigid_transform():
    transform = rigid_transform(rotation_from_vector(random(7, 3)), random(7, 3, seed=1) * 100)
    torch.testing.assert_close(
        invert_rigid(transform), torch.linalg.inv(transform), atol=1e-12, rtol=0
    )


def test_applying_equals_the_matrix_product_and_one_point_equals_many():
    transform = rigid_transform(rotation_from_vector(random(2, 3)), random(2, 3, seed=1) * 100)
    points = random(2, 500, 3, seed=2)
    product = points @ transform[:, :3, :3].mT + transform[:, None, :3, 3]
    moved = apply_transform(transform, points)
    torch.testing.assert_close(moved, product, atol=1e-12, rtol=0)
    assert torch.equal(apply_transform(transform, points[:, 7:8]), moved[:, 7:8])


@pytest.mark.parametrize("scale", [1.0, 0.37])
def test_alignment_recovers_the_motion(scale):
    source = random(3, 40, 3)
    motion = rigid_transform(
        scale * rotation_from_vector(random(3, 3, seed=1)), random(3, 3, seed=2)
    )
    found = align_points(source, apply_transform(motion, source), with_scale=scale != 1)
    torch.testing.assert_close(found, motion, atol=1e-12, rtol=0)


def test_alignment_never_mirrors_and_ignores_points_of_weight_zero():
    source = random(30, 3)
    mirrored = source * torch.tensor([-1.0, 1, 1], dtype=torch.float64)
    assert torch.linalg.det(align_points(source, mirrored)[:3, :3]) > 0
    motion = rigid_transform(rotation_from_vector(random(3, seed=1)), random(3, seed=2))
    target = apply_transform(motion, source)
    target[:5] += 1000
    weights = torch.ones(30, dtype=torch.float64)
    weights[:5] = 0
    torch.testing.assert_close(align_points(source, target, weights), motion, atol=1e-12, rtol=0)


def test_alignment_is_the_least_squares_optimum():
    source, target = random(30, 3), random(30, 3, seed=1)
    weights = random(30, seed=2).abs()
    found = align_points(source, target, weights)

    def cost(transform):
        return (weights * (apply_transform(transform, source) - target).square().sum(-1)).sum()

    for seed in range(20):
        nudge = rigid_transform(
            rotation_from_vector(1e-3 * random(3, seed=seed)), 1e-3 * random(3, seed=seed + 50)
        )
        assert cost(nudge @ found) > cost(found)


def test_unusable_points_are_refused():
    with pytest.raises(GeometryError, match="3 points or more, got 2"):
        align_points(random(2, 3), random(2, 3))
    with pytest.raises(GeometryError, match="positive sum, got 0 or less"):
        align_points(random(5, 3), random(5, 3), torch.zeros(5, dtype=torch.float64))
