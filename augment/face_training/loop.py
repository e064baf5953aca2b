"""The training loop of the face network: batches by step enter, averaged weights leave.

A run that was stopped goes on from its last checkpoint with the same result, for a batch depends on
its step alone.
"""

import csv
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, final

import torch
from torch import Tensor, nn

from augment.errors import RecipeError
from augment.face_training.batches import Batch
from augment.face_training.loss import FaceBasis, joint_loss
from augment.learning import autocast, average_decay, chosen_precision, descend, write_checkpoint
from augment.portrait.network import FaceNetwork
from augment.recipe.face_network import FaceTrainingSpec

CHECKPOINT = "checkpoint.pt"
LOG = "log.csv"
LARGEST_GRADIENT = 5.0
LAST_RATE_SHARE = 0.02

Weights = dict[str, Tensor]
Report = Callable[[dict[str, float]], None]


@dataclass(frozen=True, eq=False)
class Course:
    """What a run needs beside the network.

    Attributes:
        draw: From step to batch.
        basis: Of the head model, for the loss.
        folder: Where checkpoint and log are kept.
        is_trained: Whether the weights of this name change.
        report: Called with each row of the log.
    """

    draw: Callable[[int], Batch]
    basis: FaceBasis
    folder: Path
    is_trained: Callable[[str], bool] = lambda name: True
    report: Report = lambda row: None


def train(
    network: FaceNetwork, course: Course, spec: FaceTrainingSpec, stop_after: int | None = None
) -> Weights:
    """Train a network and return its averaged weights.

    Args:
        network: On the device that trains; its weights change.
        course: Batches, loss, folder.
        spec: A checked recipe.
        stop_after: Step at which to stop early and keep a checkpoint, or None.
    """
    course.folder.mkdir(parents=True, exist_ok=True)
    loop = _Loop(network, course, spec)
    loop.resume()
    last = spec.training.steps if stop_after is None else min(stop_after, spec.training.steps)
    for batch in _ahead(course.draw, loop.step, last):
        loop.advance(batch.to(spec.device))
    loop.save()
    return loop.average


def _ahead(draw: Callable[[int], Batch], first: int, last: int) -> Iterator[Batch]:
    """Yield the batches of steps; the next is drawn while the last is learned from."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(draw, first) if first < last else None
        for step in range(first, last):
            if waiting is None:
                return
            batch = waiting.result()
            waiting = pool.submit(draw, step + 1) if step + 1 < last else None
            yield batch


@final
class _Loop:
    """State of one run."""

    def __init__(self, network: FaceNetwork, course: Course, spec: FaceTrainingSpec) -> None:
        self.network, self.course, self.spec = network, course, spec
        for name, weights in network.named_parameters():
            weights.requires_grad_(course.is_trained(name))
        trained = [weights for weights in network.parameters() if weights.requires_grad]
        settings = spec.training
        self.optimiser = torch.optim.AdamW(
            trained, lr=0.0, weight_decay=settings.weight_decay, fused=True
        )
        self.kind = chosen_precision(settings.precision, spec.device)
        device = torch.device(spec.device).type
        self.scaler = torch.amp.GradScaler(device, enabled=self.kind == torch.float16)
        self.average = {key: value.detach().clone() for key, value in network.state_dict().items()}
        self.step, self.rows = 0, list[dict[str, float]]()
        self.recent: list[dict[str, float]] = []
        self.before, self.start = 0.0, perf_counter()
        self.saved = self.start
        self.set_mode()

    def set_mode(self) -> None:
        """Let trained parts learn, with their normalisation; frozen ones stay as they are."""
        self.network.train()
        for name, part in self.network.named_modules():
            if isinstance(part, nn.BatchNorm2d) and not self.course.is_trained(name):
                part.eval()

    def rate(self) -> float:
        settings = self.spec.training
        warm = min(1.0, (self.step + 1) / max(settings.warm_up, 1))
        left = 0.5 * (1 + math.cos(math.pi * min(self.step / settings.steps, 1.0)))
        return settings.rate * warm * (LAST_RATE_SHARE + (1 - LAST_RATE_SHARE) * left)

    def advance(self, batch: Batch) -> None:
        """Make one step."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        with autocast(self.kind, self.spec.device):
            n_textures = len(batch.albedo) if self.spec.loss.texture else 0
            pictures = batch.pictures.contiguous(memory_format=torch.channels_last)
            output = self.network(pictures, n_textures)
        loss, terms = joint_loss(output, batch, self.course.basis, self.spec.loss)
        weights = self.network.parameters()
        descend(loss, weights, self.optimiser, self.scaler, LARGEST_GRADIENT)
        self.step += 1
        self._average()
        self.recent.append({"loss": float(loss.detach()), **terms})
        self._report()

    def _average(self) -> None:
        decay = average_decay(self.step, self.spec.training.average)
        for key, value in self.network.state_dict().items():
            if value.dtype.is_floating_point:
                self.average[key].lerp_(value, 1 - decay)
            else:
                self.average[key].copy_(value)

    def seconds(self) -> float:
        return self.before + perf_counter() - self.start

    def _report(self) -> None:
        settings = self.spec.training
        if self.step % settings.log_every == 0 or self.step == settings.steps:
            names = self.recent[0]
            means = {k: sum(row[k] for row in self.recent) / len(self.recent) for k in names}
            row = {"step": float(self.step), "rate": self.rate(), "seconds": self.seconds()}
            self.rows.append({**row, **means})
            self.recent = []
            self.course.report(self.rows[-1])
        if perf_counter() - self.saved >= settings.checkpoint_seconds:
            self.save()

    def save(self) -> None:
        """Write what a later start needs to go on, and the log."""
        state: dict[str, Any] = {
            "fingerprint": self.spec.fingerprint(), "step": self.step,
            "network": self.network.state_dict(), "average": self.average,
            "optimiser": self.optimiser.state_dict(), "scaler": self.scaler.state_dict(),
            "rows": self.rows, "recent": self.recent, "seconds": self.seconds(),
        }  # fmt: skip
        write_checkpoint(state, self.course.folder / CHECKPOINT)
        self.saved = perf_counter()
        if self.rows:
            with (self.course.folder / LOG).open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, list(self.rows[0]))
                writer.writeheader()
                writer.writerows(self.rows)

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one.

        Raises:
            RecipeError: If it belongs to other settings.
        """
        path = self.course.folder / CHECKPOINT
        if not path.is_file():
            return
        state = torch.load(path, map_location=self.spec.device, weights_only=True)
        if state["fingerprint"] != self.spec.fingerprint():
            raise RecipeError(
                f"out expects an empty folder or one of the same training, got '{path.parent}' with"
                " a checkpoint of other settings; choose another out, or remove the checkpoint"
            )
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.scaler.load_state_dict(state["scaler"])
        for key, value in state["average"].items():
            self.average[key].copy_(value)
        self.step, self.rows, self.recent = (state[key] for key in ("step", "rows", "recent"))
        self.before = state["seconds"]
