import logging

import pytest
import torch

from augment.morphable import load_face_model
from augment.morphable.model_cache import cache_folder, load_or_build, read_model, save_model


def same(first, second):
    return torch.equal(first.mean, second.mean) and first.landmark_names == second.landmark_names


def test_a_model_reads_back_as_it_was_saved(tmp_path):
    model = load_face_model()
    save_model(model, tmp_path / "m.npz")
    again = read_model(tmp_path / "m.npz")
    assert same(model, again)
    assert torch.equal(model.identity_basis, again.identity_basis)
    assert set(model.prior) == set(again.prior)
    assert [path.name for path in tmp_path.iterdir()] == ["m.npz"]


@pytest.mark.parametrize("damage", ["truncated", "one byte", "empty"])
def test_a_damaged_file_is_built_again(tmp_path, monkeypatch, caplog, damage):
    monkeypatch.setenv("FACIES_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    model = load_face_model()
    path = tmp_path / "key.npz"
    save_model(model, path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    damaged = {"truncated": content[: len(content) // 2], "one byte": content, "empty": b""}[damage]
    path.write_bytes(bytes(damaged))
    with caplog.at_level(logging.WARNING):
        assert same(load_or_build("key", lambda: model), model)
    assert "is unreadable" in caplog.text
    assert same(read_model(path), model)


def test_a_readable_file_is_not_built_again(tmp_path, monkeypatch):
    monkeypatch.setenv("FACIES_CACHE", str(tmp_path))
    save_model(load_face_model(), tmp_path / "key.npz")

    def fail():
        raise AssertionError("built although cached")

    load_or_build("key", fail)
