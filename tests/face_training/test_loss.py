"""The joint loss: 0 parts where truth is said, switched terms, gradients to every head."""

from dataclasses import replace

import pytest
import torch
from fake_renders import fake_render

from augment.face_training.batches import RenderBatches, renders_in_use
from augment.face_training.loss import (
    face_basis,
    gaussian_maps,
    joint_loss,
    landmark_loss,
    place_loss,
    texture_loss,
)
from augment.face_training.store import RenderStore
from augment.face_training.truth import TruthTable
from augment.portrait.network import FaceNetwork, NetworkShape, soft_argmax
from augment.recipe.face_network import TERMS, LossSpec


@pytest.fixture
def batch(tiny, model, tmp_path):
    store = RenderStore(tmp_path / "renders", 6, lambda number: fake_render(model, number))
    spec = replace(tiny, variation=replace(tiny.variation, without_face=0.0))
    return RenderBatches(store, TruthTable(model), spec)(3)


def test_the_truth_costs_nothing(model, batch):
    assert float(place_loss(batch.landmarks, batch.landmarks).max()) == 0.0
    sheet = torch.nn.functional.interpolate(batch.albedo, scale_factor=2.0, mode="nearest")
    face = face_basis(model, 128).face_texels
    assert 0.02 < float(face.mean()) < 0.5
    assert float(texture_loss(sheet, batch.albedo, face)) == pytest.approx(0.0, abs=1e-4)
    assert float(texture_loss(1 - sheet, batch.albedo, face)) > 0.5


def test_a_smooth_l1_is_square_near_and_straight_far():
    zero = torch.zeros(1, 1, 2)
    near, far = (zero + torch.tensor([off, 0.0]) for off in (0.01, 0.1))
    assert float(place_loss(near, zero)) == pytest.approx(0.5 * 1.0**2 / 1.5)
    assert float(place_loss(far, zero)) == pytest.approx(10.0 - 0.75)


def test_gaussian_maps_have_their_places_as_means():
    places = torch.tensor([[[0.3, 0.6], [0.52, 0.41]]])
    maps = gaussian_maps(places, (32, 32))
    found, _ = soft_argmax(maps.log())
    assert torch.allclose(maps.sum((2, 3)), torch.ones(1, 2))
    assert torch.allclose(found, places, atol=2e-3)


def test_terms_are_switched_and_their_weights_add_up(model, batch):
    network = FaceNetwork(NetworkShape("small", 8, 64))
    output, basis = network(batch.pictures, len(batch.albedo)), face_basis(model, 128)
    total, terms = joint_loss(output, batch, basis, LossSpec())
    assert tuple(terms) == TERMS
    expected = sum(getattr(LossSpec(), name) * value for name, value in terms.items())
    assert float(total.detach()) == pytest.approx(expected, rel=1e-5)
    alone = LossSpec(landmarks=1.0, shape=0.0, texture=0.0, consistency=0.0)
    assert list(joint_loss(output, batch, basis, alone)[1]) == ["landmarks"]
    total.backward()
    for name, weights in network.named_parameters():
        assert weights.grad is not None, name
        assert bool(weights.grad.isfinite().all()), name


def test_landmarks_of_crops_without_a_face_do_not_count(batch):
    network = FaceNetwork(NetworkShape("small", 8, 64)).eval().requires_grad_(False)
    output = network(batch.pictures, 0)
    none = replace(batch, has_face=torch.zeros(len(batch.has_face)))
    score = torch.nn.functional.softplus(output.score).mean()
    assert float(landmark_loss(output, none)) == pytest.approx(float(score), rel=1e-5)


def test_renders_come_into_use_one_after_the_other(tiny):
    spec = replace(tiny, pictures=replace(tiny.pictures, renders=1000))
    used = [renders_in_use(step, spec) for step in (0, 30, 60, 200)]
    assert used == [256, 416, 576, 1000]
