"""The training of the face network as dataclasses: every key with type, range, default, meaning.

YAML files under `recipes/train/` hold values only.
"""

from dataclasses import asdict, dataclass
from hashlib import sha256
from json import dumps
from pathlib import Path
from typing import Any

from augment.recipe.family import Family
from augment.recipe.schema import setting

TRUNKS = ("small", "resnet18", "resnet50")
CHANNELS = 8
"""Widths that are no multiple of it crash convolutions of torch 2.13 on CPUs (heap corruption)."""
TERMS = ("landmarks", "shape", "texture", "consistency")


@dataclass(frozen=True)
class PicturesSpec:
    """The pictures that the network learns from: our own renders, by number."""

    recipe: str = setting("face_train", "recipe of the pictures, see `facies list`")
    overrides: tuple[str, ...] = setting((), "changes of that recipe, key=value each")
    renders: int = setting(8000, "different renders; each is seen several times", low=1)
    seed: int = setting(1000, "seed of the renders; others than those of any test", low=0)
    workers: int = setting(
        0, "processes that render ahead of the training; 0 renders in the training's own", low=0,
        high=256,
    )  # fmt: skip
    folder: str = setting("", "where renders are kept, `OUT/renders` if empty")


@dataclass(frozen=True)
class VariationSpec:
    """What a render goes through each time it is seen; labels move with it."""

    scale: tuple[float, float] = setting(
        (1.25, 2.1), "side of the crop as a multiple of the face's box", low=0.8, high=5
    )
    shift: float = setting(0.16, "largest shift of the crop, share of the box", low=0, high=1)
    roll_deg: float = setting(35.0, "spread of the roll of the crop, degrees", low=0, high=180)
    photometric: float = setting(
        0.8, "probability scale of blur, noise, JPEG, colour, grey, drawn style", low=0, high=1
    )
    occluded: float = setting(
        0.4, "share of pictures with blocks, hands' shapes or glasses over the face", low=0, high=1
    )
    mirrored: float = setting(0.5, "share of mirrored pictures", low=0, high=1)
    without_face: float = setting(
        0.12, "share of crops that show no face, for the score", low=0, high=0.9
    )


@dataclass(frozen=True)
class FaceNetSpec:
    """The network."""

    trunk: str = setting("resnet18", "residual trunk", choices=TRUNKS)
    width: int = setting(32, "channels of the first stage, a multiple of 8", low=8, high=256)
    input_px: int = setting(
        128, "side of the picture that the trunk sees; the crop of 256 is averaged to it", low=64,
        high=256,
    )  # fmt: skip


@dataclass(frozen=True)
class LossSpec:
    """Weights of the joint loss; a term at 0 is switched off."""

    landmarks: float = setting(0.4, "heat-map landmarks", low=0, high=10)
    shape: float = setting(0.3, "coefficients, as mm and as pose", low=0, high=10)
    texture: float = setting(0.2, "texture, multi-scale structural similarity", low=0, high=10)
    consistency: float = setting(
        0.1, "mesh, heat maps and texture agree on where the face is", low=0, high=10
    )


@dataclass(frozen=True)
class OptimisationSpec:
    """The loop."""

    steps: int = setting(4000, "optimiser steps", low=1)
    batch: int = setting(24, "pictures a step", low=1)
    rate: float = setting(1.5e-3, "largest learning rate of AdamW", low=0.0)
    weight_decay: float = setting(1e-4, "weight decay of AdamW", low=0.0)
    warm_up: int = setting(100, "steps until the largest rate", low=0)
    average: float = setting(0.995, "decay of the exponential weight average", low=0, high=0.9999)
    precision: str = setting(
        "auto", "auto is bf16 or fp16 on CUDA, bf16 on CPUs that have it, else fp32",
        choices=("auto", "fp32", "bf16", "fp16"),
    )  # fmt: skip
    checkpoint_seconds: float = setting(120.0, "time between checkpoints", low=0.0)
    log_every: int = setting(25, "steps between rows of the log", low=1)
    tensorboard: bool = setting(False, "also log to TensorBoard, where it is installed")


@dataclass(frozen=True)
class FaceTrainingSpec:
    """A training of the face network."""

    name: str = setting("", "name of the recipe")
    seed: int = setting(0, "seed of weights, order and variation", low=0)
    out: str = setting("", "folder of weights, checkpoint and log, `out/NAME` if empty")
    device: str = setting("cpu", "torch device: cpu, cuda or cuda:N")
    threads: int = setting(1, "threads of the training process", low=1)
    adapt: str | None = setting(
        None, "folder of pictures with landmarks; the heads are fine-tuned to it, the trunk is kept"
    )
    weights: str | None = setting(
        None, "weights to start from; null starts anew, or from the shipped ones with adapt"
    )
    pictures: PicturesSpec = setting(PicturesSpec, "what is learned from")
    variation: VariationSpec = setting(VariationSpec, "augmentation")
    network: FaceNetSpec = setting(FaceNetSpec, "the network")
    loss: LossSpec = setting(LossSpec, "the joint loss")
    training: OptimisationSpec = setting(OptimisationSpec, "the loop")

    def values(self) -> dict[str, Any]:
        """Return the recipe as plain values that JSON and YAML can hold and that read back."""
        return asdict(self)

    def fingerprint(self) -> str:
        """Return the SHA-256 of what a checkpoint must agree with.

        The number of steps is left out, so that a training can be made longer or shorter.
        """
        values = self.values()
        for key in ("out", "threads"):
            del values[key]
        for key in ("workers", "folder"):
            del values["pictures"][key]
        for key in ("steps", "checkpoint_seconds", "log_every", "tensorboard"):
            del values["training"][key]
        return sha256(dumps(values, sort_keys=True).encode()).hexdigest()


def _contradictions(spec: FaceTrainingSpec) -> list[str]:
    found = []
    if spec.network.input_px % 32:
        found.append(f"network.input_px expects a multiple of 32, got {spec.network.input_px}")
    if spec.network.width % CHANNELS:
        found.append(f"network.width expects a multiple of {CHANNELS}, got {spec.network.width}")
    if not any(getattr(spec.loss, term) for term in TERMS):
        found.append("loss expects one term above 0, got none")
    if spec.adapt is not None and not Path(spec.adapt).is_dir():
        found.append(f"adapt expects a folder of pictures with landmarks, got {spec.adapt!r}")
    return found


_TRAININGS = Family(FaceTrainingSpec, "train", "training", "trainings", _contradictions)
training_names, compose_training = _TRAININGS.names, _TRAININGS.compose
