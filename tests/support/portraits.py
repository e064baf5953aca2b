"""Photographs made by hand: a matt head under known light, and what a perfect network would say."""

from dataclasses import dataclass

import numpy as np
import torch

from augment.geometry.camera import Camera, look_at
from augment.geometry.mesh import vertex_normals
from augment.morphable.landmarks import IBUG_NAMES
from augment.morphable.prior import PriorSpec, draw_subject
from augment.portrait.estimate import FaceEstimate
from augment.portrait.pose import pose_of_camera
from augment.portrait.shading import harmonics
from augment.portrait.template_skin import surface_reflectance, vertex_openness
from augment.portrait.view import PortraitView
from augment.raster.interpolate import interpolate
from augment.raster.rasterize import rasterize
from augment.streams import stream

SIDE_PX = 300
LIGHT = np.array([0.7, 0.35, -0.25, -0.3, 0.05, 0.0, 0.05, 0.0, 0.0])
"""From the upper right of the picture, in the camera frame."""


@dataclass(frozen=True, eq=False)
class Portrait:
    """A known head before a known camera."""

    subject: object
    vertices: np.ndarray
    camera: Camera
    view: PortraitView


def portrait(model, index=0, yaw_deg=0.0, smile=0.5, colour=None, trust=1.0):
    """A drawn adult who smiles; `trust` is how much of the truth the network knows."""
    subject = draw_subject(model, stream(3, index, "portrait-test"), PriorSpec((25.0, 60.0)))
    expression = np.zeros(79)
    for side in ("Left", "Right"):
        expression[model.expression_names.index(f"mouthSmile{side}")] = smile
    rows = (torch.as_tensor(v, dtype=torch.float32)[None] for v in (subject.identity, expression))
    vertices = model.vertices(*rows)[0].numpy().astype(np.float64)
    camera = portrait_camera(yaw_deg)
    landmarks = model.landmarks(torch.from_numpy(vertices).float()[None], IBUG_NAMES)
    pixels = camera.project(landmarks.double())[0][0].numpy()
    scale = 0.62 * 256 / np.ptp(pixels[:, 1])
    shift = np.array([128.0, 140.0]) - scale * pixels.mean(0)
    estimate = FaceEstimate(
        landmarks_px=pixels,
        landmark_confidence=np.full(68, 0.95),
        identity=trust * subject.identity,
        expression=trust * expression,
        pose=pose_of_camera(camera),
        texture=None,
        box_px=(*pixels.min(0).tolist(), *pixels.max(0).tolist()),
        crop_from_picture=np.column_stack([scale * np.eye(2), shift]),
    )
    image = matt_picture(model, vertices, camera, colour)
    return Portrait(subject, vertices, camera, PortraitView(image, estimate))


def portrait_camera(yaw_deg=0.0, distance_mm=900.0):
    """A camera before the face, turned around it to its left."""
    yaw = np.radians(yaw_deg)
    target = torch.tensor([[0.0, 25.0, 0.0]], dtype=torch.float64)
    towards = torch.tensor([[-np.sin(yaw), np.cos(yaw), 0.0]], dtype=torch.float64)
    up = torch.tensor([[0.0, 0.0, 1.0]], dtype=torch.float64)
    return Camera(
        focal_px=torch.tensor([2.6 * SIDE_PX], dtype=torch.float64),
        principal_px=torch.full((1, 2), SIDE_PX / 2, dtype=torch.float64),
        camera_from_world=look_at(target + distance_mm * towards, target, up),
        width=SIDE_PX,
        height=SIDE_PX,
    )


def matt_picture(model, vertices, camera, colour=None, light=LIGHT):
    """The head under `light`; `colour` maps texture coordinates to linear RGB."""
    points = torch.from_numpy(vertices).float()
    fragments = rasterize(points[None], model.faces, camera)
    opened = vertex_openness(model)[:, None]
    values = torch.cat([vertex_normals(points, model.faces), opened], 1)
    values = interpolate(fragments, model.faces, values)[0].numpy().reshape(-1, 4)
    normal = values[:, :3]
    uv = interpolate(fragments, model.uv_faces, model.uv)[0].reshape(-1, 2)
    part = fragments.of_triangle(model.part_of_triangle)[0].reshape(-1)
    hit = fragments.is_hit()[0].numpy().ravel()
    normal = normal @ camera.camera_from_world[0, :3, :3].numpy().T
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    albedo = surface_reflectance(model, uv, part, 1 / 512).numpy() if colour is None else colour(uv)
    bright = harmonics(normal) @ light * (values[:, 3] if colour is None else 1.0)
    linear = np.clip(albedo * bright[:, None], 0, 1)
    linear[~hit] = (0.1, 0.2, 0.4)
    encoded = np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055
    )
    return np.round(255 * encoded).astype(np.uint8).reshape(camera.height, camera.width, 3)
