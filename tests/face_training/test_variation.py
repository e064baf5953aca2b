"""Variation: crops hold the face, photometric change moves nothing, empty crops are empty."""

import cv2
import numpy as np
from fake_renders import SIZE, fake_render

from augment.face_training.variation import (
    draw_crop,
    draw_empty_crop,
    occluded,
    photometric,
)
from augment.portrait.crop import apply_similarity
from augment.recipe.face_network import VariationSpec
from augment.streams import stream

CROP = 64


def test_a_crop_without_shift_and_roll_is_the_box_of_the_face(model):
    points = fake_render(model, 0).landmarks_px.astype(float)
    spec = VariationSpec(scale=(2.0, 2.0), shift=0.0, roll_deg=0.0)
    placed = apply_similarity(draw_crop(stream(0, 0, "c"), points, spec, CROP), points)
    assert np.ptp(placed, axis=0).max() == np.float64(CROP / 2)
    assert np.allclose((placed.min(0) + placed.max(0)) / 2, CROP / 2)


def test_an_empty_crop_shows_little_of_the_face(model):
    points = fake_render(model, 0).landmarks_px.astype(float)
    crops = [draw_empty_crop(stream(0, k, "e"), points, SIZE, CROP) for k in range(40)]
    crops = [crop for crop in crops if crop is not None]
    assert crops
    for crop in crops:
        placed = apply_similarity(crop, points)
        low, high = placed.min(0).clip(0, CROP), placed.max(0).clip(0, CROP)
        assert np.prod(high - low) < 0.12 * np.prod(np.ptp(placed, axis=0)) + 1e-6


def test_photometric_change_moves_no_edge():
    crop = np.full((CROP, CROP, 3), 90, np.uint8)
    crop[:, CROP // 2 :] = 160
    off = []
    for k in range(60):
        changed = photometric(stream(0, k, "p"), crop, VariationSpec(photometric=1.0))
        assert changed.shape == crop.shape
        assert changed.dtype == np.uint8
        # The column where brightness changes most, averaged over rows.
        profile = cv2.GaussianBlur(changed.mean(-1), (0, 0), 2.0).mean(0)
        off.append(abs(int(np.abs(np.diff(profile))[8:-8].argmax()) + 8 - (CROP // 2 - 1)))
    assert np.median(off) == 0
    assert np.mean(np.array(off) <= 3) > 0.8  # the rest: light that is cast across the picture
    kept = photometric(stream(0, 0, "p"), crop, VariationSpec(photometric=0.0))
    assert np.array_equal(kept, crop)


def test_the_same_stream_gives_the_same_picture(model):
    render = fake_render(model, 1)
    crop = render.picture[:CROP, :CROP]
    points = render.landmarks_px.astype(float)
    spec = VariationSpec(occluded=1.0, photometric=1.0)
    for k in range(12):
        first, second = (
            photometric(rng, occluded(rng, crop, points, spec), spec)
            for rng in (stream(0, k, "v"), stream(0, k, "v"))
        )
        assert np.array_equal(first, second)
    covered = occluded(stream(0, 3, "v"), crop, points, spec)
    assert not np.array_equal(covered, crop)
