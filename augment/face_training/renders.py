"""One render with everything that a face network is taught: picture, points, coefficients, colour.

The picture is that of the recipe's sample of the same number, to the last bit. Where a shoulder
reaches behind the camera there is no such sample, and one far behind the last takes its place.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from augment.errors import GeometryError
from augment.morphable import FaceModel
from augment.morphable.pose import ARTICULATION
from augment.pipeline.making import Pipeline
from augment.pipeline.opening import check_recipe, open_pipeline
from augment.pipeline.stages import posed_vertices, rest_vertices, sample_shots, sample_subject
from augment.portrait.pose import pose_of_camera
from augment.recipe import RecipeSpec, compose_recipe
from augment.recipe.face_network import PicturesSpec
from augment.render.appearance import Appearance
from augment.render.skin import skin_surface
from augment.render.wardrobe import wardrobe

ALBEDO_PX = 128
"""Side of the sheet of true skin colour."""
GAMMA = 2.2
MAX_ATTEMPTS = 8


@dataclass(frozen=True, eq=False)
class FaceRender:
    """A picture and its truth.

    Attributes:
        picture: RGB.
        landmarks_px: The 68 landmarks in the picture, also those that are hidden.
        is_visible: Which of them the camera sees.
        identity: Coefficients.
        expression: Coefficients.
        pose: The 21 pose numbers for the picture, see `augment.portrait.pose`.
        albedo: Colour of the skin in texture space without any light, sRGB, row 0 at v = 1.
    """

    picture: UInt8[np.ndarray, "height width 3"]
    landmarks_px: Float[np.ndarray, "68 2"]
    is_visible: Bool[np.ndarray, " 68"]
    identity: Float[np.ndarray, "99"]
    expression: Float[np.ndarray, "79"]
    pose: Float[np.ndarray, "21"]
    albedo: UInt8[np.ndarray, "texels texels 3"]


class RenderMaker:
    """Makes renders of a recipe by number.

    Args:
        spec: Which recipe, changed how, under which seed.

    Raises:
        RecipeError: If the recipe does not exist or is changed in a way that it cannot be.
    """

    def __init__(self, spec: PicturesSpec) -> None:
        """Load the model; the first render takes a few seconds more than the others."""
        self.recipe = picture_recipe(spec)
        self.pipeline: Pipeline = open_pipeline(self.recipe, None)

    def __call__(self, number: int) -> FaceRender:
        """Return render `number`, the same whenever it is made.

        Raises:
            GeometryError: If no camera of the recipe stands before the whole bust.
        """
        for attempt in range(MAX_ATTEMPTS - 1):
            try:
                return self._render(number + attempt * self.recipe.samples)
            except GeometryError:
                continue
        return self._render(number + (MAX_ATTEMPTS - 1) * self.recipe.samples)

    def _render(self, number: int) -> FaceRender:
        model, recipe = self.pipeline.model, self.recipe
        subject = sample_subject(recipe, model, None, number)
        vertices = posed_vertices(model, subject, [rest_vertices(model, subject)])
        shot = sample_shots(recipe, model, subject, vertices, number)[0]
        view = self.pipeline.views(vertices, shot)[0]
        pose = pose_of_camera(shot.camera)
        pose[ARTICULATION] = subject.pose[ARTICULATION]
        return FaceRender(
            picture=view.image,
            landmarks_px=view.landmarks_px.astype(np.float32),
            is_visible=view.is_visible,
            identity=subject.identity.astype(np.float32),
            expression=subject.expression.astype(np.float32),
            pose=pose,
            albedo=skin_colour(model, shot.appearance),
        )


def picture_recipe(spec: PicturesSpec) -> RecipeSpec:
    """Return the checked recipe of the pictures."""
    overrides = [*spec.overrides, f"seed={spec.seed}", f"samples={spec.renders}"]
    recipe = compose_recipe(spec.recipe, overrides)
    check_recipe(recipe)
    return recipe


def skin_colour(model: FaceModel, appearance: Appearance) -> UInt8[np.ndarray, "texels texels 3"]:
    """Return the skin's own colour over the whole sheet of texture space, sRGB.

    Args:
        model: The face model.
        appearance: Whose skin, brows and beard.
    """
    shared = wardrobe(model)
    surface = skin_surface(
        appearance.skin,
        appearance.hair,
        appearance.hair_colour,
        shared.skin,
        shared.skin_tile,
        _sheet_uv(ALBEDO_PX),
        1.0 / ALBEDO_PX,
    )
    colour = surface.albedo.clamp(0, 1).pow(1 / GAMMA).mul(255.0).add(0.5).to(torch.uint8)
    return colour.reshape(3, ALBEDO_PX, ALBEDO_PX).permute(1, 2, 0).contiguous().numpy()


@lru_cache
def _sheet_uv(size: int) -> Float[Tensor, "2 texels"]:
    """Return texture coordinates of a sheet's texels, row by row."""
    at = (torch.arange(size) + 0.5) / size
    v, u = torch.meshgrid(1.0 - at, at, indexing="ij")
    return torch.stack((u, v)).reshape(2, -1)
