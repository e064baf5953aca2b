"""Exports of pictures, read back by the tools that they are for."""

import csv
import io
import json
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import webdataset
from fakes import fake_sample
from monai.data import load_decathlon_datalist
from monai.transforms import LoadImaged
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from augment.writer.decode import read_image, read_pixels
from augment.writer.export import export_dataset
from augment.writer.export.coco import run_length_code
from augment.writer.reader import load_dataset

CASES = [
    f"{sample:06d}_{twin}_view0" for sample in range(3) for twin in ("healthy", "pathological")
]


def test_run_lengths_run_down_the_columns():
    mask = np.array([[1, 0, 0], [1, 0, 1]], dtype=bool)
    assert run_length_code(mask) == [0, 2, 3, 1]
    assert run_length_code(~mask) == [2, 3, 1]


# pycocotools decodes through an array interface that numpy 2 frowns upon.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_pycocotools_reads_the_masks_back(folder, tmp_path):
    out = export_dataset(folder, "coco", out=tmp_path / "coco")
    coco = COCO(out / "annotations/instances.json")
    assert {c["name"] for c in coco.dataset["categories"]} == {"nose", "chin"}
    views = load_dataset(folder)
    assert [coco.imgs[i]["file_name"] for i in coco.getImgIds()] == [f"{c}.png" for c in CASES]
    for number, view in enumerate(views, start=1):
        regions = read_pixels(Path(view["regions"]), "regions")
        rebuilt = np.zeros_like(regions)
        for annotation in coco.loadAnns(coco.getAnnIds(imgIds=number)):
            mask = coco.annToMask(annotation).astype(bool)
            assert annotation["area"] == mask.sum()
            x, y, width, height = annotation["bbox"]
            assert mask[y : y + height, x : x + width].sum() == mask.sum()
            rebuilt[mask] = annotation["category_id"]
        np.testing.assert_array_equal(rebuilt, regions)
        image = read_image(out / "images" / f"{CASES[number - 1]}.png")
        np.testing.assert_array_equal(image, read_image(Path(view["image"])))


@pytest.mark.parametrize(("name", "measure"), [("instances", "segm"), ("keypoints", "keypoints")])
def test_pycocotools_scores_the_truth_with_one(folder, tmp_path, name, measure):
    out = export_dataset(folder, "coco", out=tmp_path / "coco")
    truth = COCO(out / f"annotations/{name}.json")
    found = truth.loadRes([{**a, "score": 1.0} for a in truth.dataset["annotations"]])
    score = COCOeval(truth, found, measure)
    if measure == "keypoints":
        score.params.kpt_oks_sigmas = np.full(3, 0.05)
    score.evaluate()
    score.accumulate()
    score.summarize()
    assert score.stats[0] == pytest.approx(1.0)


def test_keypoints_are_the_landmarks_half_a_pixel_on(folder, tmp_path):
    out = export_dataset(folder, "coco", out=tmp_path / "coco")
    coco = COCO(out / "annotations/keypoints.json")
    assert coco.cats[1]["keypoints"] == ["nasion", "pronasale", "menton"]
    assert "skeleton" in coco.cats[1]
    truth = fake_sample(1).twins[1].views[0].landmarks
    (annotation,) = coco.loadAnns(coco.getAnnIds(imgIds=4))
    points = np.array(annotation["keypoints"]).reshape(3, 3)
    np.testing.assert_allclose(points[:, :2] + 0.5, truth.points_px, atol=6e-5)
    assert points[:, 2].tolist() == [2, 1, 2]
    assert annotation["num_keypoints"] == 3


def test_a_landmark_outside_the_picture_has_no_keypoint():
    from augment.writer.export.coco import _keypoints

    rows = b"name,x_px,y_px,x_mm,y_mm,z_mm,visible\na,-0.1,3.0,0,0,0,0\nb,0.0,7.99,0,0,0,1\n"
    assert _keypoints(rows, ["a", "b"], (8, 8)) == [0, 0, 0, -0.5, 7.49, 2]


# webdataset leaves the closing of a shard to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_webdataset_streams_every_byte(folder, tmp_path):
    out = export_dataset(folder, "webdataset", out=tmp_path / "web")
    shard = out / "pictures-000000.tar"
    records = list(webdataset.WebDataset(str(shard), shardshuffle=False))
    assert [record["__key__"] for record in records] == CASES
    for record, view in zip(records, load_dataset(folder), strict=True):
        for kind in ("image", "regions", "depth_mm", "landmarks", "camera", "mesh", "parameters"):
            path = Path(view[kind])
            assert record[f"{kind}{path.suffix}"] == path.read_bytes()
        facts = json.loads(record["case.json"])
        assert facts["twin"] == view["twin"]
        assert facts["severities"] == view["severities"]
    decoded = list(webdataset.WebDataset(str(shard), shardshuffle=False).decode("rgb8"))
    for record, view in zip(decoded, load_dataset(folder), strict=True):
        np.testing.assert_array_equal(record["image.png"], read_image(Path(view["image"])))


def test_shards_split_between_records_and_hold_no_clock(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("augment.writer.export.webdataset.MAX_SHARD_CASES", 4)
    out = export_dataset(folder, "webdataset", out=tmp_path / "web")
    names = []
    for number in range(2):
        with tarfile.open(out / f"pictures-{number:06d}.tar") as shard:
            assert {member.mtime for member in shard.getmembers()} == {0}
            names += list(dict.fromkeys(member.name.split(".")[0] for member in shard))
    assert names == CASES
    assert not (out / "pictures-000002.tar").exists()


def test_monai_lists_and_loads_the_cases(folder, tmp_path):
    out = export_dataset(folder, "monai", labels="parts", out=tmp_path / "monai")
    listed = load_decathlon_datalist(out / "datalist.json", True, "training", base_dir=out)
    assert len(listed) == 6
    views = load_dataset(folder)
    load = LoadImaged(keys=("image", "label"), image_only=True)
    for entry, view in zip(listed, views, strict=True):
        item = load({key: entry[key] for key in ("image", "label")})
        # MONAI's reader of pictures puts x first.
        image = item["image"].numpy().transpose(1, 0, 2)
        np.testing.assert_array_equal(image, read_image(Path(view["image"])))
        parts = read_pixels(Path(view["parts"]), "parts")
        np.testing.assert_array_equal(item["label"].numpy().T, parts)
        for kind, path in entry["files"].items():
            assert (out / path).read_bytes() == Path(view[kind]).read_bytes()


def test_folds_keep_twins_together(folder, tmp_path):
    out = export_dataset(folder, "monai", out=tmp_path / "monai")
    entries = json.loads((out / "datalist.json").read_text(encoding="utf-8"))["training"]
    folds = {entry["case"]: entry["fold"] for entry in entries}
    assert sorted(set(folds.values())) == [0, 1, 2]
    for entry in entries:
        assert folds[entry["other_twin"]] == entry["fold"]


def test_nnunet_has_pictures_labels_and_splits(folder, tmp_path):
    out = export_dataset(folder, "nnunet", out=tmp_path / "raw")
    (root,) = out.glob("Dataset*")
    assert root.name == f"Dataset{500 + 0xFFFFFFFF % 500}_fake"
    description = json.loads((root / "dataset.json").read_text(encoding="utf-8"))
    assert description["labels"] == {"background": 0, "nose": 1, "chin": 2}
    assert description["channel_names"] == {"0": "R", "1": "G", "2": "B"}
    assert description["numTraining"] == 6
    for name, view in zip(CASES, load_dataset(folder), strict=True):
        labels = cv2.imread(str(root / f"labelsTr/{name}.png"), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(labels, read_pixels(Path(view["regions"]), "regions"))
        image = read_image(root / f"imagesTr/{name}_0000.png")
        np.testing.assert_array_equal(image, read_image(Path(view["image"])))
    splits = json.loads((root / "splits_final.json").read_text(encoding="utf-8"))
    assert sorted(name for split in splits for name in split["val"]) == CASES
    for split in splits:
        trained = {name[:6] for name in split["train"]}
        assert trained.isdisjoint(name[:6] for name in split["val"])


def test_severities_card_and_pairs_travel(folder, tmp_path):
    out = export_dataset(folder, "coco", out=tmp_path / "coco")
    tables = out / "facies"
    assert (tables / "CARD.md").read_bytes() == (folder / "README.md").read_bytes()
    for name in ("samples.csv", "severities.csv"):
        assert (tables / name).read_bytes() == (folder / name).read_bytes()
    stored = json.loads((tables / "dataset.json").read_text(encoding="utf-8"))
    assert stored == json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
    rows = list(csv.DictReader(io.StringIO((tables / "cases.csv").read_text(encoding="utf-8"))))
    assert [row["case"] for row in rows] == CASES
    assert all(rows[CASES.index(row["other_twin"])]["other_twin"] == row["case"] for row in rows)
    readme = (out / "README.md").read_text(encoding="utf-8")
    assert "- faces: CC0" in readme
    assert "Please cite facies 0, recipe fake, seed 0, fingerprint ffffffffffffffff." in readme


def test_the_same_data_set_gives_the_same_bytes(folder, tmp_path):
    first, second = (
        {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}
        for out in (export_dataset(folder, "webdataset", out=tmp_path / n) for n in ("a", "b"))
    )
    assert first == second
