from dataclasses import replace

import numpy as np
import pytest
import torch

from augment.reconstruct.align import Pose
from augment.reconstruct.fit import (
    FitOptions,
    Target,
    _jacobian,
    _leaves_limits,
    fit_surface,
    identity_of_size,
)
from augment.reconstruct.pairing import Pairs, pairs_to_model, pairs_to_skin
from augment.reconstruct.parameters import (
    JAW_CLOSED_RAD,
    JOINT_COLUMNS,
    Parameters,
    head_vertices,
    lay_out,
)
from augment.reconstruct.rigid import placed, transform_points
from augment.reconstruct.surface import surface_from_mesh, vertex_normals

# Vertices are float32, good to 1e-5 mm, and a difference divides by the step.
ROUNDING = 5e-3
OPTIONS = FitOptions(source="scan", noise_mm=0.5, smoothing_mm=2.0, trunk_is_upright=False)


def everywhere(points):
    return np.ones(len(points), dtype=bool)


def neutral(model, transform=None, **changes):
    at = np.eye(4) if transform is None else transform
    start = Parameters(at, np.zeros(99), np.zeros(79), np.zeros(21))
    return replace(start, **changes)


def test_the_jacobian_equals_differences(model):
    """At a closed jaw the Jacobian is exact; it is compared with moving the head a little."""
    rng = np.random.default_rng(0)
    identity = rng.normal(size=99)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    parameters = neutral(model, placed(turn, np.zeros(3), np.array([9.0, 8, 7])), identity=identity)
    unknowns = lay_out(model, parameters.pose)
    head = head_vertices(model, parameters)
    vertex = rng.integers(0, model.n_vertices, 200)
    normal = rng.normal(size=(200, 3))
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    pairs = Pairs(vertex, normal, np.zeros(200), np.ones(200))
    bases = torch.cat([model.identity_basis, model.expression_basis[unknowns.expressions]])
    basis = bases.numpy().transpose(1, 0, 2)
    jacobian = _jacobian(model, parameters, basis, head, pairs)
    world = transform_points(parameters.world_from_head, head)
    for slot in [
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        50,
        104,
        106,
        123,
        unknowns.joints.start,
        jacobian.shape[1] - 3,
    ]:
        size = 1e-2 if 6 <= slot < unknowns.joints.start else 1e-4
        step = np.zeros(jacobian.shape[1])
        step[slot] = size
        after = unknowns.moved(parameters, step)
        moved = transform_points(after.world_from_head, head_vertices(model, after))
        difference = ((moved - world)[vertex] * normal).sum(1) / size
        assert jacobian[:, slot] == pytest.approx(
            difference, abs=ROUNDING if size == 1e-2 else 0.3
        ), slot


def test_limits_hold(model):
    unknowns = lay_out(model, np.zeros(21))
    parameters = neutral(model)
    step = np.full(len(unknowns.low), -5.0)
    moved = unknowns.moved(parameters, step)
    assert (moved.expression == 0).all()
    assert moved.pose[JOINT_COLUMNS[0]] == JAW_CLOSED_RAD
    value = unknowns.vector(moved)
    stuck = _leaves_limits(unknowns, value, step)
    assert stuck[unknowns.expression].all()
    assert not stuck[unknowns.identity].any()
    assert not _leaves_limits(unknowns, value, -step).any()


def test_size_becomes_identity(model, zones, mean_head):
    assert identity_of_size(model, zones, 1.0) == pytest.approx(np.zeros(99))
    larger = head_vertices(model, neutral(model, identity=identity_of_size(model, zones, 1.06)))
    face = zones.is_face
    grown = np.linalg.norm(larger[face], axis=1) / np.linalg.norm(mean_head[face], axis=1)
    assert np.median(grown) == pytest.approx(1.06, abs=0.01)


def test_pairs_of_a_surface_with_itself_have_no_residual(model, zones, mean_head):
    faces = model.faces.numpy()
    surface = surface_from_mesh(mean_head, faces)
    normals = vertex_normals(mean_head, faces)
    pairs = pairs_to_skin(zones, surface, mean_head, normals, everywhere, 1.0)
    assert pairs.spread_mm < 1e-9
    assert len(pairs.vertex) > 0.95 * (zones.weight > 0).sum()
    back = pairs_to_model(zones, surface, mean_head, normals, 1.0)
    both = pairs.and_also(back)
    assert len(both.vertex) == len(pairs.vertex) + len(back.vertex)
    hidden = pairs_to_skin(zones, surface, mean_head, normals, lambda p: p[:, 0] > 0, 1.0)
    assert (mean_head[hidden.vertex, 0] > 0).all()


def test_a_known_head_is_recovered_from_its_own_surface(model, zones):
    rng = np.random.default_rng(4)
    identity = rng.normal(size=99) * (np.arange(99) < 30)
    truth = neutral(model, identity=identity)
    truth.pose[JOINT_COLUMNS[0]] = 0.15
    world = head_vertices(model, truth)
    surface = surface_from_mesh(world, model.faces.numpy())
    solution = fit_surface(
        model, zones, Target(surface, everywhere), Pose(np.eye(4)), OPTIONS, n_steps=30
    )
    found = transform_points(
        solution.parameters.world_from_head, head_vertices(model, solution.parameters)
    )
    distance = np.linalg.norm(found - world, axis=1)[zones.is_face]
    # Vertices may slide along the skin where it has no relief; the surface itself is met.
    assert np.median(distance) < 1.0
    assert solution.parameters.pose[JOINT_COLUMNS[0]] == pytest.approx(0.15, abs=0.05)
    assert solution.sigma_mm == OPTIONS.noise_mm
    assert (solution.identity_sd > 0).all()
    assert (solution.identity_sd <= 1 + 1e-9).all()
    assert solution.identity_sd[0] < solution.identity_sd[-1]
