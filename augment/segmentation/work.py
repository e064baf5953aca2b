"""What the jobs of a study do: make data, pre-train, deform real cases, train and score."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from augment.segmentation.anchored import deform_case
from augment.segmentation.arms import PRIMITIVES, RANDOM, SYNTHETIC, Arm, read_arm
from augment.segmentation.batches import Mixture, Pool, draw_batch
from augment.segmentation.grid import Prepared, on_case_grid, prepare
from augment.segmentation.jobs import Job, write_text
from augment.segmentation.metrics import score_case
from augment.segmentation.networks import build_network, freeze_encoder, load_matching
from augment.segmentation.plan import Plan
from augment.segmentation.primitives import N_CLASSES_2D, N_CLASSES_3D, primitive_images
from augment.segmentation.score_table import SELECTED
from augment.segmentation.scores import SCORE_COLUMNS, score_rows, table_text
from augment.segmentation.selector import Candidate, choose_arm
from augment.segmentation.study_jobs import (
    ANCHOR,
    DATA_JOB,
    FOLD,
    MAKE_DATA,
    PRETRAIN,
    SELECT,
    candidates,
    n_steps,
    pretraining_job,
)
from augment.segmentation.synthetic import make_synthetic, read_synthetic
from augment.segmentation.tasks import Case, read_case
from augment.segmentation.training import Batch, Schedule, Trained, Weights, blended, infer, train
from augment.streams import stream

LOG_COLUMNS = ("step", "loss", "rate", "seconds", "dice")
PICTURE_CHANNELS, VOLUME_CHANNELS = 3, 1


@dataclass(frozen=True, eq=False)
class _Run:
    """A trained network, minutes and steps with its pre-training, and minutes of its own."""

    network: nn.Module
    minutes: float
    own_minutes: float
    steps: int


@dataclass(frozen=True)
class _Place:
    """A job's folder, and what to call while it lasts."""

    folder: Path
    touch: Callable[[], None]


class Workshop:
    """Does the jobs of one study in one process; keeps what several jobs share."""

    def __init__(self, plan: Plan, out: Path) -> None:
        """Prepare for a plan's jobs, without reading anything."""
        self.plan, self.out, self.spec, self.task = plan, out, plan.spec, plan.task
        self.channels = PICTURE_CHANNELS if plan.task.dimensions == 2 else VOLUME_CHANNELS
        self._synthetic: Pool | None = None
        self._cases = lru_cache(maxsize=None)(self._read_case)

    def run(self, job: Job, folder: Path, touch: Callable[[], None]) -> Mapping[str, Any]:
        """Do a job.

        Args:
            job: What.
            folder: Its folder.
            touch: To be called while it lasts.

        Returns:
            What is to be known of it.
        """
        if job.kind == MAKE_DATA:
            make_synthetic(self.spec, folder / "data", lambda done: touch())
            return {}
        if job.kind == ANCHOR:
            return self._anchor(job, folder)
        if job.kind == PRETRAIN:
            return self._pretrain(job, folder, touch)
        if job.kind == FOLD:
            return self._fold(job, folder, touch)
        if job.kind == SELECT:
            return self._select(job, folder)
        return self._train(job, folder, touch)

    def seconds_per_step(self, n_steps: int) -> float:
        """Return how long an optimiser step takes here, on patches of noise."""
        torch.set_num_threads(self.spec.threads)
        pool = self._noise_pool()
        network = self._network(0)
        draw = partial(draw_batch, Mixture(((pool, 1.0),)), self.spec, 0, stage="noise")
        train(network, lambda step: draw(step=step), Schedule(1, 1e-3), self.spec)
        start = perf_counter()
        train(network, lambda step: draw(step=step), Schedule(n_steps, 1e-3), self.spec)
        return (perf_counter() - start) / n_steps

    def _noise_pool(self) -> Pool:
        rng = stream(0, 0, "noise")
        shape = self.spec.input.patch
        image = rng.standard_normal((self.channels, *shape)).astype(np.float16)
        label = rng.integers(0, len(self.task.names), shape).astype(np.uint8)
        return Pool((image,), (label,))

    def _network(self, seed: int, n_classes: int | None = None) -> nn.Module:
        n_classes = len(self.task.names) if n_classes is None else n_classes
        rng = stream(seed, 0, "network")
        network = build_network(
            self.spec.network, self.task.dimensions, self.channels, n_classes, rng
        )
        return network.to(self.spec.device)

    def _read_case(self, folder: Path, name: str) -> tuple[Case, Prepared]:
        case = read_case(self.task, folder, name)
        return case, prepare(case, self.spec.input)

    def _real_pool(self, names: Sequence[str]) -> Pool:
        cases = [self._cases(self.plan.train_folder, name)[1] for name in names]
        return Pool(
            tuple(case.image.astype(np.float16) for case in cases),
            tuple(case.label for case in cases),
        )

    def _synthetic_pool(self) -> Pool:
        if self._synthetic is None:
            given = self.spec.synthetic
            folder = self.out / "runs" / DATA_JOB / "data" if given is None else Path(given)
            self._synthetic = read_synthetic(folder, self.task, self.spec)
        return self._synthetic

    def _anchored_pool(self, names: Sequence[str]) -> Pool:
        images, labels = [], []
        for name in names:
            with np.load(self.out / "runs" / f"{ANCHOR}-{name}" / "variants.npz") as bank:
                n_variants = int(bank["n"])
                images += [bank[f"image{k}"] for k in range(n_variants)]
                labels += [bank[f"label{k}"] for k in range(n_variants)]
        return Pool(tuple(images), tuple(labels))

    def _anchor(self, job: Job, folder: Path) -> Mapping[str, Any]:
        name = str(job.facts["case"])
        case, _ = self._cases(self.plan.train_folder, name)
        variants = [
            prepare(one, self.spec.input) for one in deform_case(case, self.task, self.spec)
        ]
        arrays: dict[str, Any] = {"n": np.array(len(variants))}
        for k, variant in enumerate(variants):
            arrays[f"image{k}"] = variant.image.astype(np.float16)
            arrays[f"label{k}"] = variant.label
        np.savez_compressed(folder / "variants.npz", **arrays)
        return {"variants": len(variants)}

    def _pretrain(self, job: Job, folder: Path, touch: Callable[[], None]) -> Mapping[str, Any]:
        seed, start = int(job.facts["seed"]), str(job.facts["start"])
        if start == PRIMITIVES:
            n_classes = 1 + (N_CLASSES_2D if self.task.dimensions == 2 else N_CLASSES_3D)
            network, draw = self._network(seed, n_classes), partial(self._primitives, seed)
        else:
            network = self._network(seed)
            mixture = Mixture(((self._synthetic_pool(), 1.0),), n_real=0)
            draw = partial(self._batch, mixture, seed, f"{PRETRAIN} {start}")
        schedule = Schedule(
            int(job.facts["steps"]),
            self.spec.pretraining.rate,
            folder / "checkpoint.pt",
            on_step=lambda step: touch(),
        )
        trained = train(network, draw, schedule, self.spec)
        self._keep(folder, trained)
        return {"minutes": trained.seconds / 60, "steps": trained.steps}

    def _batch(self, mixture: Mixture, seed: int, stage: str, step: int) -> Batch:
        return draw_batch(mixture, self.spec, seed, step, stage)

    def _primitives(self, seed: int, step: int) -> Batch:
        rng = stream(seed, step, PRIMITIVES)
        images, labels = primitive_images(rng, self.spec.training.batch, self.spec.input.patch)
        repeated = np.repeat(images, self.channels, 1)
        return torch.from_numpy(repeated), torch.from_numpy(labels.astype(np.int64))

    def _train(self, job: Job, folder: Path, touch: Callable[[], None]) -> Mapping[str, Any]:
        how, seed, n = (
            Candidate(job.facts["arm"], self.spec.finetuning.mix),
            int(job.facts["seed"]),
            int(job.facts["n"]),
        )
        chosen: Mapping[str, Any] = {}
        minutes = 0.0
        if how.arm == SELECTED:
            chosen = self._result(f"{SELECT}-n{n}-s{seed}")
            how, minutes = Candidate(chosen["arm"], chosen["ratio"]), chosen["minutes"]
        run = self._trained(how, seed, list(job.facts["cases"]), folder, touch)
        facts = {
            "arm": job.facts["arm"],
            "n": n,
            "seed": seed,
            "minutes": minutes + run.minutes,
            "steps": run.steps,
        }
        return {**facts, "dice": self._score(run.network, facts, folder)}

    def _fold(self, job: Job, folder: Path, touch: Callable[[], None]) -> Mapping[str, Any]:
        """Train on some of the n cases and score the others."""
        how, seed = Candidate(job.facts["arm"], float(job.facts["ratio"])), int(job.facts["seed"])
        run = self._trained(how, seed, list(job.facts["cases"]), folder, touch)
        dice = {name: self._mean_dice(run.network, [name]) for name in job.facts["held_out"]}
        (folder / "weights.safetensors").unlink()
        return {
            "arm": how.arm,
            "ratio": how.ratio,
            "seed": seed,
            "held_out": dice,
            "minutes": run.own_minutes,
        }

    def _select(self, job: Job, folder: Path) -> Mapping[str, Any]:
        """Choose how to train on the n cases."""
        folds = [self._result(name) for name in job.needs]
        scores = pd.DataFrame(
            [
                (fold["arm"], fold["ratio"], case, fold["seed"], dice)
                for fold in folds
                for case, dice in fold["held_out"].items()
            ],
            columns=["arm", "ratio", "case", "seed", "dice"],
        )
        given = self.spec.selection.prior
        prior = None if given is None else pd.read_csv(given)
        choice = choose_arm(scores, int(job.facts["n"]), candidates(self.spec), prior)
        minutes = sum(fold["minutes"] for fold in folds)
        return {**asdict(choice), **asdict(choice.candidate), "minutes": minutes}

    def _result(self, name: str) -> Mapping[str, Any]:
        """Return what is known of a finished job."""
        text = (self.out / "runs" / name / "done.json").read_text(encoding="utf-8")
        return dict(json.loads(text))

    def _trained(
        self, how: Candidate, seed: int, cases: list[str], folder: Path, touch: Callable[[], None]
    ) -> "_Run":
        """Return a network that was trained on some cases in some way; its weights are kept."""
        arm, network, minutes, steps = read_arm(how.arm), self._network(seed), 0.0, 0
        pretrained: Weights | None = None
        if arm.start != RANDOM:
            before = pretraining_job(self.spec, arm.start, seed)
            load_matching(network, load_file(self.out / "runs" / before / "weights.safetensors"))
            pretrained = {key: value.clone() for key, value in network.state_dict().items()}
            cost = self._result(before)
            minutes, steps = cost["minutes"], cost["steps"]
        if not arm.needs_real:
            return _Run(network, minutes, 0.0, steps)
        trained = self._finetune(network, how, cases, seed, _Place(folder, touch))
        weights, tuned = trained.weights, self.spec.finetuning
        if pretrained is not None and arm.start == SYNTHETIC and tuned.blend < 1:
            weights = blended(pretrained, weights, tuned.blend)
        network.load_state_dict(weights)
        self._keep(folder, replace(trained, weights=weights))
        own = trained.seconds / 60
        return _Run(network, minutes + own, own, steps + trained.steps)

    def _finetune(
        self, network: nn.Module, how: Candidate, names: list[str], seed: int, place: "_Place"
    ) -> Trained:
        arm = read_arm(how.arm)
        n_kept = int(len(names) * self.spec.training.validation_share)
        kept, names = names[:n_kept], names[n_kept:]
        # Real cases must not wash away what synthetic ones taught; primitives taught no anatomy.
        rate = self.spec.finetuning.rate if arm.start == SYNTHETIC else self.spec.training.rate
        if arm.start == SYNTHETIC and self.spec.finetuning.freeze == "encoder":
            freeze_encoder(network, self.spec.network.name)
        schedule = Schedule(
            n_steps(self.spec, arm),
            rate,
            place.folder / "checkpoint.pt",
            check=partial(self._mean_dice, network, kept) if kept else None,
            on_step=lambda step: place.touch(),
        )
        draw = partial(self._batch, self._mixture(arm, names, how.ratio), seed, "batch")
        return train(network, draw, schedule, self.spec)

    def _mixture(self, arm: Arm, names: Sequence[str], ratio: float) -> Mixture:
        share = self.spec.finetuning.anchored if "anchored" in arm.pools else 0.0
        pools = [(self._real_pool(names), 1.0 - share)]
        if "anchored" in arm.pools:
            pools.append((self._anchored_pool(names), share))
        n_real = len(pools)
        if SYNTHETIC in arm.pools:
            pools = [(pool, part * (1.0 - ratio)) for pool, part in pools]
            pools.append((self._synthetic_pool(), ratio))
        return Mixture(tuple(pools), arm.batches, n_real)

    def _mean_dice(self, network: nn.Module, names: Sequence[str]) -> float:
        """Return the mean Dice of cases that are kept for early stopping."""
        scores = []
        for name in names:
            case, prepared = self._cases(self.plan.train_folder, name)
            found = self._segment(network, case, prepared)
            rows = score_case(found, case.label, case.spacing, self.task.scored, 0.0)
            scores += [row.dice for row in rows]
        return float(np.mean(scores))

    def _segment(self, network: nn.Module, case: Case, prepared: Prepared) -> np.ndarray:
        return on_case_grid(
            infer(network, prepared.image, self.spec), prepared, case, self.spec.input
        )

    def _score(self, network: nn.Module, facts: Mapping[str, Any], folder: Path) -> float:
        """Score the validation cases, write tables and masks, and return the mean Dice."""
        name = f"{facts['arm']}_{facts['n']}_{facts['seed']}"
        masks = self.out / "predictions" / name
        masks.mkdir(parents=True, exist_ok=True)
        rows = []
        for case_name in self.plan.validation:
            case, prepared = self._cases(Path(self.spec.data), case_name)
            found = self._segment(network, case, prepared)
            np.savez_compressed(masks / f"{case_name}.npz", mask=found)
            rows += score_rows(self.task, case, found, facts)
        write_text(folder / "metrics.csv", table_text(SCORE_COLUMNS, rows))
        return float(np.mean([row["dice"] for row in rows]))

    def _keep(self, folder: Path, trained: Trained) -> None:
        save_file(
            {key: value.cpu().contiguous() for key, value in trained.weights.items()},
            folder / "weights.safetensors",
        )
        write_text(folder / "log.csv", table_text(LOG_COLUMNS, trained.log))
