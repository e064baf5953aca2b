import numpy as np
import pytest

from augment.reconstruct.evidence import explained_share, relief_agreement
from augment.reconstruct.fit import Target
from augment.reconstruct.residual import measure_residuals
from augment.reconstruct.surface import surface_from_mesh, vertex_normals


def everywhere(points):
    return np.ones(len(points), dtype=bool)


def test_a_head_on_its_own_skin_has_no_residual(model, zones, mean_head):
    surface = surface_from_mesh(mean_head, model.faces.numpy())
    found = measure_residuals(model, zones, Target(surface, everywhere), mean_head)
    assert found.face_p95_mm < 1e-9
    assert found.skin_to_model_p95_mm < 1e-9
    assert found.face_in_view == 1.0
    assert found.n_vertices == zones.is_face.sum()
    assert {"nasal_tip", "chin", "malar_left", "malar_right"} <= set(found.regions)


def test_a_shift_along_the_normals_is_the_residual(model, zones, mean_head):
    surface = surface_from_mesh(mean_head, model.faces.numpy())
    out = mean_head + 1.5 * vertex_normals(mean_head, model.faces.numpy())
    found = measure_residuals(model, zones, Target(surface, everywhere), out)
    assert found.face_median_mm == pytest.approx(1.5, abs=0.02)
    assert found.regions["malar_left"].median_mm == pytest.approx(1.5, abs=0.02)
    assert found.skin_to_model_median_mm == pytest.approx(1.5, abs=0.1)


def test_what_is_out_of_view_is_not_counted(model, zones, mean_head):
    surface = surface_from_mesh(mean_head, model.faces.numpy())
    found = measure_residuals(model, zones, Target(surface, lambda p: p[:, 2] < 20.0), mean_head)
    assert found.n_vertices == (mean_head[zones.is_face, 2] < 20.0).sum()
    assert "forehead_left" not in found.regions
    nothing = measure_residuals(model, zones, Target(surface, lambda p: p[:, 2] > 1e6), mean_head)
    assert np.isnan(nothing.face_median_mm)
    assert nothing.as_json()["face_median_mm"] is None


def test_evidence_tells_a_face_from_a_smooth_body(model, zones, mean_head):
    faces = model.faces.numpy()
    seen = np.flatnonzero(zones.is_face)
    own = surface_from_mesh(mean_head, faces)
    assert explained_share(model, zones, own, mean_head, seen) > 0.97
    assert relief_agreement(model, zones, own, mean_head, np.eye(4), seen) > 0.99
    # The face pressed onto an ellipsoid: near everywhere, without relief.
    low, high = mean_head[seen].min(0), mean_head[seen].max(0)
    middle = (low + high) / 2 * [1, 0, 1]
    radii = np.array([80.0, high[1] - 8.0, 120.0])
    scaled = (mean_head - middle) / radii
    smooth = middle + radii * scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
    ellipsoid = surface_from_mesh(smooth, faces)
    assert explained_share(model, zones, ellipsoid, mean_head, seen) < 0.7
    assert relief_agreement(model, zones, ellipsoid, mean_head, np.eye(4), seen) < 0.8
    assert explained_share(model, zones, own, mean_head, seen[:0]) == 0.0
    assert relief_agreement(model, zones, own, mean_head + 500.0, np.eye(4), seen) == 0.0
