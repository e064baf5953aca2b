"""Trainings: two steps and two more are four; adapting keeps the trunk; mistakes are named."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from fake_renders import fake_render
from PIL import Image
from safetensors.torch import load_file

from augment.cli import main
from augment.errors import AssetError, RecipeError
from augment.face_training import run
from augment.face_training.adapt import read_landmarks
from augment.face_training.run import run_training
from augment.portrait.network import FaceNetwork, NetworkShape
from augment.portrait.weights import FACTS_FILE, WEIGHTS_FILE, load_network, save_weights


@pytest.fixture
def fake(monkeypatch, model):
    monkeypatch.setattr(run, "_LazyMaker", lambda spec: lambda number: fake_render(model, number))


def read(spec):
    return load_file(f"{spec.out}/{WEIGHTS_FILE}")


def test_two_steps_and_two_more_are_four(fake, tiny, tmp_path):
    said = []
    run_training(tiny, said.append)
    halves = replace(tiny, out=str(tmp_path / "halves"))
    run_training(halves, said.append, stop_after=2)
    middle = read(halves)
    run_training(halves, said.append)
    whole, both = read(tiny), read(halves)
    assert any(not torch.equal(middle[key], both[key]) for key in both)
    for key, values in whole.items():
        assert torch.equal(values, both[key]), key
    assert said[0].startswith("step 1/4, ")
    facts = json.loads((tmp_path / "halves" / FACTS_FILE).read_text(encoding="utf-8"))
    assert facts["recipe"]["seed"] == 0
    assert load_network(halves.out).shape == NetworkShape("small", 8, 64)


def test_another_seed_gives_other_weights(fake, tiny, tmp_path):
    short = replace(tiny, training=replace(tiny.training, steps=1))
    other = replace(short, seed=1, out=str(tmp_path / "other"))
    for spec in (short, other):
        run_training(spec, lambda line: None)
    assert not torch.equal(read(short)["last.weight"], read(other)["last.weight"])


def test_a_checkpoint_of_other_settings_is_refused(fake, tiny):
    run_training(tiny, lambda line: None, stop_after=1)
    with pytest.raises(RecipeError, match=r"a checkpoint of other settings; choose another out"):
        run_training(replace(tiny, seed=5), lambda line: None)


def test_adapting_changes_heads_and_keeps_the_trunk(tiny, model, tmp_path):
    shape = NetworkShape("small", 8, 64)
    start = FaceNetwork(shape).state_dict()
    save_weights(start, shape, tmp_path / "start")
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        render = fake_render(model, number)
        Image.fromarray(render.picture).save(folder / f"{number}.png")
        rows = "\n".join(f"{x} {y}" for x, y in render.landmarks_px + 0.5)
        (folder / f"{number}.pts").write_text(
            f"version: 1\nn_points: 68\n{{\n{rows}\n}}\n", encoding="utf-8"
        )
    spec = replace(tiny, adapt=str(folder), weights=str(tmp_path / "start"))
    run_training(spec, lambda line: None)
    before, after = load_file(tmp_path / "start" / WEIGHTS_FILE), read(spec)
    for key, values in before.items():
        if key.startswith(("trunk.", "attention.")):
            assert torch.equal(values, after[key]), key
    for key in ("heat.maps.weight", "last.weight", "coefficients.0.weight"):
        assert not torch.equal(before[key], after[key]), key


def test_landmarks_of_pts_and_csv_are_the_same_places(tmp_path):
    points = np.arange(136.0).reshape(68, 2)
    rows = "\n".join(f"{x} {y}" for x, y in points + 0.5)
    (tmp_path / "a.pts").write_text(f"n_points: 68\n{{\n{rows}\n}}", encoding="utf-8")
    rows = "\n".join(f"{x},{y}" for x, y in points)
    (tmp_path / "a.csv").write_text(f"x,y\n{rows}\n", encoding="utf-8")
    for name in ("a.pts", "a.csv"):
        assert np.array_equal(read_landmarks(tmp_path / name), points)
    (tmp_path / "b.csv").write_text("x,y\n1,2\n", encoding="utf-8")
    with pytest.raises(AssetError, match=r"expected 68 landmarks in .*b.csv', got 1; leave its"):
        read_landmarks(tmp_path / "b.csv")


def test_a_folder_without_labels_is_named(tiny, tmp_path):
    shape = NetworkShape("small", 8, 64)
    save_weights(FaceNetwork(shape).state_dict(), shape, tmp_path / "start")
    (tmp_path / "none").mkdir()
    spec = replace(tiny, adapt=str(tmp_path / "none"), weights=str(tmp_path / "start"))
    with pytest.raises(AssetError, match=r"pictures with NAME.pts or NAME.csv beside them, got"):
        run_training(spec, lambda line: None)


def test_the_command_names_every_mistake_at_once(capsys):
    wrong = ["training.batch=0", "network.trunk=vgg", "pictures.rendrs=3", "network.input_px=100"]
    assert main(["train", "face_network", *wrong]) == 2
    said = capsys.readouterr().err
    assert "training.batch expects a whole number of 1 or more, got 0" in said
    assert "network.trunk expects one of small, resnet18, resnet50, got 'vgg'" in said
    assert "unknown key 'pictures.rendrs', the nearest known key is 'pictures.renders'" in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["face_net"], "unknown training 'face_net', the nearest known training is 'face_network'"),
        (["face_network", "network.input_px=100"], "network.input_px expects a multiple of 32"),
        (["face_network", "network.width=20"], "network.width expects a multiple of 8, got 20"),
        (["face_network", "device=cuda:x"], "device expects cpu, cuda or cuda:N, got 'cuda:x'"),
        (["face_network", "adapt=nowhere"], "adapt expects a folder of pictures with landmarks"),
        (["face_network", "pictures.recipe=face_trian"], "unknown recipe 'face_trian'"),
        (["face_network", "seed=1,2"], "asks for several trainings"),
    ],
)
def test_a_mistake_is_one_sentence(capsys, arguments, sentence, tmp_path):
    assert main(["train", *arguments, f"out={tmp_path}"]) == 2
    assert sentence in " ".join(capsys.readouterr().err.split())
