"""The selector: its rules one by one, and what it gains and risks in simulated worlds."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from selector_worlds import CANDIDATES, World

from augment.errors import RecipeError
from augment.segmentation.selector import (
    CONFIDENCE,
    MOST_FOLDS,
    REAL,
    Candidate,
    choose_arm,
    gain_bound,
    plan_cross_validation,
)
from augment.streams import stream

MIX = Candidate("mix", 0.5)


def scores(gains, candidate=MIX, level=0.8):
    rows = []
    for number, gain in enumerate(gains):
        rows.append(("real", 0.0, f"c{number}", 0, level))
        rows.append((candidate.arm, candidate.ratio, f"c{number}", 0, level + gain))
    return pd.DataFrame(rows, columns=["arm", "ratio", "case", "seed", "dice"])


def prior(*rows):
    return pd.DataFrame(rows, columns=["task", "arm", "n", "label", "difference", "low"])


@pytest.mark.parametrize("n", [3, 5, 12])
def test_every_case_is_held_out_once_and_never_trained_on(n):
    cases = [f"c{number}" for number in range(n)]
    runs = plan_cross_validation(cases, CANDIDATES, (0, 1))
    assert len(runs) == 4 * min(n, MOST_FOLDS) * 2
    for candidate in (REAL, *CANDIDATES):
        for seed in (0, 1):
            own = [r for r in runs if (r.candidate, r.seed) == (candidate, seed)]
            assert sorted(case for run in own for case in run.held_out) == sorted(cases)
            assert all(set(r.train) == set(cases) - set(r.held_out) for r in own)


def test_fewer_than_three_cases_need_no_runs():
    assert plan_cross_validation(["a", "b"], CANDIDATES, (0,)) == []
    with pytest.raises(RecipeError, match=r"each case once, got \['a', 'a', 'b'\]"):
        plan_cross_validation(["a", "a", "b"], CANDIDATES, (0,))


def test_the_bound_is_that_of_student():
    gains = [0.02, 0.05, 0.08, 0.01]
    bound, mean = gain_bound(scores(gains), MIX, 4)
    expected = stats.ttest_1samp(gains, 0).confidence_interval(2 * CONFIDENCE - 1).low
    assert bound == pytest.approx(expected)
    assert mean == pytest.approx(0.04)


def test_a_sure_gain_is_taken_and_an_unsure_one_is_not():
    sure = choose_arm(scores([0.04, 0.05, 0.06]), 3, [MIX])
    assert (sure.candidate, sure.evidence) == (MIX, "cross-validation")
    assert sure.gain == pytest.approx(0.05)
    assert sure.reason.startswith("mix at a share of 0.5 gains +0.050 Dice on 3 held-out cases")
    unsure = choose_arm(scores([0.20, -0.06, 0.01]), 3, [MIX])
    assert (unsure.candidate, unsure.gain) == (REAL, 0.0)
    assert "not above zero" in unsure.reason


def test_no_difference_at_all_keeps_real_cases():
    assert choose_arm(scores([0.0, 0.0, 0.0]), 3, [MIX]).candidate == REAL


def test_what_is_sure_goes_before_what_is_large():
    pretrain = Candidate("pretrain")
    both = pd.concat([scores([0.03, 0.04, 0.05]), scores([0.01, 0.06, 0.14], pretrain)])
    table = both.drop_duplicates()
    assert choose_arm(table, 3, [MIX, pretrain]).candidate == MIX


def test_one_case_rests_on_prior_evidence():
    earlier = prior(
        ("faces", "mix", 1, "mean", 0.05, 0.03),
        ("mandible", "mix", 1, "mean", 0.04, 0.01),
        ("faces", "pretrain", 1, "mean", 0.09, 0.06),
        ("mandible", "pretrain", 1, "mean", -0.02, -0.05),
        ("faces", "mix", 12, "mean", -0.01, -0.02),
        ("faces", "mix", 1, "eyes", -0.10, -0.20),
    )
    nothing = scores([])
    choice = choose_arm(nothing, 1, [MIX, Candidate("pretrain")], earlier)
    assert (choice.candidate, choice.evidence, choice.bound) == (MIX, "prior", 0.01)
    assert "in 2 earlier task(s) it gained +0.045" in choice.reason
    assert choose_arm(nothing, 1, [Candidate("pretrain")], earlier).candidate == REAL
    # Nobody ran two cases: twelve are the nearest larger number, and there it harmed.
    assert choose_arm(nothing, 2, [MIX], earlier).candidate == REAL
    alone = choose_arm(nothing, 1, [MIX])
    assert (alone.candidate, alone.evidence) == (REAL, "none")
    assert "holding one out needs 3 cases, there are 1" in alone.reason


def test_unfinished_runs_are_refused():
    table = scores([0.01, 0.02, 0.03])
    with pytest.raises(RecipeError, match="got 2 and 3 scores with 2 cases in common; finish"):
        choose_arm(table.drop(index=1), 3, [MIX])
    with pytest.raises(RecipeError, match="on the same 4 cases and seeds"):
        choose_arm(table, 4, [MIX])


def test_nothing_to_choose_is_no_error():
    assert choose_arm(scores([0.1, 0.1, 0.1]), 3, [REAL]).candidate == REAL


@pytest.mark.parametrize("n", [3, 6, 12])
def test_it_gains_without_the_risk_of_always_synthetic(n):
    """Over many worlds: most of the possible gain, almost never a loss worth the name."""
    rng = stream(0, n, "worlds")
    selected, always, best = [], [], []
    for _ in range(100):
        world = World(rng)
        choice = choose_arm(world.cross_validation(n), n, CANDIDATES)
        selected.append(world.gain(choice.candidate, n))
        always.append(world.gain(CANDIDATES[0], n))
        best.append(max(0.0, *(world.gain(item, n) for item in CANDIDATES)))
    selected, always, best = map(np.array, (selected, always, best))
    harm = 0.005
    assert (selected < -harm).mean() < 0.07
    assert (selected < -harm).mean() < 0.5 * (always < -harm).mean()
    assert np.minimum(selected, 0).mean() > -0.001
    # Regret against knowing the truth: smaller than that of either fixed rule.
    regret = best.mean() - selected.mean()
    assert regret < 0.5 * best.mean()
    assert regret < best.mean() - always.mean()
