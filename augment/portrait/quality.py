"""What speaks against a good result, each with its number: light, blur, size, pose, cover."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from augment.portrait.crop import Similarity, apply_similarity, cut_crop

FACE_PX = 160
"""Side of the face's square on which light and sharpness are measured."""
SMALL_FACE_PX = 64
DARK_LEVEL, BRIGHT_LEVEL, CLIPPED_SHARE = 35, 240, 0.35
"""A face with a larger share of pixels below or above these levels of 255 is badly lit."""
BLURRED = 30.0
"""Variance of the Laplacian at 160 px, on a face brought to a spread of 45 levels."""
USUAL_SPREAD, LEAST_SPREAD = 45.0, 8.0
EXTREME_YAW_DEG, EXTREME_PITCH_DEG = 60.0, 35.0
OUTSIDE_SHARE = 0.05
UNSURE = 0.32
"""Mean confidence of the landmarks below which something seems to cover the face: heat maps as wide
as a ninth of the crop."""


@dataclass(frozen=True)
class Quality:
    """Numbers of one face.

    Attributes:
        side_px: Larger side of the landmarks' box in the photograph.
        dark_share: Share of the face's pixels below level 35 of 255.
        bright_share: Share above level 240.
        sharpness: Variance of the Laplacian of the face at 160 px and usual contrast.
        yaw_deg: Turn of the head to its left; 0 looks into the camera.
        pitch_deg: Turn upwards.
        outside_share: Share of the landmarks outside the photograph.
        confidence: Mean confidence of the landmarks.
    """

    side_px: float
    dark_share: float
    bright_share: float
    sharpness: float
    yaw_deg: float
    pitch_deg: float
    outside_share: float
    confidence: float


def measure_quality(
    picture: UInt8[np.ndarray, "height width 3"],
    landmarks_px: Float[np.ndarray, "68 2"],
    face_crop: Similarity,
    camera_from_head: Float[np.ndarray, "3 3"],
    confidence: float,
) -> Quality:
    """Measure one face.

    Args:
        picture: RGB.
        landmarks_px: Of the face.
        face_crop: crop_from_picture of the face's square, FACE_PX pixels wide.
        camera_from_head: Rotation of the head.
        confidence: Mean confidence of the landmarks.
    """
    grey = cv2.cvtColor(cut_crop(picture, face_crop, FACE_PX), cv2.COLOR_RGB2GRAY)
    inside = np.zeros(grey.shape, np.uint8)
    hull = cv2.convexHull(apply_similarity(face_crop, landmarks_px).astype(np.float32))
    cv2.fillConvexPoly(inside, hull.astype(np.int32), 1)
    pixels = grey[inside > 0] if inside.any() else grey.reshape(-1)
    gain = USUAL_SPREAD / max(float(pixels.std()), LEAST_SPREAD)
    laplacian = cv2.Laplacian(grey.astype(np.float32) * gain, cv2.CV_32F)
    height, width = picture.shape[:2]
    outside = (landmarks_px < 0) | (landmarks_px > (width, height))
    # Where the face looks, in the camera frame: (0, 0, -1) is into the camera.
    x, y, z = camera_from_head[:, 1]
    return Quality(
        side_px=float(np.ptp(landmarks_px, axis=0).max()),
        dark_share=float((pixels < DARK_LEVEL).mean()),
        bright_share=float((pixels > BRIGHT_LEVEL).mean()),
        sharpness=float(laplacian[inside > 0].var() if inside.any() else laplacian.var()),
        yaw_deg=float(np.degrees(np.arctan2(x, -z))),
        pitch_deg=float(np.degrees(np.arcsin(np.clip(-y, -1, 1)))),
        outside_share=float(outside.any(1).mean()),
        confidence=confidence,
    )


def quality_warnings(quality: Quality) -> tuple[str, ...]:
    """Return a sentence with its number for everything that speaks against a good result."""
    checks = (
        (
            quality.side_px < SMALL_FACE_PX,
            f"the face is {quality.side_px:.0f} px wide, below {SMALL_FACE_PX} px; use a larger"
            " picture",
        ),
        (
            quality.dark_share > CLIPPED_SHARE,
            f"{quality.dark_share:.0%} of the face is nearly black, above {CLIPPED_SHARE:.0%}; use"
            " more light",
        ),
        (
            quality.bright_share > CLIPPED_SHARE,
            f"{quality.bright_share:.0%} of the face is nearly white, above {CLIPPED_SHARE:.0%};"
            " use less light",
        ),
        (
            quality.sharpness < BLURRED,
            f"sharpness of the face is {quality.sharpness:.0f}, below {BLURRED:.0f}; use a picture"
            " in focus",
        ),
        (
            abs(quality.yaw_deg) > EXTREME_YAW_DEG or abs(quality.pitch_deg) > EXTREME_PITCH_DEG,
            f"the head is turned by {quality.yaw_deg:.0f} degrees sideways and"
            f" {quality.pitch_deg:.0f} upwards, beyond {EXTREME_YAW_DEG:.0f} or"
            f" {EXTREME_PITCH_DEG:.0f}; what is hidden is guessed",
        ),
        (
            quality.outside_share > OUTSIDE_SHARE,
            f"{quality.outside_share:.0%} of the landmarks lie outside the picture; use one that"
            " shows the whole face",
        ),
        (
            quality.confidence < UNSURE,
            f"landmarks have a mean confidence of {quality.confidence:.2f}, below {UNSURE};"
            " something may cover the face",
        ),
    )
    return tuple(sentence for is_bad, sentence in checks if is_bad)
