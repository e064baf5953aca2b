"""The sentences of the report, from comparisons with known gain and harm."""

import re

import pytest
from few_shot_table import few_shot_table

from augment.segmentation.comparison import Comparison, compare_with_real, worth_table
from augment.segmentation.findings import (
    describe_arm,
    first_sentence,
    harm_paragraph,
    headline_arm,
    method_paragraph,
    points,
    signed_points,
    worth_sentence,
)
from augment.segmentation.score_table import arrange_scores
from augment.segmentation.statistics import Interval

MINUS = "\N{MINUS SIGN}"


def comparison(arm, n, value, low, high, **changes):
    facts = {"n_real": n, "p": 0.01, "p_holm": 0.02, "by_case": {}, "by_class": {}, "n_seeds": 3}
    return Comparison(arm=arm, n=n, difference=Interval(value, low, high), **{**facts, **changes})


GAIN = comparison("pretrain", 1, 0.081, 0.052, 0.110)
LOSS = comparison("pretrain", 12, -0.004, -0.007, -0.001)
NEITHER = comparison("pretrain", 6, 0.003, -0.005, 0.011)


def test_the_first_sentence_tells_gain_and_harm_with_numbers():
    assert first_sentence([LOSS, GAIN]) == (
        "Synthetic pre-training raises the mean Dice at n = 1 by 8.1 points (95 % 5.2 to 11.0)"
        ", and lowers it at n = 12 by 0.4 (0.1 to 0.7)."
    )


def test_a_change_that_is_not_clear_is_said_to_be_so():
    assert describe_arm([NEITHER]) == (
        "Synthetic pre-training does not clearly change the mean Dice at n = 6"
        f" (+0.3 points, 95 % {MINUS}0.5 to 1.1)."
    )


def test_harm_alone_is_the_whole_sentence():
    assert first_sentence([LOSS]).startswith(
        "Synthetic pre-training lowers the mean Dice at n = 12 by 0.4 points (95 % 0.1 to 0.7)"
    )


@pytest.mark.parametrize(("gain", "verb"), [(0.05, "raises"), (-0.05, "lowers")])
def test_the_sentence_finds_what_was_simulated(gain, verb):
    scores = arrange_scores(few_shot_table({"mix": {3: gain}}))
    sentence = first_sentence(compare_with_real(scores))
    told = re.fullmatch(
        rf"Mixing synthetic cases into every batch {verb} the mean Dice at n = 3 by"
        r" ([\d.]+) points \(95 % ([\d.]+) to ([\d.]+)\)\.",
        sentence,
    )
    assert told is not None, sentence
    value, low, high = map(float, told.groups())
    assert low < value < high
    assert value == pytest.approx(5.0, abs=0.4)


def test_an_arm_without_real_cases_is_set_against_all_of_them():
    scores = arrange_scores(few_shot_table({"synthetic": {0: 0.82}}))
    sentence = first_sentence(compare_with_real(scores))
    assert sentence.startswith(
        "Synthetic data alone, without one real label, exceeds 1 real case by 1"
    )
    assert "and 3 real cases by " in sentence
    assert ", and falls below 6 real cases by " in sentence
    assert worth_sentence("synthetic", worth_table(scores)).endswith("when given none.")


def test_the_headline_is_the_selected_arm_or_the_best_of_ours():
    other = comparison("mix", 1, 0.01, 0.0, 0.02)
    competitor = comparison("carvemix", 1, 0.5, 0.4, 0.6)
    assert headline_arm([other, GAIN, competitor]) == "pretrain"
    chosen = comparison("selected", 1, 0.0, 0.0, 0.0)
    assert headline_arm([other, GAIN, chosen]) == "selected"
    assert "chosen without the cases reported here" in method_paragraph([GAIN, chosen], 8)
    assert "best of 3 on these very cases" in method_paragraph([other, GAIN, competitor], 8)


def test_harm_is_told_for_means_classes_and_cases():
    harmed = comparison(
        "mix",
        12,
        -0.03,
        -0.04,
        -0.02,
        by_class={"eyes": Interval(-0.06, -0.08, -0.04), "skin": Interval(0.0, -0.01, 0.01)},
        by_case={"007": -0.12, "008": 0.02},
    )
    text = harm_paragraph([GAIN, harmed])
    assert f"1 of 2 comparisons lower the mean Dice clearly: mix, n = 12 ({MINUS}3.0)." in text
    assert f"eyes (mix, n = 12: {MINUS}6.0); 1 pairs of comparison and class lose" in text
    assert f"{MINUS}12.0 points (case 007, mix, n = 12)" in text
    assert harm_paragraph([GAIN]).startswith("Harm: none of 1 comparisons lowers")
    alone = comparison("synthetic", 0, -0.1, -0.2, -0.05, n_real=12)
    assert "not measured" in harm_paragraph([alone])


@pytest.mark.parametrize(
    ("value", "plain", "signed"),
    [(0.081, "8.1", "+8.1"), (-0.004, f"{MINUS}0.4", f"{MINUS}0.4"), (-0.0004, "0.0", "+0.0")],
)
def test_points_have_one_decimal_and_a_true_minus(value, plain, signed):
    assert (points(value), signed_points(value)) == (plain, signed)
