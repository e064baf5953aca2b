import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from augment.reconstruct.align import all_rotations, find_heads, upright_rotations
from augment.reconstruct.head import face_probe
from augment.reconstruct.rigid import angle_between_deg, placed, transform_points
from augment.reconstruct.surface import surface_from_mesh


def everywhere(points):
    return np.ones(len(points), dtype=bool)


@pytest.fixture(scope="module")
def probe(model, zones):
    return face_probe(model, zones)


@pytest.mark.parametrize(("pitch", "yaw", "roll", "scale"), [(24, 20, 8, 1.1), (-20, -40, -5, 0.8)])
def test_the_mean_head_is_found_where_it_was_put(model, probe, mean_head, pitch, yaw, roll, scale):
    turn = Rotation.from_euler("xzy", (pitch, yaw, roll), degrees=True).as_matrix()
    truth = placed(turn, np.zeros(3), np.array([30.0, -200.0, 500.0]))
    surface = surface_from_mesh(transform_points(truth, scale * mean_head), model.faces.numpy())
    best = find_heads(surface, probe, upright_rotations(), everywhere)[0]
    assert angle_between_deg(best.world_from_head[:3, :3], turn) < 0.5
    assert best.world_from_head[:3, 3] == pytest.approx(truth[:3, 3], abs=0.7)
    assert best.scale == pytest.approx(scale, abs=0.01)
    assert best.score < 0.1


def test_what_is_out_of_view_is_neither_right_nor_wrong(model, probe, mean_head):
    surface = surface_from_mesh(mean_head, model.faces.numpy())
    seen = find_heads(surface, probe, upright_rotations(), lambda points: points[:, 2] < 30.0)[0]
    assert angle_between_deg(seen.world_from_head[:3, :3], np.eye(3)) < 1.0
    assert 0.02 < seen.score < 0.3


def test_no_orientation_is_far_from_a_start():
    starts = np.array(all_rotations())
    for turn in Rotation.random(50, random_state=0).as_matrix():
        assert min(angle_between_deg(turn, start) for start in starts) < 45.0
