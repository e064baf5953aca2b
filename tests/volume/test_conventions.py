"""Conventions of volumes on disk: 48 orientations, nibabel, SimpleITK and 3D Slicer agree.

Slicer's displacement transforms are ITK's: LPS millimetres, from a point of the target (parent) to
a point of the moving image, which is what a resampler asks for.
"""

import itertools

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813  (the package's own abbreviation)
from scipy import ndimage
from toy_head import BENT, GRID, TILTED, bulge, toy_scan, toy_twins

from augment.volume.field.lattice import grid_points
from augment.volume.files import write_volume
from augment.volume.grid import Grid
from augment.volume.posture import UPRIGHT

LPS_FROM_RAS = np.array([-1.0, -1.0, 1.0])
SHAPE = (6, 7, 8)


def orientations():
    """The 48 ways in which three axes run along right, anterior and superior."""
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1, -1), repeat=3):
            affine = np.eye(4)
            affine[:3, :3] = 0
            for column, (row, sign) in enumerate(zip(order, signs, strict=True)):
                affine[row, column] = sign * (1.5 + 0.5 * column)
            affine[:3, 3] = (10, -20, 30)
            yield affine


def test_there_are_48_orientations():
    assert len({affine.tobytes() for affine in orientations()}) == 48


@pytest.mark.parametrize("kind", ["ct", "labels"])
def test_no_voxel_differs_in_any_orientation(tmp_path, kind):
    dtype = np.int16 if kind == "ct" else np.uint8
    values = np.random.default_rng(0).integers(0, 200, SHAPE).astype(dtype)
    corners = list(itertools.product(*[(0, n - 1) for n in SHAPE]))
    mismatched = 0
    for affine in orientations():
        path = tmp_path / "v.nii.gz"
        write_volume(path, values, affine, kind)
        by_nibabel = nib.load(path)
        mismatched += int((np.asarray(by_nibabel.dataobj) != values).sum())
        np.testing.assert_allclose(by_nibabel.affine, affine, atol=1e-5)
        by_itk = sitk.ReadImage(str(path))
        # SimpleITK hands arrays over as (z, y, x).
        mismatched += int((values != sitk.GetArrayFromImage(by_itk).T).sum())
        for corner in corners:
            lps = by_itk.TransformIndexToPhysicalPoint([int(c) for c in corner])
            np.testing.assert_allclose(lps * LPS_FROM_RAS, (affine @ (*corner, 1))[:3], atol=1e-4)
        rewritten = tmp_path / "itk.nii.gz"
        sitk.WriteImage(by_itk, str(rewritten))
        again = nib.load(rewritten)
        mismatched += int((np.asarray(again.dataobj) != values).sum())
        np.testing.assert_allclose(again.affine, affine, atol=1e-4)
    assert mismatched == 0


def test_an_asymmetric_landmark_ends_where_it_should(tmp_path):
    """A marker off every plane of symmetry, moved by a vector without equal components."""
    field_mm = np.array([3.0, -2.0, 5.0])
    for affine in orientations():
        index = np.array([4, 2, 5])
        place = (affine @ (*index, 1))[:3]
        path = tmp_path / "u.nii.gz"
        vectors = np.broadcast_to(field_mm, (*SHAPE, 3)).astype(np.float32)
        write_volume(path, vectors, affine, "displacement_mm")
        by_nibabel = nib.load(path)
        moved = place + np.asarray(by_nibabel.dataobj)[tuple(index)][0]
        np.testing.assert_allclose(moved, place + field_mm, atol=1e-5)
        transform = itk_transform(path)
        lps = np.array(transform.TransformPoint(place * LPS_FROM_RAS))
        np.testing.assert_allclose(lps * LPS_FROM_RAS, place + field_mm, atol=1e-4)


def itk_transform(path):
    """A displacement as SimpleITK and Slicer read it: a transform from target to source, LPS."""
    return sitk.DisplacementFieldTransform(sitk.ReadImage(str(path), sitk.sitkVectorFloat64))


def written_twins(tmp_path, posture):
    """Twins on disk without noise: image, labels, displacement."""
    case = toy_twins(toy_scan(posture, n_sub=3), bulge())
    affine = case.grid.head_from_voxel
    for name, kind, values in (
        ("healthy", "ct", case.healthy.image_hu),
        ("pathological", "ct", case.pathological.image_hu),
        ("displacement", "displacement_mm", case.displacement_mm),
    ):
        write_volume(tmp_path / f"{name}.nii.gz", values, affine, kind)
    return case


def border_share(moved, case):
    """Share of inner voxels that differ, of all voxels that differed before."""
    inner = (slice(7, -7),) * 3
    apart = np.abs(moved - case.pathological.image_hu.astype(float))[inner]
    before = np.abs(case.healthy.image_hu - case.pathological.image_hu.astype(float))[inner]
    return apart.mean() / before.mean()


@pytest.mark.parametrize("posture", [UPRIGHT, TILTED, BENT], ids=["upright", "tilted", "bent"])
def test_the_written_field_turns_the_healthy_volume_into_its_twin(tmp_path, posture):
    case = written_twins(tmp_path, posture)
    healthy = sitk.ReadImage(str(tmp_path / "healthy.nii.gz"), sitk.sitkFloat32)
    transform = itk_transform(tmp_path / "displacement.nii.gz")
    by_itk = sitk.GetArrayFromImage(sitk.Resample(healthy, transform, sitk.sitkLinear)).T
    image = nib.load(tmp_path / "healthy.nii.gz")
    field = np.asarray(nib.load(tmp_path / "displacement.nii.gz").dataobj)[:, :, :, 0]
    points = grid_points(GRID) + field
    index = np.moveaxis((points - image.affine[:3, 3]) / np.diag(image.affine)[:3], 3, 0)
    by_scipy = ndimage.map_coordinates(
        np.asarray(image.dataobj, float), index, order=1, mode="nearest"
    )
    inner = (slice(7, -7),) * 3
    np.testing.assert_allclose(by_itk[inner], by_scipy[inner], atol=0.05)
    # Labels step at voxels in both twins; a linear resampler leaves a film at the borders.
    assert border_share(by_scipy, case) < 0.4
    assert border_share(by_itk, case) < 0.4
    backwards = ndimage.map_coordinates(
        np.asarray(image.dataobj, float), 2 * np.indices(GRID.shape) - index, order=1
    )
    assert border_share(backwards, case) > 1.0, "the opposite field is no twin"


def test_a_smooth_volume_is_turned_into_its_twin_exactly(tmp_path):
    """Without label steps, only interpolation remains."""
    grid = Grid((-20.0, -22.0, -24.0), (1.0, 1.0, 1.0), (41, 45, 49))
    points = grid_points(grid)
    hill = np.exp(-np.square(points / 12.0).sum(-1))[..., None]
    field = (hill * (2.0, -1.0, 1.5)).astype(np.float32)

    def scene(place):
        return 300.0 * np.sin(place[..., 0] / 9) + 200.0 * np.cos(
            place[..., 1] / 7 + place[..., 2] / 8
        )

    healthy, twin = np.rint(scene(points)), scene(points + field)
    write_volume(tmp_path / "h.nii.gz", healthy.astype(np.int16), grid.head_from_voxel, "ct")
    write_volume(tmp_path / "u.nii.gz", field, grid.head_from_voxel, "displacement_mm")
    image = sitk.ReadImage(str(tmp_path / "h.nii.gz"), sitk.sitkFloat32)
    moved = sitk.Resample(image, itk_transform(tmp_path / "u.nii.gz"), sitk.sitkLinear)
    inner = (slice(3, -3),) * 3
    error = np.abs(sitk.GetArrayFromImage(moved).T - twin)[inner]
    assert error.max() < 3.0
    assert np.abs(healthy - twin)[inner].max() > 50.0
