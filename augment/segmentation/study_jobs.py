"""The jobs of a study: which there are, what each needs, and what makes one another job.

In: a checked recipe and its cases. Out: jobs in an order in which they can be done.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from augment.recipe.experiment import ExperimentSpec
from augment.recipe.sharing import own_part
from augment.segmentation.arms import RANDOM, SYNTHETIC, Arm, read_arm
from augment.segmentation.jobs import Job
from augment.segmentation.score_table import SELECTED
from augment.segmentation.selector import Candidate, FoldRun, plan_cross_validation
from augment.streams import stream

DATA_JOB = "synthetic-data"
MAKE_DATA, PRETRAIN, ANCHOR, TRAIN = "make_data", "pretrain", "anchor", "train"
FOLD, SELECT = "fold", "select"

SHARED_KEYS = ("dataset", "data", "train_data", "validation", "synthetic", "input", "network",
               "augmentation")  # fmt: skip
KEYS_OF_KIND = {
    MAKE_DATA: (),
    ANCHOR: ("anchored",),
    PRETRAIN: ("training", "pretraining"),
    TRAIN: ("training", "pretraining", "finetuning", "anchored"),
    FOLD: ("training", "pretraining", "finetuning", "anchored"),
    SELECT: ("training", "pretraining", "finetuning", "anchored", "selection"),
}
"""Keys of the recipe that decide the result of a job."""
ONLY_INFERENCE = ("window", "overlap", "mirror_mean")
ONLY_FINETUNING = ("steps", "scratch_steps", "validation_share", "check_every", "patience")


def chosen_cases(finetune: Sequence[str], n: int, seed: int) -> list[str]:
    """Return the n cases that a seed trains on; more cases include the fewer."""
    order = stream(seed, 0, "cases").permutation(len(finetune))
    return [finetune[int(number)] for number in order[:n]]


def settings_hash(spec: ExperimentSpec, kind: str, arm: Arm | None = None) -> str:
    """Return a short hash of what decides the result of a job, beside its own facts.

    Args:
        spec: Recipe of the study.
        kind: Kind of the job.
        arm: The arm it trains: one that uses no synthetic data stays done when that changes. None
            for jobs that may use everything.
    """
    values = spec.values()
    chosen = {key: values[key] for key in (*SHARED_KEYS, *KEYS_OF_KIND[kind])}
    if arm is not None and arm.start == RANDOM and SYNTHETIC not in arm.pools:
        del chosen["synthetic"], chosen["pretraining"]
        chosen["finetuning"] = chosen["finetuning"]["anchored"] if "anchored" in arm.pools else None
    if kind == MAKE_DATA:
        chosen = {key: values["pretraining"][key] for key in ("recipe", "samples", "seed")}
    # Steps stand among a training's own facts.
    own = {PRETRAIN: ONLY_FINETUNING, TRAIN: ONLY_FINETUNING[:2], FOLD: ONLY_FINETUNING[:2]}
    for key in own.get(kind, ()):
        chosen["training"].pop(key)
    if kind == PRETRAIN:
        chosen["input"] = {k: v for k, v in chosen["input"].items() if k not in ONLY_INFERENCE}
    values["pretraining"].pop("once")
    return sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()[:16]


def pretraining_job(spec: ExperimentSpec, start: str, seed: int) -> str:
    """Return the job whose weights a seed starts from."""
    return f"{PRETRAIN}-{start}-s{spec.first_seed if spec.pretraining.once else seed}"


def candidates(spec: ExperimentSpec) -> list[Candidate]:
    """Return what the selector may choose beside real cases alone."""
    chosen = []
    for name in spec.selection.candidates:
        mixes = SYNTHETIC in read_arm(name).pools
        ratios = (spec.selection.ratios or (spec.finetuning.mix,)) if mixes else (0.0,)
        chosen += [Candidate(name, ratio) for ratio in ratios]
    return chosen


def choosable(spec: ExperimentSpec) -> list[Arm]:
    """Return the arms of what the selector may choose beside real cases alone."""
    return [read_arm(candidate.arm) for candidate in candidates(spec)]


@dataclass(frozen=True)
class _Cell:
    """An arm at one n with one seed, and the cases that it trains on."""

    name: str
    arm: Arm
    n: int
    seed: int
    cases: tuple[str, ...]


def list_jobs(
    spec: ExperimentSpec, arms: Mapping[str, Arm], finetune: Sequence[str]
) -> tuple[Job, ...]:
    """Return all jobs of a study.

    Args:
        spec: Its recipe.
        arms: Arms by name, `selected` left out.
        finetune: Cases that training may use.
    """
    seeds = range(spec.first_seed, spec.first_seed + spec.seeds)
    # One pre-training for all seeds is one network where no real case follows.
    alone = seeds[:1] if spec.pretraining.once else seeds
    cells = [
        _Cell(name, arm, n, seed, tuple(chosen_cases(finetune, n, seed)))
        for n in (0, *sorted(set(spec.n)))
        for seed in (seeds if n else alone)
        for name, arm in arms.items()
        if arm.needs_real == (n > 0)
    ]
    folds = list(_folds(spec, finetune)) if SELECTED in spec.arms else []
    used = [*arms.values(), *(read_arm(run.candidate.arm) for _, run in folds)]
    if SELECTED in spec.arms:
        used += choosable(spec)
    banks = dict.fromkeys(
        case
        for arm, cases in [
            *((cell.arm, cell.cases) for cell in cells),
            *_candidate_cases(spec, finetune, seeds),
        ]
        if "anchored" in arm.pools
        for case in cases
    )
    settings = settings_hash(spec, ANCHOR)
    jobs = _preparing(spec, used, seeds)
    jobs += [
        Job(f"{ANCHOR}-{case}", ANCHOR, (), {"case": case, "settings": settings}) for case in banks
    ]
    jobs += [_training(spec, cell) for cell in cells]
    jobs += [_fold(spec, n, run) for n, run in folds]
    return tuple(jobs + _selecting(spec, finetune, seeds, folds))


def own_jobs(jobs: Sequence[Job], shard: str | None) -> tuple[Job, ...]:
    """Return the jobs of a shard: every n-th of those that no other needs, and what these need.

    What several shards need is done by the first that comes to it.
    """
    by_id = {job.id: job for job in jobs}
    needed = {need for job in jobs for need in job.needs}
    last = [job for job in jobs if job.id not in needed]
    left, own = [last[number].id for number in own_part(shard, len(last))], set[str]()
    while left:
        own.add(name := left.pop())
        left += by_id[name].needs
    return tuple(job for job in jobs if job.id in own)


def _preparing(spec: ExperimentSpec, arms: Sequence[Arm], seeds: range) -> list[Job]:
    """Return the jobs that make data and pre-train."""
    jobs: list[Job] = []
    uses_data = any(arm.start == SYNTHETIC or SYNTHETIC in arm.pools for arm in arms)
    if uses_data and spec.synthetic is None:
        jobs.append(Job(DATA_JOB, MAKE_DATA, (), {"settings": settings_hash(spec, MAKE_DATA)}))
    for start in dict.fromkeys(arm.start for arm in arms if arm.start != RANDOM):
        facts = {
            "start": start,
            "steps": spec.pretraining.steps,
            "settings": settings_hash(spec, PRETRAIN),
        }
        needs = tuple(job.id for job in jobs if job.kind == MAKE_DATA and start == SYNTHETIC)
        jobs += [
            Job(pretraining_job(spec, start, seed), PRETRAIN, needs, {**facts, "seed": seed})
            for seed in (seeds[:1] if spec.pretraining.once else seeds)
        ]
    return jobs


def _needs(spec: ExperimentSpec, arm: Arm, cases: Sequence[str], seed: int) -> list[str]:
    """Return the jobs whose results a training reads."""
    needs = [DATA_JOB] if SYNTHETIC in arm.pools and spec.synthetic is None else []
    if arm.start != RANDOM:
        needs.append(pretraining_job(spec, arm.start, seed))
    if "anchored" in arm.pools:
        needs += [f"{ANCHOR}-{case}" for case in cases]
    return needs


def n_steps(spec: ExperimentSpec, arm: Arm) -> int:
    """Return how many steps an arm trains on its cases."""
    is_scratch = arm.start == RANDOM and spec.training.scratch_steps > 0
    return spec.training.scratch_steps if is_scratch else spec.training.steps


def _training(spec: ExperimentSpec, cell: _Cell) -> Job:
    facts = {
        "arm": cell.name,
        "n": cell.n,
        "seed": cell.seed,
        "cases": list(cell.cases),
        "steps": n_steps(spec, cell.arm),
        "settings": settings_hash(spec, TRAIN, cell.arm),
    }
    needs = tuple(_needs(spec, cell.arm, cell.cases, cell.seed))
    return Job(f"{cell.name}-n{cell.n}-s{cell.seed}", TRAIN, needs, facts)


def _folds(spec: ExperimentSpec, finetune: Sequence[str]) -> Iterator[tuple[int, FoldRun]]:
    for n in sorted(set(spec.n)):
        for seed in range(spec.first_seed, spec.first_seed + spec.seeds):
            cases = chosen_cases(finetune, n, seed)
            for run in plan_cross_validation(cases, candidates(spec), [seed]):
                yield n, run


def _fold(spec: ExperimentSpec, n: int, run: FoldRun) -> Job:
    arm = read_arm(run.candidate.arm)
    facts = {
        "arm": run.candidate.arm,
        "ratio": run.candidate.ratio,
        "n": n,
        "seed": run.seed,
        "cases": list(run.train),
        "held_out": list(run.held_out),
        "steps": n_steps(spec, arm),
        "settings": settings_hash(spec, FOLD, arm),
    }
    share = f"@{run.candidate.ratio:g}" if run.candidate.ratio else ""
    name = f"{FOLD}{run.fold}-{run.candidate.arm}{share}-n{n}-s{run.seed}"
    return Job(name, FOLD, tuple(_needs(spec, arm, run.train, run.seed)), facts)


def _candidate_cases(
    spec: ExperimentSpec, finetune: Sequence[str], seeds: range
) -> list[tuple[Arm, list[str]]]:
    """Return every candidate with the cases that the chosen one would train on."""
    if SELECTED not in spec.arms:
        return []
    return [
        (read_arm(candidate.arm), chosen_cases(finetune, n, seed))
        for candidate in candidates(spec)
        for n in spec.n
        for seed in seeds
    ]


def _selecting(
    spec: ExperimentSpec, finetune: Sequence[str], seeds: range, folds: list[tuple[int, FoldRun]]
) -> list[Job]:
    """Return the jobs that choose, and those that train as was chosen."""
    if SELECTED not in spec.arms:
        return []
    jobs: list[Job] = []
    for n in sorted(set(spec.n)):
        for seed in seeds:
            cases = chosen_cases(finetune, n, seed)
            runs = tuple(_fold(spec, n, run).id for k, run in folds if (k, run.seed) == (n, seed))
            choice = Job(
                f"{SELECT}-n{n}-s{seed}",
                SELECT,
                runs,
                {"n": n, "seed": seed, "settings": settings_hash(spec, SELECT)},
            )
            arms = choosable(spec)
            needs = dict.fromkeys(need for arm in arms for need in _needs(spec, arm, cases, seed))
            facts = {
                "arm": SELECTED,
                "n": n,
                "seed": seed,
                "cases": cases,
                "steps": max(n_steps(spec, arm) for arm in (Arm(), *arms)),
                "settings": settings_hash(spec, TRAIN),
            }
            train = Job(f"{SELECTED}-n{n}-s{seed}", TRAIN, (choice.id, *needs), facts)
            jobs += [choice, train]
    return jobs
