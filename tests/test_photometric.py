"""Photometric augmentation: pixel values only, the same from the same stream."""

import numpy as np
import pytest

from augment.errors import RecipeError
from augment.photometric import Photometric, PhotometricSpec
from augment.streams import stream


@pytest.fixture(scope="module")
def image():
    return (stream(0, 0, "image").random((48, 40, 3)) * 255).astype(np.uint8)


def test_one_stream_gives_one_picture(image):
    chain = Photometric()
    before = image.copy()
    first = [chain(image, stream(0, k, "photometric")) for k in range(8)]
    again = [Photometric()(image, stream(0, k, "photometric")) for k in reversed(range(8))][::-1]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert any(not np.array_equal(picture, image) for picture in first)
    assert np.array_equal(image, before)


def test_size_and_type_stay(image):
    result = Photometric(PhotometricSpec(probability=1.0))(image, stream(0, 0, "photometric"))
    assert result.shape == image.shape
    assert result.dtype == np.uint8


def test_pixels_do_not_move(image):
    step = np.zeros((64, 64, 3), dtype=np.uint8)
    step[:, 32:] = 255
    chain = Photometric(PhotometricSpec(probability=1.0, noise=(0.0, 0.001), jpeg=(95.0, 95.0)))
    for k in range(8):
        result = chain(step, stream(0, k, "photometric")).astype(float).mean((0, 2))
        assert np.abs(np.diff(result)).argmax() == 31


def test_probability_zero_leaves_a_transform_out(image):
    spec = PhotometricSpec(probability=0.0, grey=1.0)
    assert Photometric(spec).transforms == ("ToGray",)
    grey = Photometric(spec)(image, stream(0, 0, "photometric"))
    assert (grey[..., 0] == grey[..., 1]).all()


def test_a_value_that_albumentations_refuses_is_named():
    with pytest.raises(RecipeError, match=r"photometric expects .* noise=\(0.5, 0.1\)"):
        Photometric(PhotometricSpec(noise=(0.5, 0.1)))
