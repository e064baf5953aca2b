"""Published groups: drawn as stated, with few patients who have nothing."""

import numpy as np
import pytest
from scipy import stats

from augment.pathology import PATHOLOGIES
from augment.pathology.entry import Cohort
from augment.streams import stream

N_DRAWS = 20_000
COHORTS = {name: entry.cohort for name, entry in PATHOLOGIES.items() if entry.cohort}


@pytest.mark.parametrize("name", COHORTS)
def test_draws_follow_the_published_group_and_the_rest_is_zero(name):
    cohort, rng = COHORTS[name], stream(0, 0, "cohort test")
    values = np.array([cohort.draw(rng) for _ in range(N_DRAWS)])
    is_zero = values == 0
    below = stats.norm.cdf(-cohort.mean / cohort.sd)
    assert values.min() >= 0
    # Four standard errors of a share.
    assert abs(is_zero.mean() - below) < 4 * np.sqrt(below * (1 - below) / N_DRAWS) + 1e-12
    law = stats.truncnorm(-cohort.mean / cohort.sd, np.inf, cohort.mean, cohort.sd)
    assert stats.kstest(values[~is_zero], law.cdf).pvalue > 0.01


def test_the_shares_that_the_documentation_states():
    share = {name: 100 * stats.norm.cdf(-c.mean / c.sd) for name, c in COHORTS.items()}
    stated = {"cheek_swelling": 1.7, "orbital_blowout": 0.9, "zygomatic_depression": 0.2}
    assert {name: round(value, 1) for name, value in share.items() if value > 0.05} == stated


def test_a_group_of_which_many_would_have_nothing_is_refused():
    with pytest.raises(ValueError, match=r"expects a mean of 2 .* got 3 and 2 \(a paper"):
        Cohort(3.0, 2.0, "a paper")
