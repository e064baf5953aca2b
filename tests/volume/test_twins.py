"""The field between twins against what both twins pull."""

import numpy as np

from augment.pathology.deformation import Deformation, bump
from augment.volume.anatomy.body import Body
from augment.volume.field.lattice import Field, grid_points, jacobian
from augment.volume.field.refinement import exact_inverse, exact_inverse_of_changed
from augment.volume.field.twins import TwinFields, pathology_field
from augment.volume.grid import grid_over

LATTICE = grid_over((-60, -60, -60), (60, 60, 60), 4.0)
EXACT_MM = 0.003
CENTRE = np.array((5.0, 0.0, -5.0))


def push(points):
    share = bump(np.linalg.norm(points - CENTRE, axis=-1) / 25.0)
    return share[..., None] * np.array((0.0, 1.0, 0.5))


def twins(node_mm):
    points = grid_points(LATTICE)
    waves = 3.0 * np.stack([np.sin(points[..., (a + 1) % 3] / 15) for a in range(3)], -1)
    healthy = Field(LATTICE, waves.astype(np.float32))
    moved = waves + 6.0 * push(points)
    pathological = Field(LATTICE, moved.astype(np.float32))
    nodes = grid_over((-40, -40, -40), (40, 40, 40), node_mm)
    back = exact_inverse(healthy, nodes)
    return TwinFields(healthy, back, pathological, exact_inverse_of_changed(pathological, back))


def test_it_leads_to_the_same_content_even_between_coarse_nodes():
    for node_mm in (1.0, 2.5):
        fields = twins(node_mm)
        grid = grid_over((-30.2, -30.3, -30.4), (30, 30, 30), 1.7)
        between = fields.healthy_from_pathological(grid)
        points = grid_points(grid).reshape(-1, 3)
        partner = points + between.displacement_mm.reshape(-1, 3)
        content = fields.template_from_pathological.move(points)
        error = np.abs(fields.template_from_healthy.move(partner) - content).max(axis=1)
        assert error.max() < EXACT_MM


def test_it_is_exactly_zero_where_the_twins_agree_and_moves_elsewhere():
    fields = twins(2.0)
    between = fields.healthy_from_pathological(grid_over((-38, -38, -38), (38, 38, 38), 1.5))
    moves = np.linalg.norm(between.displacement_mm, axis=3)
    assert 0.3 < (moves == 0).mean() < 0.99
    assert 5.0 < moves.max() < 8.0
    np.testing.assert_array_equal(jacobian(between)[:4, :4, :4], 1.0)


def test_a_pathology_on_its_box_equals_the_same_on_every_node():
    inside = grid_points(LATTICE)
    body = _deep_body()
    deformation = Deformation("push", None, push, 0.7, 1.0)
    field = pathology_field([(deformation, 4.0)], body, LATTICE)
    expected = 4.0 * 0.7 * push(inside)
    np.testing.assert_allclose(field.displacement_mm, expected, atol=1e-4)


def test_what_only_the_skin_does_is_not_cut_off():
    def elsewhere(points):
        return push(np.add(points, (40.0, 0.0, 0.0)))

    body = _deep_body()
    shallow = Body(body.grid, body.inside, np.zeros_like(body.depth_mm), body.deep_mm)
    deformation = Deformation("push", None, push, 0.7, 1.0, skin_field=elsewhere)
    field = pathology_field([(deformation, 2.0)], shallow, LATTICE)
    points = grid_points(LATTICE)
    expected = 2.0 * (push(points) + elsewhere(points))
    assert np.abs(elsewhere(points)).max() > 0.5
    np.testing.assert_allclose(field.displacement_mm, expected, atol=1e-4)


def _deep_body():
    grid = grid_over((-60, -60, -60), (60, 60, 60), 4.0)
    depth = np.full(grid.shape, 20.0, np.float32)
    return Body(grid, np.ones(grid.shape, bool), depth, depth)
