"""Pose numbers of a photographed head: a face at rest looks into the camera; both ways agree."""

import numpy as np
import pytest
import torch

from augment.errors import GeometryError
from augment.morphable.pose import POSE_NAMES
from augment.portrait.pose import camera_of_pose, pose_of_camera

WIDTH, HEIGHT = 640, 480
TOLERANCE = 1e-9


def pose_at(**values):
    pose = np.zeros(21)
    pose[POSE_NAMES.index("head_y")] = -1000.0
    pose[[POSE_NAMES.index("principal_x"), POSE_NAMES.index("principal_y")]] = 0.5
    for name, value in values.items():
        pose[POSE_NAMES.index(name)] = value
    return pose


def test_a_head_at_rest_faces_the_camera():
    camera = camera_of_pose(pose_at(), WIDTH, HEIGHT)
    # The nose before the ears, the patient's right eye, the vertex.
    points = torch.tensor([[[0.0, 100.0, 0.0], [30.0, 80.0, 0.0], [0.0, 0.0, 120.0]]])
    pixels, depth = camera.project(points)
    assert torch.allclose(depth[0], torch.tensor([900.0, 920.0, 1000.0], dtype=torch.float64))
    assert torch.allclose(pixels[0, 0], torch.tensor([320.0, 240.0], dtype=torch.float64))
    assert pixels[0, 1, 0] == pytest.approx(320.0 - 480.0 * 30.0 / 920.0)
    assert pixels[0, 2, 1] == pytest.approx(240.0 - 480.0 * 120.0 / 1000.0)


def test_pose_and_camera_are_each_other_s_inverse():
    rng = np.random.default_rng(3)
    pose = pose_at(head_x=30.0, log_focal=0.4, principal_x=0.3)
    pose[:3] = rng.normal(0, 0.7, 3)
    again = pose_of_camera(camera_of_pose(pose, WIDTH, HEIGHT))
    assert np.allclose(again, pose, atol=TOLERANCE)


def test_scale_and_roll_of_the_camera_are_refused():
    with pytest.raises(GeometryError, match=r"expects log_scale and camera_roll 0, got 0\.1 and"):
        camera_of_pose(pose_at(log_scale=0.1), WIDTH, HEIGHT)
