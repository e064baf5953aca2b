"""The pose that a network gives a face in its crop: raw numbers to rotation, place and camera.

The crop has a camera of its own whose optical axis passes through the crop's centre. Raw numbers
are, in this order: the first two columns of camera_from_head as a change of those of a face that
looks into the camera (Zhou et al., On the continuity of rotation representations, CVPR 2019); where
the face's anchor lies, in shares of the crop's side from its centre; the logarithm of the face's
size; the logarithm of its distance; pitch and yaw of the gaze of both eyes.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from augment.portrait.pose import CAMERA_FROM_WORLD

ANCHOR_MM = (0.0, 70.0, -25.0)
"""Middle of the mean face's landmarks, head frame: it stays in the middle of a turned face too."""
USUAL_SIDE_MM, USUAL_DISTANCE_MM = 210.0, 900.0
"""What a crop spans at the anchor, and its distance, where the raw numbers are 0."""
ROTATION, PLACE, SIZE, DISTANCE, GAZE = slice(0, 6), slice(6, 8), 8, 9, slice(10, 12)


@dataclass(frozen=True, eq=False)
class CropPose:
    """Where heads are in the frame of their crop's camera.

    Attributes:
        rotation: camera_from_head.
        translation_mm: Of the head frame's origin, camera frame.
        focal: Focal length in sides of the crop; the optical axis meets the crop at its centre.
        gaze: Pitch and yaw of both eyes, rad.
    """

    rotation: Float[Tensor, "batch 3 3"]
    translation_mm: Float[Tensor, "batch 3"]
    focal: Float[Tensor, " batch"]
    gaze: Float[Tensor, "batch 2"]

    def project(
        self, points_mm: Float[Tensor, "batch points 3"]
    ) -> Float[Tensor, "batch points 2"]:
        """Return where points of the head frame appear, in shares of the crop's side, (x, y)."""
        inside = points_mm @ self.rotation.mT + self.translation_mm[:, None]
        depth = inside[..., 2:].clamp_min(1.0)
        return self.focal[:, None, None] * inside[..., :2] / depth + 0.5


def read_pose(raw: Float[Tensor, "batch 12"]) -> CropPose:
    """Return the pose that raw numbers of a network stand for.

    Args:
        raw: Any real numbers; all 0 is a face that looks into the camera.
    """
    raw = raw.float()
    facing = raw.new_tensor(CAMERA_FROM_WORLD)
    columns = facing.T[:2].reshape(6) + raw[:, ROTATION]
    first = functional.normalize(columns[:, :3], dim=-1)
    second = columns[:, 3:] - (first * columns[:, 3:]).sum(-1, keepdim=True) * first
    second = functional.normalize(second, dim=-1)
    third = torch.linalg.cross(first, second)
    rotation = torch.stack((first, second, third), -1)
    side = USUAL_SIDE_MM * raw[:, SIZE].clamp(-3, 3).exp()
    distance = USUAL_DISTANCE_MM * raw[:, DISTANCE].clamp(-3, 3).exp()
    anchor = torch.cat((raw[:, PLACE] * side[:, None], distance[:, None]), 1)
    translation = anchor - rotation @ raw.new_tensor(ANCHOR_MM)
    return CropPose(rotation, translation, distance / side, raw[:, GAZE])


def raw_pose(pose: CropPose) -> Float[Tensor, "batch 12"]:
    """Return the raw numbers of a pose: the inverse of `read_pose`."""
    facing = pose.rotation.new_tensor(CAMERA_FROM_WORLD)
    columns = pose.rotation.mT[:, :2].flatten(1) - facing.T[:2].reshape(6)
    anchor = pose.rotation @ pose.rotation.new_tensor(ANCHOR_MM) + pose.translation_mm
    distance = anchor[:, 2]
    side = distance / pose.focal
    return torch.cat(
        (
            columns,
            anchor[:, :2] / side[:, None],
            (side / USUAL_SIDE_MM).log()[:, None],
            (distance / USUAL_DISTANCE_MM).log()[:, None],
            pose.gaze,
        ),
        1,
    )
