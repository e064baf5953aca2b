"""Exports of volumes: the same voxels, spacing, affine and labels come back."""

import csv
import json

import highdicom
import nibabel as nib
import numpy as np
import pydicom
import pytest
import webdataset
from monai.data import load_decathlon_datalist
from monai.transforms import LoadImaged
from SimpleITK import GetArrayFromImage, ImageSeriesReader, ReadImage
from volume_folders import NAMES, make_volume_folder, stored_volume

from augment.errors import RecipeError
from augment.writer.export import export_dataset

CASES = [f"{sample:06d}_{twin}" for sample in range(2) for twin in ("healthy", "pathological")]
PLACE_OF = {value: place for place, value in enumerate(NAMES, start=1)}
DISPLACEMENT = "volume_displacement_mm"
# A decimal string of DICOM holds 16 characters.
DICOM_TOLERANCE_MM = 1e-5


@pytest.fixture
def volume_folder(tmp_path):
    return make_volume_folder(tmp_path / "heads")


def same_image(path, truth):
    image = nib.load(path)
    np.testing.assert_array_equal(np.asarray(image.dataobj), np.asarray(truth.dataobj))
    np.testing.assert_array_equal(image.affine, truth.affine)


def same_labels(path, truth):
    image = nib.load(path)
    values = np.asarray(image.dataobj)
    back = np.zeros_like(values)
    for value, place in PLACE_OF.items():
        back[values == place] = value
    np.testing.assert_array_equal(back, np.asarray(truth.dataobj))
    np.testing.assert_array_equal(image.affine, truth.affine)


@pytest.mark.parametrize("to", ["nnunet", "msd"])
def test_values_are_dealt_without_gaps_and_map_back(volume_folder, tmp_path, to):
    out = export_dataset(volume_folder, to, out=tmp_path / to)
    root = next(out.glob("Dataset*")) if to == "nnunet" else out
    for case in CASES:
        image = f"{case}_0000" if to == "nnunet" else case
        same_image(root / f"imagesTr/{image}.nii.gz", stored_volume(volume_folder, case, "volume"))
        same_labels(
            root / f"labelsTr/{case}.nii.gz", stored_volume(volume_folder, case, "volume_labels")
        )
    description = json.loads((root / "dataset.json").read_text(encoding="utf-8"))
    names = description["labels"]
    expected = ["background", *NAMES.values()]
    if to == "nnunet":
        assert description["channel_names"] == {"0": "CT"}
        assert names == {name: place for place, name in enumerate(expected)}
        assert description["facies_label_values"] == {n: v for v, n in NAMES.items()}
    else:
        assert names == {str(place): name for place, name in enumerate(expected)}


@pytest.mark.parametrize(("to", "name"), [("msd", "dataset.json"), ("monai", "datalist.json")])
def test_monai_loads_arrays_and_affine(volume_folder, tmp_path, to, name):
    out = export_dataset(volume_folder, to, out=tmp_path / to)
    listed = load_decathlon_datalist(out / name, True, "training", base_dir=out)
    load = LoadImaged(keys=("image", "label"))
    for entry, case in zip(listed, CASES, strict=True):
        item = load({key: entry[key] for key in ("image", "label")})
        truth = stored_volume(volume_folder, case, "volume")
        np.testing.assert_array_equal(item["image"].numpy(), np.asarray(truth.dataobj))
        np.testing.assert_allclose(item["image"].affine.numpy(), truth.affine)
        np.testing.assert_array_equal(item["label"].affine, item["image"].affine)


def test_bids_has_twins_as_sessions(volume_folder, tmp_path):
    out = export_dataset(volume_folder, "bids", out=tmp_path / "bids")
    for case in CASES:
        sample, twin = case.split("_")
        place, stem = f"sub-{sample}/ses-{twin}/ct", f"sub-{sample}_ses-{twin}"
        same_image(out / place / f"{stem}_ct.nii.gz", stored_volume(volume_folder, case, "volume"))
        derived = out / "derivatives/facies" / place
        same_image(
            derived / f"{stem}_dseg.nii.gz", stored_volume(volume_folder, case, "volume_labels")
        )
        field = derived / f"{stem}_desc-displacement_fieldmm.nii.gz"
        assert field.exists() == (twin == "pathological")
        if field.exists():
            same_image(field, stored_volume(volume_folder, case, DISPLACEMENT))
    with (out / "derivatives/facies/dseg.tsv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert {int(row["index"]): row["name"] for row in rows} == {0: "background", **NAMES}
    sessions = (out / "sub-000001/sub-000001_sessions.tsv").read_text(encoding="utf-8")
    assert sessions.splitlines()[1:] == [
        "ses-healthy\tnone",
        "ses-pathological\tcrooked_nose 4.010 deg",
    ]


@pytest.mark.parametrize("handedness", [1.0, -1.0])
def test_simpleitk_reads_a_series_as_it_reads_the_volume(tmp_path, handedness):
    folder = make_volume_folder(tmp_path / "heads", handedness)
    out = export_dataset(folder, "dicom", out=tmp_path / "dicom")
    path = folder / "samples/000001/pathological/volume.nii.gz"
    truth = ReadImage(str(path))
    # In the order of the files: a reader that sorts by position turns left-handed stacks around.
    names = sorted(str(name) for name in (out / CASES[3] / "ct").glob("*.dcm"))
    slices = [pydicom.dcmread(name) for name in names]
    voxels = np.stack([item.pixel_array.T for item in slices], axis=-1)
    np.testing.assert_array_equal(voxels, GetArrayFromImage(truth).T)
    size = np.array(truth.GetSize())
    for k, item in enumerate(slices):
        rows, columns = np.array(item.ImageOrientationPatient, float).reshape(2, 3)
        between_rows, between_columns = (float(number) for number in item.PixelSpacing)
        for i, j in ((0, 0), (int(size[0]) - 1, 0), (0, int(size[1]) - 1)):
            point = np.array(item.ImagePositionPatient, float)
            point += rows * between_columns * i + columns * between_rows * j
            expected = truth.TransformIndexToPhysicalPoint((i, j, k))
            np.testing.assert_allclose(point, expected, atol=DICOM_TOLERANCE_MM)
    if handedness > 0:
        reader = ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(out / CASES[3] / "ct")))
        series = reader.Execute()
        np.testing.assert_array_equal(GetArrayFromImage(series), GetArrayFromImage(truth))
        for name in ("GetSpacing", "GetOrigin", "GetDirection"):
            np.testing.assert_allclose(
                getattr(series, name)(), getattr(truth, name)(), atol=DICOM_TOLERANCE_MM
            )


def test_highdicom_reads_the_segments_back(volume_folder, tmp_path):
    out = export_dataset(volume_folder, "dicom", out=tmp_path / "dicom")
    with (out / "segments.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for case in CASES:
        segments = highdicom.seg.segread(out / case / "segmentation.dcm")
        slices = [pydicom.dcmread(p) for p in sorted((out / case / "ct").glob("*.dcm"))]
        pixels = segments.get_pixels_by_source_instance(
            [item.SOPInstanceUID for item in slices],
            combine_segments=True,
            ignore_spatial_locations=True,
            assert_missing_frames_are_empty=True,
        )
        values = np.zeros_like(pixels)
        for row in rows:
            if row["case"] == case:
                number = int(row["segment_number"])
                values[pixels == number] = int(row["value"])
                assert segments.get_segment_description(number).SegmentLabel == row["name"]
        truth = stored_volume(volume_folder, case, "volume_labels")
        np.testing.assert_array_equal(values.transpose(2, 1, 0), np.asarray(truth.dataobj))
        assert segments.FrameOfReferenceUID == slices[0].FrameOfReferenceUID


def test_twins_share_patient_and_frame_and_nothing_else(volume_folder, tmp_path):
    out = export_dataset(volume_folder, "dicom", out=tmp_path / "dicom")
    first = {case: pydicom.dcmread(out / case / "ct/0001.dcm") for case in CASES}
    for keyword in ("PatientID", "FrameOfReferenceUID"):
        values = [str(first[case][keyword].value) for case in CASES]
        assert values[0] == values[1] != values[2] == values[3]
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        assert len({first[case][keyword].value for case in CASES}) == 4
    unique = [pydicom.dcmread(p).SOPInstanceUID for p in out.rglob("*.dcm")]
    assert len(set(unique)) == len(unique)
    assert all(pydicom.uid.UID(uid).is_valid for uid in unique)


def test_the_same_data_set_gives_the_same_dicom(volume_folder, tmp_path):
    first, second = (
        {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}
        for out in (export_dataset(volume_folder, "dicom", out=tmp_path / n) for n in ("a", "b"))
    )
    assert first == second


def test_pictures_can_be_asked_for_where_there_are_volumes(volume_folder, tmp_path):
    out = export_dataset(volume_folder, "nnunet", "regions", tmp_path / "raw")
    assert len(list(out.glob("Dataset*/labelsTr/*.png"))) == 4


def test_volumes_and_pictures_have_shards_of_their_own(volume_folder, tmp_path):
    out = export_dataset(volume_folder, "webdataset", out=tmp_path / "web")
    assert sorted(path.name for path in out.glob("*.tar")) == [
        "pictures-000000.tar",
        "volumes-000000.tar",
    ]


# webdataset leaves the closing of a shard to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_webdataset_streams_every_byte_of_volumes(volume_folder, tmp_path):
    out = export_dataset(volume_folder, "webdataset", out=tmp_path / "web")
    shard = webdataset.WebDataset(str(out / "volumes-000000.tar"), shardshuffle=False)
    records = list(shard)
    assert [record["__key__"] for record in records] == CASES
    for record, case in zip(records, CASES, strict=True):
        sample, twin = case.split("_")
        for kind in ("volume", "volume_labels", DISPLACEMENT):
            name = f"{kind}.nii.gz"
            if kind == DISPLACEMENT and twin == "healthy":
                assert name not in record
                continue
            path = volume_folder / "samples" / sample / twin / name
            assert record[name] == path.read_bytes()


def test_a_missing_package_is_named_with_its_extra(volume_folder, tmp_path, monkeypatch):
    monkeypatch.setattr("augment.writer.export.dicom.find_spec", lambda name: None)
    with pytest.raises(RecipeError, match=r'pip install "facies\[export\]"'):
        export_dataset(volume_folder, "dicom", out=tmp_path / "dicom")
    assert not (tmp_path / "dicom").exists()
