"""Subdivision against Loop's published masks, on shapes small enough to do by hand."""

import numpy as np
import pytest

from augment.errors import GeometryError
from augment.geometry.subdivision import linear_subdivision, loop_subdivision

OCTAHEDRON = np.array([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
OCTAHEDRON_FACES = np.array(
    [[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]]
)
TETRAHEDRON = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
TETRAHEDRON_FACES = np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]])


def euler_characteristic(faces):
    sides = np.sort(np.stack((faces, np.roll(faces, -1, axis=1)), -1).reshape(-1, 2), axis=1)
    return len(np.unique(faces)) - len(np.unique(sides, axis=0)) + len(faces)


def test_octahedron_is_the_closed_form():
    step = loop_subdivision(OCTAHEDRON_FACES, 6)
    finer = step.matrix @ OCTAHEDRON
    assert finer.shape == (18, 3)
    assert step.faces.shape == (32, 3)
    # Valence 4: b = (5/8 - (3/8)^2) / 4 = 31/256; the four neighbours cancel.
    np.testing.assert_allclose(finer[:6], (1 - 4 * 31 / 256) * OCTAHEDRON, atol=1e-15)
    # Ends (1, 0, 0) and (0, 1, 0), opposite corners (0, 0, 1) and (0, 0, -1).
    edges = np.sort(np.abs(finer[6:]), axis=1)
    np.testing.assert_allclose(edges, np.tile([0, 0.375, 0.375], (12, 1)), atol=1e-15)


def test_tetrahedron_is_the_closed_form():
    finer = loop_subdivision(TETRAHEDRON_FACES, 4).matrix @ TETRAHEDRON
    # Valence 3: b = 3/16; the three neighbours sum to minus the corner.
    np.testing.assert_allclose(finer[:4], (7 / 16 - 3 / 16) * TETRAHEDRON, atol=1e-15)
    middle = 0.375 * (TETRAHEDRON[0] + TETRAHEDRON[1]) + 0.125 * (TETRAHEDRON[2] + TETRAHEDRON[3])
    assert np.abs(finer[4:] - middle).sum(axis=1).min() < 1e-15


def test_open_tetrahedron_keeps_its_boundary_a_curve_of_its_own():
    faces = TETRAHEDRON_FACES[:3]
    finer = loop_subdivision(faces, 4).matrix @ TETRAHEDRON
    a, b, c, d = TETRAHEDRON
    np.testing.assert_allclose(finer[1], 0.75 * b + 0.125 * (c + d), atol=1e-15)
    np.testing.assert_allclose(finer[0], 7 / 16 * a + 3 / 16 * (b + c + d), atol=1e-15)
    midpoints = finer[4:]
    assert np.abs(midpoints - (b + c) / 2).sum(axis=1).min() < 1e-15
    # Inner edges see the boundary vertices as any others.
    inner = 0.375 * (a + b) + 0.125 * (c + d)
    assert np.abs(midpoints - inner).sum(axis=1).min() < 1e-15


def test_regular_valence_has_the_weights_of_the_box_spline():
    grid = np.arange(25).reshape(5, 5)
    corner, right = grid[:-1, :-1].ravel(), grid[:-1, 1:].ravel()
    below, across = grid[1:, :-1].ravel(), grid[1:, 1:].ravel()
    faces = np.concatenate(
        (np.stack((corner, right, across), 1), np.stack((corner, across, below), 1))
    )
    row = loop_subdivision(faces, 25).matrix[[12]].toarray()[0]
    assert row[12] == 10 / 16
    np.testing.assert_allclose(row[[6, 7, 11, 13, 17, 18]], 1 / 16, atol=1e-15)


def test_triangles_touching_in_a_point_and_lone_vertices_stay():
    faces = np.array([[0, 1, 2], [2, 3, 4]])
    matrix = loop_subdivision(faces, 6).matrix.toarray()
    for vertex in (2, 5):
        assert matrix[vertex, vertex] == 1
        assert np.count_nonzero(matrix[vertex]) == 1


def test_an_edge_of_three_triangles_is_a_crease():
    faces = np.array([[0, 1, 2], [1, 0, 3], [0, 1, 4]])
    matrix = loop_subdivision(faces, 5).matrix.toarray()
    halves = matrix[5:][(matrix[5:, 0] > 0) & (matrix[5:, 1] > 0)]
    np.testing.assert_array_equal(halves, [[0.5, 0.5, 0, 0, 0]])


@pytest.mark.parametrize("subdivide", [loop_subdivision, linear_subdivision])
def test_rows_sum_to_one_and_topology_is_kept(subdivide):
    faces, n_vertices = OCTAHEDRON_FACES, 6
    for level in range(1, 4):
        step = subdivide(faces, n_vertices)
        np.testing.assert_allclose(step.matrix.sum(axis=1), 1, atol=1e-15)
        faces, n_vertices = step.faces, step.matrix.shape[0]
        assert len(faces) == 8 * 4**level
        assert euler_characteristic(faces) == 2


@pytest.mark.parametrize("subdivide", [loop_subdivision, linear_subdivision])
def test_children_follow_their_parent_and_keep_its_winding(subdivide):
    step = subdivide(OCTAHEDRON_FACES, 6)
    a, b, c = (step.matrix @ OCTAHEDRON)[step.faces].swapaxes(0, 1)
    parent_middle = OCTAHEDRON[OCTAHEDRON_FACES].mean(axis=1).repeat(4, axis=0)
    assert ((np.cross(b - a, c - a) * parent_middle).sum(axis=1) > 0).all()
    assert (((a + b + c) * parent_middle).sum(axis=1) > 0).all()
    np.testing.assert_array_equal(step.faces[0::4, 0], OCTAHEDRON_FACES[:, 0])
    np.testing.assert_array_equal(step.faces[1::4, 1], OCTAHEDRON_FACES[:, 1])
    np.testing.assert_array_equal(step.faces[2::4, 2], OCTAHEDRON_FACES[:, 2])


def test_linear_keeps_corners_and_halves_edges():
    step = linear_subdivision(TETRAHEDRON_FACES, 4)
    finer = step.matrix @ TETRAHEDRON
    np.testing.assert_array_equal(finer[:4], TETRAHEDRON)
    np.testing.assert_allclose(np.linalg.norm(finer[4:], axis=1), 1, atol=1e-15)


def test_a_symmetric_mesh_stays_symmetric():
    rng = np.random.default_rng(0)
    half = OCTAHEDRON.copy()
    half[2:] += rng.normal(scale=0.2, size=(4, 3)) * [0, 1, 1]
    half[1] = half[0] * [-1, 1, 1]
    vertices, faces = half, OCTAHEDRON_FACES
    for _ in range(2):
        step = loop_subdivision(faces, len(vertices))
        vertices, faces = step.matrix @ vertices, step.faces
    mirrored = vertices * [-1, 1, 1]
    gaps = np.linalg.norm(vertices[:, None] - mirrored[None], axis=-1).min(axis=1)
    assert gaps.max() < 1e-14


def test_rigid_motion_and_subdivision_commute():
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    matrix = loop_subdivision(OCTAHEDRON_FACES, 6).matrix
    moved = matrix @ (OCTAHEDRON @ rotation.T + [1, 2, 3])
    np.testing.assert_allclose(moved, (matrix @ OCTAHEDRON) @ rotation.T + [1, 2, 3], atol=1e-14)


def test_indices_out_of_range_are_refused():
    with pytest.raises(GeometryError, match="vertices 0 to 4, got 0 to 5"):
        loop_subdivision(OCTAHEDRON_FACES, 5)
