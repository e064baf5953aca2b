"""Every arm against real cases alone, case by case: differences, tests, cases gained and lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from augment.segmentation.efficiency import Worth, worth_interval
from augment.segmentation.score_table import REFERENCE, Cell, Scores, paired
from augment.segmentation.statistics import (
    N_RESAMPLES,
    Interval,
    Resamples,
    draw_resamples,
    holm,
    mean_interval,
    signed_rank_p,
)
from augment.streams import stream

CASE_MARGIN = 0.01
"""A case is gained or lost where its Dice, mean over classes and seeds, moves by more than this."""
N_WORTH_RESAMPLES = 2000


@dataclass(frozen=True)
class Comparison:
    """One arm against real cases alone.

    Attributes:
        arm: Name of the arm.
        n: Real cases that the arm was given.
        n_real: Real cases that the reference was given: n, or any where the arm saw none.
        difference: Mean difference of the Dice, arm minus reference, with its interval.
        p: Wilcoxon's signed-rank test over cases, two-sided.
        p_holm: The same, corrected for all comparisons of the report.
        by_case: Case to its difference, mean over classes and seeds.
        by_class: Class to its difference with interval.
        n_seeds: Seeds that both arms were run with.
    """

    arm: str
    n: int
    n_real: int
    difference: Interval
    p: float
    p_holm: float
    by_case: Mapping[str, float]
    by_class: Mapping[str, Interval]
    n_seeds: int

    @property
    def gained(self) -> list[str]:
        """Cases that the arm does better by more than CASE_MARGIN, the largest gain first."""
        names = [name for name, change in self.by_case.items() if change > CASE_MARGIN]
        return sorted(names, key=lambda name: -self.by_case[name])

    @property
    def lost(self) -> list[str]:
        """Cases that the arm does worse by more than CASE_MARGIN, the largest loss first."""
        names = [name for name, change in self.by_case.items() if change < -CASE_MARGIN]
        return sorted(names, key=lambda name: self.by_case[name])


def compare_with_real(scores: Scores) -> list[Comparison]:
    """Compare every arm with real cases alone at every number of real cases.

    Args:
        scores: All scores.

    Returns:
        One comparison an arm and n. An arm that saw no real case is compared at every n of the
        reference. Their p values are corrected together.
    """
    counts = scores.counts
    pairs = [
        (arm, n, n_real)
        for arm, own in counts.items()
        if arm != REFERENCE
        for n in own
        for n_real in (counts[REFERENCE] if n == 0 else (n,))
        if n_real in counts[REFERENCE]
    ]
    found = [_compare(scores, arm, n, n_real) for arm, n, n_real in pairs]
    corrected = holm([item.p for item in found])
    return [
        Comparison(**{**vars(item), "p_holm": p}) for item, p in zip(found, corrected, strict=True)
    ]


def _compare(scores: Scores, arm: str, n: int, n_real: int) -> Comparison:
    difference = _difference(scores, arm, n, n_real, None)
    n_cases, n_seeds = difference.values.shape
    resamples = _resamples(n_cases, n_seeds, N_RESAMPLES)
    by_case = difference.values.mean(axis=1)
    return Comparison(
        arm,
        n,
        n_real,
        mean_interval(difference.values, resamples),
        signed_rank_p(by_case),
        1.0,
        {name: float(change) for name, change in zip(difference.cases, by_case, strict=True)},
        {
            label: mean_interval(_difference(scores, arm, n, n_real, label).values, resamples)
            for label in scores.labels
        },
        n_seeds,
    )


@lru_cache(maxsize=8)
def _resamples(n_cases: int, n_seeds: int, n_resamples: int) -> Resamples:
    return draw_resamples(stream(0, 0, "bootstrap"), n_cases, n_seeds, n_resamples)


def _difference(scores: Scores, arm: str, n: int, n_real: int, label: str | None) -> Cell:
    ours, reference = paired(scores.cell(arm, n, label), scores.cell(REFERENCE, n_real, label))
    return Cell(ours.values - reference.values, ours.cases, ours.seeds)


def mean_table(scores: Scores, label: str | None = None) -> pd.DataFrame:
    """Return mean scores of every arm and n.

    Args:
        scores: All scores.
        label: Class, or None for the mean over classes.

    Returns:
        Columns arm, n, n_cases, n_seeds, dice, low, high (95 % interval of the Dice), hd95_mm,
        surface_dice, seed_sd (standard deviation of the mean Dice over seeds, NaN for one seed).
    """
    rows = []
    for arm, own in scores.counts.items():
        for n in own:
            dice = scores.cell(arm, n, label)
            n_cases, n_seeds = dice.values.shape
            resamples = _resamples(n_cases, n_seeds, N_RESAMPLES)
            interval = mean_interval(dice.values, resamples)
            by_seed = dice.values.mean(axis=0)
            rows.append(
                {
                    "arm": arm,
                    "n": n,
                    "n_cases": n_cases,
                    "n_seeds": n_seeds,
                    "dice": interval.value,
                    "low": interval.low,
                    "high": interval.high,
                    "hd95_mm": float(scores.cell(arm, n, label, "hd95_mm").values.mean()),
                    "surface_dice": float(scores.cell(arm, n, label, "surface_dice").values.mean()),
                    "seed_sd": float(by_seed.std(ddof=1)) if n_seeds > 1 else float("nan"),
                }
            )
    return pd.DataFrame(rows)


def worth_table(scores: Scores) -> dict[tuple[str, int], Worth]:
    """Return how many real cases each arm is worth at each n.

    Args:
        scores: All scores.

    Returns:
        (arm, n) to its worth; empty if the reference was run at fewer than two n.
    """
    counts = scores.counts
    curve = np.array([n for n in counts[REFERENCE] if n > 0])
    if len(curve) < 2:
        return {}
    worth = {}
    for arm, own in counts.items():
        if arm == REFERENCE:
            continue
        for n in own:
            ours = scores.cell(arm, n, None)
            real = []
            for count in curve:
                ours, reference = paired(ours, scores.cell(REFERENCE, int(count), None))
                real.append(reference)
            values = np.stack([paired(reference, ours)[0].values for reference in real])
            n_cases, n_seeds = ours.values.shape
            resamples = _resamples(n_cases, n_seeds, N_WORTH_RESAMPLES)
            worth[arm, n] = worth_interval(curve, values, ours.values, resamples)
    return worth
