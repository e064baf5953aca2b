import numpy as np
import pytest
from skimage.measure import marching_cubes

from augment.reconstruct.surface import surface_from_mesh, vertex_areas, vertex_normals


def ball(radius=20.3, spacing=1.0):
    axis = np.arange(-radius - 3, radius + 3.1, spacing)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"))
    vertices, faces, _, _ = marching_cubes(np.linalg.norm(grid, axis=0), radius)
    return vertices * spacing + axis[0], faces.astype(np.int64)


def square(n=6):
    x, y = np.meshgrid(np.arange(n, dtype=float), np.arange(n, dtype=float), indexing="ij")
    vertices = np.stack([x, y, 0 * x], axis=-1).reshape(-1, 3)
    corner = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)).ravel()
    first = np.stack([corner, corner + n, corner + 1], axis=1)
    second = np.stack([corner + 1, corner + n, corner + n + 1], axis=1)
    return vertices, np.concatenate([first, second])


def test_normals_of_a_ball_point_along_its_radius():
    vertices, faces = ball()
    radial = vertices / np.linalg.norm(vertices, axis=1, keepdims=True)
    for normals in (vertex_normals(vertices, faces), surface_from_mesh(vertices, faces).normals):
        assert (normals * radial).sum(1).min() > 0.98


def test_areas_of_a_ball_sum_to_its_surface():
    vertices, faces = ball()
    assert vertex_areas(vertices, faces).sum() == pytest.approx(4 * np.pi * 20.3**2, rel=0.01)


def test_the_rim_of_a_square_is_its_border():
    vertices, faces = square()
    surface = surface_from_mesh(vertices, faces)
    border = ((vertices[:, :2] == 0) | (vertices[:, :2] == 5)).any(1)
    assert (surface.on_rim == border).all()
    assert not surface_from_mesh(*ball()).on_rim.any()


def test_vertices_of_no_triangle_are_left_out():
    vertices, faces = square()
    surface = surface_from_mesh(np.concatenate([[[9.0, 9, 9]], vertices]), faces + 1)
    assert surface.vertices == pytest.approx(vertices)
    assert surface.normals == pytest.approx(np.tile([0.0, 0, 1], (36, 1)))
