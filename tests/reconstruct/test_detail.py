import numpy as np
import pytest

from augment.reconstruct.detail import fit_detail
from augment.reconstruct.fit import Target
from augment.reconstruct.parameters import Parameters
from augment.reconstruct.surface import surface_from_mesh, vertex_normals


def everywhere(points):
    return np.ones(len(points), dtype=bool)


def bumped(model, mean_head, height_mm, width_mm=20.0):
    """The mean head with a smooth bump on the right cheek, along its normals."""
    row = model.landmark_names.index("malare_right")
    centre = mean_head[model.faces[model.landmark_triangle[row], 0]]
    squared = ((mean_head - centre) ** 2).sum(1)
    bump = height_mm * np.exp(-squared / (2 * width_mm**2))
    return mean_head + bump[:, None] * vertex_normals(mean_head, model.faces.numpy()), bump


def detail_on(model, zones, vertices):
    surface = surface_from_mesh(vertices, model.faces.numpy())
    at = Parameters(np.eye(4), np.zeros(99), np.zeros(79), np.zeros(21))
    return fit_detail(model, zones, Target(surface, everywhere), at, smoothing_mm=3.0)


def test_no_difference_gives_no_detail(model, zones, mean_head):
    assert np.abs(detail_on(model, zones, mean_head)).max() < 1e-3


def test_a_smooth_bump_is_followed(model, zones, mean_head):
    vertices, bump = bumped(model, mean_head, height_mm=2.0)
    detail = detail_on(model, zones, vertices)
    height = (detail * vertex_normals(mean_head, model.faces.numpy())).sum(1)
    cheek = zones.is_face & (bump > 1.0)
    # Two of these vertices border the lower lid, which is held.
    assert np.percentile(np.abs(height - bump)[cheek], 90) < 0.3
    assert np.median((height / bump)[cheek]) == pytest.approx(1.0, abs=0.1)
    assert np.abs(height[zones.is_face & (bump < 0.01)]).max() < 0.2


def test_what_is_far_off_is_no_skin(model, zones, mean_head):
    vertices, _ = bumped(model, mean_head, height_mm=12.0, width_mm=8.0)
    assert np.linalg.norm(detail_on(model, zones, vertices), axis=1).max() < 5.0


def test_eyes_teeth_and_tongue_stay(model, zones, mean_head):
    detail = detail_on(model, zones, mean_head * 1.01)
    for part in ("eye_left", "eye_right", "tongue", "teeth_upper", "teeth_lower"):
        assert (detail[model.part_vertices(part).numpy()] == 0).all()
