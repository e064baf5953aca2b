"""Filling of meshes by column parity."""

import numpy as np
import pytest
from trimesh.creation import box, icosphere

from augment.errors import GeometryError
from augment.volume.anatomy.body import body_from_mask, close_hollows, inside_columns
from augment.volume.grid import grid_over


def test_a_box_on_voxel_centres_is_filled_without_holes_or_doubles():
    cube = box(extents=(10, 10, 10))
    grid = grid_over((-8, -8, -8), (8, 8, 8), 1.0)
    inside = inside_columns(np.asarray(cube.vertices), np.asarray(cube.faces), grid)
    assert inside.sum() == 10**3


def test_a_sphere_is_filled_where_it_is():
    ball = icosphere(subdivisions=5, radius=12.0)
    grid = grid_over((-15, -15, -15), (15, 15, 15), 1.0)
    inside = inside_columns(np.asarray(ball.vertices), np.asarray(ball.faces), grid)
    points = np.stack(np.meshgrid(*(grid.axis_mm(a) for a in range(3)), indexing="ij"), -1)
    radius = np.linalg.norm(points, axis=-1)
    assert inside[radius < 11.9].all()
    assert not inside[radius > 12.0].any()


def test_the_open_lower_end_continues_downwards():
    ball = icosphere(subdivisions=3, radius=8.0)
    centres = ball.triangles_center[:, 2]
    grid = grid_over((-10, -10, -10), (10, 10, 10), 1.0)
    inside = inside_columns(np.asarray(ball.vertices), np.asarray(ball.faces)[centres > 0], grid)
    assert inside[10, 10, 0]


def test_hollows_that_air_cannot_reach_are_filled():
    solid = np.zeros((20, 20, 20), bool)
    solid[4:16, 4:16, 0:16] = True
    hollow = solid.copy()
    hollow[8:12, 8:12, 8:12] = False
    np.testing.assert_array_equal(close_hollows(hollow), solid)


def test_an_empty_filling_is_refused():
    grid = grid_over((0, 0, 0), (5, 5, 5), 1.0)
    with pytest.raises(GeometryError, match="expected a head mesh in mm"):
        body_from_mask(np.zeros(grid.shape, bool), grid)
