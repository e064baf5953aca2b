import json

import cv2
import numpy as np
import pytest
from portraits import portrait

from augment.errors import AssetError
from augment.geometry.mesh_file import read_mesh
from augment.morphable.pose import JAW, JAW_OPEN
from augment.pipeline.subject_file import read_subject
from augment.portrait.files import (
    PANEL_PX,
    portrait_subject,
    start_weights,
    write_portrait,
)
from augment.portrait.fit import fit_portrait
from augment.portrait.texture import portrait_texture

NAMES = [
    "head.glb", "head.mtl", "head.obj", "mesh.ply", "overlay.png", "residuals.json",
    "subject.json", "texture.png",
]  # fmt: skip


@pytest.fixture(scope="module")
def written(model, tmp_path_factory):
    known = portrait(model)
    fit = fit_portrait(model, [known.view], with_shading=False)
    folder = tmp_path_factory.mktemp("portrait") / "out"
    texture = portrait_texture(fit)
    files = write_portrait(fit, texture, folder)
    return fit, texture, folder, files


def test_every_file_is_written(written):
    _, texture, folder, files = written
    assert sorted(path.name for path in folder.iterdir()) == NAMES
    assert sorted(path.name for path in files) == NAMES
    overlay = cv2.imread(str(folder / "overlay.png"))
    assert overlay.shape == (PANEL_PX, 4 * PANEL_PX, 3)
    assert all(panel.std() > 10 for panel in np.split(overlay, 4, axis=1))
    sheet = cv2.imread(str(folder / "texture.png"))[..., ::-1]
    assert (sheet == texture.colour).all()


def test_the_subject_reads_back_as_any_other(written, model):
    fit, _, folder, _ = written
    subject = read_subject(folder, model).subject
    assert subject.source == "photo"
    assert subject.identity == pytest.approx(fit.identity, abs=1e-6)
    assert subject.expression == pytest.approx(fit.views[0].state.expression, abs=1e-6)
    assert not subject.pose[: JAW.start].any()
    record = json.loads((folder / "subject.json").read_text(encoding="utf-8"))
    assert record["photographs"][0]["pose"] == pytest.approx(fit.views[0].pose, abs=1e-7)
    assert record["confidence"] == pytest.approx(fit.confidence, abs=1e-4)


def test_meshes_hold_the_photographed_head(written, model):
    fit, _, folder, _ = written
    vertices, faces = read_mesh(folder / "mesh.ply")
    assert vertices == pytest.approx(fit.views[0].vertices_mm, abs=1e-3)
    assert (faces == model.faces.numpy()).all()
    rows = {"v": [], "vt": [], "f": []}
    for line in (folder / "head.obj").read_text(encoding="utf-8").splitlines():
        kind, *words = line.split()
        rows.get(kind, []).append(words)
    points, uv = (np.array(rows[kind], dtype=float) for kind in ("v", "vt"))
    assert points == pytest.approx(vertices, abs=1e-3)
    corners = np.array([[pair.split("/") for pair in row] for row in rows["f"]], dtype=int) - 1
    assert (corners[..., 0] == faces).all()
    assert uv[corners[..., 1]] == pytest.approx(model.uv.numpy()[model.uv_faces.numpy()], abs=1e-5)
    assert "map_Kd texture.png" in (folder / "head.mtl").read_text(encoding="utf-8")


def test_targets_start_with_the_expression(written, model):
    fit = written[0]
    subject = portrait_subject(fit)
    if not subject.pose[JAW].any():
        assert start_weights(model, subject) == pytest.approx(subject.expression)
    subject.pose[JAW_OPEN] = 0.2
    opened = start_weights(model, subject)
    assert opened[model.expression_names.index("jawOpen")] > 0.1
    assert not opened[52:].any()


def test_an_unwritable_folder_is_named(written, tmp_path):
    fit, texture, _, _ = written
    (tmp_path / "file").touch()
    with pytest.raises(AssetError, match="expected a folder to write to"):
        write_portrait(fit, texture, tmp_path / "file" / "out")
