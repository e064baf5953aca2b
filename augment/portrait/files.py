"""The files of a head from photographs: subject, meshes, texture, GLB, overlay, residuals.

``subject.json`` is what ``facies reconstruct ct`` writes too, with the pose in each photograph and
the texture's file beside it. Meshes are in the head frame, the GLB in glTF's own.
"""

import json
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8

from augment.geometry.mesh import ply_bytes
from augment.morphable.model import FaceModel
from augment.morphable.pose import GAZE, JAW
from augment.portrait.crop import apply_similarity
from augment.portrait.fit import FittedView, PortraitFit
from augment.portrait.gltf import head_glb
from augment.portrait.texture import PortraitTexture, png_bytes
from augment.portrait.transfer import N_ACTIONS, action_weights
from augment.raster.interpolate import interpolate
from augment.raster.rasterize import rasterize
from augment.sample import N_POSE, Subject
from augment.subject_folder import (
    MESH_FILE,
    OVERLAY_FILE,
    RESIDUALS_FILE,
    SUBJECT_FILE,
    subject_values,
    write_files,
)

TEXTURE_FILE, GLB_FILE, OBJ_FILE, MTL_FILE = "texture.png", "head.glb", "head.obj", "head.mtl"
PANEL_PX = 384
DECIMALS = 6
LANDMARK_COLOUR, MODEL_COLOUR, SHADE_COLOUR = (255, 210, 0), (60, 220, 90), (225, 200, 180)


def portrait_subject(fit: PortraitFit) -> Subject:
    """Return the subject of a fit: its own frame, jaw and gaze of the first photograph."""
    first = fit.views[0].state
    pose = np.zeros(N_POSE)
    pose[JAW], pose[GAZE] = first.pose[JAW], first.pose[GAZE]
    return Subject(
        identity=np.round(fit.identity, DECIMALS),
        expression=np.round(first.expression, DECIMALS),
        pose=np.round(pose, DECIMALS),
        source="photo",
    )


def write_portrait(
    fit: PortraitFit, texture: PortraitTexture, out_dir: str | Path
) -> tuple[Path, ...]:
    """Write everything that is known of a photographed head.

    Everything is made in memory first, so that an error leaves nothing half-written.

    Args:
        fit: The fitted head.
        texture: Its texture.
        out_dir: Folder; made where it is missing, files in it are replaced.

    Returns:
        The files written.

    Raises:
        AssetError: If the folder cannot be written to.
    """
    return write_files(portrait_contents(fit, texture), out_dir)


def portrait_contents(fit: PortraitFit, texture: PortraitTexture) -> dict[str, bytes]:
    """Return the files of a photographed head: name to content."""
    model, subject = fit.model, portrait_subject(fit)
    rest = _rest(model, subject.identity)
    return {
        SUBJECT_FILE: _subject_json(fit, subject).encode(),
        MESH_FILE: ply_bytes(fit.views[0].vertices_mm, model.faces.numpy()),
        OBJ_FILE: textured_obj(model, fit.views[0].vertices_mm).encode(),
        MTL_FILE: f"newmtl skin\nKd 1 1 1\nmap_Kd {TEXTURE_FILE}\n".encode(),
        TEXTURE_FILE: texture.png(),
        GLB_FILE: head_glb(model, rest, start_weights(model, subject), texture.colour),
        OVERLAY_FILE: png_bytes(portrait_overlay(fit, texture)),
        RESIDUALS_FILE: _residuals_json(fit, texture).encode(),
    }


def start_weights(model: FaceModel, subject: Subject) -> Float[np.ndarray, "79"]:
    """Return the weights of the morph targets that show a subject's expression, jaw included."""
    weights = subject.expression.copy()
    if subject.pose[JAW].any():
        weights[N_ACTIONS:] = 0.0
        weights[:N_ACTIONS] = list(action_weights(subject, model).values())
    return weights


def textured_obj(model: FaceModel, vertices_mm: Float[np.ndarray, "vertices 3"]) -> str:
    """Return the text of an OBJ file with texture coordinates; its material is ``head.mtl``."""
    lines = ["# head frame RAS+, millimetres", f"mtllib {MTL_FILE}", "usemtl skin"]
    lines += ["v %.4f %.4f %.4f" % tuple(point) for point in vertices_mm.tolist()]  # noqa: UP031
    lines += ["vt %.6f %.6f" % tuple(point) for point in model.uv.tolist()]  # noqa: UP031
    pairs = np.stack([model.faces.numpy(), model.uv_faces.numpy()], axis=-1).reshape(-1, 6) + 1
    lines += ["f %d/%d %d/%d %d/%d" % tuple(row) for row in pairs.tolist()]  # noqa: UP031
    return "\n".join(lines) + "\n"


def portrait_overlay(
    fit: PortraitFit, texture: PortraitTexture
) -> UInt8[np.ndarray, "height width 3"]:
    """Draw each photograph's crop, the fitted head on it, its shape, and its texture on it."""
    rows = []
    for fitted in fit.views:
        crop = fitted.view.crop(PANEL_PX)
        shape, shown = _shaded(fit.model, fitted), _textured(fit.model, fitted, texture, crop)
        panels = [
            _with_landmarks(fitted, crop),
            cv2.addWeighted(crop, 0.45, shape, 0.55, 0.0),
            shape,
            shown,
        ]
        rows.append(np.concatenate(panels, axis=1))
    return np.concatenate(rows, axis=0)


def _rest(
    model: FaceModel, identity: Float[np.ndarray, " identities"]
) -> Float[np.ndarray, "vertices 3"]:
    """Return the neutral head of identity coefficients."""
    row = torch.as_tensor(identity, dtype=model.mean.dtype)[None]
    return model.rest(row)[0].numpy().astype(np.float64)


def _subject_json(fit: PortraitFit, subject: Subject) -> str:
    views = []
    for fitted in fit.views:
        height, width = fitted.view.image.shape[:2]
        views.append(
            {
                "width": width,
                "height": height,
                "pose": np.round(fitted.pose, 8).tolist(),
                "expression": np.round(fitted.state.expression, DECIMALS).tolist(),
                "landmarks_px": np.round(fitted.landmarks_px, 3).tolist(),
                "box_px": [round(float(side), 2) for side in fitted.view.estimate.box_px],
                "warnings": list(fitted.view.estimate.warnings),
            }
        )
    record = {
        "model": fit.model.name,
        "subject": subject_values(subject),
        "world_from_head": None,
        "confidence": round(fit.confidence, 4),
        "identity_sd": np.round(fit.identity_sd, 4).tolist(),
        "is_refined": fit.is_refined,
        "texture": TEXTURE_FILE,
        "photographs": views,
    }
    return json.dumps(record, allow_nan=False) + "\n"


def _residuals_json(fit: PortraitFit, texture: PortraitTexture) -> str:
    seen = texture.seen
    record = {
        "confidence": round(fit.confidence, 4),
        "photographs": [
            {
                "landmark_residual_px_at_256": round(fitted.landmark_residual_px, 3),
                "shading_residual_share": None
                if fitted.shading_residual is None
                else round(fitted.shading_residual, 4),
            }
            for fitted in fit.views
        ],
        "texture_seen_texels": int((seen > 0.1).sum()),
    }
    return json.dumps(record, indent=1, allow_nan=False) + "\n"


def _with_landmarks(
    fitted: FittedView, crop: UInt8[np.ndarray, "size size 3"]
) -> UInt8[np.ndarray, "size size 3"]:
    """Draw the network's landmarks and the model's."""
    image = np.ascontiguousarray(crop.copy())
    transform = fitted.view.estimate.crop_from_picture * (PANEL_PX / 256.0)
    for points, colour in (
        (fitted.view.estimate.landmarks_px, LANDMARK_COLOUR),
        (fitted.landmarks_px, MODEL_COLOUR),
    ):
        for x, y in apply_similarity(transform, points):
            cv2.circle(
                image, (round(x * 16 - 8), round(y * 16 - 8)), 24, colour, -1, cv2.LINE_AA, 4
            )
    return image


def _shaded(model: FaceModel, fitted: FittedView) -> UInt8[np.ndarray, "size size 3"]:
    """Draw the shape in grey, lit from the camera."""
    vertices = torch.from_numpy(fitted.vertices_mm).float()
    camera = fitted.state.crop_camera(PANEL_PX)
    fragments = rasterize(vertices[None], model.faces, camera)
    corners = fitted.vertices_mm[model.faces.numpy()]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    light = -(normal @ fitted.state.rotation.T) @ np.array([0.25, 0.35, 0.9])
    light = 0.2 + 0.8 * np.clip(light, 0.0, 1.0)
    triangle = fragments.triangle[0].numpy()
    image = light[triangle][..., None] * np.array(SHADE_COLOUR)
    return np.where(triangle[..., None] >= 0, np.clip(image, 0, 255), 20.0).astype(np.uint8)


def _textured(
    model: FaceModel,
    fitted: FittedView,
    texture: PortraitTexture,
    crop: UInt8[np.ndarray, "size size 3"],
) -> UInt8[np.ndarray, "size size 3"]:
    """Draw the head with its texture, without light, before the photograph."""
    vertices = torch.from_numpy(fitted.vertices_mm).float()
    fragments = rasterize(vertices[None], model.faces, fitted.state.crop_camera(PANEL_PX))
    uv = interpolate(fragments, model.uv_faces, model.uv)[0].numpy()
    size = len(texture.colour)
    x = (uv[..., 0] * size - 0.5).astype(np.float32)
    y = ((1.0 - uv[..., 1]) * size - 0.5).astype(np.float32)
    drawn = cv2.remap(texture.colour, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.where(fragments.is_hit()[0].numpy()[..., None], drawn, crop // 3)
