"""Closest points against brute force, closed forms and degenerate triangles."""

import numpy as np
import pytest

from augment.errors import GeometryError
from augment.geometry.distance import closest_point, triangle_tree

ROUNDING_MM = 1e-9


def soup(rng, n_triangles, size_mm=10.0):
    """Return triangles of random shape that share no vertex."""
    centre = rng.uniform(-50, 50, size=(n_triangles, 1, 3))
    vertices = (centre + rng.normal(scale=size_mm, size=(n_triangles, 3, 3))).reshape(-1, 3)
    return vertices, np.arange(3 * n_triangles).reshape(-1, 3)


def brute_force(points, vertices, faces):
    """Return distances by a dense grid search refined on each triangle's quadratic programme."""
    best = np.full(len(points), np.inf)
    for a, b, c in vertices[faces]:
        u, v, w = b - a, c - a, points - a
        gram = np.array([[u @ u, u @ v], [u @ v, v @ v]])
        inside = np.linalg.solve(gram, np.stack((w @ u, w @ v))).T
        is_inside = (inside >= 0).all(axis=1) & (inside.sum(axis=1) <= 1)
        foot = a + inside @ np.stack((u, v))
        best = np.where(is_inside, np.minimum(best, np.linalg.norm(points - foot, axis=1)), best)
        for start, end in ((a, b), (b, c), (c, a)):
            side = end - start
            along = np.clip((points - start) @ side / (side @ side), 0, 1)
            gap = np.linalg.norm(points - start - along[:, None] * side, axis=1)
            best = np.minimum(best, gap)
    return best


@pytest.mark.parametrize("n_triangles", [1, 3, 4, 5, 64, 300])
def test_distances_equal_brute_force(n_triangles):
    rng = np.random.default_rng(n_triangles)
    vertices, faces = soup(rng, n_triangles)
    points = rng.uniform(-80, 80, size=(400, 3))
    found = closest_point(points, vertices, faces)
    np.testing.assert_allclose(
        found.distance_mm, brute_force(points, vertices, faces), atol=ROUNDING_MM
    )
    rebuilt = (vertices[faces[found.triangle]] * found.barycentric[..., None]).sum(axis=1)
    np.testing.assert_allclose(rebuilt, found.points, atol=ROUNDING_MM)
    gap = np.linalg.norm(points - found.points, axis=1)
    np.testing.assert_allclose(gap, found.distance_mm, atol=ROUNDING_MM)
    assert (found.barycentric >= 0).all()
    np.testing.assert_allclose(found.barycentric.sum(axis=1), 1, atol=1e-12)


def test_points_on_the_mesh_find_themselves():
    rng = np.random.default_rng(0)
    vertices, faces = soup(rng, 200, size_mm=1.0)
    weights = rng.dirichlet((1, 1, 1), size=200)
    points = (vertices[faces] * weights[..., None]).sum(axis=1)
    found = closest_point(points, vertices, faces)
    assert found.distance_mm.max() < ROUNDING_MM


def test_regions_of_one_triangle_are_the_closed_form():
    vertices = np.array([[0.0, 0, 0], [4, 0, 0], [0, 4, 0]])
    faces = np.array([[0, 1, 2]])
    points = np.array([[1.0, 1, 3], [-3, -4, 0], [2, -2, 0], [3, 3, 0], [6, 0, 0]])
    found = closest_point(points, vertices, faces)
    expected = np.array([[1.0, 1, 0], [0, 0, 0], [2, 0, 0], [2, 2, 0], [4, 0, 0]])
    np.testing.assert_allclose(found.points, expected, atol=1e-12)
    np.testing.assert_allclose(found.distance_mm, [3, 5, 2, 2**0.5, 2], atol=1e-12)


def test_triangles_without_area_are_segments_and_points():
    vertices = np.array([[0.0, 0, 0], [10, 0, 0], [5, 0, 0]])
    for corners in ([0, 1, 2], [0, 0, 1], [0, 1, 1], [1, 0, 1]):
        found = closest_point(np.array([[7.0, 3, 4]]), vertices, np.array([corners]))
        np.testing.assert_allclose(found.points, [[7, 0, 0]], atol=1e-12)
    point = closest_point(np.array([[7.0, 3, 4]]), vertices, np.array([[2, 2, 2]]))
    np.testing.assert_allclose(point.distance_mm, [29**0.5], atol=1e-12)


def test_lowest_triangle_wins_among_equals():
    vertices = np.array([[0.0, 0, 0], [4, 0, 0], [0, 4, 0]])
    faces = np.array([[0, 1, 2]] * 9)
    assert closest_point(np.array([[1.0, 1, 3]]), vertices, faces).triangle[0] == 0


def test_order_of_triangles_changes_no_distance():
    rng = np.random.default_rng(3)
    vertices, faces = soup(rng, 100)
    points = rng.uniform(-80, 80, size=(50, 3))
    order = rng.permutation(100)
    first = closest_point(points, vertices, faces)
    second = closest_point(points, vertices, faces[order])
    np.testing.assert_array_equal(first.distance_mm, second.distance_mm)
    np.testing.assert_array_equal(first.triangle, order[second.triangle])


def test_a_tree_answers_many_times_as_once():
    rng = np.random.default_rng(4)
    vertices, faces = soup(rng, 100)
    points = rng.uniform(-80, 80, size=(50, 3)).astype(np.float32)
    tree = triangle_tree(vertices, faces)
    whole = tree.closest(points)
    for p in range(50):
        single = tree.closest(points[p : p + 1])
        assert single.distance_mm[0] == whole.distance_mm[p]


def test_unusable_input_is_refused():
    vertices, faces = soup(np.random.default_rng(0), 2)
    with pytest.raises(GeometryError, match="vertices 0 to 5, got 0 triangles"):
        triangle_tree(vertices, faces[:0])
    with pytest.raises(GeometryError, match="vertices 0 to 4"):
        triangle_tree(vertices[:5], faces)
    with pytest.raises(GeometryError, match="finite vertices"):
        triangle_tree(vertices * np.nan, faces)
    with pytest.raises(GeometryError, match="NaN or infinity in 1 of 2"):
        closest_point(np.array([[0.0, 0, 0], [np.nan, 0, 0]]), vertices, faces)
