"""Statistics by hand, by naive twins and by simulation."""

from itertools import product

import numpy as np
import pytest

from augment.segmentation.efficiency import FEWER, MORE, Worth, cases_worth, worth_interval
from augment.segmentation.statistics import (
    Interval,
    draw_resamples,
    expanded_levels,
    holm,
    mean_interval,
    signed_rank_p,
    smallest_p,
)
from augment.streams import stream


def test_holm_by_hand():
    # Sorted 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1: 0.04, 0.06, 0.06, then 0.04 raised to 0.06.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.9, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


def test_holm_keeps_the_family_wise_error():
    """With every null hypothesis true, at most one study in twenty finds anything."""
    rng = stream(0, 0, "holm")
    false = sum(min(holm(list(rng.random(6)))) < 0.05 for _ in range(2000)) / 2000
    assert 0.035 < false < 0.065


def naive_signed_rank(differences):
    """p by trying every combination of signs."""
    ranks = np.argsort(np.argsort(np.abs(differences))) + 1
    total = ranks.sum()
    observed = ranks[np.asarray(differences) > 0].sum()
    extreme = min(observed, total - observed)
    sums = [np.dot(signs, ranks) for signs in product((0, 1), repeat=len(ranks))]
    return min(1.0, 2 * np.mean(np.array(sums) <= extreme))


@pytest.mark.parametrize("seed", range(5))
def test_the_signed_rank_test_equals_its_naive_twin(seed):
    differences = stream(seed, 0, "differences").normal(0.3, 1.0, 8)
    assert signed_rank_p(differences) == pytest.approx(naive_signed_rank(differences))


def test_the_smallest_p_is_reached_where_all_cases_gain():
    gains = np.linspace(0.01, 0.08, 8)
    assert signed_rank_p(gains) == pytest.approx(smallest_p(8)) == pytest.approx(2 / 256)
    assert signed_rank_p(np.zeros(8)) == 1.0
    assert smallest_p(1) == 1.0


def test_resampled_means_equal_the_naive_twin():
    values = stream(1, 0, "values").normal(size=(5, 3))
    resamples = draw_resamples(stream(1, 0, "draws"), 5, 3, 50)
    for row in range(50):
        counts = np.outer(resamples.of_cases[row], resamples.of_seeds[row])
        assert counts.sum() == pytest.approx(1.0)
        assert resamples.means(values)[row] == pytest.approx((counts * values).sum())


@pytest.mark.parametrize(("n_cases", "n_seeds"), [(8, 3), (18, 3)])
def test_intervals_cover_the_truth(n_cases, n_seeds):
    """Of studies with known gain, about 95 % of the intervals hold it: never far fewer."""
    gain, covered, n_studies = 0.03, 0, 400
    rng = stream(2, n_cases, "studies")
    resamples = draw_resamples(rng, n_cases, n_seeds, 1000)
    for _ in range(n_studies):
        of_case = rng.normal(0, 0.04, (n_cases, 1))
        of_seed = rng.normal(0, 0.004, (1, n_seeds))
        values = gain + of_case + of_seed + rng.normal(0, 0.01, (n_cases, n_seeds))
        interval = mean_interval(values, resamples)
        covered += interval.low <= gain <= interval.high
    assert 0.92 <= covered / n_studies <= 0.985


def test_expanded_levels_are_those_of_students_t():
    # n = 8: t(0.975, 7) = 2.3646, times sqrt(8 / 7) = 2.5279; the normal cdf there is 0.00574.
    assert expanded_levels(8)[0] == pytest.approx(0.005738, abs=2e-6)
    assert expanded_levels(100_000)[0] == pytest.approx(0.025, abs=1e-5)


def test_one_case_has_no_width():
    resamples = draw_resamples(stream(0, 0, "one"), 1, 1, 10)
    assert mean_interval(np.array([[0.5]]), resamples) == Interval(0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("low", "high", "direction"), [(0.1, 0.3, 1), (-0.3, -0.1, -1), (-0.1, 0.2, 0)]
)
def test_an_interval_has_a_direction_only_without_zero(low, high, direction):
    assert Interval(0.0, low, high).direction == direction


COUNTS = np.array([1, 3, 6, 12])
CURVE = np.array([0.70, 0.80, 0.85, 0.90])


def test_a_score_is_worth_the_cases_at_which_the_curve_has_it():
    for count, score in zip(COUNTS, CURVE, strict=True):
        assert cases_worth(COUNTS, CURVE, score) == pytest.approx(count)
    # Half-way between 1 and 3 in log n is their geometric mean.
    assert cases_worth(COUNTS, CURVE, 0.75) == pytest.approx(np.sqrt(3))
    assert cases_worth(COUNTS, CURVE, 0.69) == FEWER
    assert cases_worth(COUNTS, CURVE, 0.91) == MORE


def test_a_dent_in_the_curve_is_levelled():
    dented = np.array([0.70, 0.84, 0.80, 0.90])  # levelled to 0.82 at 3 and 6
    assert cases_worth(COUNTS, dented, 0.82) == pytest.approx(3)
    assert cases_worth(COUNTS, dented, 0.86) == pytest.approx(np.sqrt(6 * 12))


def test_worth_has_an_interval_and_words():
    rng = stream(4, 0, "worth")
    offset = rng.normal(0, 0.02, (10, 1))
    real = CURVE[:, None, None] + offset + rng.normal(0, 0.003, (4, 10, 3))
    resamples = draw_resamples(rng, 10, 3, 500)
    worth = worth_interval(COUNTS, real, 0.75 + offset + rng.normal(0, 0.02, (10, 3)), resamples)
    assert worth.low < np.sqrt(3) < worth.high
    assert 1.4 < worth.cases < 2.2
    above = worth_interval(COUNTS, real, 0.95 + np.zeros((10, 3)), resamples)
    assert str(above) == "more than 12"
    assert str(Worth(8.25, 4.0, MORE, 1, 12)) == "8.2 (95 % 4.0 to more than 12)"
    assert str(Worth(FEWER, FEWER, 1.5, 1, 12)) == "fewer than 1 (95 % fewer than 1 to 1.5)"
