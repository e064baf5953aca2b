"""What a network should say about one crop of a render: points, coefficients, pose in the crop.

Mirrored crops have mirrored truth: a mirrored head is a change of signs of its coefficients.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from augment.face_training.renders import FaceRender
from augment.morphable import FaceModel
from augment.morphable.pose import GAZE_LEFT
from augment.portrait.crop import Similarity, apply_similarity, scale_of
from augment.portrait.crop_pose import CropPose, raw_pose
from augment.portrait.mirror import MIRRORED_LANDMARK, POSE_SIGN, mirrored_names
from augment.portrait.pose import camera_of_pose


@dataclass(frozen=True, eq=False)
class CropTruth:
    """Truth of one crop; places are shares of the crop's side.

    Attributes:
        landmarks: The 68 landmarks, (x, y).
        identity: Coefficients.
        expression: Coefficients.
        pose: Raw pose numbers of `augment.portrait.crop_pose`.
    """

    landmarks: Float[np.ndarray, "68 2"]
    identity: Float[np.ndarray, "99"]
    expression: Float[np.ndarray, "79"]
    pose: Float[np.ndarray, "12"]


class TruthTable:
    """Turns renders into the truth of their crops.

    Args:
        model: The face model.
    """

    def __init__(self, model: FaceModel) -> None:
        """Find the mirror image of every coefficient."""
        self.parity = model.identity_parity.numpy()
        self.mirror_expression = mirrored_names(model.expression_names)

    def __call__(
        self, render: FaceRender, crop: Similarity, size: int, is_mirrored: bool
    ) -> CropTruth:
        """Return the truth of a crop.

        Args:
            render: The picture and its truth.
            crop: crop_from_picture, before mirroring.
            size: Side of the crop.
            is_mirrored: Whether the crop is mirrored.
        """
        landmarks = apply_similarity(crop, render.landmarks_px.astype(np.float64)) / size
        height, width = render.picture.shape[:2]
        rotation, translation, focal = _through_centre(render.pose, (width, height), crop, size)
        gaze = render.pose[GAZE_LEFT]
        identity, expression = render.identity, render.expression
        pose = CropPose(
            torch.from_numpy(rotation)[None],
            torch.from_numpy(translation)[None],
            torch.tensor([focal], dtype=torch.float64),
            torch.from_numpy(gaze)[None],
        )
        raw = raw_pose(pose)[0].numpy()
        if is_mirrored:
            places = landmarks[MIRRORED_LANDMARK]
            landmarks = np.stack((1 - places[:, 0], places[:, 1]), 1)
            identity = identity * self.parity
            expression = expression[self.mirror_expression]
            raw = raw * POSE_SIGN
        return CropTruth(
            landmarks.astype(np.float32),
            identity.astype(np.float32),
            expression.astype(np.float32),
            raw.astype(np.float32),
        )


def _through_centre(
    pose: np.ndarray, size: tuple[int, int], crop: Similarity, crop_px: int
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return rotation, translation (mm) and focal length (crops) of the camera through the centre.

    It is the picture's camera, turned about its own place until its axis passes through the middle
    of the crop; what it sees is the crop but for a stretch that 10 degrees keep below 2 %.
    """
    camera = camera_of_pose(pose, *size)
    transform = camera.camera_from_world[0].numpy()
    scale = scale_of(crop)
    roll = np.eye(3)
    roll[:2, :2] = crop[:, :2] / scale
    focal = float(camera.focal_px[0]) * scale
    principal = apply_similarity(crop, camera.principal_px.numpy())[0]
    ray = np.append((crop_px / 2 - principal) / focal, 1.0)
    cosine = 1 / float(np.linalg.norm(ray))
    turn = _turn_to_axis(ray * cosine) @ roll
    return turn @ transform[:3, :3], turn @ transform[:3, 3], focal / cosine**1.5 / crop_px


def _turn_to_axis(ray: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    """Return the smallest rotation that turns a unit vector to z."""
    axis = np.array([0.0, 0.0, 1.0])
    cross = np.cross(ray, axis)
    skew = np.array([[0, -cross[2], cross[1]], [cross[2], 0, -cross[0]], [-cross[1], cross[0], 0]])
    return np.eye(3) + skew + skew @ skew / (1 + ray[2])
