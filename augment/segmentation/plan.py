"""The plan of a study: its cases and its jobs, with every mistake found before any work."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from augment.errors import AssetError, RecipeError
from augment.recipe.experiment import ExperimentSpec
from augment.segmentation.arms import PRIMITIVES, RANDOM, SYNTHETIC, Arm, read_arm
from augment.segmentation.jobs import Job
from augment.segmentation.networks import side_divisor, smallest_side
from augment.segmentation.tasks import Task, case_mistakes, find_cases, read_splits, read_task
from augment.streams import stream

DATA_JOB = "synthetic-data"
MAKE_DATA, PRETRAIN, ANCHOR, TRAIN = "make_data", "pretrain", "anchor", "train"


@dataclass(frozen=True)
class Plan:
    """A checked study.

    Attributes:
        spec: Its recipe.
        task: The data set.
        finetune: Cases that training may use, in `train_data`.
        validation: Cases that are scored, in `data`.
        split_source: Where the split stands.
        jobs: All work, in an order in which it can be done.
    """

    spec: ExperimentSpec
    task: Task
    finetune: tuple[str, ...]
    validation: tuple[str, ...]
    split_source: str
    jobs: tuple[Job, ...]

    @property
    def train_folder(self) -> Path:
        """Folder of the cases to train on."""
        return Path(self.spec.train_data or self.spec.data)


def plan_study(spec: ExperimentSpec) -> Plan:
    """Check a study and list its jobs.

    Args:
        spec: A checked recipe.

    Raises:
        FaciesError: If anything cannot be done; one message names every mistake.
    """
    mistakes: list[str] = []
    arms = _arms(spec, mistakes)
    task = read_task(spec.dataset)
    mistakes += _shape_mistakes(spec, task)
    finetune, validation, source = _cases(spec, task, arms)
    most = max(spec.n)
    if any(arm.needs_real for arm in arms.values()) and most > len(finetune):
        mistakes.append(
            f"n expects at most the {len(finetune)} cases to fine-tune on ({source}), got {most}"
        )
    if spec.synthetic and not Path(spec.synthetic).is_dir():
        mistakes.append(f"synthetic expects a folder of synthetic data, got '{spec.synthetic}'")
    folder = Path(spec.train_data or spec.data)
    if any(arm.needs_real for arm in arms.values()):
        mistakes += case_mistakes(task, folder, finetune)
    mistakes += case_mistakes(task, Path(spec.data), validation)
    if mistakes:
        raise AssetError("; ".join(mistakes))
    jobs = _jobs(spec, arms, finetune)
    return Plan(spec, task, finetune, validation, source, tuple(jobs))


def chosen_cases(finetune: Sequence[str], n: int, seed: int) -> list[str]:
    """Return the n cases that a seed trains on; more cases include the fewer."""
    order = stream(seed, 0, "cases").permutation(len(finetune))
    return [finetune[int(number)] for number in order[:n]]


def _arms(spec: ExperimentSpec, mistakes: list[str]) -> dict[str, Arm]:
    arms = {}
    for name in spec.arms:
        try:
            arms[name] = read_arm(name)
        except RecipeError as error:
            mistakes.append(str(error))
    return arms


def _shape_mistakes(spec: ExperimentSpec, task: Task) -> list[str]:
    divisor, smallest, found = side_divisor(spec.network), smallest_side(spec.network), []
    for key, sizes in (("patch", spec.input.patch), ("window", spec.input.window)):
        fits = len(sizes) == task.dimensions and not any(size % divisor for size in sizes)
        if not fits or min(sizes) < smallest or max(sizes) < 2 * smallest:
            found.append(
                f"input.{key} expects {task.dimensions} multiples of {divisor}, none below"
                f" {smallest} and one of {2 * smallest} or more for this network, got {list(sizes)}"
            )
    if spec.input.intensity == "picture" and task.dimensions == 3:
        found.append("input.intensity expects ct or zscore for volumes, got 'picture'")
    return found


def _cases(
    spec: ExperimentSpec, task: Task, arms: dict[str, Arm]
) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Return the cases to train on, those to score, and where the split stands."""
    folder = Path(spec.data)
    is_apart = spec.train_data is not None and Path(spec.train_data).resolve() != folder.resolve()
    needs_real = any(arm.needs_real for arm in arms.values())
    if spec.validation == "all":
        if needs_real and not is_apart:
            raise RecipeError(
                "validation=all scores every case of data, so training cases must lie elsewhere;"
                " add train_data=FOLDER, or leave only arms=[synthetic]"
            )
        scored = find_cases(task, folder)
        if not needs_real:
            return (), tuple(scored), "every case is scored"
        splits, source = read_splits(task, Path(str(spec.train_data)))
        return tuple(splits["finetune"]), tuple(scored), source
    splits, source = read_splits(task, folder)
    finetune = splits["finetune"]
    if is_apart:
        others, source_of_others = read_splits(task, Path(str(spec.train_data)))
        finetune, source = others["finetune"], f"{source_of_others}; scored: {source}"
    return tuple(finetune), tuple(splits["validation"]), source


SHARED_KEYS = ("dataset", "data", "train_data", "validation", "synthetic", "input", "network",
               "augmentation")  # fmt: skip
KEYS_OF_KIND = {
    MAKE_DATA: (),
    ANCHOR: ("anchored",),
    PRETRAIN: ("training", "pretraining"),
    TRAIN: ("training", "pretraining", "finetuning", "anchored"),
}
"""Keys of the recipe that decide the result of a job."""
ONLY_FINETUNING = ("steps", "scratch_steps", "validation_share", "check_every", "patience")


def settings_hash(spec: ExperimentSpec, kind: str) -> str:
    """Return a short hash of what decides the result of a job, beside its own facts."""
    values = spec.values()
    chosen = {key: values[key] for key in (*SHARED_KEYS, *KEYS_OF_KIND[kind])}
    if kind == MAKE_DATA:
        chosen = {key: values["pretraining"][key] for key in ("recipe", "samples", "seed")}
    for key in ONLY_FINETUNING if kind == PRETRAIN else ():
        chosen["training"].pop(key)
    values["pretraining"].pop("once")
    return sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()[:16]


def pretraining_job(spec: ExperimentSpec, start: str, seed: int) -> str:
    """Return the job whose weights a seed starts from."""
    return f"{PRETRAIN}-{start}-s{spec.first_seed if spec.pretraining.once else seed}"


def _jobs(spec: ExperimentSpec, arms: dict[str, Arm], finetune: Sequence[str]) -> list[Job]:
    seeds = range(spec.first_seed, spec.first_seed + spec.seeds)
    uses_data = any(arm.start == SYNTHETIC or SYNTHETIC in arm.pools for arm in arms.values())
    jobs: list[Job] = []
    if uses_data and spec.synthetic is None:
        made = {"settings": settings_hash(spec, MAKE_DATA)}
        jobs.append(Job(DATA_JOB, MAKE_DATA, (), made))
    data = tuple(job.id for job in jobs)
    for start in dict.fromkeys(arm.start for arm in arms.values() if arm.start != RANDOM):
        needs = data if start == SYNTHETIC else ()
        facts = {
            "start": start,
            "steps": spec.pretraining.steps,
            "settings": settings_hash(spec, PRETRAIN),
        }
        jobs += [
            Job(pretraining_job(spec, start, seed), PRETRAIN, needs, {**facts, "seed": seed})
            for seed in (seeds[:1] if spec.pretraining.once else seeds)
        ]
    cells = [
        (name, n, seed)
        for n in sorted(set(spec.n))
        for seed in seeds
        for name in arms
        if arms[name].needs_real
    ]
    cells = [
        (name, 0, seed) for name in arms if not arms[name].needs_real for seed in seeds
    ] + cells
    banks = dict.fromkeys(
        case
        for name, n, seed in cells
        if "anchored" in arms[name].pools
        for case in chosen_cases(finetune, n, seed)
    )
    settings = settings_hash(spec, ANCHOR)
    jobs += [
        Job(f"{ANCHOR}-{case}", ANCHOR, (), {"case": case, "settings": settings}) for case in banks
    ]
    return jobs + [_training_job(spec, arms[a], a, n, seed, data, finetune) for a, n, seed in cells]


def _training_job(
    spec: ExperimentSpec,
    arm: Arm,
    name: str,
    n: int,
    seed: int,
    data: tuple[str, ...],
    finetune: Sequence[str],
) -> Job:
    cases = chosen_cases(finetune, n, seed)
    needs = list(data) if SYNTHETIC in arm.pools else []
    if arm.start in (SYNTHETIC, PRIMITIVES):
        needs.append(pretraining_job(spec, arm.start, seed))
    if "anchored" in arm.pools:
        needs += [f"{ANCHOR}-{case}" for case in cases]
    is_scratch = arm.start == RANDOM and spec.training.scratch_steps > 0
    facts = {
        "arm": name,
        "n": n,
        "seed": seed,
        "cases": cases,
        "steps": spec.training.scratch_steps if is_scratch else spec.training.steps,
        "settings": settings_hash(spec, TRAIN),
    }
    return Job(f"{name}-n{n}-s{seed}", TRAIN, tuple(needs), facts)


def count_steps(plan: Plan) -> int:
    """Return how many optimiser steps the study makes at most."""
    return sum(
        int(job.facts["steps"])
        for job in plan.jobs
        if job.kind == PRETRAIN or (job.kind == TRAIN and job.facts["n"] > 0)
    )
