"""Steps of a training loop against their closed form."""

import pytest
import torch
from torch import nn

from augment.learning import (
    average_decay,
    chosen_precision,
    descend,
    fastest_on_cpu,
    write_checkpoint,
)


def test_auto_is_the_fastest_type_that_the_cpu_has():
    assert chosen_precision("auto", "cpu") == fastest_on_cpu()
    assert chosen_precision("fp16", "cpu") == torch.float16


def one_step(factor):
    weight = nn.Parameter(torch.tensor([3.0, 4.0]))
    optimiser = torch.optim.SGD([weight], lr=0.5)
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    descend(factor * weight.square().sum() / 2, [weight], optimiser, scaler, largest_gradient=10.0)
    return weight.detach()


def test_a_step_follows_the_gradient_up_to_its_largest_norm():
    assert one_step(1.0).tolist() == pytest.approx([1.5, 2.0])
    # The gradient (30, 40) of norm 50 is brought to norm 10.
    assert one_step(10.0).tolist() == pytest.approx([0.0, 0.0], abs=1e-4)


def test_a_step_without_finite_gradient_is_left_out():
    assert one_step(float("inf")).tolist() == [3.0, 4.0]


def test_the_average_starts_at_the_weights_and_ends_at_its_decay():
    assert average_decay(1, 0.99) == pytest.approx(0.1)
    assert average_decay(10**6, 0.99) == 0.99


def test_a_checkpoint_replaces_the_last_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "checkpoint.pt"
    for step in (1, 2):
        write_checkpoint({"step": step}, path)
    assert torch.load(path, weights_only=True) == {"step": 2}
    assert list(tmp_path.iterdir()) == [path]
