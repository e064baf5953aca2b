from dataclasses import replace

import numpy as np
import pytest

from augment.engine.generate import generate_dataset
from augment.errors import AssetError
from augment.morphable import load_face_model
from augment.pipeline import fit_subject, open_deriver
from augment.pipeline.subject_file import FittedHead, encode_subject, read_subject
from augment.recipe import compose_recipe
from augment.sample import Subject
from augment.streams import stream
from augment.writer.verify import verify_folder

PLACE = np.array([[1.0, 0, 0, 5], [0, 1, 0, -7.25], [0, 0, 1, 0.1], [0, 0, 0, 1]])


@pytest.fixture
def subject():
    rng = stream(0, 0, "subject file")
    model = load_face_model()
    bumps = np.zeros((model.n_vertices, 3))
    bumps[:200] = rng.normal(0, 0.2, (200, 3))
    return Subject(identity=rng.normal(size=99), source="scan", detail_mm=bumps)


@pytest.fixture
def path(subject, tmp_path):
    path = tmp_path / "subject.json"
    path.write_bytes(encode_subject(FittedHead(subject, PLACE)))
    return path


def test_a_subject_reads_back_exactly(subject, path):
    fitted = read_subject(path, load_face_model())
    back = fitted.subject
    np.testing.assert_array_equal(fitted.world_from_head, PLACE)
    np.testing.assert_array_equal(back.identity, subject.identity)
    np.testing.assert_array_equal(back.detail_mm, subject.detail_mm)
    assert back.source == "scan"


def test_a_recipe_takes_its_subject_from_a_file(path, subject):
    words = ["subject.source=file", f"subject.path={path}", "subject.sex=female"]
    fitted = fit_subject(compose_recipe("ct_subject", words))
    np.testing.assert_array_equal(fitted.subject.identity, subject.identity)
    assert fitted.subject.sex == "female"
    assert fit_subject(compose_recipe("face_demo")) is None


def test_a_data_set_of_a_fitted_subject_verifies(path, tmp_path):
    words = ["subject.source=file", f"subject.path={path}", "samples=2", f"out={tmp_path / 'data'}"]
    words += ["render.size_px=40", "render.supersample=1"]
    generate_dataset(compose_recipe("ct_subject", words))
    assert (tmp_path / "data/subject.json").is_file()
    assert verify_folder(tmp_path / "data", 1.0, open_deriver) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{}", "expected a fitted subject in"),
        (b"not json", "expected a fitted subject as JSON in"),
        (b'{"subject": {"identity": [1, 2]}}', "expected a fitted subject in"),
    ],
)
def test_anything_else_is_refused(tmp_path, content, message):
    path = tmp_path / "subject.json"
    path.write_bytes(content)
    with pytest.raises(AssetError, match=message):
        read_subject(path, load_face_model())


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(AssetError, match=r"subject\.json': no such file"):
        read_subject(tmp_path / "subject.json", load_face_model())


def test_a_subject_of_another_model_is_refused(subject, path):
    other = replace(subject, detail_mm=np.zeros((7, 3)))
    path.write_bytes(encode_subject(FittedHead(other)))
    with pytest.raises(AssetError, match="another model or version"):
        read_subject(path, load_face_model())
