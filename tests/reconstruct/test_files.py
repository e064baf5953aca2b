import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from augment.errors import AssetError
from augment.geometry.mesh_file import read_mesh
from augment.pipeline.subject_file import read_subject
from augment.reconstruct import load_subject, write_fit
from augment.reconstruct.overlay import PANEL_PX, overlay_image


def test_a_fit_survives_its_files(known_head, model, tmp_path):
    fit = known_head.fit
    written = write_fit(fit, tmp_path / "fit")
    names = sorted(path.name for path in (tmp_path / "fit").iterdir())
    assert names == ["mesh.ply", "overlay.png", "residuals.json", "subject.json"]
    assert sorted(path.name for path in written) == names
    for subject in (load_subject(tmp_path / "fit"), read_subject(written[0], model).subject):
        assert (subject.identity == fit.subject.identity).all()
        assert (subject.expression == fit.subject.expression).all()
        assert (subject.pose == fit.subject.pose).all()
        assert (subject.detail_mm == fit.subject.detail_mm).all()
        assert subject.source == "ct"
    vertices, faces = read_mesh(tmp_path / "fit" / "mesh.ply")
    assert vertices == pytest.approx(fit.head_mm, abs=1e-4)
    assert (faces == model.faces.numpy()).all()


def test_the_json_files_say_what_was_measured(known_head, tmp_path):
    fit = known_head.fit
    write_fit(fit, tmp_path)
    residuals = json.loads((tmp_path / "residuals.json").read_text(encoding="utf-8"))
    assert residuals["face_median_mm"] == round(fit.residuals.face_median_mm, 3)
    assert residuals["without_detail"]["face_p95_mm"] == pytest.approx(
        fit.coefficient_residuals.face_p95_mm, abs=1e-3
    )
    assert set(residuals["regions"]["chin"]) == {"median_mm", "p95_mm", "n_vertices"}
    subject = json.loads((tmp_path / "subject.json").read_text(encoding="utf-8"))
    assert np.array(subject["world_from_head"]) == pytest.approx(fit.world_from_head)
    assert subject["confidence"] == pytest.approx(fit.confidence, abs=1e-4)
    assert len(subject["identity_sd"]) == 99


def test_the_overlay_shows_six_panels(known_head, tmp_path):
    write_fit(known_head.fit, tmp_path)
    image = cv2.imread(str(tmp_path / "overlay.png"))
    assert image.shape == (PANEL_PX, 6 * PANEL_PX, 3)
    assert (tmp_path / "overlay.png").stat().st_size < 150_000
    panels = np.split(image, 6, axis=1)
    assert all(panel.std() > 10 for panel in panels)
    # The contour is drawn where the volume's skin is: red beside the border of air and tissue.
    median = panels[0].astype(int)
    contour = (median[..., 2] - median[..., 0]) > 100
    assert contour.sum() > 200


def test_a_fit_without_a_volume_cuts_the_surface(known_head):
    image = overlay_image(replace(known_head.fit, volume=None))
    assert image[:, :PANEL_PX].std() > 5


def test_an_unwritable_folder_is_named(known_head, tmp_path):
    (tmp_path / "file").write_text("here", encoding="utf-8")
    with pytest.raises(AssetError, match="expected a folder to write to"):
        write_fit(known_head.fit, tmp_path / "file" / "fit")


BROKEN = {
    "no JSON": "{",
    "no subject": "{}",
    "other fields": '{"subject": {"identity": [0]}}',
    "a list": "[]",
}


@pytest.mark.parametrize("name", BROKEN)
def test_files_that_hold_no_subject_are_named(tmp_path, name):
    (tmp_path / "subject.json").write_text(BROKEN[name], encoding="utf-8")
    with pytest.raises(AssetError, match="expected a fitted subject"):
        load_subject(tmp_path)


def test_a_missing_subject_is_named(tmp_path):
    with pytest.raises(AssetError, match="no such file"):
        load_subject(tmp_path / "subject.json")


def test_other_counts_of_coefficients_are_refused(known_head, tmp_path):
    write_fit(known_head.fit, tmp_path)
    record = json.loads((tmp_path / "subject.json").read_text(encoding="utf-8"))
    record["subject"]["identity"] = record["subject"]["identity"][:50]
    (tmp_path / "subject.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(AssetError, match="expected 99, 79 and 21 coefficients"):
        load_subject(tmp_path)
