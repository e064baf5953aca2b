"""Where the camera of a portrait stands: draws enter, a `Camera` in the head frame leaves."""

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from augment.geometry.camera import Camera, look_at
from augment.recipe.schema import RenderSpec

FILM_MM = 36.0
"""Width of the film that focal lengths are given for."""
MENTON_TO_VERTEX_MM = (-108.0, 125.0)
"""Lowest and highest point of the template's head, z in the head frame."""
TARGET_MM = (0.0, 25.0)
"""x and y of the point that the optical axis passes through: inside the head, before the ears."""
NEAREST_HEADS = 1.9
"""Smallest distance in heights of the head: 44 cm for an adult, an arm's length."""
JITTER = 0.03
"""Spread of the face's place in the picture, as a share of its size."""


def draw_camera(
    rng: np.random.Generator,
    spec: RenderSpec,
    image_size: int | None = None,
    head_mm: tuple[float, float] = MENTON_TO_VERTEX_MM,
) -> Camera:
    """Draw the camera of one portrait: around the head, at a distance that frames it.

    Yaw turns the camera around the head towards the head's left (-x), pitch lifts it; the distance
    follows from the focal length so that the head fills the drawn share of the picture. Where that
    would be nearer than an arm's length, the focal length is longer than drawn, at the same share.

    Args:
        rng: Stream of the camera.
        spec: Ranges of the recipe.
        image_size: Width and height in pixels, None for the recipe's.
        head_mm: Height of the menton and of the vertex in the head frame (see `head_extent`).

    Returns:
        A camera of one image.
    """
    size = spec.size_px if image_size is None else image_size
    yaw, pitch, roll = (
        math.radians(rng.uniform(*spread))
        for spread in (spec.yaw_deg, spec.pitch_deg, spec.roll_deg)
    )
    focal_mm, fill = rng.uniform(*spec.focal_mm), rng.uniform(*spec.fill)
    shift = np.clip(rng.normal(0.0, JITTER, size=2), -2 * JITTER, 2 * JITTER)
    head_height_mm = head_mm[1] - head_mm[0]
    focal_mm = max(focal_mm, NEAREST_HEADS * fill * FILM_MM)
    distance_mm = focal_mm / FILM_MM * head_height_mm / fill
    target = torch.tensor([[*TARGET_MM, (head_mm[0] + head_mm[1]) / 2]], dtype=torch.float64)
    towards = torch.tensor(
        [[-math.sin(yaw) * math.cos(pitch), math.cos(yaw) * math.cos(pitch), math.sin(pitch)]],
        dtype=torch.float64,
    )
    up = torch.tensor([[0.0, 0.0, 1.0]], dtype=torch.float64)
    camera_from_world = look_at(
        target + distance_mm * towards, target, up, torch.tensor([roll], dtype=torch.float64)
    )
    return Camera(
        focal_px=torch.tensor([focal_mm / FILM_MM * size], dtype=torch.float64),
        principal_px=torch.from_numpy(size * (0.5 + shift))[None],
        camera_from_world=camera_from_world,
        width=size,
        height=size,
    )


def head_extent(landmarks_mm: Float[Tensor, "2 3"]) -> tuple[float, float]:
    """Return the heights that `draw_camera` frames.

    Args:
        landmarks_mm: Menton and vertex in the head frame.

    Returns:
        Their z, mm.
    """
    return float(landmarks_mm[0, 2]), float(landmarks_mm[1, 2])
