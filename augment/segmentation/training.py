"""The training loop, the same for every arm, and inference with a sliding window.

In: a network and a function from step to batch. Out: averaged weights. A run that was stopped goes
on from its last checkpoint with the same result, for a batch depends on its step alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from monai.inferers.utils import sliding_window_inference
from monai.losses.dice import DiceCELoss
from monai.losses.ds_loss import DeepSupervisionLoss
from torch import Tensor, nn

from augment.learning import (
    autocast,
    average_decay,
    chosen_precision,
    descend,
    write_checkpoint,
)
from augment.recipe.experiment import ExperimentSpec, TrainingSpec
from augment.segmentation.grid import air_value

Weights = dict[str, Tensor]
Batch = tuple[Float[Tensor, "batch channels *patch"], Int64[Tensor, "batch *patch"]]

LARGEST_GRADIENT = 3.0
LAST_RATE_SHARE = 0.01
RATE_POWER = 0.9
"""nnU-Net's polynomial schedule."""
LOG_EVERY = 25


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    Attributes:
        steps: Optimiser steps.
        rate: Largest learning rate.
        checkpoint: File to go on from, or None.
        checkpoint_seconds: Time between checkpoints.
        check: Gives the mean Dice of the kept cases, for early stopping, or None.
        on_step: Called after each step.
    """

    steps: int
    rate: float
    checkpoint: Path | None = None
    checkpoint_seconds: float = 60.0
    check: Callable[[], float] | None = None
    on_step: Callable[[int], None] = lambda step: None


@dataclass(frozen=True)
class Trained:
    """What a run gave.

    Attributes:
        weights: Averaged weights, the best if cases were kept for early stopping.
        log: Rows of step, loss, rate, seconds, and the kept cases' Dice or None.
        steps: Steps made.
        seconds: Wall time of this and earlier parts of the run.
    """

    weights: Weights
    log: tuple[dict[str, float | None], ...]
    steps: int
    seconds: float


def train(
    network: nn.Module,
    draw: Callable[[int], Batch],
    schedule: Schedule,
    spec: ExperimentSpec,
) -> Trained:
    """Train a network.

    Args:
        network: On the device that trains; its weights change.
        draw: From step to batch.
        schedule: How long and how fast.
        spec: The loop's settings and the device.
    """
    loop = _Loop(network, schedule, spec.training, spec.device)
    loop.resume()
    while loop.step < schedule.steps and not loop.is_stopped:
        images, labels = draw(loop.step)
        loop.advance(images.to(spec.device), labels.to(spec.device))
        schedule.on_step(loop.step)
    if schedule.checkpoint is not None:
        schedule.checkpoint.unlink(missing_ok=True)
    return Trained(loop.result(), tuple(loop.log), loop.step, loop.seconds())


class _Loop:
    """State of one training run."""

    def __init__(
        self, network: nn.Module, schedule: Schedule, spec: TrainingSpec, device: str
    ) -> None:
        self.network, self.schedule, self.spec, self.device = network, schedule, spec, device
        trained = [weights for weights in network.parameters() if weights.requires_grad]
        self.optimiser = torch.optim.AdamW(
            trained, lr=0.0, weight_decay=spec.weight_decay, fused=True
        )
        self.kind = chosen_precision(spec.precision, device)
        half = self.kind == torch.float16
        self.scaler = torch.amp.GradScaler(torch.device(device).type, enabled=half)
        self.average = {key: value.detach().clone() for key, value in network.state_dict().items()}
        self._pair_weights()
        self.best: Weights | None = None
        self.best_dice, self.checks_without_gain = -1.0, 0
        self.step = 0
        self.log: list[dict[str, float | None]] = []
        self.recent: list[float] = []
        self.before, self.start = 0.0, perf_counter()
        self.saved = self.start
        network.train()

    def _pair_weights(self) -> None:
        """Remember which tensors are averaged into which; none of the networks has counters."""
        own = self.network.state_dict()
        self.currents = [own[key] for key in self.average]
        self.averages = list(self.average.values())

    @property
    def is_stopped(self) -> bool:
        return self.checks_without_gain >= self.spec.patience

    def seconds(self) -> float:
        return self.before + perf_counter() - self.start

    def rate(self) -> float:
        warm = min(1.0, (self.step + 1) / max(self.spec.warm_up, 1))
        left = (1.0 - self.step / self.schedule.steps) ** RATE_POWER
        return self.schedule.rate * warm * (LAST_RATE_SHARE + (1 - LAST_RATE_SHARE) * left)

    def advance(self, images: Tensor, labels: Tensor) -> None:
        """Make one step."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        with autocast(self.kind, self.device):
            scores = self.network(images)
        loss = loss_of(scores, labels)
        weights = self.network.parameters()
        descend(loss, weights, self.optimiser, self.scaler, LARGEST_GRADIENT)
        self.step += 1
        decay = average_decay(self.step, self.spec.average)
        torch._foreach_lerp_(self.averages, self.currents, 1 - decay)
        self.recent.append(float(loss.detach()))
        self._report()

    def _report(self) -> None:
        dice = None
        is_last = self.step == self.schedule.steps
        if self.schedule.check and (self.step % self.spec.check_every == 0 or is_last):
            dice = self._checked()
        if self.step % LOG_EVERY == 0 or is_last or dice is not None:
            row = {"step": float(self.step), "loss": float(np.mean(self.recent))}
            self.log.append({**row, "rate": self.rate(), "seconds": self.seconds(), "dice": dice})
            self.recent = []
        if perf_counter() - self.saved > self.schedule.checkpoint_seconds:
            self.save()

    def _checked(self) -> float:
        """Return the kept cases' Dice with the averaged weights, and remember the best ones."""
        if self.schedule.check is None:
            raise ValueError("a check expects kept cases, got none")
        own = {key: value.clone() for key, value in self.network.state_dict().items()}
        self.network.load_state_dict(self.average)
        dice = self.schedule.check()
        self.network.load_state_dict(own)
        self.network.train()
        self.checks_without_gain += 1
        if dice > self.best_dice:
            self.best_dice, self.checks_without_gain = dice, 0
            self.best = {key: value.clone() for key, value in self.average.items()}
        return dice

    def result(self) -> Weights:
        return self.average if self.best is None else self.best

    def save(self) -> None:
        """Write what a later start needs to go on."""
        if self.schedule.checkpoint is None:
            return
        state = {
            "step": self.step, "network": self.network.state_dict(), "average": self.average,
            "optimiser": self.optimiser.state_dict(), "scaler": self.scaler.state_dict(),
            "best": self.best, "best_dice": self.best_dice, "log": self.log,
            "checks_without_gain": self.checks_without_gain, "recent": self.recent,
            "seconds": self.seconds(),
        }  # fmt: skip
        write_checkpoint(state, self.schedule.checkpoint)
        self.saved = perf_counter()

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one."""
        path = self.schedule.checkpoint
        if path is None or not path.is_file():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.scaler.load_state_dict(state["scaler"])
        self.average, self.best, self.best_dice = (
            state[key] for key in ("average", "best", "best_dice")
        )
        self.step, self.log, self.recent = (state[key] for key in ("step", "log", "recent"))
        self._pair_weights()
        self.checks_without_gain, self.before = state["checks_without_gain"], state["seconds"]


def loss_of(scores: Tensor, labels: Int64[Tensor, "batch *patch"]) -> Float[Tensor, ""]:
    """Return Dice plus cross-entropy; deep supervision where the network gives several levels.

    Args:
        scores: (batch classes *patch), or (batch levels classes *patch).
        labels: Class numbers.
    """
    levels = [scores] if scores.ndim == labels.ndim + 1 else list(scores.unbind(1))
    dice_ce = DiceCELoss(
        to_onehot_y=True, softmax=True, include_background=levels[0].shape[1] > 2, batch=True
    )
    loss = dice_ce if len(levels) == 1 else DeepSupervisionLoss(dice_ce)
    return loss(
        levels[0].float() if len(levels) == 1 else [level.float() for level in levels],
        labels[:, None],
    )


def infer(
    network: nn.Module, image: Float32[np.ndarray, "channels *space"], spec: ExperimentSpec
) -> Float32[np.ndarray, "classes *space"]:
    """Return class probabilities of a whole case, averaged over overlapping windows.

    Args:
        network: On the device that calculates.
        image: The case on the network's grid.
        spec: Window, overlap, precision.
    """
    network.eval()
    tensor = torch.from_numpy(image)[None].to(spec.device)
    axis = 2 + (spec.augmentation.mirror[0] if spec.augmentation.mirror else 0)
    kind = chosen_precision(spec.training.precision, spec.device)
    with torch.inference_mode(), autocast(kind, spec.device):
        chances = _windows(network, tensor, spec)
        if spec.input.mirror_mean:
            mirrored = _windows(network, tensor.flip(axis), spec).flip(axis)
            chances = (chances + mirrored) / 2
    return chances[0].cpu().numpy()


def _windows(network: nn.Module, tensor: Tensor, spec: ExperimentSpec) -> Tensor:
    is_picture = spec.input.intensity == "picture"
    scores = sliding_window_inference(
        tensor,
        spec.input.window,
        1 if spec.device == "cpu" else 4,
        network,
        overlap=spec.input.overlap,
        mode="gaussian",
        padding_mode="replicate" if is_picture else "constant",
        cval=0.0 if is_picture else air_value(spec.input.intensity),
    )
    return torch.softmax(scores.float(), 1)  # type: ignore[union-attr]


def blended(start: Weights, end: Weights, share: float) -> Weights:
    """Return weights between two (WiSE-FT, Wortsman et al., CVPR 2022, arXiv:2109.01903).

    Args:
        start: Pre-trained weights.
        end: Fine-tuned weights.
        share: Of the fine-tuned ones, 0 to 1.
    """
    return {
        key: torch.lerp(start[key], value, share) if value.dtype.is_floating_point else value
        for key, value in end.items()
    }
