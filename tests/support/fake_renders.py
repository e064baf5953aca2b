"""Renders that cost nothing: noise for a picture, and landmarks of a head under a drawn camera."""

import cv2
import numpy as np
import torch

from augment.face_training.renders import FaceRender
from augment.morphable.landmarks import IBUG_NAMES
from augment.morphable.pose import HEAD_ROTATION, LOG_FOCAL, POSE_NAMES, PRINCIPAL
from augment.portrait.pose import camera_of_pose

SIZE = 96
DISTANCE_MM = 700.0


def fake_render(model, number):
    rng = np.random.default_rng(number)
    identity = rng.normal(0, 1, 99).astype(np.float32)
    expression = rng.uniform(0, 0.2, 79).astype(np.float32)
    pose = np.zeros(21)
    pose[HEAD_ROTATION] = rng.normal(0, 0.4, 3)
    pose[POSE_NAMES.index("head_y")] = -DISTANCE_MM
    pose[POSE_NAMES.index("head_z")] = 20.0
    pose[LOG_FOCAL] = 0.7
    pose[PRINCIPAL] = (0.52, 0.49)
    rest = model.rest(torch.from_numpy(identity)[None], torch.from_numpy(expression)[None])
    pixels, _ = camera_of_pose(pose, SIZE, SIZE).project(model.landmarks(rest, IBUG_NAMES))
    return FaceRender(
        picture=cv2.resize(rng.integers(0, 255, (6, 6, 3), dtype=np.uint8), (SIZE, SIZE)),
        landmarks_px=pixels[0].numpy().astype(np.float32),
        is_visible=np.ones(68, dtype=bool),
        identity=identity,
        expression=expression,
        pose=pose,
        albedo=cv2.resize(rng.integers(0, 255, (9, 9, 3), dtype=np.uint8), (128, 128)),
    )
