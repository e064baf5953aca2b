"""The plan of a study: its cases and its jobs, with every mistake found before any work."""

from dataclasses import dataclass
from pathlib import Path

from augment.errors import AssetError, RecipeError
from augment.recipe.experiment import ExperimentSpec
from augment.segmentation.arms import Arm, read_arm
from augment.segmentation.jobs import Job
from augment.segmentation.networks import side_divisor, smallest_side
from augment.segmentation.score_table import SELECTED
from augment.segmentation.study_jobs import FOLD, PRETRAIN, TRAIN, list_jobs, own_jobs
from augment.segmentation.tasks import Task, case_mistakes, find_cases, read_splits, read_task


@dataclass(frozen=True)
class Plan:
    """A checked study.

    Attributes:
        spec: Its recipe.
        task: The data set.
        finetune: Cases that training may use, in `train_data`.
        validation: Cases that are scored, in `data`.
        split_source: Where the split stands.
        jobs: All work, or that of the shard, in an order in which it can be done.
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
    arms = _arms(spec.arms, mistakes)
    choices = _arms(spec.selection.candidates, mistakes) if SELECTED in spec.arms else {}
    mistakes += [
        f"selection.candidates expects arms that train on real cases, got {name!r}"
        for name, arm in choices.items()
        if not arm.needs_real
    ]
    task = read_task(spec.dataset)
    mistakes += _shape_mistakes(spec, task)
    needs_real = bool(choices) or any(arm.needs_real for arm in arms.values())
    finetune, validation, source = _cases(spec, task, needs_real)
    most = max(spec.n)
    if needs_real and most > len(finetune):
        mistakes.append(
            f"n expects at most the {len(finetune)} cases to fine-tune on ({source}), got {most}"
        )
    if spec.synthetic and not Path(spec.synthetic).is_dir():
        mistakes.append(f"synthetic expects a folder of synthetic data, got '{spec.synthetic}'")
    folder = Path(spec.train_data or spec.data)
    if needs_real:
        mistakes += case_mistakes(task, folder, finetune)
    mistakes += case_mistakes(task, Path(spec.data), validation)
    if mistakes:
        raise AssetError("; ".join(mistakes))
    jobs = own_jobs(list_jobs(spec, arms, finetune), spec.shard)
    return Plan(spec, task, finetune, validation, source, jobs)


def _arms(names: tuple[str, ...], mistakes: list[str]) -> dict[str, Arm]:
    """Return arms by name, `selected` left out: it has no way of its own to train."""
    arms = {}
    for name in names:
        if name == SELECTED:
            continue
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
    spec: ExperimentSpec, task: Task, needs_real: bool
) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Return the cases to train on, those to score, and where the split stands."""
    folder = Path(spec.data)
    is_apart = spec.train_data is not None and Path(spec.train_data).resolve() != folder.resolve()
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


def count_steps(plan: Plan) -> int:
    """Return how many optimiser steps the study makes at most."""
    return sum(
        int(job.facts["steps"])
        for job in plan.jobs
        if job.kind in (PRETRAIN, FOLD) or (job.kind == TRAIN and job.facts["n"] > 0)
    )
