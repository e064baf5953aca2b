"""Pixel labels: what each pixel's centre shows, read from fragments and never from a picture.

Enters: the scene of one sample and the fragments of its twins. Leaves: one image per label, in the
frames and units of the data set; nothing is anti-aliased.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor

from augment.geometry.camera import Camera
from augment.morphable.landmarks import IBUG_NAMES
from augment.morphable.model import FaceModel
from augment.morphable.regions import REGION_ID, REGIONS
from augment.raster.fragments import Fragments
from augment.render.eyes import GLOBE_DISC, GLOBE_RADIUS, IRIS_RADIUS
from augment.render.scene import PART_ID, REFINEMENT_LEVEL, Scene
from augment.render.surface import SurfacePoints

LABEL_NAMES = (
    "regions", "pathology", "parts", "depth_mm", "normals", "position_mm", "uv", "displacement_mm",
)  # fmt: skip
"""Labels that `pixel_labels` makes."""

VISIBLE_TOLERANCE_MM = 2.0
"""How far behind the seen surface a landmark may lie and count as visible.

A landmark lies on the surface, the depth image holds its nearest pixel's centre: on skin that is
seen at 70 degrees, half a pixel of 1.5 mm is 2 mm of depth.
"""

FACE_CLASSES = ("background", "skin", "hair", "nose", "mouth", "eyes")
"""Classes of face parsing (Khan, Mauro and Leonardi, ICIP 2015), in the order of FASSEG's masks."""

_CLASS_OF_STEM = {
    "background": "background", "clothing": "background", "trunk": "background",
    "hair": "hair", "brow": "hair",
    "nasal_sidewall": "nose", "nasal_ala": "nose", "nasal_dorsum": "nose", "nasal_tip": "nose",
    "upper_lip": "mouth", "lower_lip": "mouth", "mouth_cavity": "mouth", "tongue": "mouth",
    "teeth_upper": "mouth", "teeth_lower": "mouth",
    "sclera": "eyes", "iris": "eyes",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class ViewLandmarks:
    """The 68 iBUG landmarks of each twin in one view.

    Attributes:
        points_px: (x, y); the centre of pixel (0, 0) is (0.5, 0.5).
        points_mm: In the head frame.
        is_visible: Inside the picture, on a surface that faces the camera, and not hidden.
    """

    points_px: Float[Tensor, "twins 68 2"]
    points_mm: Float[Tensor, "twins 68 3"]
    is_visible: Bool[Tensor, "twins 68"]


def face_class_of_region() -> UInt8[Tensor, " regions"]:
    """Return the class of face parsing that each region belongs to.

    Skin is every region that `FACE_CLASSES` has no better name for: face, lids, ears, scalp, neck.

    Returns:
        Concretely, entry [r] = c means that region REGIONS[r] is class FACE_CLASSES[c].
    """
    stems = (name.removesuffix("_left").removesuffix("_right") for name in REGIONS)
    classes = [FACE_CLASSES.index(_CLASS_OF_STEM.get(stem, "skin")) for stem in stems]
    return torch.tensor(classes, dtype=torch.uint8)


def pixel_labels(
    model: FaceModel, scene: Scene, fragments: Fragments, names: tuple[str, ...], moved_mm: float
) -> dict[str, Tensor]:
    """Return the labels of one sample's twins, images first.

    Args:
        model: The face model.
        scene: The twins; image 0 is the healthy one.
        fragments: What their pixels' centres show.
        names: Which of `LABEL_NAMES`.
        moved_mm: A pixel belongs to the pathology where its surface moved by more, mm.

    Returns:
        regions: uint8, number in REGIONS.
        pathology: uint8, 1 where the surface moved by more than moved_mm; 0 on the healthy twin.
        parts: uint8, number in SCENE_PARTS.
        depth_mm: float32, camera z.
        normals: float32 (3), unit, in the head frame, turned towards the camera's side of the
            triangle's winding, that is outward.
        position_mm: float32 (3), head frame.
        uv: float32 (2), texture coordinate of the model; 0 on hair, clothes and background.
        displacement_mm: float32 (3), pathological minus healthy position of the surface point that
            is seen, head frame; on both twins.
    """
    hits = fragments.hits
    per_image = fragments.triangle.shape[1] * fragments.triangle.shape[2]
    points = SurfacePoints(
        hits.pixel,
        torch.div(hits.pixel, per_image, rounding_mode="floor"),
        hits.triangle,
        hits.barycentric,
    )
    corners = points.corners(scene.faces)
    moved = points.gather(corners, scene.moved)
    uv = points.gather(points.corners(scene.uv_faces), scene.uv)
    parts = scene.part_of_triangle[hits.triangle]
    rows = {
        "uv": uv,
        "parts": parts,
        "displacement_mm": moved,
        "regions": regions_at(model, parts, uv),
        "pathology": ((moved.square().sum(-1) > moved_mm**2) & (points.image > 0)).byte(),
    }
    if "normals" in names:
        normals = points.gather(corners, scene.normals)
        rows["normals"] = torch.nn.functional.normalize(normals, dim=-1, eps=1e-12)
    if "position_mm" in names:
        rows["position_mm"] = points.gather(corners, scene.vertices)
    images = {name: _image(values, hits.pixel, fragments) for name, values in rows.items()}
    images["depth_mm"] = fragments.depth_mm
    return {name: images[name] for name in names}


def _image(values: Tensor, pixel: Tensor, fragments: Fragments) -> Tensor:
    """Return rows of hit pixels as images, 0 where nothing is hit."""
    n_pixels = fragments.triangle.numel()
    image = torch.zeros((n_pixels, *values.shape[1:]), dtype=values.dtype, device=values.device)
    return image.index_copy_(0, pixel, values).reshape(*fragments.triangle.shape, *values.shape[1:])


def regions_at(
    model: FaceModel, parts: UInt8[Tensor, "*points"], uv: Float[Tensor, "*points 2"]
) -> UInt8[Tensor, "*points"]:
    """Return the region of surface points.

    Skin takes the nearest texel of the model's region sheet, a globe is iris inside a circle about
    its pole; hair and clothes are regions of their own.

    Args:
        model: The face model.
        parts: Number in SCENE_PARTS; 0 is background.
        uv: Texture coordinates.
    """
    regions = sheet_lookup(model.region_map, uv)
    for side, centre in GLOBE_DISC.items():
        offset = uv - torch.tensor(centre, device=uv.device)
        is_iris = offset.square().sum(-1) < (IRIS_RADIUS * GLOBE_RADIUS) ** 2
        globe = torch.where(is_iris, REGION_ID[f"iris_{side}"], REGION_ID[f"sclera_{side}"])
        regions = torch.where(parts == PART_ID[f"eye_{side}"], globe.to(torch.uint8), regions)
    of_part = torch.full((len(PART_ID),), 255, dtype=torch.uint8, device=uv.device)
    for part in ("none", "hair", "clothing"):
        of_part[PART_ID[part]] = 0 if part == "none" else REGION_ID[part]
    fixed = of_part[parts.long()]
    return torch.where(fixed == 255, regions, fixed)


def sheet_lookup(sheet: Tensor, uv: Float[Tensor, "*points 2"]) -> Tensor:
    """Return the nearest texel of a square sheet, row 0 at v = 1."""
    size = sheet.shape[0]
    column = (uv[..., 0] * size).long().clamp_(0, size - 1)
    row = ((1.0 - uv[..., 1]) * size).long().clamp_(0, size - 1)
    return sheet.reshape(size * size, *sheet.shape[2:])[row * size + column]


def view_landmarks(
    model: FaceModel, scene: Scene, fragments: Fragments, camera: Camera
) -> ViewLandmarks:
    """Return where the 68 landmarks are and which of them the camera sees.

    A landmark is visible when it lies inside the picture, its surface faces the camera, and the
    surface that is seen at its pixel or at one of the eight around is at most
    VISIBLE_TOLERANCE_MM nearer (hair in front of it hides it).

    Args:
        model: The face model.
        scene: The twins.
        fragments: What their pixels' centres show.
        camera: One camera for each twin.
    """
    finer = model.refinement(REFINEMENT_LEVEL)
    rows = model.landmark_rows(IBUG_NAMES)
    corners = finer.faces[finer.landmark_triangle[rows]]
    weights = finer.landmark_weights[rows][..., None]
    points = (scene.vertices[:, corners] * weights).sum(2)
    normals = (scene.normals[:, corners] * weights).sum(2)
    pixels, depth = camera.project(points)
    towards = camera.position()[:, None] - points
    faces_camera = (normals * towards).sum(-1) > 0
    inside = (
        (pixels >= 0).all(-1) & (pixels[..., 0] < camera.width) & (pixels[..., 1] < camera.height)
    )
    seen = _deepest_around(fragments, pixels)
    hidden = seen < depth - VISIBLE_TOLERANCE_MM
    return ViewLandmarks(pixels.float(), points, inside & faces_camera & ~hidden)


def _deepest_around(
    fragments: Fragments, pixels: Float[Tensor, "twins points 2"]
) -> Float[Tensor, "twins points"]:
    """Return the greatest depth that the 3 x 3 pixels around points show; background: infinity."""
    n_images, height, width = fragments.triangle.shape
    depth = torch.where(fragments.triangle >= 0, fragments.depth_mm, torch.inf)
    image = torch.arange(n_images, device=pixels.device)[:, None]
    cell: Int64[Tensor, "twins points 2"] = pixels.floor().long()
    deepest = torch.zeros(pixels.shape[:2], dtype=depth.dtype, device=depth.device)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            column = (cell[..., 0] + right).clamp(0, width - 1)
            row = (cell[..., 1] + down).clamp(0, height - 1)
            deepest = torch.maximum(deepest, depth[image, row, column])
    return deepest
