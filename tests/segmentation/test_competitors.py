"""The competitors' images: CarveMix and geometric primitives."""

import numpy as np
import pytest
from scipy import ndimage

from augment.segmentation.carvemix import carve_mix, draw_region, signed_distance
from augment.segmentation.primitives import (
    N_CLASSES_2D,
    N_CLASSES_3D,
    PROFILES,
    draw_outline,
    draw_primitive,
    draw_profile,
    primitive_images,
)
from augment.streams import stream


def two_images(shape=(32, 32)):
    """Dark and bright images; only the second has a structure, a box of 8 pixels."""
    images = np.zeros((2, 3, *shape), dtype=np.float32)
    images[1] = 1.0
    labels = np.zeros((2, *shape), dtype=np.uint8)
    labels[1][tuple(slice(12, 20) for _ in shape)] = 4
    return images, labels


@pytest.mark.parametrize("shape", [(32, 32), (32, 32, 32)])
def test_the_carved_region_replaces_image_and_label_together(shape):
    images, labels = two_images(shape)
    mixed, classes = carve_mix(stream(0, 0, "carve"), images, labels)
    pasted = mixed[0, 0] == 1.0
    assert 0 < pasted.sum() < pasted.size
    assert (mixed[0] == pasted).all()  # in every channel, and nowhere else
    np.testing.assert_array_equal(classes[0], np.where(pasted, labels[1], 0))
    # The partner has no structure to give: the donor stays as it is.
    np.testing.assert_array_equal(mixed[1], images[1])
    np.testing.assert_array_equal(classes[1], labels[1])
    assert images[0].max() == 0
    assert labels[0].max() == 0


def test_a_carved_region_lies_between_half_shrunk_and_doubled():
    structure = np.zeros((41, 41), dtype=bool)
    structure[10:31, 10:31] = True  # |min D| is 10.5 pixels
    distance = signed_distance(structure)
    assert distance.min() == pytest.approx(-10.5)
    sizes = [draw_region(stream(1, index, "carve"), structure).sum() for index in range(300)]
    assert min(sizes) >= (distance < -5.25).sum()
    assert max(sizes) <= (distance < 10.5).sum()
    # Uniform thresholds shrink it a third of the time: -5.25 to 0 of -5.25 to 10.5.
    share = np.mean(np.array(sizes) < structure.sum())
    assert share == pytest.approx(1 / 3, abs=0.08)


def test_signed_distance_equals_the_naive_twin():
    structure = stream(2, 0, "mask").random((9, 8)) < 0.4
    expected = np.zeros(structure.shape)
    for index in np.ndindex(structure.shape):
        others = np.argwhere(structure != structure[index])
        gap = np.linalg.norm(others - index, axis=1).min() - 0.5
        expected[index] = -gap if structure[index] else gap
    np.testing.assert_allclose(signed_distance(structure), expected)


def test_one_image_alone_is_not_mixed():
    images, labels = two_images()
    mixed, classes = carve_mix(stream(0, 0, "carve"), images[1:], labels[1:])
    np.testing.assert_array_equal(mixed, images[1:])
    np.testing.assert_array_equal(classes, labels[1:])


@pytest.mark.parametrize(("shape", "n_classes"), [((64, 80), 8), ((40, 36, 32), 32)])
def test_primitives_are_shells_with_filled_labels(shape, n_classes):
    images, labels = primitive_images(stream(3, 0, "primitives"), 6, shape)
    assert images.shape == (6, 1, *shape)
    assert set(np.unique(images)) == {0.0, 1.0}
    assert n_classes == (N_CLASSES_2D if len(shape) == 2 else N_CLASSES_3D)
    assert labels.max() <= n_classes
    assert len(np.unique(labels)) > 0.6 * n_classes
    # A surface belongs to a body, and bodies are mostly not surface.
    assert (labels[:, None][images == 1.0] > 0).all()
    assert (images[:, 0][labels > 0] == 0).mean() > 0.2


@pytest.mark.parametrize("shape", [(64, 64), (48, 48, 48)])
def test_the_shell_is_the_boundary_of_the_body(shape):
    for index in range(20):
        item = draw_primitive(stream(4, index, "one"), shape)
        np.testing.assert_array_equal(ndimage.binary_fill_holes(item.shell), item.body)
        assert item.body.any()


def test_profiles_are_what_their_names_say():
    for index in range(50):
        sizes = {name: draw_profile(stream(5, index, name), name, 101) for name in PROFILES}
        np.testing.assert_array_equal(sizes["pillar"], 1.0)
        np.testing.assert_allclose(sizes["cone"], np.linspace(0, 1, 101), atol=1e-12)
        assert sizes["concave"].argmin() not in (0, 100)
        assert sizes["convex"].argmax() not in (0, 100)


@pytest.mark.parametrize("n_corners", [3, 5, 9])
def test_a_polygon_goes_once_around_its_centre(n_corners):
    points = draw_outline(stream(6, n_corners, "outline"), n_corners)
    assert len(points) == n_corners
    turns = np.diff(np.unwrap(np.arctan2(*np.vstack([points, points[:1]]).T[::-1])))
    assert (turns > 0).all()
    assert turns.sum() == pytest.approx(2 * np.pi)
    assert np.linalg.norm(points, axis=1).max() <= 1


def test_the_same_stream_gives_the_same_images():
    first = primitive_images(stream(7, 0, "primitives"), 1, (32, 32, 32))
    again = primitive_images(stream(7, 0, "primitives"), 1, (32, 32, 32))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("shape", [(64,), (64, 12)])
def test_an_impossible_shape_is_an_error(shape):
    with pytest.raises(ValueError, match="two or three sizes of at least 24 pixels, got"):
        primitive_images(stream(0, 0, "primitives"), 1, shape)
