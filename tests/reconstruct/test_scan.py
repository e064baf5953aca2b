import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from augment.errors import AssetError, GeometryError
from augment.geometry.mesh import write_ply
from augment.reconstruct import fit_scan
from augment.reconstruct.rigid import transform_points
from augment.reconstruct.scan import read_scan


@pytest.fixture
def skin_file(tmp_path, model, mean_head):
    def write(name="scan.ply", scale=1.0, faces=None, vertices=None):
        path = tmp_path / name
        points = mean_head if vertices is None else vertices
        write_ply(path, points * scale, model.faces.numpy() if faces is None else faces)
        return path

    return write


def test_the_unit_is_applied_and_never_guessed(skin_file, mean_head):
    in_mm = read_scan(skin_file(), "mm").vertices
    in_m = read_scan(skin_file("m.ply", scale=1e-3), "m").vertices
    assert in_m == pytest.approx(in_mm, abs=1e-2)
    with pytest.raises(GeometryError, match="pass unit=m if that is its unit"):
        read_scan(skin_file("m.ply", scale=1e-3), "mm")
    with pytest.raises(GeometryError, match="pass unit=cm or unit=inch"):
        read_scan(skin_file("cm.ply", scale=0.1), "mm")
    with pytest.raises(GeometryError, match="rescale the mesh to mm"):
        read_scan(skin_file("huge.ply", scale=1e4), "mm")


def test_an_unknown_unit_is_refused(skin_file, model):
    with pytest.raises(ValueError, match="one of mm, cm, m, inch, got 'km'"):
        fit_scan(skin_file(), model, unit="km")


def test_empty_and_missing_meshes_are_refused(skin_file, model, tmp_path):
    with pytest.raises(AssetError, match="at least 500 triangles, got 3"):
        fit_scan(skin_file(faces=model.faces.numpy()[:3]), model)
    empty = tmp_path / "empty.obj"
    empty.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\n", encoding="utf-8")
    with pytest.raises(AssetError):
        fit_scan(empty, model)
    with pytest.raises(AssetError):
        fit_scan(tmp_path / "missing.obj", model)


def test_reversed_triangles_are_turned_outward(skin_file, model):
    plain = read_scan(skin_file(), "mm")
    turned = read_scan(skin_file("turned.ply", faces=model.faces.numpy()[:, ::-1]), "mm")
    assert (plain.normals * turned.normals).sum(1).min() > 0.99


def test_a_scan_without_a_face_is_refused(skin_file, model, mean_head):
    trunk = model.faces.numpy()
    trunk = trunk[(mean_head[trunk, 2] < -110).all(1)]
    with pytest.raises(GeometryError, match="expected a scan that shows a face"):
        fit_scan(skin_file(faces=trunk), model)


def test_any_orientation_gives_the_same_head(skin_file, model, mean_head, zones):
    turn = np.eye(4)
    turn[:3, :3] = Rotation.random(random_state=5).as_matrix()
    turn[:3, 3] = [300.0, -20.0, 70.0]
    moved = transform_points(turn, mean_head)
    fit = fit_scan(skin_file("moved.ply", vertices=moved), model)
    assert fit.residuals.face_median_mm < 0.15
    assert np.linalg.norm(fit.world_mm - moved, axis=1)[zones.is_face].mean() < 1.0
    assert np.abs(fit.subject.identity).max() < 0.5
    assert fit.world_from_head == pytest.approx(turn, abs=1.5)


def test_the_real_scan_is_met_within_a_millimetre(shared, model):
    fit = fit_scan(shared / "scan" / "DemoFace_10K.obj", model)
    assert fit.coefficient_residuals.face_median_mm < 1.0
    assert fit.residuals.face_median_mm < 0.4
    assert fit.subject.source == "scan"
