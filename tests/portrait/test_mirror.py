"""The mean over a crop and its mirror image: mirrored pictures have mirrored answers."""

import numpy as np
import torch

from augment.portrait.crop_pose import read_pose
from augment.portrait.mirror import MIRRORED_LANDMARK, POSE_SIGN, both_ways, mirrored_names
from augment.portrait.weights import load_network

FLIP = torch.diag(torch.tensor([-1.0, 1.0, 1.0]))


def test_a_mirrored_picture_has_the_mirrored_answer(model):
    network = load_network(None, "cpu")
    pixels = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        here = both_ways(network, model, pixels)
        there = both_ways(network, model, pixels.flip(-1))
    places = there.landmarks[0][MIRRORED_LANDMARK]
    expected = torch.stack((1 - places[:, 0], places[:, 1]), 1)
    assert torch.allclose(here.landmarks[0], expected, atol=1e-5)
    assert torch.allclose(here.identity, there.identity * model.identity_parity, atol=1e-4)
    sides = mirrored_names(model.expression_names)
    assert torch.allclose(here.expression, there.expression[:, sides], atol=1e-5)
    assert torch.allclose(here.score, there.score, atol=1e-4)
    a, b = read_pose(here.pose), read_pose(there.pose)
    assert torch.allclose(a.rotation[0], FLIP @ b.rotation[0] @ FLIP, atol=1e-5)
    assert torch.allclose(a.translation_mm[0], FLIP @ b.translation_mm[0], atol=1e-2)


def test_signs_of_raw_pose_numbers_mirror_the_pose():
    raw = torch.from_numpy(np.random.default_rng(2).normal(0, 0.4, (5, 12))).float()
    pose = read_pose(raw)
    mirrored = read_pose(raw * torch.from_numpy(POSE_SIGN).float())
    assert torch.allclose(mirrored.rotation, FLIP @ pose.rotation @ FLIP, atol=1e-5)
    assert torch.allclose(mirrored.translation_mm, pose.translation_mm @ FLIP, atol=1e-2)
    assert torch.allclose(mirrored.gaze, pose.gaze * torch.tensor([1.0, -1.0]))


def test_a_mirror_image_of_a_mirror_image_is_the_thing_itself(model):
    sides = mirrored_names(model.expression_names)
    assert (sides[sides] == np.arange(len(sides))).all()
    assert (MIRRORED_LANDMARK[MIRRORED_LANDMARK] == np.arange(68)).all()
