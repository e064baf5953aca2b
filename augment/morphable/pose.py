"""The 21 pose numbers of a subject, and how jaw, neck and gaze move the vertices.

Enters: vertices at rest in the head frame, mm. Leaves: the same vertices posed, still in the head
frame; head rotation, translation and scale place the head in the world of the camera and are
applied by the view.
"""

import torch
from jaxtyping import Float
from torch import Tensor

POSE_NAMES = (
    "head_pitch",
    "head_yaw",
    "head_roll",  # rotation vector of the head in the world, rad
    "head_x",
    "head_y",
    "head_z",  # translation, mm
    "jaw_open",
    "jaw_lateral",
    "jaw_roll",  # rotation vector about the hinge, rad
    "neck_pitch",
    "neck_yaw",
    "neck_roll",  # rotation vector of the trunk about the skull base, rad
    "gaze_left_pitch",
    "gaze_left_yaw",
    "gaze_right_pitch",
    "gaze_right_yaw",  # rad
    "log_focal",
    "principal_x",
    "principal_y",  # ln(focal / image height), share of the image size
    "log_scale",
    "camera_roll",  # ln of the head's size, rad
)
HEAD_ROTATION, HEAD_TRANSLATION = slice(0, 3), slice(3, 6)
JAW, NECK, GAZE = slice(6, 9), slice(9, 12), slice(12, 16)
GAZE_LEFT, GAZE_RIGHT = slice(12, 14), slice(14, 16)
ARTICULATION = slice(JAW.start, GAZE.stop)
"""Jaw, neck and gaze: what moves vertices in the head frame; all else places head and camera."""
JAW_OPEN = JAW.start
LOG_FOCAL, PRINCIPAL, LOG_SCALE, CAMERA_ROLL = 16, slice(17, 19), 19, 20

# Axis of the mandible's hinge in the head frame, mm: through both condyles, 13 mm before and 2 mm
# below the tragia
# (Kolar and Salter 1997: the palpable condyle lies 10-14 mm before the tragus).
JAW_HINGE_MM = (0.0, 13.0, -2.0)


def rotation_matrix(vector: Float[Tensor, "... 3"]) -> Float[Tensor, "... 3 3"]:
    """Return the rotation of a rotation vector in radians (Rodrigues' formula)."""
    angle = vector.norm(dim=-1, keepdim=True)
    axis = vector / angle.clamp_min(1e-12)
    x, y, z = axis.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).unflatten(-1, (3, 3))
    sine, cosine = angle.sin()[..., None], angle.cos()[..., None]
    identity = torch.eye(3, dtype=vector.dtype, device=vector.device)
    return identity + sine * cross + (1 - cosine) * (cross @ cross)


def turn(
    vertices: Float[Tensor, "batch vertices 3"],
    weight: Float[Tensor, " vertices"],
    vector: Float[Tensor, "batch 3"],
    centre: Float[Tensor, "batch 3"],
) -> Float[Tensor, "batch vertices 3"]:
    """Rotate vertices about a centre by their share of a rotation vector (no shrinking between)."""
    rotation = rotation_matrix(weight[None, :, None] * vector[:, None, :])
    from_centre = vertices - centre[:, None]
    return centre[:, None] + (rotation @ from_centre[..., None])[..., 0]


def gaze_vectors(gaze: Float[Tensor, "batch 4"]) -> tuple[Tensor, Tensor]:
    """Return the rotation vectors of the left and right eye; positive pitch looks up, yaw to the
    right."""
    zero = torch.zeros_like(gaze[:, 0])
    left = torch.stack([gaze[:, 0], zero, -gaze[:, 1]], dim=-1)
    right = torch.stack([gaze[:, 2], zero, -gaze[:, 3]], dim=-1)
    return left, right
