"""Fields against closed forms, round trips and scipy."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from augment.errors import GeometryError
from augment.volume.field.extension import extended
from augment.volume.field.inversion import inverse, inverse_of_changed, inverse_points
from augment.volume.field.lattice import Field, composed, grid_points, identity_field, jacobian
from augment.volume.field.refinement import exact_inverse
from augment.volume.grid import grid_over

GRID = grid_over((-40, -40, -40), (40, 40, 40), 4.0)
ROUND_TRIP_MM = 0.05
BETWEEN_NODES_MM = 0.05


def wave(amplitude_mm):
    points = grid_points(GRID)
    vectors = amplitude_mm * np.stack([np.sin(points[..., (a + 1) % 3] / 15) for a in range(3)], -1)
    return Field(GRID, vectors.astype(np.float32))


def inner_points(n=500):
    return np.random.default_rng(1).uniform(-25, 25, (n, 3))


def test_interpolation_equals_scipy():
    field, points = wave(3.0), inner_points()
    index = ((points - GRID.origin_mm) / GRID.spacing_mm).T
    expected = np.stack(
        [map_coordinates(field.displacement_mm[..., c], index, order=1) for c in range(3)], -1
    )
    np.testing.assert_allclose(field.at(points), expected, atol=1e-4)


def test_the_inverse_leads_back():
    field, points = wave(5.0), inner_points()
    back = inverse(field, grid_over((-40, -40, -40), (40, 40, 40), 1.0))
    assert np.linalg.norm(back.move(field.move(points)) - points, axis=1).max() < ROUND_TRIP_MM


@pytest.mark.parametrize("node_mm", [2.5, 3.3])
def test_a_marked_inverse_holds_between_its_nodes(node_mm):
    field = wave(9.0)
    back = exact_inverse(field, grid_over((-40, -40, -40), (40, 40, 40), node_mm))
    points = np.random.default_rng(4).uniform(-25, 25, (20_000, 3))
    exact = np.abs(field.move(back.move(points)) - points).max(axis=1)
    plain = np.abs(field.move(back.nodes.move(points)) - points).max(axis=1)
    assert 0.05 < back.is_rough.mean() < 1.0
    assert exact.max() < BETWEEN_NODES_MM < plain.max()


def test_points_are_inverted_one_by_one():
    field, points = wave(5.0), inner_points()
    assert np.abs(field.move(inverse_points(field, points)) - points).max() < 0.002


def test_a_folding_field_is_refused():
    with pytest.raises(GeometryError, match="expected a field that can be inverted"):
        inverse(wave(60.0), GRID)


def test_composition_is_one_move_after_the_other():
    first, second, points = wave(2.0), wave(-3.0), inner_points()
    fine = grid_over((-40, -40, -40), (40, 40, 40), 1.0)
    both = composed(first, second, fine)
    assert np.abs(both.move(points) - second.move(first.move(points))).max() < ROUND_TRIP_MM


def test_the_jacobian_of_a_scaling_is_its_cube():
    points = grid_points(GRID)
    determinant = jacobian(Field(GRID, (0.1 * points).astype(np.float32)))
    np.testing.assert_allclose(determinant, 1.1**3, rtol=1e-4)
    np.testing.assert_array_equal(jacobian(identity_field(GRID)), 1.0)


def test_an_affine_motion_is_extended_exactly():
    rng = np.random.default_rng(2)
    points = rng.uniform(-30, 30, (200, 3))
    matrix = 0.1 * rng.normal(size=(3, 3))
    field = extended(points, points @ matrix + (1, 2, 3), GRID)
    everywhere = grid_points(GRID)
    np.testing.assert_allclose(field.displacement_mm, everywhere @ matrix + (1, 2, 3), atol=1e-3)


def test_a_smooth_motion_is_met_at_the_points():
    rng = np.random.default_rng(3)
    points = rng.uniform(-30, 30, (4000, 3))
    motion = np.stack([4 * np.sin(points[:, (a + 1) % 3] / 20) for a in range(3)], -1)
    field = extended(points, motion, GRID)
    error = np.linalg.norm(field.at(points) - motion, axis=1)
    assert np.sqrt((error**2).mean()) < 0.15


def test_numbers_that_are_not_finite_are_refused():
    with pytest.raises(GeometryError, match="expected finite points"):
        extended(np.full((5, 3), np.nan), np.zeros((5, 3)), GRID)


def test_the_inverse_of_a_locally_changed_field_keeps_the_rest():
    before, points = wave(3.0), grid_points(GRID)
    weight = np.clip(1 - (np.linalg.norm(points, axis=-1) / 18) ** 2, 0, None) ** 3
    after = Field(GRID, before.displacement_mm + (weight[..., None] * (4, -2, 3)).astype("f4"))
    fine = grid_over((-40, -40, -40), (40, 40, 40), 1.0)
    known = inverse(before, fine)
    back = inverse_of_changed(after, before, known)
    same = (back.displacement_mm == known.displacement_mm).all(axis=3)
    assert 0.7 < same.mean() < 0.99
    centres = grid_points(fine)[5:-5, 5:-5, 5:-5].reshape(-1, 3)
    assert np.abs(after.move(back.move(centres)) - centres).max() < 0.005


def test_the_jacobian_equals_numpy_gradients():
    field = wave(6.0)
    slopes = [np.gradient(field.displacement_mm.astype(float), 4.0, axis=a) for a in range(3)]
    matrix = np.stack(slopes, -1) + np.eye(3)
    np.testing.assert_allclose(jacobian(field), np.linalg.det(matrix), atol=1e-5)
