"""The pose numbers of a photographed head and the camera that they stand for.

A photograph has one frame, the camera's. Its world is the head frame of a head that looks straight
into the camera from the camera's own place: x to the left of the picture, y towards the
photographer, z up. So a head at rotation 0 faces the camera, and its translation is (0, -distance,
0) mm where it is in the middle. Size and distance cannot be told apart in a picture, nor can the
roll of head and camera: `log_scale` and `camera_roll` are 0.
"""

import math

import numpy as np
import torch
from jaxtyping import Float

from augment.errors import GeometryError
from augment.geometry.camera import Camera
from augment.geometry.rotation import (
    rigid_transform,
    rotation_from_vector,
    vector_from_rotation,
)
from augment.morphable.pose import (
    CAMERA_ROLL,
    HEAD_ROTATION,
    HEAD_TRANSLATION,
    LOG_FOCAL,
    LOG_SCALE,
    PRINCIPAL,
)
from augment.sample import N_POSE

CAMERA_FROM_WORLD = ((-1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, -1.0, 0.0))
"""Axes of a photograph's world in the camera frame (x right, y down, z forward)."""


def camera_of_pose(pose: Float[np.ndarray, "21"], width: int, height: int) -> Camera:
    """Return the camera that sees the head frame as a photograph shows it.

    Args:
        pose: The 21 pose numbers of a photographed head.
        width: Pixels in a row of the photograph.
        height: Pixels in a column.

    Returns:
        A camera of one image with ``camera_from_world`` from the head frame (mm); it projects
        vertices of the model (with jaw, neck and gaze applied) to pixels of the photograph.

    Raises:
        GeometryError: If scale or roll of the camera is not 0.
    """
    if pose[LOG_SCALE] != 0 or pose[CAMERA_ROLL] != 0:
        raise GeometryError(
            "the pose of a photographed head expects log_scale and camera_roll 0, got"
            f" {pose[LOG_SCALE]} and {pose[CAMERA_ROLL]}; express them by translation and rotation"
        )
    camera_from_world = torch.tensor(CAMERA_FROM_WORLD, dtype=torch.float64)
    values = torch.from_numpy(np.asarray(pose, dtype=np.float64))
    rotation = camera_from_world @ rotation_from_vector(values[HEAD_ROTATION])
    translation = camera_from_world @ values[HEAD_TRANSLATION]
    return Camera(
        focal_px=torch.tensor([math.exp(pose[LOG_FOCAL]) * height], dtype=torch.float64),
        principal_px=(values[PRINCIPAL] * torch.tensor([width, height]))[None],
        camera_from_world=rigid_transform(rotation, translation)[None],
        width=width,
        height=height,
    )


def pose_of_camera(camera: Camera) -> Float[np.ndarray, "21"]:
    """Return the pose numbers of a camera of one image: the inverse of `camera_of_pose`.

    Jaw, neck and gaze are no part of a camera and are 0.
    """
    world_from_camera = torch.tensor(CAMERA_FROM_WORLD, dtype=torch.float64).T
    transform = camera.camera_from_world[0].cpu()
    pose = np.zeros(N_POSE)
    pose[HEAD_ROTATION] = vector_from_rotation(world_from_camera @ transform[:3, :3]).numpy()
    pose[HEAD_TRANSLATION] = (world_from_camera @ transform[:3, 3]).numpy()
    pose[LOG_FOCAL] = math.log(float(camera.focal_px[0]) / camera.height)
    pose[PRINCIPAL] = camera.principal_px[0].cpu().numpy() / (camera.width, camera.height)
    return pose
