"""What every training loop does: choose a number format, step, average, keep a checkpoint."""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

AVERAGE_DELAY = 9.0
"""Steps by which the weight average lags, so that random weights fade from it."""


def chosen_precision(precision: str, device: str) -> torch.dtype:
    """Return the type that a device calculates in.

    Args:
        precision: fp32, bf16 or fp16, or `auto`: half precision on CUDA and on CPUs that have
            instructions for it.
        device: Of the training.
    """
    if precision == "auto":
        if torch.device(device).type != "cuda":
            return fastest_on_cpu()
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]


def fastest_on_cpu() -> torch.dtype:
    """Return bf16 on CPUs with bf16 instructions, fp32 elsewhere.

    A CPU without them took ten times as long in bf16 as in fp32
    (benchmarks/small_sample/protocol.md).
    """
    has_bf16 = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if has_bf16 else torch.float32


def autocast(kind: torch.dtype, device: str) -> AbstractContextManager[None]:
    """Return the context in which a network calculates in a type."""
    if kind == torch.float32:
        return nullcontext()
    return torch.autocast(torch.device(device).type, dtype=kind)


def descend(
    loss: Float[Tensor, ""],
    weights: Iterable[nn.Parameter],
    optimiser: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    largest_gradient: float,
) -> None:
    """Make one step down the gradient, whose norm is limited.

    A step without finite gradient is left out, for example after a patch of nothing but air that
    overflowed in a normalisation.

    Args:
        loss: Of a batch.
        weights: Of the network.
        optimiser: Of its weights.
        scaler: Of the loss, for half precision.
        largest_gradient: Limit of the norm.
    """
    optimiser.zero_grad(set_to_none=True)
    scaler.scale(loss).backward()
    scaler.unscale_(optimiser)
    norm = nn.utils.clip_grad_norm_(weights, largest_gradient)
    if torch.isfinite(norm) or scaler.is_enabled():
        scaler.step(optimiser)
    scaler.update()


def average_decay(step: int, largest: float) -> float:
    """Return the share that the weight average keeps of itself after a step, counted from 1."""
    return min(largest, step / (step + AVERAGE_DELAY))


def write_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Write a checkpoint that is there whole or not at all."""
    partial = path.with_suffix(".part")
    torch.save(state, partial)
    partial.replace(path)
