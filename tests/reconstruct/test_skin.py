import numpy as np
import pytest
from voxel_head import AIR_HU, TISSUE_HU, ball_volume

from augment.errors import GeometryError
from augment.reconstruct.nifti import Volume
from augment.reconstruct.skin import coarsened, extract_skin, modality_of, skin_level

RADIUS_MM = 80.0


def radii(surface):
    return np.linalg.norm(surface.vertices, axis=1)


def test_a_ball_keeps_its_radius_to_a_tenth_of_a_voxel():
    surface = extract_skin(ball_volume(RADIUS_MM, spacing_mm=4.0))
    # -300 HU lies 17 % of the way from the middle of the border into the tissue.
    expected = RADIUS_MM - 4.0 * ((-300.0 - AIR_HU) / (TISSUE_HU - AIR_HU) - 0.5)
    assert abs(radii(surface) - expected).mean() < 0.4
    assert abs(radii(surface).mean() - expected) < 0.2
    assert (surface.normals * surface.vertices).sum(1).min() > 0.9 * RADIUS_MM
    assert not surface.on_rim.any()


def test_normals_point_outward_under_a_mirrored_affine():
    volume = ball_volume(RADIUS_MM)
    mirrored = volume.world_from_voxel.copy()
    mirrored[0] *= -1
    surface = extract_skin(Volume(volume.values, mirrored))
    assert (surface.normals * surface.vertices).sum(1).min() > 0.9 * RADIUS_MM


def test_airways_and_cavities_are_filled():
    volume = ball_volume(RADIUS_MM, spacing_mm=2.0)
    values = volume.values.copy()
    centre = values.shape[0] // 2
    values[centre - 10 : centre + 10, centre - 10 : centre + 10, centre - 10 : centre + 10] = AIR_HU
    values[centre - 1 : centre + 2, centre:, centre - 1 : centre + 2] = AIR_HU  # a nostril of 6 mm
    surface = extract_skin(Volume(values, volume.world_from_voxel))
    assert radii(surface).min() > RADIUS_MM - 8.0


def test_a_couch_apart_from_the_body_is_left_out():
    volume = ball_volume(RADIUS_MM)
    values = volume.values.copy()
    values[:, 2:4, :] = 200.0
    surface = extract_skin(Volume(values, volume.world_from_voxel))
    assert radii(surface).max() < RADIUS_MM + 4.0


def test_bone_beneath_the_skin_does_not_move_it():
    volume = ball_volume(RADIUS_MM)
    bony = np.where(volume.values >= TISSUE_HU - 1, np.float32(2500.0), volume.values)
    plain = extract_skin(volume)
    dense = extract_skin(Volume(bony, volume.world_from_voxel))
    assert abs(radii(dense).mean() - radii(plain).mean()) < 0.3


def test_the_body_is_open_where_it_leaves_the_volume():
    volume = ball_volume(RADIUS_MM)
    half = Volume(volume.values[:, :, : volume.values.shape[2] // 2], volume.world_from_voxel)
    surface = extract_skin(half)
    assert surface.on_rim.any()
    assert np.ptp(surface.vertices[surface.on_rim, 2]) < 1e-6


def test_mr_skin_lies_between_noise_and_signal():
    volume = ball_volume(RADIUS_MM)
    rng = np.random.default_rng(0)
    signal = (volume.values - AIR_HU) / (TISSUE_HU - AIR_HU) * 600.0
    signal = np.abs(signal + rng.normal(0, 15, signal.shape)).astype(np.float32)
    mr = Volume(signal, volume.world_from_voxel)
    assert modality_of(mr) == "mr"
    assert 30 < skin_level(mr, "mr") < 450
    assert abs(radii(extract_skin(mr)).mean() - RADIUS_MM) < 1.5


def test_modality_is_told_by_air():
    assert modality_of(ball_volume(RADIUS_MM)) == "ct"
    volume = ball_volume(RADIUS_MM)
    shifted = Volume(volume.values + 500.0, volume.world_from_voxel)
    with pytest.raises(GeometryError, match="rescale the volume to HU"):
        modality_of(shifted)


def test_coarsening_averages_blocks_about_their_centres():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(9, 8, 7)).astype(np.float32)
    affine = np.array([[0.5, 0, 0, 1], [0, 0.75, 0, 2], [0, 0, 2, 3], [0, 0, 0, 1.0]])
    coarse = coarsened(Volume(values, affine), 1.5)
    assert coarse.values.shape == (3, 4, 7)
    naive = values[3:6, 2:4, 4].mean()
    assert coarse.values[1, 1, 4] == pytest.approx(naive, abs=1e-6)
    centre = np.array([[4.0, 2.5, 4.0]])
    expected = centre @ affine[:3, :3].T + affine[:3, 3]
    assert coarse.world(np.array([[1.0, 1, 4]])) == pytest.approx(expected)


EMPTY = {
    "air": np.full((40, 40, 40), -1000.0, np.float32),
    "tissue": np.pad(np.full((20, 20, 20), -1000.0, np.float32), 10, constant_values=40.0),
    "constant MR": np.full((40, 40, 40), 7.0, np.float32),
}


@pytest.mark.parametrize("name", EMPTY)
def test_volumes_without_a_body_in_air_are_refused(name):
    with pytest.raises(GeometryError, match="found no head"):
        extract_skin(Volume(EMPTY[name], np.diag([5.0, 5, 5, 1])))


def test_a_small_body_is_no_head():
    with pytest.raises(GeometryError, match="largest body measures"):
        extract_skin(ball_volume(25.0))
