"""A real-like CT moved by a field: bytes outside, resampling inside."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from augment.errors import GeometryError
from augment.volume.anchored import anchored_twin
from augment.volume.field.lattice import Field, grid_points, identity_field
from augment.volume.grid import grid_over

LATTICE = grid_over((-30, -30, -30), (30, 30, 30), 3.0)


def bump_field():
    points = grid_points(LATTICE)
    weight = np.clip(1 - (np.linalg.norm(points, axis=-1) / 18) ** 2, 0, None) ** 3
    return Field(LATTICE, (weight[..., None] * (4.0, -2.0, 3.0)).astype(np.float32))


def scan():
    rng = np.random.default_rng(0)
    image = rng.integers(-1000, 1500, (24, 26, 20)).astype(np.int16)
    affine = np.array([[2.0, 0, 0, -25], [0, 2, 0, -20], [0, 0, 3, -28], [0, 0, 0, 1.0]])
    return image, affine


def test_outside_the_support_every_byte_stays():
    image, affine = scan()
    labels = (image > 0).astype(np.uint8)
    twin = anchored_twin(image, affine, bump_field(), np.eye(4), labels)
    assert 0 < twin.support.mean() < 0.5
    np.testing.assert_array_equal(twin.image_hu[~twin.support], image[~twin.support])
    np.testing.assert_array_equal(twin.labels[~twin.support], labels[~twin.support])


def test_inside_it_equals_scipy_with_the_written_displacement():
    image, affine = scan()
    twin = anchored_twin(image, affine, bump_field(), np.eye(4))
    index = np.stack(np.meshgrid(*(np.arange(n) for n in image.shape), indexing="ij")).astype(float)
    index += (
        np.moveaxis(twin.displacement_mm.astype(float), 3, 0)
        / np.diag(affine)[:3, None, None, None]
    )
    expected = map_coordinates(image.astype(float), index, order=1, mode="nearest")
    assert np.abs(twin.image_hu - expected)[twin.support].max() <= 1.0


def test_a_turned_head_frame_turns_the_vectors():
    image, affine = scan()
    quarter = np.array([[0.0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    twin = anchored_twin(image, affine, bump_field(), quarter)
    strongest = np.abs(twin.displacement_mm[..., 2]).argmax()
    vector = twin.displacement_mm.reshape(-1, 3)[strongest]
    np.testing.assert_allclose(vector / vector[2], np.array((2.0, 4.0, 3.0)) / 3.0, atol=1e-3)


def test_a_field_that_moves_nothing_and_foreign_labels_are_refused():
    image, affine = scan()
    with pytest.raises(GeometryError, match="field of view"):
        anchored_twin(image, affine, identity_field(LATTICE), np.eye(4))
    with pytest.raises(GeometryError, match="expected labels on the grid of the CT"):
        anchored_twin(image, affine, bump_field(), np.eye(4), np.zeros((2, 2, 2), np.uint8))
