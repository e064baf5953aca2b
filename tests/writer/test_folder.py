import csv
import json
from hashlib import sha256

import pyarrow.parquet as pq
import pytest
from fakes import LANDMARKS, fake_sample

from augment.errors import RecipeError
from augment.writer.folder import Identity, abandon_folder, open_folder
from augment.writer.sample_folder import is_whole, write_sample

IDENTITY = Identity("f" * 64, {}, {"facies": "0"})


def contents(root):
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_the_layout_is_the_documented_one(folder):
    files = contents(folder)
    top = {name for name in files if "/" not in name}
    assert top == {
        "dataset.json",
        "README.md",
        "contact_sheet.png",
        "SHA256SUMS",
        *(f"{t}.{s}" for t in ("samples", "files", "severities") for s in ("parquet", "csv")),
    }
    view = "samples/000002/pathological/view_0"
    assert {name.rpartition("/")[2] for name in files if name.startswith(view)} == {
        "image.png",
        "regions.png",
        "pathology.png",
        "parts.png",
        "depth_mm.npz",
        "normals.npz",
        "uv.npz",
        "displacement_mm.npz",
        "landmarks.csv",
        "camera.json",
    }
    assert "samples/000002/healthy/mesh.ply" in files
    assert "samples/000002/parameters.json" in files


def test_the_table_of_files_lists_every_file_of_the_samples(folder):
    rows = pq.read_table(folder / "files.parquet").to_pylist()
    files = contents(folder)
    listed = {row["path"] for row in rows}
    assert listed == {n for n in files if n.startswith("samples/") and not n.endswith("rows.json")}
    for row in rows:
        assert row["sha256"] == sha256(files[row["path"]]).hexdigest()
        assert row["bytes"] == len(files[row["path"]])


@pytest.mark.parametrize("table", ["samples", "files", "severities"])
def test_csv_and_parquet_hold_the_same(folder, table):
    rows = pq.read_table(folder / f"{table}.parquet").to_pylist()
    with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as stream:
        stored = list(csv.DictReader(stream))
    assert len(rows) == len(stored) > 0
    for row, line in zip(rows, stored, strict=True):
        assert {k: "" if v is None else str(v) for k, v in row.items()} == line


def test_checksums_have_the_form_that_sha256sum_reads(folder):
    lines = (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    for line in lines:
        digest, path = line.split("  ")
        assert sha256((folder / path).read_bytes()).hexdigest() == digest
    assert len(lines) == len(contents(folder)) - 1


def test_nothing_says_where_or_by_how_many_processes(folder):
    dataset = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
    assert {"out", "workers"}.isdisjoint(dataset["recipe"])
    assert dataset["regions"] == {"1": "nose", "2": "chin"}
    for name, content in contents(folder).items():
        assert str(folder).encode() not in content, name


def test_a_finished_folder_has_nothing_left_to_make(folder):
    before = contents(folder)
    assert open_folder(folder, IDENTITY, 3) == []
    assert {k: v for k, v in contents(folder).items() if ".incoming" not in k} == before


def test_a_larger_number_of_samples_extends(folder):
    assert open_folder(folder, IDENTITY, 5) == [3, 4]
    assert not (folder / "SHA256SUMS").exists()


def test_a_smaller_number_of_samples_is_refused(folder):
    with pytest.raises(RecipeError, match="already holds 3 samples, got samples=2"):
        open_folder(folder, IDENTITY, 2)


def test_another_recipe_is_refused(folder):
    with pytest.raises(RecipeError, match="holds samples of another recipe, input or version"):
        open_folder(folder, Identity("0" * 64, {}, {"facies": "0"}), 3)


def test_foreign_content_is_refused_and_kept(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(RecipeError, match="expects a new or empty folder"):
        open_folder(tmp_path, IDENTITY, 3)
    assert contents(tmp_path) == {"thesis.txt": b"mine"}


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "data").write_text("mine", encoding="utf-8")
    with pytest.raises(RecipeError, match="expects a new or empty folder"):
        open_folder(tmp_path / "data", IDENTITY, 3)


def test_a_damaged_sample_is_made_again(tmp_path):
    root = tmp_path / "data"
    for index in open_folder(root, IDENTITY, 3):
        write_sample(root, fake_sample(index), LANDMARKS)
    (root / "samples/000001/healthy/mesh.ply").write_bytes(b"torn")
    (root / "samples/000002/rows.json").unlink()
    assert open_folder(root, IDENTITY, 3) == [1, 2]
    assert is_whole(root, 0)


def test_a_half_written_sample_leaves_nothing_among_the_samples(tmp_path, monkeypatch):
    root = tmp_path / "data"
    open_folder(root, IDENTITY, 1)

    def torn(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("augment.writer.sample_folder.encode_landmarks", torn)
    with pytest.raises(OSError, match="No space"):
        write_sample(root, fake_sample(0), LANDMARKS)
    assert not (root / "samples").exists()
    abandon_folder(root)
    assert not root.exists()


def test_abandoning_keeps_finished_samples(tmp_path):
    root = tmp_path / "data"
    open_folder(root, IDENTITY, 2)
    write_sample(root, fake_sample(0), LANDMARKS)
    abandon_folder(root)
    assert is_whole(root, 0)
    assert open_folder(root, IDENTITY, 2) == [1]
