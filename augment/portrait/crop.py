"""Aligned square crops: where a face lies, turned upright and brought to one size.

A crop is a similarity of pixels, whose centres lie at .5; it takes pictures, points and cameras
along.
"""

import math

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8

from augment.geometry.camera import Camera
from augment.geometry.rotation import rigid_transform

Similarity = Float[np.ndarray, "2 3"]


def square_crop(
    centre_px: Float[np.ndarray, "2"], side_px: float, roll_rad: float, size_px: int
) -> Similarity:
    """Return crop_from_picture of a square.

    Args:
        centre_px: Middle of the square in the picture, (x, y).
        side_px: Its side in pixels of the picture.
        roll_rad: Turn of the face in the picture, clockwise as it is seen; the crop turns it back.
        size_px: Side of the crop in its own pixels.
    """
    scale = size_px / side_px
    cosine, sine = scale * math.cos(roll_rad), scale * math.sin(roll_rad)
    turn = np.array([[cosine, sine], [-sine, cosine]])
    return np.concatenate((turn, (size_px / 2 - turn @ centre_px)[:, None]), 1)


def landmark_crop(
    landmarks_px: Float[np.ndarray, "68 2"], scale: float, roll_rad: float, size_px: int
) -> Similarity:
    """Return the crop about landmarks: `scale` times the larger side of their upright box."""
    cosine, sine = math.cos(roll_rad), math.sin(roll_rad)
    upright = landmarks_px @ np.array([[cosine, -sine], [sine, cosine]])
    low, high = upright.min(0), upright.max(0)
    middle = np.array([[cosine, -sine], [sine, cosine]]) @ ((low + high) / 2)
    side = max(float((high - low).max()), 1.0) * scale
    return square_crop(middle, side, roll_rad, size_px)


def apply_similarity(
    transform: Similarity, points: Float[np.ndarray, "points 2"]
) -> Float[np.ndarray, "points 2"]:
    """Return moved points."""
    return points @ transform[:, :2].T + transform[:, 2]


def invert_similarity(transform: Similarity) -> Similarity:
    """Return the inverse: picture_from_crop of crop_from_picture."""
    inverse = np.linalg.inv(transform[:, :2])
    return np.concatenate((inverse, -(inverse @ transform[:, 2])[:, None]), 1)


def scale_of(transform: Similarity) -> float:
    """Return how many pixels of the crop a pixel of the picture becomes, along a side."""
    return math.sqrt(abs(np.linalg.det(transform[:, :2])))


def cut_crop(
    picture: UInt8[np.ndarray, "height width 3"],
    crop_from_picture: Similarity,
    size_px: int,
    border: int = cv2.BORDER_REPLICATE,
) -> UInt8[np.ndarray, "size size 3"]:
    """Return the crop; a picture that is shrunk is averaged first, so that nothing aliases.

    Args:
        picture: RGB.
        crop_from_picture: Similarity in pixels whose centres lie at .5.
        size_px: Side of the crop.
        border: OpenCV's way to continue the picture beyond its edges.
    """
    transform = np.array(crop_from_picture, dtype=np.float64)
    scale = scale_of(transform)
    factor = int(1 / scale) if scale < 0.5 else 1
    if factor > 1:
        height, width = (max(n // factor, 1) for n in picture.shape[:2])
        # Whole blocks only, so that the small picture's pixels are means of exactly `factor` ones.
        whole = picture[: height * factor, : width * factor]
        picture = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
        transform[:, :2] *= factor
    # OpenCV puts the centre of pixel (0, 0) at (0, 0).
    half = np.full(2, 0.5)
    transform[:, 2] += transform[:, :2] @ half - half
    return cv2.warpAffine(
        picture, transform, (size_px, size_px), flags=cv2.INTER_LINEAR, borderMode=border
    )


def similar_camera(
    camera: Camera, target_from_source: Similarity, width: int, height: int
) -> Camera:
    """Return the camera that sees what a camera sees, under a similarity of its pixels.

    Args:
        camera: A camera of one image.
        target_from_source: Rotation, uniform scale and shift of pixels.
        width: Pixels in a row of the target.
        height: Pixels in a column of the target.
    """
    linear = torch.from_numpy(np.asarray(target_from_source[:, :2], dtype=np.float64))
    scale = linear.det().sqrt()
    turn = torch.eye(3, dtype=torch.float64)
    turn[:2, :2] = linear / scale
    shift = torch.from_numpy(np.asarray(target_from_source[:, 2], dtype=np.float64))
    transform = camera.camera_from_world[0]
    return Camera(
        focal_px=camera.focal_px * scale,
        principal_px=camera.principal_px @ linear.T + shift,
        camera_from_world=rigid_transform(turn @ transform[:3, :3], turn @ transform[:3, 3])[None],
        width=width,
        height=height,
    )
