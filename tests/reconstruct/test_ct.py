import nibabel as nib
import numpy as np
import pytest
from voxel_head import ball_volume

from augment.errors import GeometryError
from augment.geometry.distance import closest_point
from augment.morphable.pose import JAW, NECK
from augment.reconstruct import fit_ct
from augment.reconstruct.ct import fit_volume
from augment.reconstruct.nifti import Volume, read_volume
from augment.reconstruct.rigid import angle_between_deg, transform_points

# A third of the 3 mm voxels, and what fitted coefficients may slide in the plane of the skin.
SURFACE_MM, ANGLE_DEG, PLACE_MM = 1.0, 4.0, 5.0


def test_a_known_head_is_recovered_from_its_voxels(known_head, model, zones):
    fit = known_head.fit
    faces = model.faces.numpy()
    true_surface = closest_point(fit.world_mm[zones.is_face], known_head.world, faces)
    assert np.median(true_surface.distance_mm) < SURFACE_MM
    assert np.percentile(true_surface.distance_mm, 95) < 3.0
    truth = known_head.world_from_head
    assert angle_between_deg(fit.world_from_head[:3, :3], truth[:3, :3]) < ANGLE_DEG
    assert np.linalg.norm(fit.world_from_head[:3, 3] - truth[:3, 3]) < PLACE_MM
    corresponding = np.linalg.norm(fit.world_mm - known_head.world, axis=1)[zones.is_face]
    assert np.median(corresponding) < 2.5


def test_the_stated_residual_is_the_naive_one(known_head, zones):
    fit = known_head.fit
    face = fit.world_mm[zones.is_face]
    face = face[known_head.volume.contains(face, 0.5)]
    naive = closest_point(face, fit.surface.vertices, fit.surface.faces).distance_mm
    assert fit.residuals.face_median_mm == pytest.approx(np.median(naive))
    assert fit.residuals.face_p95_mm == pytest.approx(np.percentile(naive, 95))
    assert fit.residuals.face_median_mm < fit.coefficient_residuals.face_median_mm + 0.05
    assert fit.confidence > 0.85


def test_the_subject_is_canonical(known_head, model):
    fit = known_head.fit
    assert (fit.subject.pose[: JAW.start] == 0).all()
    assert fit.subject.source == "ct"
    assert (fit.subject.age_years, fit.subject.sex) == (None, None)
    again = model.vertices(
        *(
            model.mean.new_tensor(values)[None]
            for values in (
                fit.subject.identity,
                fit.subject.expression,
                fit.subject.pose,
                fit.subject.detail_mm,
            )
        )
    )
    assert again[0].numpy() == pytest.approx(fit.head_mm, abs=1e-3)
    rotation = fit.world_from_head[:3, :3]
    assert rotation @ rotation.T == pytest.approx(np.eye(3), abs=1e-9)
    assert fit.world_mm == pytest.approx(transform_points(fit.world_from_head, fit.head_mm))


def test_the_neck_follows_the_tilt(known_head):
    # The head is extended by 18 degrees over an upright trunk: the trunk turns back by as much.
    assert np.degrees(known_head.fit.subject.pose[NECK.start]) < 0


def test_a_moved_patient_gives_the_same_subject(known_head, model, zones):
    volume = known_head.volume
    affine = volume.world_from_voxel.copy()
    affine[:3, 3] += [120.0, -60.0, 900.0]
    moved = fit_volume(Volume(volume.values, affine), model)
    difference = np.linalg.norm(moved.head_mm - known_head.fit.head_mm, axis=1)
    assert np.median(difference[zones.is_face]) < 0.1
    shift = moved.world_from_head[:3, 3] - known_head.fit.world_from_head[:3, 3]
    assert shift == pytest.approx([120.0, -60.0, 900.0], abs=0.3)


def test_bodies_without_a_face_are_refused(model, known_head):
    with pytest.raises(GeometryError, match="found no head"):
        fit_volume(ball_volume(95.0, radii=(0.8, 1.0, 1.2)), model)
    skull = known_head.volume
    start = int(skull.voxel(np.array([[0.0, 0.0, 45.0]]))[0, 2])
    affine = skull.world_from_voxel.copy()
    affine[:3, 3] += affine[:3, 2] * start
    with pytest.raises(GeometryError, match=r"found no head"):
        fit_volume(Volume(np.ascontiguousarray(skull.values[:, :, start:]), affine), model)


def test_errors_name_the_file(tmp_path, model):
    volume = ball_volume(20.0)
    nib.save(nib.Nifti1Image(volume.values, volume.world_from_voxel), tmp_path / "ball.nii.gz")
    with pytest.raises(GeometryError, match=r"ball\.nii\.gz: expected a volume that shows a head"):
        fit_ct(tmp_path / "ball.nii.gz", model)


def test_a_trunk_is_not_a_head(shared, model):
    volume = read_volume(shared / "openkbp" / "pt_182_ct.nii.gz")
    labels = np.asarray(nib.load(shared / "openkbp" / "pt_182_seg.nii.gz").dataobj)
    lowest = int(np.flatnonzero((labels == 1).any((0, 1)))[0])
    trunk = np.ascontiguousarray(volume.values[:, :, : lowest - 6])
    with pytest.raises(GeometryError, match="found no head"):
        fit_volume(Volume(trunk, volume.world_from_voxel), model)


def test_a_real_head_is_met_within_half_a_voxel(shared, model):
    """One of the hardest: a broad face, 5 mm voxels, no vertex; the benchmark fits them all."""
    fit = fit_ct(shared / "openkbp" / "pt_59_ct.nii.gz", model)
    assert fit.coefficient_residuals.face_median_mm < 1.5
    assert fit.residuals.face_median_mm < 1.1
    upright = angle_between_deg(fit.world_from_head[:3, :3], np.eye(3))
    assert upright < 30.0


def test_an_mr_of_the_same_head_gives_the_same_face(known_head, model, zones):
    """Magnitude signal with Rician noise and a coil that is brighter above than below."""
    values = known_head.volume.values
    rng = np.random.default_rng(0)
    shade = np.linspace(0.7, 1.3, values.shape[2], dtype=np.float32)
    clean = (values + 1000.0) / 1040.0 * 400.0 * shade
    noise = rng.normal(0.0, 10.0, (2, *values.shape))
    signal = np.hypot(clean + noise[0], noise[1]).astype(np.float32)
    fit = fit_volume(Volume(signal, known_head.volume.world_from_voxel), model)
    reached = closest_point(fit.world_mm[zones.is_face], known_head.world, model.faces.numpy())
    assert np.median(reached.distance_mm) < SURFACE_MM
