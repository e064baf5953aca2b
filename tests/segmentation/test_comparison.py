"""Scores read, arranged and compared, on tables with known gain and harm."""

import numpy as np
import pandas as pd
import pytest
from few_shot_table import CASES, REAL, few_shot_table

from augment.errors import AssetError
from augment.segmentation.comparison import compare_with_real, mean_table, worth_table
from augment.segmentation.score_table import arrange_scores, read_scores


def by_key(comparisons):
    return {(item.arm, item.n, item.n_real): item for item in comparisons}


def test_a_known_gain_and_a_known_loss_are_found():
    table = arrange_scores(few_shot_table({"pretrain": {1: 0.08, 12: -0.03}, "mix": {3: 0.0}}))
    found = by_key(compare_with_real(table))
    assert set(found) == {("pretrain", 1, 1), ("pretrain", 12, 12), ("mix", 3, 3)}
    gain, loss = found["pretrain", 1, 1], found["pretrain", 12, 12]
    assert gain.difference.low < 0.08 < gain.difference.high
    assert gain.difference.high - gain.difference.low < 0.02
    assert gain.difference.direction == 1
    assert loss.difference.low < -0.03 < loss.difference.high
    assert loss.difference.direction == -1
    assert (len(gain.gained), gain.lost) == (len(CASES), [])
    assert (loss.gained, len(loss.lost)) == ([], len(CASES))
    # All ten cases moved one way, the smallest p there is; three comparisons.
    assert gain.p == pytest.approx(2**-9)
    assert gain.p_holm == pytest.approx(3 * 2**-9)
    assert found["mix", 3, 3].p_holm > 0.05


def test_cases_gained_and_lost_are_named_the_largest_first():
    extra = {("mix", 3, "002"): -0.2, ("mix", 3, "005"): 0.1, ("mix", 3, "007"): -0.1}
    (found,) = compare_with_real(
        arrange_scores(few_shot_table({"mix": {3: 0.0}}, case_gains=extra))
    )
    assert found.lost == ["002", "007"]
    assert found.gained == ["005"]
    assert found.by_case["002"] == pytest.approx(-0.2, abs=0.01)


def test_harm_to_one_class_is_seen_through_a_mean_without_change():
    table = few_shot_table({"mix": {3: 0.0}})
    mixed = table["arm"] == "mix"
    table.loc[mixed & (table["label"] == "eyes"), "dice"] -= 0.05
    table.loc[mixed & (table["label"] == "skin"), "dice"] += 0.05
    (found,) = compare_with_real(arrange_scores(table))
    assert found.difference.direction == 0
    assert found.by_class["eyes"].high < -0.04
    assert found.by_class["skin"].low > 0.04


def test_an_arm_without_real_cases_is_compared_everywhere():
    table = arrange_scores(few_shot_table({"synthetic": {0: 0.85}}))
    found = by_key(compare_with_real(table))
    assert set(found) == {("synthetic", 0, n) for n in REAL}
    for n, dice in REAL.items():
        assert found["synthetic", 0, n].difference.value == pytest.approx(0.85 - dice, abs=0.005)
    assert worth_table(table)["synthetic", 0].cases == pytest.approx(6, rel=0.15)


def test_only_seeds_that_both_have_are_compared():
    table = few_shot_table({"mix": {1: 0.05}})
    table = table[~((table["arm"] == "mix") & (table["seed"] == 1))]
    (found,) = compare_with_real(arrange_scores(table))
    assert found.n_seeds == 2
    assert worth_table(arrange_scores(table))["mix", 1].cases > 1
    other = table[~((table["arm"] == "real") & (table["seed"] != 1))]
    with pytest.raises(AssetError, match="expects runs with the same seeds, got"):
        compare_with_real(arrange_scores(other))


def test_means_are_those_of_a_naive_loop():
    table = arrange_scores(few_shot_table({"mix": {1: 0.05}}))
    means = mean_table(table, "eyes").set_index(["arm", "n"])
    rows = [
        r
        for r in table.table.to_dict("records")
        if (r["arm"], r["n"], r["label"]) == ("mix", 1, "eyes")
    ]
    for value in ("dice", "hd95_mm", "surface_dice"):
        assert means.loc[("mix", 1), value] == pytest.approx(np.mean([r[value] for r in rows]))
    by_seed = [np.mean([r["dice"] for r in rows if r["seed"] == seed]) for seed in (0, 1, 2)]
    assert means.loc[("mix", 1), "seed_sd"] == pytest.approx(np.std(by_seed, ddof=1))


def test_the_order_of_rows_changes_nothing():
    table = few_shot_table({"mix": {1: 0.05}})
    shuffled = table.sample(frac=1.0, random_state=4)
    first, second = arrange_scores(table), arrange_scores(shuffled)
    pd.testing.assert_frame_equal(first.table, second.table)
    for key, values in first.values.items():
        np.testing.assert_array_equal(values, second.values[key])


def test_a_cell_is_cases_by_seeds():
    table = few_shot_table()
    scores = arrange_scores(table)
    picked = scores.cell("real", 3, "skin")
    row = table[(table["n"] == 3) & (table["seed"] == 2) & (table["case"] == "004")]
    expected = row.loc[row["label"] == "skin", "dice"].item()
    assert picked.values[picked.cases.index("004"), picked.seeds.index(2)] == expected
    with pytest.raises(KeyError, match="no dice of arm 'real' at n = 5"):
        scores.cell("real", 5)


def test_cases_keep_their_leading_zeros(tmp_path):
    few_shot_table().to_csv(tmp_path / "metrics.csv", index=False)
    assert read_scores(tmp_path / "metrics.csv").cases == CASES


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="hd95_mm"), "hd95_mm is missing, got task"),
        (lambda t: t.assign(arm="mix"), r"the arm 'real' to compare with, got \['mix'\]"),
        (lambda t: pd.concat([t, t.iloc[:1]]), "got two of arm 'real', n = 1, seed 0, case '000'"),
        (lambda t: t.iloc[1:], "all 20 pairs of case and class, got 19 of arm 'real', n = 1"),
        (lambda t: t.assign(dice=t["dice"].where(t["case"] != "003")), "got none in 24 rows"),
        (
            lambda t: pd.concat([t, t.assign(task="other")]),
            r"scores of one task, got \['made_up', 'other'\]",
        ),
    ],
)
def test_a_table_that_cannot_carry_statistics_is_refused(change, message):
    with pytest.raises(AssetError, match=message):
        arrange_scores(change(few_shot_table()))


def test_a_missing_table_is_an_error(tmp_path):
    with pytest.raises(AssetError, match="which is missing; run `facies experiment` first"):
        read_scores(tmp_path / "metrics.csv")
