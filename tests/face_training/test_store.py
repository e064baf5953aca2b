"""Renders on disk: they come back, a damaged chunk is made again, each is made once."""

import numpy as np
import pytest
from fake_renders import fake_render

from augment.face_training.store import CHUNK, RenderStore

# Mean over pixels of JPEG of quality 95, in levels of 255, on pictures as soft as ours.
JPEG_TOLERANCE = 2.0


@pytest.fixture
def store(tmp_path, model):
    made = []

    def make(number):
        made.append(number)
        return fake_render(model, number)

    store = RenderStore(tmp_path, CHUNK + 2, make)
    return store, made


def test_a_render_comes_back_and_is_made_once(store, model, tmp_path):
    store, made = store
    render, expected = store.render(CHUNK + 1), fake_render(model, CHUNK + 1)
    for name in ("landmarks_px", "is_visible", "identity", "expression", "pose"):
        assert np.array_equal(getattr(render, name), getattr(expected, name)), name
    off = render.picture.astype(float) - expected.picture
    assert np.abs(off).mean() < JPEG_TOLERANCE
    again = RenderStore(tmp_path, CHUNK + 2, store.make)
    assert np.array_equal(again.render(CHUNK + 1).picture, render.picture)
    assert made == [CHUNK, CHUNK + 1]
    assert [path.name for path in tmp_path.iterdir()] == ["00001.npz"]


def test_a_damaged_chunk_is_made_again(store, tmp_path):
    store, made = store
    before = store.render(CHUNK).picture
    whole = store.path(1).read_bytes()
    store.path(1).write_bytes(whole[: len(whole) // 2])
    store.memory.clear()
    assert np.array_equal(store.render(CHUNK).picture, before)
    assert made == [CHUNK, CHUNK + 1] * 2
