"""One picture of a fit: slices with the model's contour, measured and fitted face, residuals.

The slices are planes of the head frame (median plane, and one across the upper lip), so that a
tilted head is shown upright. Without a volume the measured surface is cut instead.
"""

import cv2
import numpy as np
from jaxtyping import Float, Int, UInt8
from scipy import ndimage

from augment.geometry.distance import closest_point
from augment.morphable.regions import REGION_ID
from augment.morphable.template import PARTS
from augment.reconstruct.ct import VIEW_MARGIN_VOXELS
from augment.reconstruct.head import Fit
from augment.reconstruct.rigid import transform_points
from augment.reconstruct.zones import face_zones

PANEL_PX = 200
MM_PER_PX = 1.3
CENTRE_MM = (0.0, 5.0, 5.0)
WINDOW_HU = (-700.0, 500.0)
MODEL_COLOUR, SKIN_COLOUR = (60, 90, 255), (190, 190, 190)  # blue, green, red
FITTED_COLOUR = (170, 190, 225)
RESIDUAL_TOP_MM = 5.0
UNSEEN_GREY = 90
SUPER_SAMPLING = 2
SUBPIXEL_BITS = 4
# Axes of the head frame that point right and up in each view, and the one towards the viewer.
FRONT, SIDE, ABOVE = (0, 2, 1), (1, 2, 0), (0, 1, 2)

Image = UInt8[np.ndarray, "height width 3"]


def overlay_png(fit: Fit) -> bytes:
    """Return the picture as the bytes of a PNG file."""
    done, encoded = cv2.imencode(".png", overlay_image(fit), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not done:
        raise RuntimeError("OpenCV could not encode a PNG")
    return bytes(encoded)


def overlay_image(fit: Fit) -> Image:
    """Draw six panels side by side (blue, green, red)."""
    faces = fit.model.faces.numpy()
    skin = transform_points(np.linalg.inv(fit.world_from_head), fit.surface.vertices)
    skin_faces = _near(skin, fit.surface.faces)
    lip_mm = _height_of_upper_lip(fit)
    panels = {
        "median plane": _slice(fit, skin, skin_faces, SIDE, 0.0),
        "upper lip": _slice(fit, skin, skin_faces, ABOVE, lip_mm),
        "measured": _shaded(skin, skin_faces, SKIN_COLOUR, FRONT),
        "fitted": _shaded(fit.head_mm, faces, FITTED_COLOUR, FRONT),
        "fitted, side": _shaded(fit.head_mm, faces, FITTED_COLOUR, SIDE),
        f"residual 0-{RESIDUAL_TOP_MM:.0f} mm": _residual_map(fit),
    }
    for title, panel in panels.items():
        cv2.putText(panel, title, (4, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (255, 255, 255), 1)
    # Sixty-four levels a channel look the same and halve the file.
    return np.concatenate(list(panels.values()), axis=1) & 0xFC


def _height_of_upper_lip(fit: Fit) -> float:
    """Return z of the skin above the upper lip in the head frame."""
    model = fit.model
    row = model.landmark_rows(("subnasale",))[0]
    corners = fit.head_mm[model.faces[model.landmark_triangle[row]].numpy()]
    return float(model.landmark_weights[row].numpy() @ corners[:, 2])


def _near(
    vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "triangles 3"]
) -> Int[np.ndarray, "near 3"]:
    """Keep the triangles that a panel can show."""
    reach = 0.75 * PANEL_PX * MM_PER_PX
    inside = np.abs(vertices - CENTRE_MM).max(axis=1) < reach
    return faces[inside[faces].all(1)]


def _pixels(
    points: Float[np.ndarray, "p 3"], axes: tuple[int, int, int], scale: int
) -> Float[np.ndarray, "p 2"]:
    """Project points of the head frame orthographically; looking from the right, y points left."""
    right, up, towards = axes
    sign = 1.0 if towards == 0 or towards == 2 else -1.0
    centred = points - CENTRE_MM
    half = PANEL_PX / 2
    x = half + sign * centred[:, right] / MM_PER_PX
    y = half - centred[:, up] / MM_PER_PX
    return np.stack([x, y], axis=1) * scale


def _shaded(
    vertices: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "triangles 3"],
    colour: tuple[int, int, int] | UInt8[np.ndarray, "triangles 3"],
    axes: tuple[int, int, int],
) -> Image:
    """Paint flat-shaded triangles from the farthest to the nearest."""
    size = PANEL_PX * SUPER_SAMPLING
    image = np.zeros((size, size, 3), dtype=np.uint8)
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    light = 0.25 + 0.75 * np.clip(normals[:, axes[2]] * 0.8 + normals[:, 2] * 0.3, 0.0, 1.0)
    paint = np.clip(light[:, None] * np.asarray(colour), 0, 255)
    pixel = _pixels(vertices, axes, SUPER_SAMPLING) - 0.5
    outline = np.round(pixel * (1 << SUBPIXEL_BITS)).astype(np.int32)
    facing = np.flatnonzero(normals[:, axes[2]] > 0)
    depth = corners[facing][:, :, axes[2]].mean(1)
    for triangle in facing[np.argsort(depth, kind="stable")]:
        points = outline[faces[triangle]]
        cv2.fillConvexPoly(image, points, paint[triangle].tolist(), shift=SUBPIXEL_BITS)
    return cv2.resize(image, (PANEL_PX, PANEL_PX), interpolation=cv2.INTER_AREA)


def _residual_map(fit: Fit) -> Image:
    """Paint the fitted face by its distance to the measured skin; grey where none is in view."""
    faces = fit.model.faces.numpy()
    zones = face_zones(fit.model)
    distance = closest_point(fit.world_mm, fit.surface.vertices, fit.surface.faces).distance_mm
    level = np.clip(distance / RESIDUAL_TOP_MM * 255, 0, 255).astype(np.uint8)
    colours = cv2.applyColorMap(level[:, None], cv2.COLORMAP_VIRIDIS)[:, 0]
    seen = zones.is_face
    if fit.volume is not None:
        seen = seen & fit.volume.contains(fit.world_mm, VIEW_MARGIN_VOXELS)
    colours[~seen] = UNSEEN_GREY
    return _shaded(fit.head_mm, faces, colours[faces].mean(1).astype(np.uint8), FRONT)


def _slice(
    fit: Fit,
    skin: Float[np.ndarray, "vertices 3"],
    skin_faces: Int[np.ndarray, "triangles 3"],
    axes: tuple[int, int, int],
    level_mm: float,
) -> Image:
    """Draw a plane of the head frame with the model's contour."""
    image = _volume_plane(fit, axes, level_mm)
    if fit.volume is None:
        _draw_cut(image, skin, skin_faces, axes, level_mm, SKIN_COLOUR)
    _draw_cut(image, fit.head_mm, _outer(fit), axes, level_mm, MODEL_COLOUR)
    return image


def _outer(fit: Fit) -> Int[np.ndarray, "outer 3"]:
    """Return the skin of the model without the mouth's cavity."""
    is_skin = fit.model.part_of_triangle.numpy() == PARTS.index("skin")
    faces = fit.model.faces.numpy()[is_skin]
    region = face_zones(fit.model).region
    return faces[(region[faces] != REGION_ID["mouth_cavity"]).all(axis=1)]


def _volume_plane(fit: Fit, axes: tuple[int, int, int], level_mm: float) -> Image:
    """Sample the volume on a plane of the head frame; black without a volume."""
    if fit.volume is None:
        return np.zeros((PANEL_PX, PANEL_PX, 3), dtype=np.uint8)
    right, up, towards = axes
    steps = (np.arange(PANEL_PX) + 0.5 - PANEL_PX / 2) * MM_PER_PX
    points = np.tile(np.array(CENTRE_MM), (PANEL_PX, PANEL_PX, 1))
    points[..., right] += steps[None, :]
    points[..., up] -= steps[:, None]
    points[..., towards] = level_mm
    voxels = fit.volume.voxel(transform_points(fit.world_from_head, points.reshape(-1, 3)))
    values = ndimage.map_coordinates(
        fit.volume.values, voxels.T, order=1, cval=float(fit.volume.values.min())
    )
    low, high = _window(fit)
    grey = np.clip((values - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    return np.repeat(grey.reshape(PANEL_PX, PANEL_PX, 1), 3, axis=2)


def _window(fit: Fit) -> tuple[float, float]:
    """Return the values shown black and white: soft tissue in CT, all but the brightest in MR."""
    if fit.volume is None or fit.volume.values.min() < WINDOW_HU[0]:
        return WINDOW_HU
    return 0.0, max(float(np.percentile(fit.volume.values, 99.5)), 1e-6)


def _draw_cut(
    image: Image,
    vertices: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "triangles 3"],
    axes: tuple[int, int, int],
    level_mm: float,
    colour: tuple[int, int, int],
) -> None:
    """Draw where a mesh meets a plane across the viewing axis."""
    height = vertices[faces][:, :, axes[2]] - level_mm
    crossing = faces[(height.min(1) < 0) & (height.max(1) >= 0)]
    ends = []
    for first, second in ((0, 1), (1, 2), (2, 0)):
        a, b = vertices[crossing[:, first]], vertices[crossing[:, second]]
        above_a, above_b = a[:, axes[2]] - level_mm, b[:, axes[2]] - level_mm
        crosses = (above_a < 0) != (above_b < 0)
        share = np.where(crosses, above_a / np.where(crosses, above_a - above_b, 1.0), np.nan)
        ends.append(_pixels(a + share[:, None] * (b - a), axes, 1) - 0.5)
    edges = np.stack(ends, axis=1)
    present = np.isfinite(edges).all(2)
    edges = edges[present.sum(1) == 2]
    pairs = edges[np.isfinite(edges).all(2)].reshape(-1, 2, 2)
    pairs = np.round(pairs * (1 << SUBPIXEL_BITS)).astype(np.int32)
    cv2.polylines(image, list(pairs), False, colour, 1, cv2.LINE_AA, SUBPIXEL_BITS)
