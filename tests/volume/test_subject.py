"""Fields of subjects: which vertices speak, and what is done about folds."""

import numpy as np

from augment.morphable import load_face_model
from augment.morphable.prior import PriorSpec, draw_subject
from augment.pathology.solve import healthy_vertices
from augment.streams import stream
from augment.volume import load_template
from augment.volume.anatomy.body import body_from_mask
from augment.volume.field.lattice import Field, grid_points, jacobian
from augment.volume.field.subject import (
    LEAST_JACOBIAN,
    field_grid,
    head_from_template,
    outer_skin,
    relaxed,
)
from augment.volume.grid import grid_over

GRID = grid_over((-40, -40, -40), (40, 40, 40), 2.0)


def test_a_wall_and_an_edge_are_outer_skin_and_a_slit_is_not():
    grid = grid_over((-20, -20, -20), (20, 20, 20), 1.0)
    points = grid_points(grid)
    block = (np.abs(points) < 15.2).all(axis=3)
    slit = (np.abs(points[..., 2]) < 0.5) & (points[..., 1] > 0)
    body = body_from_mask(block & ~slit, grid)
    vertices = np.array([(0.0, 15, 8), (15.0, 15, 8), (0.0, 9, 1), (0.0, 9, 0), (0.0, 0, 8)])
    np.testing.assert_array_equal(outer_skin(vertices, body), [True, True, False, False, False])


def test_a_fold_is_smoothed_and_the_rest_left_alone():
    points = grid_points(GRID)
    near = np.exp(-(np.linalg.norm(points - (20, 0, 0), axis=-1) ** 2) / 18.0)
    squeeze = np.zeros((*GRID.shape, 3), np.float32)
    squeeze[..., 0] = -1.4 * near * (points[..., 0] - 20)
    squeeze[..., 1] = 2.0 * np.sin(points[..., 2] / 20)
    assert jacobian(Field(GRID, squeeze)).min() < 0
    mended = relaxed(Field(GRID, squeeze))
    assert jacobian(mended).min() >= LEAST_JACOBIAN
    far = points[..., 0] < -10
    np.testing.assert_array_equal(mended.displacement_mm[far], squeeze[far])


def test_a_field_without_folds_stays_itself():
    field = Field(GRID, np.zeros((*GRID.shape, 3), np.float32))
    assert relaxed(field).displacement_mm is field.displacement_mm


def test_the_skin_of_a_newborn_is_met_though_its_neck_is_small():
    model, template = load_face_model(), load_template(2.0)
    subject = draw_subject(model, stream(5, 5, "subject"), PriorSpec(age_years=(0.0, 0.1)))
    vertices = healthy_vertices(model, subject)[template.vertex_of_model]
    skin = outer_skin(template.vertices, template.body)
    grid = field_grid(template.vertices, 2.0)
    field = head_from_template(template.vertices[skin], vertices[skin], grid, 3.0)
    seen = skin & (template.vertices[:, 2] > -110)  # head and neck
    off = np.linalg.norm(field.move(template.vertices[seen]) - vertices[seen], axis=1)
    assert np.sqrt((off**2).mean()) < 0.3
    assert jacobian(field).min() > 0
