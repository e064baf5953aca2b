"""Label efficiency: how many real labelled cases a result is worth.

The learning curve of real cases alone is made non-decreasing (least squares, pool adjacent
violators) and read backwards, linear in log n between the counts that were run. Beyond its
ends nothing is extrapolated: a result below the curve is worth fewer cases than its first count,
one above it more than its last.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int
from scipy.optimize import isotonic_regression

from augment.segmentation.statistics import Resamples, expanded_levels

FEWER, MORE = 0.0, float("inf")
"""Worth below the first count of the curve, and above its last."""


@dataclass(frozen=True)
class Worth:
    """How many real cases a result is worth.

    Attributes:
        cases: Estimate; FEWER or MORE beyond the curve.
        low: Lower end of the 95 % interval, of the same kind.
        high: Upper end.
        first: Smallest count of the curve.
        last: Largest count of the curve.
    """

    cases: float
    low: float
    high: float
    first: int
    last: int

    def __str__(self) -> str:
        """Say it in words: `4.2 (95 % 2.8 to more than 12)`."""
        low, high = self._words(self.low), self._words(self.high)
        if low == high == self._words(self.cases):
            return low
        return f"{self._words(self.cases)} (95 % {low} to {high})"

    def _words(self, cases: float) -> str:
        if cases == FEWER:
            return f"fewer than {self.first}"
        return f"more than {self.last}" if cases == MORE else f"{cases:.1f}"


def cases_worth(
    counts: Int[np.ndarray, " counts"], curve: Float[np.ndarray, " counts"], score: float
) -> float:
    """Return the number of real cases at which the curve reaches a score.

    Args:
        counts: Numbers of real cases, ascending, 1 or more.
        curve: Mean score at each.
        score: Score to reach.

    Returns:
        That number, FEWER if the curve starts above the score, MORE if it never reaches it.
    """
    rising = isotonic_regression(curve).x
    position = int(np.searchsorted(rising, score, side="left"))
    if position == len(counts):
        return MORE
    if position == 0:
        return float(counts[0]) if rising[0] == score else FEWER
    share = (score - rising[position - 1]) / (rising[position] - rising[position - 1])
    ends = np.log(counts[position - 1 : position + 1])
    return float(np.exp(ends[0] + share * (ends[1] - ends[0])))


def worth_interval(
    counts: Int[np.ndarray, " counts"],
    real: Float64[np.ndarray, "counts cases seeds"],
    arm: Float64[np.ndarray, "cases seeds"],
    resamples: Resamples,
) -> Worth:
    """Return how many real cases an arm is worth, with its interval.

    Args:
        counts: Numbers of real cases of the curve, ascending.
        real: Scores of real cases alone at each.
        arm: Scores of the arm, for the same cases and seeds.
        resamples: Draws; curve and arm are resampled together.

    Returns:
        Estimate and 95 % interval. Ends are order statistics, so that FEWER and MORE can be ends.
    """
    curves = np.stack([resamples.means(values) for values in real], axis=1)
    scores = resamples.means(arm)
    drawn = np.sort([cases_worth(counts, c, float(s)) for c, s in zip(curves, scores, strict=True)])
    low, high = (
        float(drawn[round(level * (len(drawn) - 1))]) for level in expanded_levels(arm.shape[0])
    )
    value = cases_worth(counts, real.mean(axis=(1, 2)), float(arm.mean()))
    return Worth(value, low, high, int(counts[0]), int(counts[-1]))
