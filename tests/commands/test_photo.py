"""A photograph from the command line: fit, files, recipe, and every mistake in a sentence."""

import json

import cv2
import numpy as np
import pytest
import skimage.data

from augment import cli


@pytest.fixture(scope="module")
def astronaut(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "astronaut.png"
    cv2.imwrite(str(path), skimage.data.astronaut()[..., ::-1])
    return path


def error(capsys, *words):
    assert cli.main(["reconstruct", "photo", *words]) == 2
    return " ".join(capsys.readouterr().err.split())


def test_a_photograph_becomes_a_head_and_the_subject_of_a_recipe(astronaut, tmp_path, capsys):
    out = tmp_path / "head"
    assert cli.main(["reconstruct", "photo", str(astronaut), f"out={out}"]) == 0
    assert "look at overlay.png first" in capsys.readouterr().out
    facts = json.loads((out / "subject.json").read_text(encoding="utf-8"))
    left, top, right, bottom = facts["photographs"][0]["box_px"]
    assert 150 < left < right < 300  # where her face is, of 512 pixels
    assert 40 < top < bottom < 230
    assert facts["confidence"] > 0.7
    assert {"head.glb", "head.obj", "texture.png", "overlay.png", "mesh.ply"} <= {
        path.name for path in out.iterdir()
    }
    made = tmp_path / "made"
    words = ["subject.source=file", f"subject.path={out / 'subject.json'}", "samples=1"]
    words += ["render.size_px=32", "render.supersample=1", f"out={made}"]
    assert cli.main(["generate", "photo_subject", *words]) == 0
    kept = json.loads((made / "subject.json").read_text(encoding="utf-8"))["subject"]
    assert kept["identity"] == facts["subject"]["identity"]


def test_every_face_gets_a_folder(astronaut, tmp_path):
    picture = cv2.imread(str(astronaut))[:300, 80:380]
    path = tmp_path / "two.png"
    cv2.imwrite(str(path), np.hstack([picture, picture[:, ::-1]]))
    words = ["reconstruct", "photo", str(path), "--all", f"out={tmp_path / 'heads'}"]
    assert cli.main(words) == 0
    assert {path.name for path in (tmp_path / "heads").iterdir()} == {"face_0", "face_1"}


def test_what_is_no_face_is_told_with_advice(tmp_path, capsys):
    path = tmp_path / "grey.png"
    cv2.imwrite(str(path), np.full((120, 120, 3), 127, np.uint8))
    assert "no face was found in a picture of 120 x 120 px" in error(capsys, str(path))
    assert "expected a photograph, got the folder" in error(capsys, str(tmp_path))
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    assert "broken.jpg" in error(capsys, str(tmp_path / "broken.jpg"))
    assert "--all expects one photograph, got 2" in error(capsys, str(path), str(path), "--all")
    assert cli.main(["reconstruct", "ct", str(path), str(path)]) == 2
    assert "reconstruct ct expects one file, got 2" in capsys.readouterr().err
