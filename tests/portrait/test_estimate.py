"""The face network: soft-argmax in closed form, shapes of every trunk, pose and its inverse."""

import numpy as np
import pytest
import torch

from augment.errors import AssetError
from augment.portrait import weights as weights_module
from augment.portrait.crop_pose import ANCHOR_MM, raw_pose, read_pose
from augment.portrait.network import FaceNetwork, NetworkShape, soft_argmax
from augment.portrait.weights import FACTS_FILE, WEIGHTS_FILE, load_network, save_weights

TINY = NetworkShape("small", 8, 64)


def test_soft_argmax_of_one_bright_cell_is_its_middle():
    heat = torch.zeros(1, 1, 8, 16)
    heat[0, 0, 3, 5] = 100.0
    place, spread = soft_argmax(heat)
    assert torch.allclose(place[0, 0], torch.tensor([5.5 / 16, 3.5 / 8]))
    assert float(spread) < 1e-3


def test_soft_argmax_of_two_cells_lies_between_and_knows_how_far_apart():
    heat = torch.full((1, 1, 8, 8), -100.0)
    heat[0, 0, 2, 1] = heat[0, 0, 2, 5] = 0.0
    place, spread = soft_argmax(heat)
    assert torch.allclose(place[0, 0], torch.tensor([3.5 / 8, 2.5 / 8]), atol=1e-6)
    assert float(spread) == pytest.approx(2 / 8, abs=1e-3)


@pytest.mark.parametrize("trunk", ["small", "resnet18", "resnet50"])
def test_every_trunk_gives_all_heads(trunk):
    network = FaceNetwork(NetworkShape(trunk, 8, 64)).eval()
    output = network(torch.rand(2, 3, 256, 256), 1)
    assert output.heat.shape == (2, 68, 16, 16)
    assert output.identity.shape == (2, 99)
    assert output.expression.shape == (2, 79)
    assert output.texture.shape == (1, 3, 256, 256)
    assert network(torch.rand(2, 3, 64, 64), 0).texture is None


def test_an_unknown_trunk_is_named():
    with pytest.raises(ValueError, match="trunk expects one of small, resnet18, resnet50, got 'x'"):
        FaceNetwork(NetworkShape("x"))


def test_raw_zeros_are_a_face_that_looks_into_the_camera():
    pose = read_pose(torch.zeros(1, 12))
    nose_and_eye = torch.tensor([[[0.0, 120.0, -25.0], [30.0, 70.0, -25.0]]])
    place = pose.project(torch.cat((torch.tensor([[ANCHOR_MM]]), nose_and_eye), 1))[0]
    assert torch.allclose(place[:2], torch.full((2, 2), 0.5), atol=1e-6)
    # The patient's right is to the left of the picture.
    assert place[2].tolist() == pytest.approx([0.5 - 30 / 210, 0.5], abs=1e-6)


def test_pose_and_raw_numbers_are_each_other_s_inverse():
    raw = torch.from_numpy(np.random.default_rng(1).normal(0, 0.3, (6, 12))).float()
    pose = read_pose(raw)
    again = read_pose(raw_pose(pose))
    identity = torch.eye(3).expand(6, 3, 3)
    assert torch.allclose(pose.rotation @ pose.rotation.mT, identity, atol=1e-5)
    assert torch.allclose(torch.linalg.det(pose.rotation), torch.ones(6), atol=1e-5)
    assert torch.allclose(again.rotation, pose.rotation, atol=1e-5)
    assert torch.allclose(again.translation_mm, pose.translation_mm, atol=1e-2)
    assert torch.allclose(raw_pose(pose)[:, 6:], raw[:, 6:], atol=1e-5)


def test_weights_come_back_in_half_precision(tmp_path):
    network = FaceNetwork(TINY).eval()
    save_weights(network.state_dict(), TINY, tmp_path, {"seed": 3})
    again = load_network(tmp_path)
    picture = torch.rand(1, 3, 64, 64)
    assert again.shape == TINY
    assert torch.allclose(again(picture).landmarks, network(picture).landmarks, atol=2e-3)


def test_damaged_and_missing_weights_are_named(tmp_path):
    with pytest.raises(AssetError, match=f"got no {FACTS_FILE}; train them with `facies train"):
        load_network(tmp_path / "nowhere")
    save_weights(FaceNetwork(TINY).state_dict(), TINY, tmp_path)
    content = bytearray((tmp_path / WEIGHTS_FILE).read_bytes())
    content[-1] ^= 1
    (tmp_path / WEIGHTS_FILE).write_bytes(content)
    with pytest.raises(AssetError, match=r"expected weights with SHA-256 \w{12}….*is damaged"):
        load_network(tmp_path)
    (tmp_path / FACTS_FILE).write_text("{}", encoding="utf-8")
    weights_module._load.cache_clear()
    with pytest.raises(AssetError, match=r"expected facts about weights .* copy both files anew"):
        load_network(tmp_path)
