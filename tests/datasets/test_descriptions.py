"""What datasets/ says of real data is so: checked against the files where they are at hand."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
import skimage.io
from omegaconf import OmegaConf

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
NAMES = sorted(path.parent.name for path in (ROOT / "datasets").glob("*/dataset.yaml"))
KEYS = {
    "name",
    "modality",
    "dimensions",
    "url",
    "licence",
    "citation",
    "frame",
    "unit",
    "layout",
    "labels",
    "always_contoured",
}


def description(name):
    return OmegaConf.to_container(OmegaConf.load(ROOT / "datasets" / name / "dataset.yaml"))


def read(path):
    return (
        np.asarray(nibabel.load(path).dataobj)
        if path.name.endswith(".nii.gz")
        else skimage.io.imread(path)
    )


def test_there_are_four_and_no_package_among_them():
    assert NAMES == ["fasseg", "folder", "headsq", "openkbp"]
    assert list((ROOT / "datasets").rglob("*.py")) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_description_is_whole_and_has_a_card(name):
    described = description(name)
    assert KEYS <= set(described) <= KEYS | {"segmentation", "splits"}
    assert described["name"] == name
    assert set(described["always_contoured"]) <= set(described["labels"].values())
    card = (ROOT / "datasets" / name / "card.md").read_text(encoding="utf-8")
    assert "**Where**" in card
    assert "**Know before use**" in card


@pytest.mark.parametrize("name", NAMES)
def test_the_real_files_are_as_described(name):
    folder, described = DATA / name, description(name)
    if not folder.is_dir():
        pytest.skip(f"../shared/data/{name} is not here")
    before, after = described["layout"]["image"].split("{case}")
    cases = [
        path.relative_to(folder).as_posix()[len(before) : -len(after)]
        for path in folder.glob(f"{before}*{after}")
    ]
    assert cases
    for case in sorted(cases)[:4]:
        image = read(folder / described["layout"]["image"].format(case=case))
        assert image.shape[: described["dimensions"]] == image.shape[:3][: described["dimensions"]]
        if "label" in described["layout"]:
            label = read(folder / described["layout"]["label"].format(case=case))
            values = set(np.unique(label).tolist())
            assert label.shape == image.shape[: described["dimensions"]]
            assert values <= set(described["labels"])
            assert {described["labels"][value] for value in values} >= set(
                described["always_contoured"]
            )
