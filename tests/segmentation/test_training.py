"""Arms, patches, networks and the loop: exact where there is a closed form, equal where resumed."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from augment.errors import RecipeError
from augment.recipe.experiment import AugmentationSpec, NetworkSpec, compose_experiment
from augment.segmentation.arms import ARMS, PRIMITIVES, RANDOM, SYNTHETIC, read_arm
from augment.segmentation.augmentation import block_size, transform
from augment.segmentation.batches import Mixture, Pool, draw_batch
from augment.segmentation.carvemix import carve_mix
from augment.segmentation.networks import (
    ENCODER_PARTS,
    build_network,
    folded,
    freeze_encoder,
    load_matching,
    unfolded,
)
from augment.segmentation.training import Schedule, blended, infer, loss_of, train
from augment.streams import stream

SPEC = compose_experiment("few_shot_smoke")
RTOL = 1e-5  # single precision over some ten steps


def noise_pool(shape=(64, 64)):
    rng = stream(0, 0, "test")
    image = rng.standard_normal((3, *shape)).astype(np.float16)
    return Pool((image,), (rng.integers(0, 3, shape).astype(np.uint8),))


def test_arms_combine():
    assert read_arm("pretrain+anchored").start == SYNTHETIC
    assert read_arm("pretrain+anchored").pools == ("real", "anchored")
    assert read_arm("pretrain+mix").pools == ("real", "synthetic")
    assert read_arm("carvemix").batches == (carve_mix,)
    assert read_arm("real").start == RANDOM
    assert read_arm("primitives").start == PRIMITIVES
    assert not ARMS["synthetic"].needs_real
    with pytest.raises(RecipeError, match="got 'reel'; the nearest known arm is 'real'"):
        read_arm("reel")
    with pytest.raises(RecipeError, match="starts from synthetic and primitives at once"):
        read_arm("pretrain+primitives")
    with pytest.raises(RecipeError, match="reads no real case; use `pretrain`"):
        read_arm("real+synthetic")


@pytest.mark.parametrize("axes", [2, 3])
def test_folding_is_undone(axes):
    image = torch.randn(2, 3, *(4, 6, 8)[:axes])
    small = folded(image, 2)
    assert small.shape == (2, 3 * 2**axes, *(2, 3, 4)[:axes])
    assert torch.equal(unfolded(small, 2), image)
    corner = (slice(None), slice(None), *(slice(0, None, 2),) * axes)
    assert torch.equal(small.reshape(2, 3, 2**axes, *small.shape[2:])[:, :, 0], image[corner])


@pytest.mark.parametrize("name", list(ENCODER_PARTS))
def test_networks_keep_the_grid_and_freeze_a_part(name):
    spec = NetworkSpec(name=name, fold=2, features=(8, 8, 8, 8, 8, 8))
    network = build_network(spec, 2, 3, 4, stream(0, 0, "network"))
    again = build_network(spec, 2, 3, 4, stream(0, 0, "network"))
    assert all(map(torch.equal, network.parameters(), again.parameters()))
    network.eval()
    assert network(torch.zeros(1, 3, 128, 64)).shape == (1, 4, 128, 64)
    freeze_encoder(network, name)
    frozen = [not weights.requires_grad for weights in network.parameters()]
    assert any(frozen)
    assert not all(frozen)


def test_deep_supervision_is_the_weighted_loss_of_the_levels():
    network = build_network(
        NetworkSpec(name="dynunet", fold=1, features=(8, 8, 8, 8)), 2, 1, 2, stream(0, 0, "network")
    )
    labels = torch.randint(0, 2, (2, 32, 32))
    scores = network.train()(torch.randn(2, 1, 32, 32))
    assert scores.ndim == 5
    weights = 0.5 ** torch.arange(scores.shape[1])
    levels = [loss_of(level, labels).item() for level in scores.unbind(1)]
    expected = sum(float(w) * value for w, value in zip(weights, levels, strict=True))
    assert loss_of(scores, labels).item() == pytest.approx(expected, rel=RTOL)


def test_other_classes_keep_the_rest_of_the_weights():
    spec = NetworkSpec(features=(8, 8, 8, 8, 8, 8))
    source = build_network(spec, 2, 3, 9, stream(0, 0, "network"))
    target = build_network(spec, 2, 3, 4, stream(1, 0, "network"))
    left = load_matching(target, source.state_dict())
    assert left == ["inner.final_conv.weight", "inner.final_conv.bias"]
    assert torch.equal(
        target.state_dict()["inner.conv_0.conv_0.conv.weight"],
        source.state_dict()["inner.conv_0.conv_0.conv.weight"],
    )


def test_without_augmentation_a_patch_is_the_block():
    spec = AugmentationSpec(amount=0.0)
    image, label = torch.randn(2, 3, 8, 12), torch.randint(0, 3, (2, 8, 12))
    assert block_size((8, 12), spec) == (8, 12)
    same, classes = transform(stream(0, 0, "a"), image, label, (8, 12), spec)
    assert torch.allclose(same, image, atol=1e-5)
    assert torch.equal(classes, label)


@pytest.mark.parametrize("shape", [(16, 24), (12, 16, 20)])
def test_image_and_label_move_together(shape):
    """The image is its own label, so what was moved must still agree where nothing is mixed."""
    spec = AugmentationSpec(intensity=0.0, amount=5.0, elastic=0.02)
    block = block_size(shape, spec)
    label = torch.zeros((4, *block), dtype=torch.long)
    label[(slice(None), *(slice(size // 4, size // 2) for size in block))] = 1
    image, classes = transform(stream(0, 1, "a"), label[:, None].float(), label, shape, spec)
    certain = (image[:, 0] < 0.01) | (image[:, 0] > 0.99)
    assert certain.float().mean() > 0.5
    assert torch.equal(image[:, 0].round().long()[certain], classes[certain])
    assert len({int(k) for k in classes.flatten(1).sum(1)}) > 1


def test_a_batch_depends_on_its_step_alone():
    mixture = Mixture(((noise_pool(), 1.0),), (carve_mix,))
    first = draw_batch(mixture, SPEC, 3, 5, "batch")
    draw_batch(mixture, SPEC, 3, 6, "batch")
    again = draw_batch(mixture, SPEC, 3, 5, "batch")
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], draw_batch(mixture, SPEC, 4, 5, "batch")[0])


def trained(tmp_path, steps, stop_after=None):
    network = build_network(SPEC.network, 2, 3, 3, stream(0, 0, "network"))
    mixture = Mixture(((noise_pool(), 1.0),))

    def on_step(step):
        if step == stop_after:
            raise KeyboardInterrupt

    schedule = Schedule(steps, 1e-2, tmp_path / "checkpoint.pt", 0.0, on_step=on_step)
    return train(network, lambda step: draw_batch(mixture, SPEC, 0, step, "batch"), schedule, SPEC)


def test_an_interrupted_run_ends_as_an_uninterrupted_one(tmp_path):
    whole = trained(tmp_path / "whole", 6) if (tmp_path / "whole").mkdir() is None else None
    (tmp_path / "parts").mkdir()
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "parts", 6, stop_after=3)
    rest = trained(tmp_path / "parts", 6)
    assert rest.steps == whole.steps == 6
    assert all(torch.equal(rest.weights[key], whole.weights[key]) for key in whole.weights)
    assert not list(tmp_path.rglob("checkpoint.pt"))


def test_early_stopping_keeps_the_best_weights(tmp_path):
    scores = iter([0.2, 0.6, 0.5, 0.4, 0.9])
    spec = replace(SPEC, training=replace(SPEC.training, check_every=1, patience=2))
    network = build_network(SPEC.network, 2, 3, 3, stream(0, 0, "network"))
    mixture = Mixture(((noise_pool(), 1.0),))
    schedule = Schedule(50, 1e-2, check=lambda: next(scores))
    result = train(
        network, lambda step: draw_batch(mixture, SPEC, 0, step, "batch"), schedule, spec
    )
    assert result.steps == 4
    assert [row["dice"] for row in result.log] == [0.2, 0.6, 0.5, 0.4]


def test_weights_blend_linearly():
    start, end = {"w": torch.zeros(3)}, {"w": torch.ones(3)}
    assert torch.equal(blended(start, end, 0.25)["w"], torch.full((3,), 0.25))


def test_windows_cover_a_case_of_any_size():
    network = build_network(SPEC.network, 2, 3, 3, stream(0, 0, "network"))
    chances = infer(network, np.zeros((3, 50, 90), np.float32), SPEC)
    assert chances.shape == (3, 50, 90)
    assert np.allclose(chances.sum(0), 1, atol=1e-4)
