"""What a user of volumes gets wrong: one sentence, exit code 2, nothing written."""

import re

import nibabel as nib
import numpy as np
import pytest

from augment import cli

AFFINE = np.diag([5.0, 5, 5, 1])


def scan(path, **change):
    values = np.full((40, 40, 40), -1000, np.float32)
    values[8:32, 8:32, 8:32] = 40.0
    values = change.pop("make", lambda v: v)(values)
    nib.save(nib.Nifti1Image(values, change.pop("affine", AFFINE)), path)


def sheared():
    affine = AFFINE.copy()
    affine[0, 1] = 2.0
    return affine


def with_nan(values):
    values[0, 0, 0] = np.nan
    return values


SCANS = {
    "sheared": (
        {"affine": sheared()},
        "expected axes at right angles, got a shear of",
    ),
    "4D": ({"make": lambda v: np.stack([v, v], -1)}, "expected a 3D volume .* got shape"),
    "NaN": ({"make": with_nan}, "expected finite voxels, got 1 NaN or infinite"),
    "MR": ({"make": lambda v: v + 1000}, "expected a CT in HU with air near -1000, .* as of an MR"),
    "metres": (
        {"affine": np.diag([0.005, 0.005, 0.005, 1])},
        "check that its voxel sizes are in mm",
    ),
}


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*words):
        code = cli.main(["generate", *words, "out=data"])
        lines = capsys.readouterr().err.strip().splitlines()
        assert code == 2
        assert len(lines) == 1, lines
        assert lines[0].startswith("error: ")
        return lines[0]

    return run


@pytest.mark.parametrize("name", SCANS)
def test_a_scan_that_cannot_be_moved_is_one_sentence(run, tmp_path, name):
    change, message = SCANS[name]
    scan(tmp_path / "scan.nii", **dict(change))
    assert re.search(message, run("ct_anchored", "subject.path=scan.nii"))
    assert [path.name for path in tmp_path.iterdir()] == ["scan.nii"]


def test_labels_that_do_not_fit_are_one_sentence(run, tmp_path):
    scan(tmp_path / "scan.nii")
    words = ["ct_anchored", "subject.path=scan.nii", "subject.labels=labels.nii"]
    assert "expected a plain file as subject.labels at 'labels.nii': no such file" in run(*words)
    scan(tmp_path / "labels.nii", make=lambda v: (v[:20] > 0).astype(np.float32))
    assert "expected labels on the grid of 'scan.nii', 40 x 40 x 40 voxels" in run(*words)
    scan(tmp_path / "labels.nii", make=lambda v: (v > 0).astype(np.float32) * 9)
    (tmp_path / "table.json").write_text('{"1": "mandible"}', encoding="utf-8")
    message = run(*words, "subject.label_table=table.json")
    assert "in the table 'table.json', got 9 without a name" in message
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["labels.nii", "scan.nii", "table.json"]


def test_contradictions_come_together_before_any_work(run, tmp_path):
    message = run(
        "head_ct",
        "volume.anchored=true",
        "volume.contrast=t1",
        "volume.spacing_mm=2",
        "volume.files=[cephalogram_pa,mandible_share]",
        "subject.labels=labels.nii",
        "pathologies=[]",
    )
    for part in (
        "volume.anchored=true expects subject.source=ct, whose scan it moves, got prior",
        "expects volume.protocol left out, got diagnostic",
        "expects volume.contrast left out, got t1",
        "expects volume.spacing_mm left out, got [2.0, 2.0, 2.0]",
        "volume.anchored=true expects at least one entry in pathologies, got none",
        "volume.files=cephalogram_pa expects volume.contrast=ct",
        "volume.files=mandible_share expects a generated volume",
    ):
        assert part in message, part
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["face_demo", "render.views=0"], "render.views=0 expects volumes to write instead"),
        (["head_ct", "subject.labels=a.nii"], "subject.labels expects volume.anchored=true"),
        (["head_ct", "subject.label_table=a"], "subject.label_table expects subject.labels"),
        (["head_ct", "volume.protocol=mri"], "volume.protocol expects one of none, diagnostic"),
        (["head_ct", "volume.spacing_mm=[1,2]"], "volume.spacing_mm expects three numbers or one"),
        (["head_ct", "volume.spacing_mm=0.1"], "volume.spacing_mm expects a number from 0.3 to 10"),
        (["head_ct", "volume.files=[]"], "volume.files expects at least one file"),
        (["head_ct", "volume.files=[images]"], "expects one of image, labels, .* got 'images'"),
        (
            ["mandible_kbp", "volume.files=[cephalogram_lateral]"],
            "expects volume.protocol=diagnostic or cbct, which show .* got protocol=radiotherapy",
        ),
    ],
)
def test_a_mistake_in_a_recipe_is_one_sentence(run, words, message):
    assert re.search(message, run(*words))
