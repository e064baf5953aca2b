"""Data sets with volumes: bytes, resuming, verifying, reading."""

import json
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.transforms import LoadImaged
from scipy.ndimage import map_coordinates

import augment
from augment.engine.generate import generate_dataset
from augment.errors import AssetError
from augment.geometry.mesh_file import read_mesh
from augment.pipeline import open_deriver
from augment.recipe import compose_recipe
from augment.volume.files import FILE_NAMES, read_written, write_volume
from augment.volume.labels import LABELS, NUMBER
from augment.writer.gather import checksum_lines
from augment.writer.verify import verify_folder

COARSE = ("volume.spacing_mm=6", "volume.atlas_mm=3")


def contents(root):
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    root = tmp_path_factory.mktemp("volumes") / "data"
    words = [*COARSE, "samples=1", f"out={root}", "volume.spacing_mm=4"]
    words.append("volume.files=[image,labels,displacement_mm,jacobian,mandible_share,meshes]")
    generate_dataset(compose_recipe("head_ct", words))
    return root


def test_a_run_killed_and_resumed_gives_the_same_bytes_with_one_or_two_processes(tmp_path):
    words = [*COARSE, "samples=3"]
    reference, out = tmp_path / "reference", tmp_path / "killed"
    generate_dataset(compose_recipe("mandible_kbp", [*words, f"out={reference}", "workers=1"]))
    line = ["generate", "mandible_kbp", *words, f"out={out}", "workers=2"]
    with subprocess.Popen([sys.executable, "-m", "augment.cli", *line]) as run:
        deadline = time.monotonic() + 300
        while not list(out.glob("samples/*")) and run.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        run.send_signal(signal.SIGKILL)
    assert not (out / "SHA256SUMS").exists()
    generate_dataset(compose_recipe("mandible_kbp", [*words, f"out={out}", "workers=1"]))
    assert contents(out) == contents(reference)
    assert verify_folder(out, 0.1, open_deriver) == []


def test_labels_and_field_follow_from_the_recorded_parameters(twins):
    derived = {(twin, kind): values for twin, _, kind, values in open_deriver(twins)(0)}
    assert set(derived) == {
        *(
            (twin, kind)
            for twin in ("healthy", "pathological")
            for kind in ("labels", "mandible_share")
        ),
        ("pathological", "displacement_mm"),
        ("pathological", "jacobian"),
    }
    for (twin, kind), values in derived.items():
        stored, _ = read_written(twins / "samples/000000" / twin / FILE_NAMES[kind])
        np.testing.assert_array_equal(stored, values)


def renew_sums(folder):
    files = [p for p in folder.rglob("*") if p.is_file() and p.name != "SHA256SUMS"]
    sums = {p.relative_to(folder).as_posix(): sha256(p.read_bytes()).hexdigest() for p in files}
    (folder / "SHA256SUMS").write_bytes(checksum_lines(sums))


@pytest.fixture
def changed(twins, tmp_path):
    import shutil

    shutil.copytree(twins, tmp_path / "changed")
    return tmp_path / "changed"


def test_a_field_that_does_not_follow_is_found(changed):
    path = changed / "samples/000000/pathological/volume_displacement_mm.nii.gz"
    values, affine = read_written(path)
    write_volume(path, values + np.float32(0.5), affine, "displacement_mm")
    renew_sums(changed)
    name = "samples/000000/pathological/volume_displacement_mm.nii.gz"
    assert verify_folder(changed, 1.0, open_deriver) == [
        f"{name} does not follow from parameters.json"
    ]


def test_a_header_against_the_conventions_is_found(changed):
    path = changed / "samples/000000/pathological/volume_jacobian.nii.gz"
    image = nib.load(path)
    image.header.set_xyzt_units("meter")
    image.header["intent_code"] = 1006
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), image.affine, image.header), path)
    renew_sums(changed)
    problems = verify_folder(changed, 0.0, open_deriver)
    name = "samples/000000/pathological/volume_jacobian.nii.gz"
    assert f"{name} has spatial units of meter, not mm" in problems
    assert f"{name} has intent 1006, not 0" in problems


def test_rows_name_every_file_of_a_volume(twins):
    assert augment.load_dataset(twins) == []
    healthy, pathological = augment.load_volumes(twins)
    assert (healthy["twin"], pathological["twin"]) == ("healthy", "pathological")
    keys = {"image", "labels", "mandible_share", "mesh_skin", "mesh_skull", "mesh_mandible"}
    assert keys <= set(healthy)
    assert set(pathological) - set(healthy) == {"displacement_mm", "jacobian"}
    assert healthy["severities"] == []
    assert pathological["severities"][0]["pathology"] == "mandibular_prognathism"
    for row in (healthy, pathological):
        for key in keys:
            assert Path(row[key]).is_file()
    vertices, faces = read_mesh(Path(healthy["mesh_mandible"]))
    assert len(faces) > 200
    assert 60 < np.ptp(vertices[:, 0]) < 160


def test_items_are_tensors_of_the_documented_shapes(twins):
    kinds = ("image", "labels", "displacement_mm", "jacobian", "mandible_share")
    dataset = augment.VolumeDataset(twins, kinds=kinds)
    assert len(dataset) == 2
    healthy, pathological = dataset[0], dataset[1]
    shape = pathological["image"].shape[1:]
    assert pathological["image"].dtype == torch.float32
    assert pathological["labels"].shape == (1, *shape)
    assert pathological["labels"].dtype == torch.int64
    assert pathological["displacement_mm"].shape == (3, *shape)
    assert pathological["displacement_mm"].abs().max() > 1
    assert not healthy["displacement_mm"].any()
    assert (healthy["jacobian"] == 1).all()
    assert pathological["jacobian"].min() > 0
    assert 0.9 < pathological["mandible_share"].max() <= 1
    assert torch.equal(healthy["affine"], pathological["affine"])
    batch = next(iter(torch.utils.data.DataLoader(dataset, batch_size=2)))
    assert batch["image"].shape == (2, 1, *shape)


def test_monai_reads_the_dictionaries(twins):
    load = LoadImaged(keys=("image", "labels"), image_only=True, reader="NibabelReader")
    row = augment.load_volumes(twins)[1]
    item = load(row)
    values, affine = read_written(Path(row["image"]))
    np.testing.assert_array_equal(item["image"].numpy(), values)
    np.testing.assert_allclose(item["image"].affine.numpy(), affine, atol=1e-4)


def test_the_field_carries_healthy_labels_to_the_twin(twins):
    healthy, pathological = augment.load_volumes(twins)
    before, _ = read_written(Path(healthy["labels"]))
    after, affine = read_written(Path(pathological["labels"]))
    field, _ = read_written(Path(pathological["displacement_mm"]))
    index = np.stack(np.meshgrid(*map(np.arange, before.shape), indexing="ij"))
    source = index + np.moveaxis(field / np.diag(affine)[:3], -1, 0)
    carried = map_coordinates(before, source, order=0, mode="nearest")
    mandible = [NUMBER["mandible_cortical"], NUMBER["mandible_trabecular"]]
    wanted, got, still = (np.isin(v, mandible) for v in (after, carried, before))
    # Nearest neighbours of 4 mm voxels on a wall of two voxels.
    assert dice(got, wanted) > 0.75
    assert dice(still, wanted) < dice(got, wanted) - 0.2


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


def test_the_data_set_says_what_its_volumes_are(twins):
    legend = json.loads((twins / "dataset.json").read_text(encoding="utf-8"))
    assert legend["volume_labels"] == {str(row.number): row.name for row in LABELS if row.number}
    for name in legend["label_tables"]:
        assert (twins / name).is_file()
    assert "volume" in legend["frames"]
    card = (twins / "README.md").read_text(encoding="utf-8")
    for words in ("1 samples, 0 pictures, 2 volumes", "`volume.nii.gz`", "augment.VolumeDataset"):
        assert words in card
    assert "load_dataset" not in card


def test_a_kind_that_is_not_there_is_named(twins):
    with pytest.raises(AssetError, match=r"kinds expects what '.*' holds, got 'depth_mm'"):
        augment.VolumeDataset(twins, kinds=("depth_mm",))
    with pytest.raises(AssetError, match=r"expected volumes in '.*', got none"):
        augment.VolumeDataset(twins, twins=("other",))
