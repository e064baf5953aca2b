import sys
from pathlib import Path
from subprocess import run

import numpy as np
import pytest
import torch
from fakes import fake_sample
from monai.transforms import LoadImaged

import augment
from augment.errors import AssetError
from augment.writer.decode import read_image, read_pixels
from augment.writer.reader import read_legend


def test_views_carry_paths_and_facts(folder):
    views = augment.load_dataset(folder)
    assert [(v["sample"], v["twin"], v["view"]) for v in views] == [
        (sample, twin, 0) for sample in range(3) for twin in ("healthy", "pathological")
    ]
    view = views[3]
    assert view["age_years"] == 40.5
    assert view["sex"] is None
    assert view["severities"][0]["measured"] == 4.01
    assert views[2]["severities"] == []
    for kind in ("image", "regions", "depth_mm", "landmarks", "camera", "mesh", "parameters"):
        assert Path(view[kind]).is_file()
    assert "pathological" in view["mesh"]


def test_labels_read_back_as_they_were(folder):
    sample = fake_sample(1)
    view = augment.load_dataset(folder)[3]
    stored = sample.twins[1].views[0]
    np.testing.assert_array_equal(read_image(Path(view["image"])), stored.image)
    for kind, values in stored.labels.items():
        read = read_pixels(Path(view[kind]), kind)
        assert read.dtype == values.dtype
        np.testing.assert_array_equal(read, values)


def test_items_are_tensors_of_the_documented_shapes(folder):
    kinds = ("image", "regions", "depth_mm", "uv", "displacement_mm", "landmarks", "camera")
    dataset = augment.ViewDataset(folder, kinds=kinds)
    assert len(dataset) == 6
    item = dataset[1]
    assert item["image"].shape == (3, 24, 24)
    assert item["image"].dtype == torch.float32
    assert item["image"].min() >= 0
    assert item["image"].max() <= 1
    assert item["regions"].shape == (24, 24)
    assert item["regions"].dtype == torch.int64
    assert item["depth_mm"].shape == (1, 24, 24)
    assert item["uv"].shape == (2, 24, 24)
    assert item["displacement_mm"].shape == (3, 24, 24)
    assert item["landmarks"].shape == (3, 2)
    assert item["landmarks_visible"].tolist() == [True, False, True]
    assert item["camera_from_world"].shape == (4, 4)
    batch = next(iter(torch.utils.data.DataLoader(dataset, batch_size=2)))
    assert batch["image"].shape == (2, 3, 24, 24)


def test_twins_can_be_chosen(folder):
    assert len(augment.ViewDataset(folder, twins=("pathological",))) == 3


def test_a_kind_that_is_not_there_is_named(folder):
    with pytest.raises(AssetError, match="got 'position_mm'"):
        augment.ViewDataset(folder, kinds=("position_mm",))


def test_monai_reads_the_dictionaries(folder):
    load = LoadImaged(keys=("image", "depth_mm"), image_only=True)
    item = load(augment.load_dataset(folder)[0])
    assert item["depth_mm"].shape == (24, 24)
    assert item["image"].shape == (24, 24, 3)


def test_healthy_data_sets_have_no_severities(healthy_folder):
    assert all(view["severities"] == [] for view in augment.load_dataset(healthy_folder))
    card = (healthy_folder / "README.md").read_text(encoding="utf-8")
    assert "None: all heads are healthy." in card


def test_the_card_counts_and_measures(folder):
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "3 samples, 6 pictures" in card
    assert "| crooked_nose | deviation | deg | 3 | 4.01 to 4.01 | 0.0100 |" in card
    assert "- faces: CC0" in card


def test_the_legend_is_the_content_of_dataset_json(folder):
    assert read_legend(folder)["landmarks"] == ["nasion", "pronasale", "menton"]


def test_a_folder_without_data_set_is_refused(tmp_path):
    with pytest.raises(AssetError, match="folder of a finished data set"):
        augment.load_dataset(tmp_path)


@pytest.mark.parametrize("name", ["image.png", "depth_mm.npz"])
def test_an_unreadable_file_is_named(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"torn")
    read = read_image if name == "image.png" else lambda p: read_pixels(p, "depth_mm")
    with pytest.raises(AssetError, match=name):
        read(path)


def test_an_unknown_name_of_the_package_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        augment.Nothing  # noqa: B018


def test_importing_the_package_imports_no_torch():
    code = "import sys, augment; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert run([sys.executable, "-c", code], check=False).returncode == 0
