"""The mix selector: which arm, and which share of synthetic data, for these n real cases.

It decides by cross-validation on the n cases alone and is wary: real cases alone are kept unless
a candidate's gain exceeds its own uncertainty. The bound is that of Student's t over cases (seeds
averaged), one-sided, at CONFIDENCE; among candidates above zero the one with the highest bound is
taken, for a bound prefers what is sure over what is large.

Folds train on fewer cases than n, where synthetic data helps more: the estimate is a little
high. With up to MOST_FOLDS cases one case is held out at a time, which keeps this small.

Below MIN_CASES nothing can be cross-validated: `real` would have seen a held-out patch or an
augmented view of the only case in training, the others not. The choice then rests on prior
evidence: the comparisons of earlier reports (`tables/comparisons.csv`) at the same n or the nearest
larger one, for gains shrink with n. A candidate must have a clear gain in every task that tried it.
Without such evidence real cases alone are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from augment.errors import RecipeError
from augment.segmentation.score_table import REFERENCE
from augment.streams import stream

MIN_CASES = 3
MOST_FOLDS = 6
CONFIDENCE = 0.9
"""In simulated worlds (tests/segmentation/test_selector.py) it keeps a loss of more than half a
point below one choice in twenty; 0.7 and 0.8 gain a little more and lose twice as often."""
RATIO_TOLERANCE = 1e-6  # a table read from a file keeps fewer digits
CROSS_VALIDATION, PRIOR, NONE = "cross-validation", "prior", "none"


@dataclass(frozen=True, order=True)
class Candidate:
    """One way to train.

    Attributes:
        arm: Name of the arm.
        ratio: Share of synthetic data in a batch, 0 to 1; 0 where the arm mixes none.
    """

    arm: str
    ratio: float = 0.0


REAL = Candidate(REFERENCE)


@dataclass(frozen=True)
class FoldRun:
    """One training of the cross-validation.

    Attributes:
        candidate: How to train.
        fold: Number of the fold.
        seed: Seed of the training.
        train: Cases to train on.
        held_out: Cases to score.
    """

    candidate: Candidate
    fold: int
    seed: int
    train: tuple[str, ...]
    held_out: tuple[str, ...]


@dataclass(frozen=True)
class Choice:
    """What the selector chose.

    Attributes:
        candidate: How to train.
        evidence: `cross-validation`, `prior` or `none`.
        gain: Estimated gain in Dice over real cases alone, 0 where they are kept.
        bound: Lower bound of that gain; of the best candidate where real cases are kept.
        reason: The choice in a sentence.
    """

    candidate: Candidate
    evidence: str
    gain: float
    bound: float
    reason: str


def plan_cross_validation(
    cases: Sequence[str], candidates: Sequence[Candidate], seeds: Sequence[int]
) -> list[FoldRun]:
    """List the trainings that the choice needs.

    Args:
        cases: Names of the n real cases.
        candidates: Ways to train; real cases alone are added.
        seeds: Seeds of the trainings.

    Returns:
        One run a candidate, fold and seed, every case held out once; none below MIN_CASES.

    Raises:
        RecipeError: If a case stands twice.
    """
    if len(set(cases)) < len(cases):
        raise RecipeError(f"cross-validation expects each case once, got {list(cases)!r}")
    if len(cases) < MIN_CASES:
        return []
    order = stream(0, 0, "folds").permutation(len(cases))
    held_out = [
        tuple(cases[int(position)] for position in part)
        for part in np.array_split(order, min(len(cases), MOST_FOLDS))
    ]
    return [
        FoldRun(candidate, fold, seed, tuple(c for c in cases if c not in out), out)
        for candidate in dict.fromkeys((REAL, *candidates))
        for fold, out in enumerate(held_out)
        for seed in seeds
    ]


def choose_arm(
    scores: pd.DataFrame,
    n: int,
    candidates: Sequence[Candidate],
    prior: pd.DataFrame | None = None,
) -> Choice:
    """Choose how to train on n real cases.

    Args:
        scores: Cross-validation: columns arm, ratio, case, seed, dice, where dice is the mean over
            classes of a held-out case. It may be empty below MIN_CASES.
        n: Number of real cases.
        candidates: What may be chosen beside real cases alone.
        prior: Comparisons of earlier reports: columns task, arm, n, label, difference, low; rows
            whose label is `mean` count. Only asked below MIN_CASES.

    Returns:
        The choice: real cases alone unless the evidence is clear.

    Raises:
        RecipeError: If a candidate was not scored on the same cases and seeds as real cases alone.
    """
    others = [candidate for candidate in dict.fromkeys(candidates) if candidate != REAL]
    if n < MIN_CASES:
        return _choose_by_prior(prior, n, others)
    found = [(*gain_bound(scores, candidate, n), candidate) for candidate in others]
    if not found:
        return Choice(REAL, NONE, 0.0, 0.0, "There is nothing to choose but real cases alone.")
    bound, gain, best = max(found, key=lambda item: (item[0], item[1]))
    told = f"{_name(best)} gains {gain:+.3f} Dice on {n} held-out cases, at least {bound:+.3f}"
    if bound > 0:
        reason = f"{told} with {CONFIDENCE:.0%} confidence."
        return Choice(best, CROSS_VALIDATION, gain, bound, reason)
    reason = f"Real cases alone: the best other, {told}, and that is not above zero."
    return Choice(REAL, CROSS_VALIDATION, 0.0, bound, reason)


def gain_bound(scores: pd.DataFrame, candidate: Candidate, n: int) -> tuple[float, float]:
    """Return the lower bound of a candidate's gain over real cases alone, and its mean.

    Args:
        scores: Cross-validation, as `choose_arm` takes it.
        candidate: Candidate other than real cases alone.
        n: Number of real cases.

    Raises:
        RecipeError: If both were not scored on the same n cases with the same seeds.
    """
    columns = (scores[name].tolist() for name in ("arm", "ratio", "case", "seed", "dice"))
    ours: dict[tuple[str, int], list[float]] = {}
    real: dict[tuple[str, int], list[float]] = {}
    for arm, ratio, case, seed, dice in zip(*columns, strict=True):
        for item, found in ((candidate, ours), (REAL, real)):
            if arm == item.arm and abs(ratio - item.ratio) < RATIO_TOLERANCE:
                found.setdefault((str(case), int(seed)), []).append(dice)
    by_case: dict[str, list[float]] = {}
    for key in sorted(ours.keys() & real.keys()):
        by_case.setdefault(key[0], []).append(ours[key][0] - real[key][0])
    is_once = all(len(values) == 1 for values in (*ours.values(), *real.values()))
    if ours.keys() != real.keys() or len(by_case) != n or not is_once:
        raise RecipeError(
            f"cross-validation expects {_name(candidate)} and real cases alone on the same {n}"
            f" cases and seeds, got {len(ours)} and {len(real)} scores with {len(by_case)} cases in"
            " common; finish its runs"
        )
    change = np.array([np.mean(values) for values in by_case.values()])
    error = float(change.std(ddof=1)) / np.sqrt(n)
    return float(change.mean() - stats.t.ppf(CONFIDENCE, n - 1) * error), float(change.mean())


def _choose_by_prior(prior: pd.DataFrame | None, n: int, candidates: Sequence[Candidate]) -> Choice:
    """Choose what had a clear gain in every earlier task, by its smallest lower end."""
    found = []
    rows = None if prior is None else prior[(prior["label"] == "mean") & (prior["n"] >= n)]
    for candidate in candidates:
        if rows is None:
            break
        own = rows[rows["arm"] == candidate.arm]
        nearest = own[own["n"] == own.groupby("task")["n"].transform("min")]
        if len(nearest) and (nearest["low"] > 0).all():
            low, mean = float(nearest["low"].min()), float(nearest["difference"].mean())
            found.append((low, mean, candidate, int(nearest["task"].nunique())))
    if not found:
        reason = (
            f"Real cases alone: holding one out needs {MIN_CASES} cases, there are {n}, and no"
            " earlier report shows a clear gain."
        )
        return Choice(REAL, NONE, 0.0, 0.0, reason)
    low, mean, best, n_tasks = max(found, key=lambda item: (item[0], item[1]))
    reason = (
        f"{_name(best)}: holding one out needs {MIN_CASES} cases, there are {n}; in {n_tasks}"
        f" earlier task(s) it gained {mean:+.3f} Dice, at least {low:+.3f}."
    )
    return Choice(best, PRIOR, mean, low, reason)


def _name(candidate: Candidate) -> str:
    return candidate.arm + (f" at a share of {candidate.ratio:g}" if candidate.ratio else "")
