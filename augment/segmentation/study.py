"""Running a study: its jobs by as many processes or Ray workers as are asked for, then its tables.

In: a checked recipe. Out, in its folder: `experiment.json`, `runs/ID/` (job, log, weights, scores),
`predictions/ARM_N_SEED/CASE.npz`, `metrics.csv`.
"""

import csv
import json
import os
import platform
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from multiprocessing import get_context, parent_process
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from time import perf_counter
from typing import Any

import torch

from augment.engine.local import leave_with
from augment.operations.threads import single_threaded_children
from augment.recipe.experiment import MADE_UP, ExperimentSpec
from augment.segmentation.arms import Arm, read_arm
from augment.segmentation.jobs import Job, Queue, write_text
from augment.segmentation.made_up import with_cases
from augment.segmentation.overlays import RealCase
from augment.segmentation.plan import Plan, count_steps, plan_study
from augment.segmentation.report import write_report
from augment.segmentation.score_table import REFERENCE, SELECTED
from augment.segmentation.scores import SCORE_COLUMNS, table_text
from augment.segmentation.study_jobs import TRAIN, choosable, n_steps, settings_hash
from augment.segmentation.tasks import read_case
from augment.segmentation.work import Workshop

VERSIONED = ("facies", "monai", "numpy", "scipy", "torch")
MEASURED_STEPS = 3
BONE_WINDOW_HU = (-250.0, 1200.0)
"""Values that overlays of CT show black and white."""


def run_study(spec: ExperimentSpec, on_job: Callable[[str], None] = lambda line: None) -> Path:
    """Run a study, or what is missing of it.

    Args:
        spec: A checked recipe.
        on_job: Called with one line for each job that this process or a Ray worker finished.

    Returns:
        Its folder; a shard leaves table and report to the command without `shard`.

    Raises:
        FaciesError: If the recipe, a case or the folder cannot be used.
    """
    out = Path(spec.out)
    spec = with_cases(spec, out / MADE_UP)
    plan = plan_study(spec)
    out.mkdir(parents=True, exist_ok=True)
    queue = _open_queue(plan)
    write_text(out / "experiment.json", json.dumps(_facts(plan), indent=1) + "\n")
    if spec.engine == "ray":
        _work_on_ray(spec, len(queue.jobs), on_job)
    else:
        _work_in_processes(plan, queue, on_job)
    if spec.shard is None:
        _collect(plan, queue, out)
        if REFERENCE in spec.arms:
            write_report(out, partial(_real_case, plan))
    return out


def _work_in_processes(plan: Plan, queue: Queue, on_job: Callable[[str], None]) -> None:
    """Do all jobs in this process and in others that it starts."""
    spec, helpers = plan.spec, []
    if spec.workers > 1:
        context = get_context("spawn")
        with single_threaded_children():
            helpers = [context.Process(target=_work, args=(spec,)) for _ in range(spec.workers - 1)]
            for helper in helpers:
                helper.start()
    queue.work(_runner(plan, queue, on_job))
    for helper in helpers:
        helper.join()


def _work_on_ray(spec: ExperimentSpec, n_jobs: int, on_job: Callable[[str], None]) -> None:
    """Do all jobs on a Ray cluster; a task takes the next job of the queue that can be done."""
    from augment.engine.ray_cluster import Cluster, run_on_ray

    on_gpu = spec.device.startswith("cuda")
    cluster = Cluster(spec.ray_address, spec.workers, spec.threads, on_gpu)
    for lines in run_on_ray(_take_one, spec, range(n_jobs), cluster):
        for line in lines:
            on_job(line)


# What a Ray worker keeps between jobs; empty in every other process.
_WORKER: dict[str, Any] = {}


def _take_one(spec: ExperimentSpec, number: int) -> list[str]:
    """Do one job in a Ray worker; returns the lines about it, none where all are finished."""
    if _WORKER.get("spec") != spec:
        plan, lines = plan_study(spec), list[str]()
        queue = _open_queue(plan)
        run = _runner(plan, queue, lines.append)
        _WORKER.update(spec=spec, lines=lines, queue=queue, run=run)
    _WORKER["lines"].clear()
    _WORKER["queue"].work(_WORKER["run"], most=1)
    return list(_WORKER["lines"])


def _real_case(plan: Plan, name: str) -> RealCase:
    case = read_case(plan.task, Path(plan.spec.data), name)
    names = {number: name for number, name in plan.task.scored.items() if number}
    window = BONE_WINDOW_HU if plan.spec.input.intensity == "ct" else None
    return RealCase(case.image, case.label, case.spacing, names, window)


def describe_plan(spec: ExperimentSpec) -> list[str]:
    """Return what a study would do, as lines: cases, jobs, steps, and the time they would take.

    The time is that of a few steps on this machine, now; nothing is written.
    """
    with TemporaryDirectory() as folder:
        return _described(with_cases(spec, Path(folder)))


def _described(spec: ExperimentSpec) -> list[str]:
    plan = plan_study(spec)
    kinds: dict[str, int] = {}
    for job in plan.jobs:
        kinds[job.kind] = kinds.get(job.kind, 0) + 1
    seconds = Workshop(plan, Path(spec.out)).seconds_per_step(MEASURED_STEPS)
    steps = count_steps(plan)
    cells = f"{len(spec.arms)} arms, n in {list(spec.n)}, {spec.seeds} seeds"
    return [
        f"{plan.task.name}: {len(plan.finetune)} cases to fine-tune on, {len(plan.validation)} to"
        f" score ({plan.split_source})",
        cells,
        "jobs: " + ", ".join(f"{count} {kind}" for kind, count in kinds.items()),
        *(f"  {job.id}" for job in plan.jobs),
        f"{steps} optimiser steps of {seconds:.2f} s (measured here, now) are about"
        f" {steps * seconds / 60:.0f} minutes for one process, {spec.workers} asked for; making"
        " data and scoring come on top",
    ]


def _work(spec: ExperimentSpec) -> None:
    """Take jobs in a process of its own, as long as the one that started it lives."""
    parent = parent_process()
    if parent is not None:
        Thread(target=leave_with, args=(parent.sentinel,), daemon=True).start()
    plan = plan_study(spec)
    queue = _open_queue(plan)
    queue.work(_runner(plan, queue, lambda line: None))


def _open_queue(plan: Plan) -> Queue:
    return Queue(Path(plan.spec.out) / "runs", plan.jobs)


def _runner(
    plan: Plan, queue: Queue, on_job: Callable[[str], None]
) -> Callable[[Job], Mapping[str, Any]]:
    """Return what does a job; it keeps what several jobs share."""
    workshop = Workshop(plan, Path(plan.spec.out))

    def run(job: Job) -> Mapping[str, Any]:
        torch.set_num_threads(plan.spec.threads)
        start = perf_counter()
        facts = workshop.run(job, queue.path(job), partial(queue.touch, job))
        on_job(f"{job.id}  {perf_counter() - start:.0f} s{_summary(facts)}")
        return facts

    return run


def _summary(facts: Mapping[str, Any]) -> str:
    return f"  mean Dice {facts['dice']:.3f}" if "dice" in facts else ""


def _facts(plan: Plan) -> dict[str, Any]:
    return {
        "recipe": plan.spec.values(),
        "task": plan.task.name,
        "labels": {str(number): name for number, name in plan.task.scored.items()},
        "finetune": list(plan.finetune),
        "validation": list(plan.validation),
        "split_source": plan.split_source,
        "unit_of_distance": "mm" if plan.task.dimensions == 3 else "pixel",
        "versions": {name: version(name) for name in VERSIONED},
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "device": plan.spec.device,
            "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        },
    }


def _steps(plan: Plan, arm: str) -> int:
    """Return how many steps a run of an arm makes by this recipe."""
    if arm == SELECTED:
        return max(n_steps(plan.spec, each) for each in (Arm(), *choosable(plan.spec)))
    return n_steps(plan.spec, read_arm(arm))


def _collect(plan: Plan, queue: Queue, out: Path) -> None:
    """Gather the scores of all finished runs of the folder into one table.

    Runs that an earlier command made with other arms or numbers of cases count too, as long as
    everything else of their recipe is the same.
    """
    rows = list[dict[str, str]]()
    for folder in sorted(path.parent for path in queue.folder.glob("*/metrics.csv")):
        facts = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        arm = None if facts["arm"] == SELECTED else read_arm(facts["arm"])
        settings = settings_hash(plan.spec, TRAIN, arm)
        is_alike = facts["settings"] == settings and facts["steps"] == _steps(plan, facts["arm"])
        if queue.is_done(folder.name) and is_alike:
            with (folder / "metrics.csv").open(encoding="utf-8", newline="") as stream:
                rows += csv.DictReader(stream)
    write_text(out / "metrics.csv", table_text(SCORE_COLUMNS, rows))
