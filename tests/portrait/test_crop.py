"""Crops: points and pixels move alike, and back."""

import numpy as np

from augment.portrait.crop import (
    apply_similarity,
    cut_crop,
    invert_similarity,
    landmark_crop,
    square_crop,
)

SIZE = 64


def test_a_point_of_light_is_found_where_the_transform_puts_it():
    picture = np.zeros((90, 120, 3), np.uint8)
    picture[40:43, 70:73] = 255  # centred on (71.5, 41.5)
    crop = square_crop(np.array([60.0, 45.0]), 48.0, 0.6, SIZE)
    pixels = cut_crop(picture, crop, SIZE)[..., 0].astype(float)
    rows, columns = np.mgrid[:SIZE, :SIZE] + 0.5
    found = np.array([(pixels * columns).sum(), (pixels * rows).sum()]) / pixels.sum()
    expected = apply_similarity(crop, np.array([[71.5, 41.5]]))[0]
    assert np.abs(found - expected).max() < 0.05


def test_a_picture_that_is_shrunk_keeps_its_places():
    picture = np.zeros((900, 1200, 3), np.uint8)
    picture[400:430, 700:730] = 255
    crop = square_crop(np.array([600.0, 450.0]), 480.0, -0.4, SIZE)
    pixels = cut_crop(picture, crop, SIZE)[..., 0].astype(float)
    rows, columns = np.mgrid[:SIZE, :SIZE] + 0.5
    found = np.array([(pixels * columns).sum(), (pixels * rows).sum()]) / pixels.sum()
    expected = apply_similarity(crop, np.array([[715.0, 415.0]]))[0]
    assert np.abs(found - expected).max() < 0.1


def test_a_crop_turns_a_rolled_face_upright():
    rng = np.random.default_rng(0)
    upright = rng.uniform(-1, 1, (68, 2)) * (30, 40)
    upright[:2] = ((-30, -40), (30, 40))
    roll = 0.5  # clockwise as it is seen, y down
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    points = upright @ turn.T + (200, 100)
    crop = landmark_crop(points, 1.5, roll, SIZE)
    placed = apply_similarity(crop, points)
    assert np.allclose(placed, upright * (SIZE / 120.0) + SIZE / 2, atol=1e-9)
    assert np.allclose(apply_similarity(invert_similarity(crop), placed), points)
