"""Paired statistics of few cases and fewer seeds.

Cases and seeds are crossed: every seed scores every case. Both are resampled, independently (the
pigeonhole bootstrap: Owen, Annals of Applied Statistics 1 (2007) 386), so that an interval covers
other patients and other draws of the training. Two arms are resampled together: pairs stay pairs.
Percentiles are taken a little further out, as Student's t does for that number of cases
(Hesterberg, The American Statistician 69 (2015) 371, "expanded percentile interval").
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64
from scipy import stats

LEVEL = 0.95
N_RESAMPLES = 10_000


@dataclass(frozen=True)
class Interval:
    """An estimate with its interval.

    Attributes:
        value: Mean over cases and seeds.
        low: Lower end of the 95 % interval.
        high: Upper end.
    """

    value: float
    low: float
    high: float

    @property
    def direction(self) -> int:
        """1 if the whole interval lies above 0, -1 if below, 0 if 0 is in it."""
        return int(self.low > 0) - int(self.high < 0)


@dataclass(frozen=True)
class Resamples:
    """Weights of cases and seeds, one row a resample; each row sums to 1.

    Attributes:
        of_cases: How much each case counts.
        of_seeds: How much each seed counts.
    """

    of_cases: Float64[np.ndarray, "resamples cases"]
    of_seeds: Float64[np.ndarray, "resamples seeds"]

    def means(self, values: Float[np.ndarray, "cases seeds"]) -> Float64[np.ndarray, " resamples"]:
        """Return the mean of the values under each resample."""
        return np.einsum("rs,rs->r", self.of_cases @ values.astype(np.float64), self.of_seeds)


def draw_resamples(
    rng: np.random.Generator, n_cases: int, n_seeds: int, n_resamples: int = N_RESAMPLES
) -> Resamples:
    """Draw cases and seeds with replacement, independently of each other.

    Args:
        rng: Where they are drawn.
        n_cases: Number of cases, 1 or more.
        n_seeds: Number of seeds, 1 or more.
        n_resamples: Number of resamples.

    Returns:
        Their weights.
    """

    def weights(count: int) -> Float64[np.ndarray, "resamples count"]:
        drawn = rng.multinomial(count, np.full(count, 1 / count), size=n_resamples)
        return np.asarray(drawn / count, dtype=np.float64)

    return Resamples(weights(n_cases), weights(n_seeds))


def mean_interval(values: Float[np.ndarray, "cases seeds"], resamples: Resamples) -> Interval:
    """Return the mean over cases and seeds with its interval.

    Args:
        values: Scores, or differences of two arms case by case and seed by seed.
        resamples: Draws for that number of cases and seeds.

    Returns:
        The mean and its 95 % interval. With one case or one set of equal values it has no width.
    """
    low, high = np.quantile(resamples.means(values), expanded_levels(len(values)))
    return Interval(float(values.mean()), float(low), float(high))


def expanded_levels(n_cases: int) -> tuple[float, float]:
    """Return the quantiles that a 95 % interval of this many cases takes.

    Φ(∓ sqrt(n / (n - 1)) t), with t the 97.5 % quantile of Student's t with n - 1 degrees of
    freedom; 2.5 % and 97.5 % for many cases.
    """
    if n_cases < 2:
        return (1 - LEVEL) / 2, (1 + LEVEL) / 2
    t = stats.t.ppf((1 + LEVEL) / 2, n_cases - 1)
    low = float(stats.norm.cdf(-np.sqrt(n_cases / (n_cases - 1)) * t))
    return low, 1 - low


def signed_rank_p(differences: Float[np.ndarray, " cases"]) -> float:
    """Return the two-sided p of Wilcoxon's signed-rank test over cases.

    Args:
        differences: One paired difference a case, seeds averaged.

    Returns:
        p, exact for up to 50 cases without ties; 1 where all differences are 0.
    """
    moved = differences[differences != 0]
    if moved.size == 0:
        return 1.0
    has_ties = len(np.unique(np.abs(moved))) < len(moved)
    method = "exact" if len(moved) <= 50 and not has_ties else "approx"
    return float(stats.wilcoxon(moved, method=method).pvalue)


def smallest_p(n_cases: int) -> float:
    """Return the smallest p that the signed-rank test can reach: every case changed one way."""
    return float(min(1.0, 2.0 ** (1 - n_cases)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p values for being many (Holm, Scandinavian Journal of Statistics 6 (1979) 65).

    Args:
        p_values: One for each comparison.

    Returns:
        Corrected values in the same order: the k-th smallest of m times (m - k + 1), never below
        the one before, at most 1.
    """
    order = np.argsort(np.asarray(p_values, dtype=np.float64), kind="stable")
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, position in enumerate(order):
        largest = max(largest, min(1.0, p_values[position] * (len(p_values) - rank)))
        corrected[int(position)] = largest
    return corrected
