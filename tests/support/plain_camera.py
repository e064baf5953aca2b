"""Cameras that are easy to calculate with."""

import torch

from augment.geometry.camera import Camera


def camera_at_origin(width=64, height=48, focal_px=100.0, n_images=1):
    """Return cameras whose frame is the world frame."""
    return Camera(
        torch.full((n_images,), focal_px, dtype=torch.float64),
        torch.tensor([[width / 2, height / 2]], dtype=torch.float64).repeat(n_images, 1),
        torch.eye(4, dtype=torch.float64).repeat(n_images, 1, 1),
        width,
        height,
    )
