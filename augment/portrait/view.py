"""The crop that a fit works in, and the head in it: a camera of 256 x 256 pixels about the face.

Enters: a photograph and what a network says of a face in it.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8

from augment.geometry.camera import Camera
from augment.geometry.rotation import rigid_transform
from augment.morphable.pose import ARTICULATION
from augment.portrait.crop import cut_crop, invert_similarity, similar_camera
from augment.portrait.estimate import CROP_PX, FaceEstimate
from augment.portrait.pose import pose_of_camera


@dataclass(frozen=True, eq=False)
class PortraitView:
    """One photograph of the person with the estimate of the face.

    Attributes:
        image: The photograph, sRGB.
        estimate: What the network says of one face in it.
    """

    image: UInt8[np.ndarray, "height width 3"]
    estimate: FaceEstimate

    @property
    def camera(self) -> Camera:
        """The estimated camera of the photograph."""
        height, width = self.image.shape[:2]
        return self.estimate.camera(width, height)

    def crop(self, size: int = CROP_PX) -> UInt8[np.ndarray, "size size 3"]:
        """Return the aligned crop, averaged where the photograph is finer.

        Args:
            size: Width and height in pixels.
        """
        return cut_crop(self.image, self.estimate.crop_from_picture * (size / CROP_PX), size)


@dataclass(frozen=True, eq=False)
class PortraitState:
    """The head in one crop while it is fitted.

    Attributes:
        rotation: From the head frame to the crop's camera (x right, y down, z forward).
        translation: Of the head frame's origin in it, mm.
        log_focal: Natural logarithm of the focal length in pixels of the crop.
        principal: Where its optical axis meets the crop, pixels.
        expression: Coefficients, 0 to 1.
        pose: The 21 pose numbers; jaw, neck and gaze are used.
    """

    rotation: Float[np.ndarray, "3 3"]
    translation: Float[np.ndarray, "3"]
    log_focal: float
    principal: Float[np.ndarray, "2"]
    expression: Float[np.ndarray, " expressions"]
    pose: Float[np.ndarray, "21"]

    def projected(
        self, points_mm: Float[np.ndarray, "points 3"]
    ) -> tuple[Float[np.ndarray, "points 2"], Float[np.ndarray, "points 3"]]:
        """Return pixels of the crop and points in the camera frame."""
        seen = points_mm @ self.rotation.T + self.translation
        pixels = np.exp(self.log_focal) * seen[:, :2] / seen[:, 2:] + self.principal
        return pixels, seen

    def crop_camera(self, size: int = CROP_PX) -> Camera:
        """Return the camera of the crop at a size in pixels."""
        zoom = size / CROP_PX
        return Camera(
            focal_px=torch.tensor([zoom * np.exp(self.log_focal)], dtype=torch.float64),
            principal_px=torch.from_numpy(zoom * self.principal)[None],
            camera_from_world=rigid_transform(
                torch.from_numpy(self.rotation), torch.from_numpy(self.translation)
            )[None],
            width=size,
            height=size,
        )

    def picture_pose(self, view: PortraitView) -> Float[np.ndarray, "21"]:
        """Return the 21 pose numbers for the whole photograph."""
        height, width = view.image.shape[:2]
        back = invert_similarity(view.estimate.crop_from_picture)
        pose = pose_of_camera(similar_camera(self.crop_camera(), back, width, height))
        pose[ARTICULATION] = self.pose[ARTICULATION]
        return pose


def start_state(view: PortraitView) -> PortraitState:
    """Return the estimate of a view as the head in its crop."""
    estimate = view.estimate
    camera = similar_camera(view.camera, estimate.crop_from_picture, CROP_PX, CROP_PX)
    transform = camera.camera_from_world[0].numpy()
    return PortraitState(
        rotation=transform[:3, :3],
        translation=transform[:3, 3],
        log_focal=float(camera.focal_px[0].log()),
        principal=camera.principal_px[0].numpy(),
        expression=np.asarray(estimate.expression, dtype=np.float64),
        pose=np.asarray(estimate.pose, dtype=np.float64),
    )
