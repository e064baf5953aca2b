"""The camera's effects: neutral at strength 0, and of the stated size otherwise."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from augment.render.lens import (
    FACE_RADIANCE,
    blurred,
    compressed,
    draw_lens,
    expose,
    film,
    grain_sheet,
)
from augment.streams import stream


@pytest.fixture(scope="module")
def grain():
    return grain_sheet()


@pytest.fixture
def neutral():
    lens = draw_lens(stream(0, 0, "lens"), 0.0, FACE_RADIANCE)
    return replace(lens, contrast=1.0, saturation=1.0)


def test_strength_zero_is_gamma_alone(neutral, grain):
    levels = torch.linspace(0.0, 0.55, 64).expand(1, 3, 4, 64).contiguous()
    picture = expose(neutral, levels, grain)
    expected = (levels.pow(1 / 2.2) * 255).round().permute(0, 2, 3, 1)
    assert (picture.float() - expected).abs().max() <= 1
    assert neutral.jpeg == 0


def test_film_rises_and_never_exceeds_one():
    light = torch.linspace(0.0, 30.0, 1000)
    assert (film(light).diff() >= 0).all()
    assert film(light).max() <= 1.0


def test_noise_has_the_stated_deviation(neutral, grain):
    lens = replace(neutral, read_noise=4.0)
    grey = torch.full((1, 3, 200, 200), 0.2)
    difference = expose(lens, grey, grain).float() - expose(neutral, grey, grain).float()
    assert float(difference.std()) == pytest.approx(4.0, rel=0.05)


def test_blur_keeps_the_mean_and_spreads_a_point(neutral):
    image = torch.zeros(1, 3, 21, 21)
    image[:, :, 10, 10] = 1.0
    result = blurred(image, 1.2)
    assert float(result[0, 0].sum()) == pytest.approx(1.0, abs=1e-5)
    assert torch.allclose(result, result.transpose(2, 3))
    assert blurred(image, 0.0) is image


def test_dark_faces_are_exposed_longer():
    bright, dark = (draw_lens(stream(0, 0, "lens"), 0.5, level) for level in (0.5, 0.1))
    assert dark.exposure > bright.exposure


def test_jpeg_keeps_the_size_and_quality_zero_keeps_the_bytes(neutral):
    picture = (stream(0, 0, "picture").random((16, 24, 3)) * 255).astype(np.uint8)
    assert compressed(neutral, picture) is picture
    assert compressed(replace(neutral, jpeg=80), picture).shape == picture.shape
