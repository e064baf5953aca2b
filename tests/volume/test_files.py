"""NIfTI files as nibabel and SimpleITK read them."""

import gzip

import nibabel as nib
import numpy as np
import pytest

from augment.errors import AssetError, GeometryError
from augment.volume.files import KINDS, check_written, encode_volume, read_written, write_volume
from augment.volume.label_table import itksnap_table, label_json, slicer_table
from augment.volume.labels import LABELS

AFFINE = np.array([[2.0, 0, 0, -30], [0, 2.5, 0, -40], [0, 0, 3, -50], [0, 0, 0, 1.0]])


def test_a_ct_is_read_back_with_equal_frames_and_mm(tmp_path):
    values = np.random.default_rng(0).integers(-1024, 3071, (6, 7, 8)).astype(np.int16)
    write_volume(tmp_path / "ct.nii.gz", values, AFFINE, "ct")
    image = nib.load(tmp_path / "ct.nii.gz")
    np.testing.assert_array_equal(np.asarray(image.dataobj), values)
    np.testing.assert_allclose(image.get_sform(), AFFINE)
    np.testing.assert_allclose(image.get_qform(), AFFINE, atol=1e-5)
    assert image.header.get_xyzt_units()[0] == "mm"
    assert image.get_data_dtype() == np.int16


def test_the_same_input_gives_the_same_bytes():
    values = np.zeros((4, 5, 6), np.uint8)
    assert encode_volume(values, AFFINE, "labels") == encode_volume(values, AFFINE, "labels")


@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 70, 3), (67, 4, 33)])
def test_the_bytes_are_those_that_nibabel_writes(shape):
    values = np.random.default_rng(2).integers(0, 255, shape).astype(np.uint8)
    image = nib.Nifti1Image(values, AFFINE)
    image.header.set_xyzt_units("mm", "unknown")
    image.set_sform(AFFINE, code="scanner")
    image.set_qform(AFFINE, code="scanner")
    image.header["intent_code"] = KINDS["labels"].intent
    image.header["descrip"] = KINDS["labels"].description.encode()
    assert gzip.decompress(encode_volume(values, AFFINE, "labels")) == image.to_bytes()


def test_a_file_that_changed_on_disk_is_noticed(tmp_path):
    values = np.arange(4 * 5 * 6 * 3, dtype=np.float32).reshape(4, 5, 6, 3)
    path = tmp_path / "u.nii.gz"
    write_volume(path, values, AFFINE, "displacement_mm")
    other = values.copy()
    other[3, 4, 5, 2] += 1
    for changed, affine in ((other, AFFINE), (values, np.diag([2.0, 2.5, 3, 1]))):
        with pytest.raises(AssetError, match="check the disk"):
            check_written(path, changed, affine)


def test_displacements_are_five_dimensional_with_their_intent(tmp_path):
    vectors = np.random.default_rng(1).normal(size=(4, 5, 6, 3)).astype(np.float32)
    write_volume(tmp_path / "u.nii.gz", vectors, AFFINE, "displacement_mm")
    image = nib.load(tmp_path / "u.nii.gz")
    assert image.shape == (4, 5, 6, 1, 3)
    assert int(image.header["intent_code"]) == 1006
    np.testing.assert_array_equal(read_written(tmp_path / "u.nii.gz")[0], vectors)


def test_a_sheared_or_singular_affine_is_refused():
    sheared = AFFINE.copy()
    sheared[0, 1] = 1.0
    with pytest.raises(GeometryError, match="right angles"):
        encode_volume(np.zeros((2, 2, 2), np.uint8), sheared, "labels")
    with pytest.raises(GeometryError, match="positive length"):
        encode_volume(np.zeros((2, 2, 2), np.uint8), np.diag([1.0, 0, 1, 1]), "labels")


@pytest.mark.parametrize(
    "bad", [np.full((2, 2, 2), 70000), np.full((2, 2, 2), 0.5), np.full((2, 2, 2), np.nan)]
)
def test_values_that_do_not_fit_are_refused(bad):
    with pytest.raises(ValueError, match="to store as int16"):
        encode_volume(bad, AFFINE, "ct")


def test_label_tables_name_every_label():
    for text in (label_json(), itksnap_table(), slicer_table()):
        assert all(label.name in text for label in LABELS)
    assert [label.number for label in LABELS] == list(range(len(LABELS)))
    assert len({label.name for label in LABELS}) == len(LABELS)
