"""Renders: the sample of the recipe, to the last bit, with truth that is seen in it."""

import numpy as np
import pytest
import torch

from augment.face_training.renders import RenderMaker, picture_recipe
from augment.morphable.landmarks import IBUG_NAMES
from augment.pipeline import open_pipeline
from augment.portrait.pose import camera_of_pose
from augment.recipe.face_network import PicturesSpec

OVERRIDES = ("render.size_px=64", "render.labels=[]", "render.albumentations=0")
SPEC = PicturesSpec(overrides=OVERRIDES, renders=4, seed=3)
# Pictures show the refined surface; coefficients give the coarse one, half a millimetre away.
TOLERANCE_PX = 0.6


@pytest.fixture(scope="module")
def render():
    return RenderMaker(SPEC)(1)


def test_the_picture_is_that_of_the_recipe_s_sample(render):
    sample = open_pipeline(picture_recipe(SPEC), None)(1)
    view = sample.twins[0].views[0]
    assert np.array_equal(view.image, render.picture)
    assert np.allclose(view.landmarks.points_px, render.landmarks_px, atol=1e-4)


def test_coefficients_and_pose_project_to_the_landmarks(model, render):
    values = (render.identity, render.expression, render.pose.astype(np.float32))
    vertices = model.vertices(*(torch.from_numpy(v)[None] for v in values))
    camera = camera_of_pose(render.pose, 64, 64)
    pixels, _ = camera.project(model.landmarks(vertices, IBUG_NAMES))
    assert np.abs(pixels[0].numpy() - render.landmarks_px).max() < TOLERANCE_PX


def test_skin_has_a_colour_without_light(render):
    assert render.albedo.shape == (128, 128, 3)
    red, green, blue = render.albedo.reshape(-1, 3).mean(0)
    assert red > green > blue
