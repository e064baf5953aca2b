"""One training from its recipe to its weights: `facies train face_network out=DIR`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict, replace
from importlib.metadata import version
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread

import numpy as np
import torch
from torch import nn

from augment.engine.local import leave_with
from augment.errors import RecipeError
from augment.face_training.adapt import FolderBatches, is_head
from augment.face_training.batches import Batch, RenderBatches
from augment.face_training.loop import LOG, Course, Report, train
from augment.face_training.loss import face_basis
from augment.face_training.renders import ALBEDO_PX, RenderMaker, picture_recipe
from augment.face_training.store import RenderStore
from augment.face_training.truth import TruthTable
from augment.morphable import FaceModel, load_face_model
from augment.operations.threads import single_threaded_children
from augment.portrait.network import FaceNetwork, NetworkShape
from augment.portrait.weights import load_network, save_weights
from augment.recipe.face_network import FaceNetSpec, FaceTrainingSpec, PicturesSpec
from augment.streams import stream


def run_training(
    spec: FaceTrainingSpec, say: Callable[[str], None], stop_after: int | None = None
) -> Path:
    """Train the face network of a recipe and write its weights.

    Args:
        spec: A checked recipe.
        say: Called with lines of progress.
        stop_after: Step at which to stop early, or None; the same call without it goes on.

    Returns:
        The file of weights.

    Raises:
        RecipeError: If the recipe of the pictures or the device is not to be had.
    """
    device = checked_device(spec.device)
    torch.set_num_threads(spec.threads)
    out = Path(spec.out)
    model = load_face_model()
    network = initial_network(spec).to(device)
    spec = replace(spec, network=FaceNetSpec(**asdict(network.shape)))
    truth, course = TruthTable(model), _course(spec, model, say)
    facts = {"recipe": spec.values(), "fingerprint": spec.fingerprint()}
    if spec.adapt is not None:
        folder = FolderBatches(Path(spec.adapt), truth, spec)
        weights = train(network, replace(course, draw=folder, is_trained=is_head), spec, stop_after)
        waited = f"{len(folder.rows)} pictures of {spec.adapt}"
    else:
        store = open_store(spec)
        drawn = replace(course, draw=RenderBatches(store, truth, spec))
        with rendering_ahead(store.folder, spec.pictures):
            weights = train(network, drawn, spec, stop_after)
        waited = f"{store.making_seconds:.0f} s spent on renders"
        facts["pictures"] = picture_recipe(spec.pictures).fingerprint()
    path = save_weights(weights, network.shape, out, {**facts, "facies": version("facies")})
    say(f"weights in {path}, curve in {out / LOG}; {waited}")
    return path


def _course(spec: FaceTrainingSpec, model: FaceModel, say: Callable[[str], None]) -> Course:
    """Return what all trainings share; batches come on top."""

    def nothing(step: int) -> Batch:
        raise ValueError(f"step {step} expects batches, got none")

    basis = face_basis(model, ALBEDO_PX).to(spec.device)
    return Course(draw=nothing, basis=basis, folder=Path(spec.out), report=reporter(spec, say))


def open_store(spec: FaceTrainingSpec) -> RenderStore:
    """Return the renders of a recipe; nothing is rendered before it is asked for."""
    picture_recipe(spec.pictures)  # mistakes come before any work
    folder = Path(spec.pictures.folder or Path(spec.out) / "renders")
    # Another recipe's renders are never taken for these.
    folder = folder / picture_recipe(spec.pictures).fingerprint()[:12]
    return RenderStore(folder, spec.pictures.renders, _LazyMaker(spec.pictures))


class _LazyMaker:
    """Opens the pipeline when the first render is made: a folder of renders may hold all."""

    def __init__(self, spec: PicturesSpec) -> None:
        self.spec = spec
        self.maker: RenderMaker | None = None

    def __call__(self, number: int):  # type: ignore[no-untyped-def]  # see RenderMaker
        if self.maker is None:
            self.maker = RenderMaker(self.spec)
        return self.maker(number)


def initial_network(spec: FaceTrainingSpec) -> FaceNetwork:
    """Return the network that a training starts from.

    Without weights to start from, each layer's weights are drawn from a stream of its own (He et
    al., ICCV 2015), so that they depend on the seed alone.
    """
    if spec.weights is not None or spec.adapt is not None:
        return deepcopy(load_network(spec.weights)).requires_grad_(True)
    wanted = spec.network
    network = FaceNetwork(NetworkShape(wanted.trunk, wanted.width, wanted.input_px))
    for name, part in network.named_modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            rng = stream(spec.seed, 0, f"weights {name}")
            fan_in = part.weight[0].numel()
            # The last layers say little at first: the mean face, straight into the camera.
            scale = 0.05 if name == "last" else 1.0
            drawn = rng.standard_normal(part.weight.shape, dtype=np.float32)
            with torch.no_grad():
                part.weight.copy_(torch.from_numpy(drawn) * scale * (2.0 / fan_in) ** 0.5)
                if part.bias is not None:
                    part.bias.zero_()
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def checked_device(name: str) -> torch.device:
    """Return a torch device that this machine has.

    Raises:
        RecipeError: If it is unknown or not there.
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise RecipeError(f"device expects cpu, cuda or cuda:N, got {name!r}") from error
    if device.type not in ("cpu", "cuda"):
        raise RecipeError(f"device expects cpu, cuda or cuda:N, got {name!r}")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise RecipeError(f"device={name} expects a CUDA device, got a machine without one")
    return device


def reporter(spec: FaceTrainingSpec, say: Callable[[str], None]) -> Report:
    """Return what takes rows of the log: lines of progress, TensorBoard where it is asked for."""
    board = None
    if spec.training.tensorboard:
        from augment.face_training.tensorboard import open_board

        board = open_board(Path(spec.out))

    def report(row: dict[str, float]) -> None:
        terms = ", ".join(f"{k} {v:.3f}" for k, v in row.items() if k not in ("step", "seconds"))
        say(f"step {row['step']:.0f}/{spec.training.steps}, {row['seconds']:.0f} s: {terms}")
        if board is not None:
            board(row)

    return report


@contextmanager
def rendering_ahead(folder: Path, spec: PicturesSpec) -> Iterator[None]:
    """Let processes fill a folder of renders while this block runs."""
    processes = []
    with single_threaded_children():
        for number in range(spec.workers):
            process = get_context("spawn").Process(
                target=_fill, args=(folder, spec, number), daemon=True
            )
            process.start()
            processes.append(process)
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _fill(folder: Path, spec: PicturesSpec, first: int) -> None:
    parent = parent_process()
    if parent is not None:
        Thread(target=leave_with, args=(parent.sentinel,), daemon=True).start()
    torch.set_num_threads(1)
    store = RenderStore(folder, spec.renders, RenderMaker(spec))
    store.fill(range(first, store.n_chunks))
    store.fill(range(first))
