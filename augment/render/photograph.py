"""From posed heads to pictures with their labels: the one entry to this package for a pipeline.

Enters: level-0 vertices of healthy heads and of their pathological twins, cameras, appearances.
Leaves: one `View` per head: picture, pixel labels, landmarks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped, UInt8
from torch import Tensor

from augment.geometry.camera import Camera
from augment.morphable.model import FaceModel
from augment.morphable.regions import REGION_ID
from augment.raster.fragments import Fragments
from augment.raster.rasterize import rasterize
from augment.raster.sampling import SampleGrid
from augment.recipe.schema import RenderSpec
from augment.render.appearance import Appearance
from augment.render.clothes import wear_clothes
from augment.render.hair import haired_skin, wear_hair
from augment.render.labels import pixel_labels, view_landmarks
from augment.render.lens import compressed
from augment.render.picture import take_picture
from augment.render.scene import REFINEMENT_LEVEL, Attachment, Scene, build_scene
from augment.render.surface import surface_points
from augment.render.wardrobe import Wardrobe, wardrobe

HEALTHY, PATHOLOGICAL = "healthy", "pathological"


@dataclass(frozen=True, eq=False)
class View:
    """One head in one picture, with what each pixel's centre shows.

    Attributes:
        twin: `healthy` or `pathological`.
        image: RGB.
        labels: Name in `augment.render.labels.LABEL_NAMES` to its image.
        landmarks_px: The 68 landmarks, (x, y); the centre of pixel (0, 0) is (0.5, 0.5).
        landmarks_mm: The same in the head frame.
        is_visible: Which of them the camera sees.
        camera: The camera, of one image.
    """

    twin: str
    image: UInt8[np.ndarray, "height width 3"]
    labels: dict[str, Shaped[np.ndarray, "height width *channels"]]
    landmarks_px: Float[np.ndarray, "68 2"]
    landmarks_mm: Float[np.ndarray, "68 3"]
    is_visible: Bool[np.ndarray, " 68"]
    camera: Camera


def render_views(
    model: FaceModel,
    healthy: Float[Tensor, "heads vertices 3"],
    pathological: Float[Tensor, "heads vertices 3"] | None,
    cameras: Camera,
    appearances: Sequence[Appearance],
    spec: RenderSpec,
) -> list[View]:
    """Photograph heads and label every pixel.

    Args:
        model: The face model, on the device that renders.
        healthy: Posed level-0 vertices in the head frame, mm.
        pathological: The twins' vertices in the same order, or None for no twins.
        cameras: One camera a head, shared by its twins.
        appearances: One appearance a head, shared by its twins.
        spec: Samples per pixel, backend, labels and the threshold of the pathology mask; the size
            of pictures is the cameras'.

    Returns:
        For each head its healthy view and, where there are twins, its pathological view.

    Raises:
        GeometryError: If a vertex lies behind a camera.
    """
    views = []
    for n, appearance in enumerate(appearances):
        twins = healthy[n : n + 1]
        if pathological is not None:
            twins = torch.cat((twins, pathological[n : n + 1]))
        views += _twin_views(model, twins, cameras.image(n), appearance, spec)
    return views


def _twin_views(
    model: FaceModel,
    twins: Float[Tensor, "twins vertices 3"],
    camera: Camera,
    appearance: Appearance,
    spec: RenderSpec,
) -> list[View]:
    """Return the views of one sample's twins."""
    shared = wardrobe(model)
    covered = shared.garments[appearance.clothes.cut].covers
    body = model.refinement(REFINEMENT_LEVEL).apply(twins)
    worn = _worn(shared, twins[0] - model.mean, body[0], appearance)
    scene = build_scene(model, body, worn, covered)
    grid = SampleGrid(camera.width, camera.height, spec.supersample)
    both = _repeated(camera, len(twins))
    fine = rasterize(scene.vertices, scene.faces, grid.camera(both), spec.backend)
    centres = grid.at_centres(fine)
    labels = pixel_labels(model, scene, centres, spec.labels, spec.moved_mm)
    if "regions" in labels:
        labels["regions"] = _with_roots(shared, scene, centres, labels["regions"], appearance)
    landmarks = view_landmarks(model, scene, centres, both)
    pictures = take_picture(shared, scene, fine, grid, camera, appearance)
    host = {name: values.cpu().numpy() for name, values in labels.items()}
    return [
        View(
            twin=twin,
            image=compressed(appearance.lens, pictures[n].cpu().numpy()),
            labels={name: values[n] for name, values in host.items()},
            landmarks_px=landmarks.points_px[n].cpu().numpy(),
            landmarks_mm=landmarks.points_mm[n].cpu().numpy(),
            is_visible=landmarks.is_visible[n].cpu().numpy(),
            camera=camera,
        )
        for n, twin in enumerate((HEALTHY, PATHOLOGICAL)[: len(twins)])
    ]


def _worn(
    shared: Wardrobe, moved: Tensor, body: Tensor, appearance: Appearance
) -> tuple[Attachment, ...]:
    """Return hair and clothes, fitted to the healthy head."""
    clothes = wear_clothes(shared.garments[appearance.clothes.cut], body)
    groom = shared.grooms.get(appearance.hair.style)
    return (clothes,) if groom is None else (clothes, wear_hair(appearance.hair, groom, moved))


def _with_roots(
    shared: Wardrobe, scene: Scene, centres: Fragments, regions: Tensor, appearance: Appearance
) -> Tensor:
    """Return regions where skin that roots and stubble cover counts as hair."""
    scalp = torch.nonzero(regions.reshape(-1) == REGION_ID["scalp"])[:, 0]
    points = surface_points(centres, scalp)
    haired = haired_skin(
        appearance.hair, shared.skin, points.gather(points.corners(scene.uv_faces), scene.uv)
    )
    regions = regions.clone()
    regions.reshape(-1)[scalp[haired]] = REGION_ID["hair"]
    return regions


def _repeated(camera: Camera, times: int) -> Camera:
    """Return one camera for several images."""
    return Camera(
        camera.focal_px.repeat(times),
        camera.principal_px.repeat(times, 1),
        camera.camera_from_world.repeat(times, 1, 1),
        camera.width,
        camera.height,
    )
