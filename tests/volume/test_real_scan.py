"""What is read of a user's CT and labels, and what is refused in which words."""

import json

import nibabel as nib
import numpy as np
import pytest

from augment.errors import AssetError, GeometryError
from augment.volume.label_table import itksnap_table, label_json, named_rows, slicer_table
from augment.volume.real_scan import read_label_table, read_real_scan

SHAPE = (20, 22, 24)
AFFINE = np.array([[0.0, -6.0, 0, 40], [5.0, 0, 0, -30], [0, 0, 7.0, 10], [0, 0, 0, 1]])


def hounsfield():
    rng = np.random.default_rng(0)
    values = np.full(SHAPE, -1000, np.int16)
    values[4:16, 4:16, 4:20] = rng.integers(-100, 1500, (12, 12, 16))
    return values


def save(path, values, affine=AFFINE, **header):
    image = nib.Nifti1Image(values, affine)
    image.header.set_xyzt_units("mm")
    for key, value in header.items():
        image.header[key] = value
    nib.save(image, path)
    return path


@pytest.fixture
def ct(tmp_path):
    return save(tmp_path / "ct.nii.gz", hounsfield())


def labels_of():
    return (hounsfield() > 0).astype(np.uint8) * 3


def test_axes_voxels_and_affine_stay_those_of_the_file(ct):
    scan = read_real_scan(ct)
    np.testing.assert_array_equal(scan.image_hu, hounsfield())
    np.testing.assert_array_equal(scan.ras_from_voxel, AFFINE)
    assert scan.labels is None
    assert scan.names == {}


def test_slope_and_intercept_of_stored_floats_become_hu(tmp_path):
    stored = (hounsfield().astype(np.float32) + 1024.0) / 2.0
    path = save(tmp_path / "f.nii", stored)
    content = bytearray(path.read_bytes())
    content[112:120] = np.array([2.0, -1024.0], "<f4").tobytes()  # scl_slope, scl_inter
    path.write_bytes(content)
    np.testing.assert_array_equal(read_real_scan(path).image_hu, hounsfield())


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_labels_of_any_type_are_whole_numbers(ct, tmp_path, dtype):
    path = save(tmp_path / "labels.nii.gz", labels_of().astype(dtype))
    scan = read_real_scan(ct, path)
    assert scan.labels.dtype == np.uint8
    np.testing.assert_array_equal(scan.labels, labels_of())
    assert scan.names == {3: "label_3"}


def test_a_turned_grid_is_taken_and_a_sheared_one_refused(tmp_path):
    c, s = np.cos(0.3), np.sin(0.3)
    turn = np.array([[c, -s, 0, 0], [s, c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    turned = save(tmp_path / "turned.nii.gz", hounsfield(), turn @ AFFINE)
    np.testing.assert_allclose(read_real_scan(turned).ras_from_voxel, turn @ AFFINE, atol=1e-5)
    sheared = AFFINE.copy()
    sheared[2, 0] = 1.5
    image = nib.Nifti1Image(hounsfield(), None)
    image.set_sform(sheared, code="scanner")
    image.set_qform(None, code=0)
    nib.save(image, tmp_path / "sheared.nii.gz")
    with pytest.raises(
        GeometryError, match=r"sheared.nii.gz: expected axes at right angles, got a shear of 0\.\d+"
    ):
        read_real_scan(tmp_path / "sheared.nii.gz")


def test_a_missing_and_a_contradicting_affine_are_refused(tmp_path):
    image = nib.Nifti1Image(hounsfield(), None)
    image.header.set_zooms((5.0, 6.0, 7.0))
    image.set_sform(None, code=0)
    image.set_qform(None, code=0)
    nib.save(image, tmp_path / "none.nii.gz")
    with pytest.raises(GeometryError, match="expected an affine, got sform_code and qform_code"):
        read_real_scan(tmp_path / "none.nii.gz")
    image = nib.Nifti1Image(hounsfield(), AFFINE)
    other = AFFINE.copy()
    other[0, 3] += 25
    image.set_sform(AFFINE, code="scanner")
    image.set_qform(other, code="scanner")
    nib.save(image, tmp_path / "two.nii.gz")
    with pytest.raises(GeometryError, match=r"sform and qform to agree, .* place voxels 25.0 mm"):
        read_real_scan(tmp_path / "two.nii.gz")


def test_what_is_no_ct_is_refused(tmp_path):
    signal = (hounsfield() + 1000).astype(np.float32)
    with pytest.raises(GeometryError, match=r"expected a CT in HU .* as of an MR: pass the CT"):
        read_real_scan(save(tmp_path / "mr.nii.gz", signal))
    with pytest.raises(GeometryError, match="rescale the volume to HU"):
        read_real_scan(save(tmp_path / "zeroed.nii.gz", np.maximum(hounsfield(), -120)))
    with pytest.raises(GeometryError, match="3D volume"):
        read_real_scan(save(tmp_path / "four.nii.gz", np.zeros((*SHAPE, 3), np.int16)))
    broken = hounsfield().astype(np.float32)
    broken[0, 0, :2] = np.nan
    with pytest.raises(GeometryError, match="got 2 NaN or infinite ones"):
        read_real_scan(save(tmp_path / "nan.nii.gz", broken))
    wide = hounsfield().astype(np.float32)
    wide[5, 5, 5] = 70000.0
    with pytest.raises(GeometryError, match=r"expected HU from -32768 to 32767, got .* 7e\+04"):
        read_real_scan(save(tmp_path / "wide.nii.gz", wide))


def test_labels_on_another_grid_are_refused(ct, tmp_path):
    with pytest.raises(
        GeometryError, match=r"on the grid of '.*ct.nii.gz', 20 x 22 x 24 voxels, got 20 x 22 x 12"
    ):
        read_real_scan(ct, save(tmp_path / "a.nii.gz", labels_of()[:, :, :12]))
    shifted = AFFINE.copy()
    shifted[1, 3] += 5
    with pytest.raises(GeometryError, match=r"places voxels up to 5.0 mm elsewhere: resample"):
        read_real_scan(ct, save(tmp_path / "b.nii.gz", labels_of(), shifted))


@pytest.mark.parametrize("value", [0.5, -1, 300])
def test_values_that_are_no_labels_are_refused(ct, tmp_path, value):
    values = labels_of().astype(np.float32)
    values[0, 0, 0] = value
    with pytest.raises(AssetError, match="expected labels as whole numbers from 0 to 255, got"):
        read_real_scan(ct, save(tmp_path / "a.nii.gz", values))


@pytest.mark.parametrize("write", [label_json, itksnap_table, slicer_table])
def test_the_tables_that_are_written_are_read(ct, tmp_path, write):
    names = {3: "mandible", 7: "parotid_left"}
    table = tmp_path / "table.txt"
    table.write_text(write(named_rows(names)), encoding="utf-8")
    assert {n: name for n, name in read_label_table(table).items() if n} == names
    path = save(tmp_path / "labels.nii.gz", labels_of())
    assert read_real_scan(ct, path, table).names == names


def test_a_value_without_a_name_is_named(ct, tmp_path):
    table = tmp_path / "table.json"
    table.write_text(json.dumps({"1": "mandible"}), encoding="utf-8")
    path = save(tmp_path / "labels.nii.gz", labels_of())
    with pytest.raises(
        AssetError,
        match=r"every label of '.*labels.nii.gz' in the table '.*', got 3 without a name",
    ):
        read_real_scan(ct, path, table)


@pytest.mark.parametrize("text", ["", "{}", "no table at all", '{"labels": [{"number": 1}]}'])
def test_anything_else_is_no_table(tmp_path, text):
    table = tmp_path / "table.txt"
    table.write_text(text, encoding="utf-8")
    with pytest.raises(AssetError, match=r"expected a label table in"):
        read_label_table(table)
    with pytest.raises(AssetError, match=r"expected a label table at '.*': no such file"):
        read_label_table(tmp_path / "none.txt")
