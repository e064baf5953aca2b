"""Signed distances against closed forms and a dense sampling."""

import numpy as np
import pytest

from augment.volume.anatomy.primitives import (
    both_sides,
    chain,
    ellipsoid,
    join,
    melt,
    mirrored,
    moved,
    sheet,
    signed_distance,
    thickened,
)
from augment.volume.grid import grid_over

GRID = grid_over((-20, -20, -20), (20, 20, 20), 1.0)
FLOAT32_MM = 1e-4


def points_of(box):
    return np.stack(np.meshgrid(*(GRID.axis_mm(a)[box[a]] for a in range(3)), indexing="ij"), -1)


def test_a_sphere_is_the_distance_to_its_centre_less_the_radius():
    box, distance = signed_distance(ellipsoid((1, 2, 3), 6.0), GRID)
    exact = np.linalg.norm(points_of(box) - (1, 2, 3), axis=-1) - 6.0
    near = distance < 3.0
    assert np.abs(distance - exact)[near].max() < FLOAT32_MM
    assert (distance[~near] > 3.0).all()


def test_a_cone_of_one_radius_is_a_capsule():
    box, distance = signed_distance(chain([(-5, 0, 0), (5, 0, 0)], 4.0), GRID)
    points = points_of(box)
    exact = np.linalg.norm(points - np.clip(points, (-5, 0, 0), (5, 0, 0)), axis=-1) - 4.0
    near = distance < 3.0
    assert np.abs(distance - exact)[near].max() < FLOAT32_MM


def test_a_padded_sheet_is_half_as_thick_on_either_side():
    lattice = np.array([[(x, y, 2.0) for y in (-8, 0, 8)] for x in (-8, 0, 8)])
    box, distance = signed_distance(sheet(lattice, 3.0), GRID)
    points = points_of(box)
    exact = np.linalg.norm(points - np.clip(points, (-8, -8, 2), (8, 8, 2)), axis=-1) - 3.0
    near = distance < 3.0
    assert np.abs(distance - exact)[near].max() < FLOAT32_MM


def test_mirroring_twice_and_moving_back_change_nothing():
    shape = join(chain([(1, 2, 3), (4, 5, 6)], (1, 2)), ellipsoid((3, 2, 1), (1, 2, 3)))
    again = moved(moved(mirrored(mirrored(shape)), lambda p: p + 5), lambda p: p - 5)
    for name in ("cones", "ellipsoids", "triangles"):
        np.testing.assert_allclose(getattr(again, name), getattr(shape, name), atol=1e-12)


def test_both_sides_is_symmetric():
    box, distance = signed_distance(both_sides(ellipsoid((8, 0, 0), (4, 5, 6))), GRID)
    assert box[0] == slice(5, 36)
    np.testing.assert_allclose(distance, distance[::-1], atol=FLOAT32_MM)


def test_thickening_multiplies_radii():
    assert thickened(chain([(0, 0, 0), (1, 0, 0)], (1, 2)), 2.0).cones[0, 6:].tolist() == [2.0, 4.0]


@pytest.mark.parametrize("blend_mm", [0.0, 2.0])
def test_melting_never_leaves_the_union(blend_mm):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 100)).astype(np.float32)
    melted = melt(a, b, blend_mm)
    assert (melted <= np.minimum(a, b) + 1e-6).all()
    assert (melted >= np.minimum(a, b) - 0.25 * blend_mm - 1e-6).all()
