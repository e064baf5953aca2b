"""One head and its picture, made once for the tests that look at them."""

from dataclasses import replace

import pytest
import torch

from augment.morphable import load_face_model
from augment.morphable.prior import PriorSpec, draw_subject
from augment.recipe.schema import RenderSpec
from augment.render.appearance import draw_appearance
from augment.render.framing import draw_camera, head_extent
from augment.render.labels import LABEL_NAMES
from augment.streams import stream

SIZE_PX = 96


@pytest.fixture(scope="session")
def model():
    return load_face_model()


@pytest.fixture(scope="session")
def spec():
    return replace(RenderSpec(), size_px=SIZE_PX, labels=LABEL_NAMES)


@pytest.fixture(scope="session")
def portrait(model, spec):
    """Return what one portrait is made of: healthy vertices, a camera, an appearance."""

    def make(index=0, seed=3):
        subject = draw_subject(model, stream(seed, index, "subject"), PriorSpec())
        vertices = model.vertices(torch.tensor(subject.identity[None], dtype=torch.float32))
        ends = model.landmarks(vertices, ("menton", "vertex"))[0]
        camera = draw_camera(stream(seed, index, "camera"), spec, head_mm=head_extent(ends))
        return vertices, camera, draw_appearance(stream(seed, index, "appearance"), subject, spec)

    return make
