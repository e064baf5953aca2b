"""Data sets that lie: every mistake is one sentence, and nothing stays at the target."""

import gzip
import json
import struct
from hashlib import sha256
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from augment.errors import AssetError, RecipeError
from augment.writer.content import decode_png, decode_volume
from augment.writer.export import EXPORTERS, export_dataset
from augment.writer.export.source import open_source
from augment.writer.gather import checksum_lines
from augment.writer.tables import table_files
from augment.writer.verify import verify_folder

IMAGE = "samples/000000/healthy/view_0/image.png"


def forge(folder, change=lambda row: None, add=()):
    """Change the table of files, and every checksum with it, as an attacker would."""
    from augment.writer.export.source import _rows

    tables = {
        name: _rows((folder / f"{name}.parquet").read_bytes(), name)
        for name in ("samples", "files", "severities")
    }
    for row in tables["files"]:
        change(row)
    tables["files"] += add
    sums = dict(
        reversed(line.split("  ")) for line in (folder / "SHA256SUMS").read_text().splitlines()
    )
    for name, content in table_files(tables).items():
        (folder / name).write_bytes(content)
        sums[name] = sha256(content).hexdigest()
    (folder / "SHA256SUMS").write_bytes(checksum_lines(sums))


def forge_content(folder, content):
    """Replace one picture and whatever vouches for it."""
    (folder / IMAGE).write_bytes(content)

    def change(row):
        if row["path"] == IMAGE:
            row["bytes"], row["sha256"] = len(content), sha256(content).hexdigest()

    forge(folder, change)


def refused(folder, tmp_path, message, to="webdataset", error=AssetError):
    out = tmp_path / "out"
    with pytest.raises(error, match=message):
        export_dataset(folder, to, out=out)
    assert [path for path in tmp_path.iterdir() if path.name.startswith(("out", ".out"))] == []


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "samples/../../secret", "a\\b", ""])
def test_a_path_that_leaves_the_data_set_is_refused(folder, tmp_path, path):
    (tmp_path / "secret").write_bytes(b"secret")

    def change(row):
        if row["path"] == IMAGE:
            row["path"] = path

    forge(folder, change)
    refused(folder, tmp_path, "which leaves it")


def test_a_link_is_refused_even_with_the_right_bytes(folder, tmp_path):
    moved = tmp_path / "moved.png"
    (folder / IMAGE).rename(moved)
    (folder / IMAGE).symlink_to(moved)
    refused(folder, tmp_path, "the symbolic link 'samples/000000/healthy/view_0/image.png'")


def test_a_linked_folder_is_refused(folder, tmp_path):
    (folder / "samples").rename(tmp_path / "samples")
    (folder / "samples").symlink_to(tmp_path / "samples")
    refused(folder, tmp_path, "symbolic link")


def test_a_linked_table_is_refused(folder, tmp_path):
    (folder / "files.parquet").rename(tmp_path / "files")
    (folder / "files.parquet").symlink_to(tmp_path / "files")
    refused(folder, tmp_path, "symbolic link 'files.parquet'")


def test_verify_names_links(folder, tmp_path):
    moved = tmp_path / "moved.png"
    (folder / IMAGE).rename(moved)
    (folder / IMAGE).symlink_to(moved)
    problems = verify_folder(folder, 0.0, lambda root: None)
    assert problems == [f"{IMAGE} is a symbolic link"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "passwords"}, "a file of a known kind, got 'passwords'"),
        ({"kind": "regions"}, "one file a kind, got a second one"),
        ({"twin": "../.."}, "healthy or pathological as twin"),
        ({"view": -1}, "views from 0 on, got -1"),
        ({"sample": -1}, "a file of a known kind"),
        ({"sample": 9}, "sample 9 is in the table of files, not in that of samples"),
        ({"bytes": 3}, "expected 3 bytes in"),
        ({"sha256": "0" * 64}, "has changed since it was made"),
    ],
)
def test_a_forged_row_is_refused(folder, tmp_path, change, message):
    forge(folder, lambda row: row.update(change) if row["path"] == IMAGE else None)
    refused(folder, tmp_path, message)


def test_a_missing_file_is_named(folder, tmp_path):
    (folder / IMAGE).unlink()
    refused(folder, tmp_path, "the file 'samples/000000/healthy/view_0/image.png' in .* is missing")


@pytest.mark.parametrize("name", ["files.parquet", "dataset.json", "README.md"])
def test_a_changed_table_is_refused(folder, tmp_path, name):
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    refused(folder, tmp_path, f"{name}' has changed since it was made")


def test_tables_that_are_none_are_refused(folder, tmp_path):
    content = b"PAR1 no table PAR1"
    (folder / "files.parquet").write_bytes(content)
    sums = (folder / "SHA256SUMS").read_text().splitlines()
    kept = [line for line in sums if not line.endswith("  files.parquet")]
    kept.append(f"{sha256(content).hexdigest()}  files.parquet")
    (folder / "SHA256SUMS").write_text("\n".join(kept) + "\n")
    refused(folder, tmp_path, "expected a table in files.parquet")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("not json", "expected JSON in dataset.json"),
        ("[" * 100_000, "expected JSON in dataset.json"),
        ("{}", "expected assets, fingerprint, .* in dataset.json"),
        ("[]", "expected assets, fingerprint, .* in dataset.json"),
    ],
)
def test_a_broken_dataset_json_is_refused(folder, tmp_path, content, message):
    forge_legend(folder, content)
    refused(folder, tmp_path, message)


def forge_legend(folder, content):
    (folder / "dataset.json").write_text(content, encoding="utf-8")
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    kept = [line for line in lines if not line.endswith("  dataset.json")]
    kept.append(f"{sha256(content.encode()).hexdigest()}  dataset.json")
    (folder / "SHA256SUMS").write_text("\n".join(kept) + "\n")


@pytest.mark.parametrize(
    "table",
    [{"x": "nose"}, {"0": "nose"}, {"70000": "nose"}, {"1": "no\tse"}, {"1": "n" * 65}, ["nose"]],
)
def test_a_broken_label_table_is_refused(folder, tmp_path, table):
    legend = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
    forge_legend(folder, json.dumps({**legend, "regions": table}))
    refused(folder, tmp_path, "as regions in dataset.json", to="coco")


def test_labels_without_a_name_are_refused(folder, tmp_path):
    legend = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
    forge_legend(folder, json.dumps({**legend, "regions": {"1": "nose"}}))
    refused(folder, tmp_path, r"labels that dataset.json names in .*, got \[2\]", to="coco")


def test_a_name_that_is_a_path_stays_a_name(folder, tmp_path):
    legend = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
    forge_legend(folder, json.dumps({**legend, "name": "../../etc/x y"}))
    out = export_dataset(folder, "nnunet", out=tmp_path / "raw")
    assert [path.name[11:] for path in out.glob("Dataset*")] == ["______etc_x_y"]


def png_bomb(content):
    header = content[:16] + struct.pack(">II", 60_000, 60_000) + content[24:]
    return header


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda png: png[: len(png) // 2], "truncated or damaged picture"),
        (lambda png: png[:-12], "truncated or damaged picture"),
        (png_bomb, "promises 60000 x 60000"),
        (lambda png: b"GIF89a" + png, "expected a PNG picture"),
        (lambda png: png[:20], "expected a PNG picture"),
        (lambda png: png[:60] + b"\0" + png[61:], "truncated or damaged picture"),
    ],
)
def test_a_spoilt_picture_is_refused(folder, tmp_path, spoil, message):
    forge_content(folder, spoil((folder / IMAGE).read_bytes()))
    refused(folder, tmp_path, message)


def volume_bytes(change=lambda header: None, body=b"", shape=(4, 5, 6)):
    image = nib.Nifti1Image(np.arange(120, dtype=np.int16).reshape(4, 5, 6), np.eye(4))
    content = image.to_bytes()
    header = nib.Nifti1Header(content[:348])
    change(header)
    return header.binaryblock + b"\0" * 4 + (body or content[352:])


def test_a_volume_reads_back():
    values, affine = decode_volume(gzip.compress(volume_bytes()), Path("v.nii.gz"))
    np.testing.assert_array_equal(values, np.arange(120).reshape(4, 5, 6))
    np.testing.assert_array_equal(affine, np.eye(4))


def promise(n):
    def change(header):
        header["dim"][1:4] = n

    return change


def spoil_affine(header):
    header["sform_code"] = 1
    header["srow_x"] = np.nan


def spoil_type(header):
    header["datatype"] = 32
    header["bitpix"] = 64


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(mtime=0, data=volume_bytes())[:-30], "truncated or damaged"),
        (gzip.compress(mtime=0, data=volume_bytes())[:60], "expected a compressed NIfTI volume"),
        (b"no gzip at all", "expected a compressed NIfTI volume"),
        (b"", "expected a compressed NIfTI volume"),
        (gzip.compress(mtime=0, data=volume_bytes(promise(30_000))), "promises"),
        (gzip.compress(mtime=0, data=volume_bytes(promise(-3))), "promises"),
        (gzip.compress(mtime=0, data=volume_bytes(promise(500))), "truncated or damaged"),
        (gzip.compress(mtime=0, data=volume_bytes(body=bytes(10_000_000))), "truncated or damaged"),
        (gzip.compress(mtime=0, data=volume_bytes(spoil_affine)), "finite affine"),
        (gzip.compress(mtime=0, data=volume_bytes(spoil_type)), "finite affine"),
        (gzip.compress(bytes(400), mtime=0), "expected a compressed NIfTI volume"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else None,
)
def test_a_spoilt_volume_is_refused(content, message):
    with pytest.raises(AssetError, match=message):
        decode_volume(content, Path("v.nii.gz"))


def test_a_picture_keeps_its_colours():
    import cv2

    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    content = cv2.imencode(".png", image[..., ::-1])[1].tobytes()
    np.testing.assert_array_equal(decode_png(content, Path("i.png")), image)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"to": "tfrecord"}, "--to expects one of nnunet, .*got 'tfrecord'"),
        ({"to": "coco", "labels": "bones"}, "--labels expects one of regions, .*got 'bones'"),
        ({"to": "coco", "labels": "labels"}, "--to coco expects --labels regions or parts or"),
        ({"to": "webdataset", "labels": "regions"}, "takes every file along"),
        ({"to": "msd"}, "expects a data set with an image and labels, got .* with regions, parts"),
    ],
)
def test_an_impossible_export_is_one_sentence(folder, tmp_path, arguments, message):
    with pytest.raises(RecipeError, match=message):
        export_dataset(folder, out=tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


def test_an_existing_target_is_left_alone(folder, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(RecipeError, match=r"out expects a new folder, got .* there already"):
        export_dataset(folder, "coco", out=tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_target_inside_the_data_set_is_refused(folder):
    with pytest.raises(RecipeError, match="outside the data set"):
        export_dataset(folder, "coco", out=folder / "coco")
    assert not (folder / "coco").exists()


def test_an_unfinished_data_set_is_refused(folder, tmp_path):
    (folder / ".incoming").mkdir()
    refused(folder, tmp_path, "whose run has not finished; repeat")
    (folder / ".incoming").rmdir()
    (folder / "SHA256SUMS").unlink()
    refused(folder, tmp_path, "it has no SHA256SUMS")


def test_an_export_that_fails_half_way_leaves_nothing(folder, tmp_path):
    last = "samples/000002/pathological/view_0/image.png"
    (folder / last).write_bytes((folder / last).read_bytes()[:-1] + b"x")
    for to in ("coco", "webdataset", "monai", "nnunet"):
        refused(folder, tmp_path, "has changed since it was made", to=to)


def test_what_a_killed_export_left_is_removed_by_the_next(folder, tmp_path):
    left = tmp_path / ".out.partial" / "old"
    left.mkdir(parents=True)
    out = export_dataset(folder, "coco", out=tmp_path / "out")
    assert not left.parent.exists()
    assert not (out / "old").exists()


def test_exports_go_beside_the_data_set(folder):
    assert export_dataset(folder, "coco") == folder.with_name("data_coco")


def test_the_data_set_is_only_read(folder):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    export_dataset(folder, "webdataset")
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_reader_counts_cases_and_pairs(folder, healthy_folder):
    source = open_source(folder)
    assert len(source.views) == 6
    assert source.volumes == ()
    assert source.views[0].other == "000000_pathological_view0"
    assert [case.other for case in open_source(healthy_folder).views] == ["", "", ""]


def test_the_table_of_targets_is_closed():
    assert list(EXPORTERS) == ["nnunet", "msd", "monai", "coco", "webdataset", "bids", "dicom"]
