"""What a network says about the faces of a photograph, before any fitting."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from augment.geometry.camera import Camera
from augment.reconstruct.portrait_pose import camera_of_pose

CROP_PX = 256
"""Width and height of the aligned crop that a network sees."""
TEXTURE_PX = 256


@dataclass(frozen=True, eq=False)
class FaceEstimate:
    """One face of a photograph.

    Attributes:
        landmarks_px: The 68 iBUG points in the photograph, (x, y); the centre of pixel (0, 0) is
            (0.5, 0.5). Hidden ones lie where the head's surface has them.
        landmark_confidence: How sure the network is of each, 0 to 1.
        identity: Coefficients in standard deviations.
        expression: Coefficients, 0 neutral, 1 full action.
        pose: The 21 pose numbers for the whole photograph, in the world of
            `augment.reconstruct.portrait_pose`; `camera` makes the camera of them.
        texture: Colour of the skin in the template's texture space, sRGB, row 0 at v = 1, or None.
        box_px: Left, top, right and bottom of the face in the photograph.
        crop_from_picture: Similarity from pixels of the photograph to those of the 256 x 256 crop
            that the network saw.
        score: How sure the network is that this is a face, 0 to 1.
        warnings: What speaks against a good result, each with its number; empty if nothing does.
    """

    landmarks_px: Float[np.ndarray, "68 2"]
    landmark_confidence: Float[np.ndarray, "68"]
    identity: Float[np.ndarray, "99"]
    expression: Float[np.ndarray, "79"]
    pose: Float[np.ndarray, "21"]
    texture: UInt8[np.ndarray, "256 256 3"] | None
    box_px: tuple[float, float, float, float]
    crop_from_picture: Float[np.ndarray, "2 3"]
    score: float = 1.0
    warnings: tuple[str, ...] = ()

    def camera(self, width: int, height: int) -> Camera:
        """Return the camera of a photograph of this size; see `camera_of_pose`."""
        return camera_of_pose(self.pose, width, height)
