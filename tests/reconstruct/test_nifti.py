import gzip
import itertools

import nibabel as nib
import numpy as np
import pytest

from augment.errors import AssetError, GeometryError
from augment.reconstruct.nifti import Volume, read_volume


def save(path, shape=(20, 21, 22), affine=None, unit="mm", dtype=np.int16, values=None):
    array = np.zeros(shape, dtype) if values is None else values
    image = nib.Nifti1Image(array, np.diag([8.0, 8, 8, 1]) if affine is None else affine)
    image.header.set_xyzt_units(unit)
    nib.save(image, path)
    return path


def test_values_and_world_survive_a_change_of_axes(tmp_path):
    rng = np.random.default_rng(0)
    values = rng.integers(-1000, 1000, (20, 21, 22)).astype(np.int16)
    affine = np.array([[0, -8.0, 0, 5], [9, 0, 0, -3], [0, 0, -7, 2], [0, 0, 0, 1]])
    volume = read_volume(save(tmp_path / "a.nii.gz", affine=affine, values=values))
    assert (np.argmax(np.abs(volume.world_from_voxel[:3, :3]), axis=0) == [0, 1, 2]).all()
    assert (np.diag(volume.world_from_voxel)[:3] > 0).all()
    source = np.array([[3, 4, 5], [19, 0, 21]])
    world = source @ affine[:3, :3].T + affine[:3, 3]
    found = np.rint(volume.voxel(world)).astype(int)
    assert (volume.values[tuple(found.T)] == values[tuple(source.T)]).all()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("suffix", ["nii", "nii.gz"])
def test_slices_give_the_bytes_that_nibabel_gives(tmp_path, monkeypatch, order, suffix):
    monkeypatch.setattr("augment.reconstruct.nifti_file.SLAB_BYTES", 20 * 21 * 2 * 5)
    rng = np.random.default_rng(sum(order))
    affine = np.eye(4)
    affine[:3, :3] = np.diag([7.5, -8.5, 9.5])[:, order]
    image = nib.Nifti1Image(rng.integers(-999, 999, (20, 21, 22)).astype(np.int16), affine)
    content = bytearray(image.to_bytes())
    content[112:120] = np.array([0.37, -11.3], "<f4").tobytes()  # slope and intercept
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(gzip.compress(content) if suffix == "nii.gz" else content)
    for keep_axes in (True, False):
        theirs = nib.load(path) if keep_axes else nib.as_closest_canonical(nib.load(path))
        ours = read_volume(path, keep_axes=keep_axes)
        np.testing.assert_array_equal(ours.values, np.asarray(theirs.dataobj, dtype=np.float32))
        np.testing.assert_array_equal(ours.world_from_voxel, theirs.affine)


def test_world_and_voxel_are_inverse():
    affine = np.array([[2, 0.3, 0, 5], [0, 3, 0.1, 6], [0.2, 0, 4, 7], [0, 0, 0, 1.0]])
    volume = Volume(np.zeros((10, 10, 10), np.float32), affine)
    points = np.random.default_rng(1).uniform(0, 9, (50, 3))
    assert volume.voxel(volume.world(points)) == pytest.approx(points, abs=1e-9)


def test_contains_counts_the_margin_in_voxels():
    volume = Volume(np.zeros((10, 10, 10), np.float32), np.diag([2.0, 2, 2, 1]))
    points = np.array([[9.0, 9, 9], [0.0, 9, 9], [17.1, 9, 9], [19.0, 9, 9]])
    assert volume.contains(points, 0.0).tolist() == [True, True, True, False]
    assert volume.contains(points, 0.5).tolist() == [True, False, False, False]


def test_a_single_time_point_is_a_volume(tmp_path):
    assert read_volume(save(tmp_path / "a.nii", (20, 21, 22, 1))).values.shape == (20, 21, 22)


SHAPES = [((20, 21), "3D volume"), ((20, 21, 22, 5), "3D volume"), ((20, 21, 2), "3D volume")]


@pytest.mark.parametrize(("shape", "words"), SHAPES)
def test_other_dimensions_are_refused(tmp_path, shape, words):
    with pytest.raises(GeometryError, match=words) as caught:
        read_volume(save(tmp_path / "a.nii", shape))
    assert str(shape) in str(caught.value)


AFFINES = {
    "singular": np.diag([8.0, 8, 0, 1]),
    "finite": np.array([[8, 0, 0, 0], [0, np.nan, 0, 0], [0, 0, 8, 0], [0, 0, 0, 1.0]]),
    "parallel": np.array([[8, 8, 0, 0], [8, 8, 0, 0], [0, 0, 8, 0], [0, 0, 0, 1.0]]),
}


@pytest.mark.parametrize("name", AFFINES)
def test_singular_affines_are_refused(tmp_path, name):
    image = nib.Nifti1Image(np.zeros((20, 21, 22), np.int16), np.diag([8.0, 8, 8, 1]))
    image.header["sform_code"], image.header["qform_code"] = 1, 0
    for row, values in zip(("srow_x", "srow_y", "srow_z"), AFFINES[name], strict=False):
        image.header[row] = values
    header = bytes(image.header.binaryblock)
    path = tmp_path / "a.nii"
    path.write_bytes(header + bytes(4) + np.zeros((20, 21, 22), np.int16).tobytes())
    with pytest.raises(GeometryError, match="expected an invertible affine"):
        read_volume(path)


def test_units_are_not_guessed(tmp_path):
    with pytest.raises(GeometryError, match="units of mm, got 'meter'"):
        read_volume(save(tmp_path / "a.nii", unit="meter"))
    with pytest.raises(GeometryError, match="voxel sizes are in mm"):
        read_volume(save(tmp_path / "b.nii", affine=np.diag([0.008, 0.008, 0.008, 1]), unit=0))
    with pytest.raises(GeometryError, match="80 to 2600 mm"):
        read_volume(save(tmp_path / "c.nii", affine=np.diag([800.0, 800, 800, 1])))


def test_damaged_voxels_are_counted(tmp_path):
    values = np.zeros((20, 21, 22), np.float32)
    values[0, 0, :3] = np.nan
    with pytest.raises(GeometryError, match="got 3 NaN or infinite"):
        read_volume(save(tmp_path / "a.nii", values=values))


def test_complex_numbers_are_refused(tmp_path):
    with pytest.raises(GeometryError, match="real numbers, got voxels of type complex64"):
        read_volume(save(tmp_path / "a.nii", dtype=np.complex64))


def test_missing_and_foreign_files_are_named(tmp_path):
    with pytest.raises(AssetError, match=r"nothing\.nii.*no such file"):
        read_volume(tmp_path / "nothing.nii")
    for name, content in (("a.nii", b"text"), ("b.nii.gz", b"text"), ("c.txt", b"text")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(AssetError, match="expected a NIfTI file"):
            read_volume(tmp_path / name)
    nib.save(nib.MGHImage(np.zeros((20, 20, 20), np.float32), np.eye(4)), tmp_path / "d.mgz")
    with pytest.raises(AssetError, match="no header of 348 or 540 bytes"):
        read_volume(tmp_path / "d.mgz")


def test_truncated_files_are_named(tmp_path):
    rng = np.random.default_rng(0)
    path = save(tmp_path / "a.nii.gz", values=rng.integers(0, 99, (40, 40, 40)).astype(np.int16))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(AssetError, match="damaged"):
        read_volume(path)
    plain = tmp_path / "b.nii"
    plain.write_bytes(gzip.decompress(content)[:5000])
    with pytest.raises(AssetError, match="damaged"):
        read_volume(plain)
