from collections import Counter

import numpy as np
import pytest

from augment.recipe.severity import Severity, read_severity
from augment.streams import stream

GRADES = {"mild": (1.0, 2.0), "moderate": (3.0, 4.0), "severe": (5.0, 5.0)}


def test_a_number_and_a_grade_are_what_they_are():
    rng = stream(0, 0, "severity")
    assert Severity(uniform=(4.5, 4.5)).draw(rng, GRADES) == 4.5
    assert Severity(grade="severe").draw(rng, GRADES) == 5.0
    assert 3 <= Severity(grade="moderate").draw(rng, GRADES) <= 4


def test_a_range_is_drawn_evenly():
    rng = stream(0, 0, "severity")
    draws = [Severity(uniform=(2.0, 6.0)).draw(rng, GRADES) for _ in range(4000)]
    assert min(draws) >= 2
    assert max(draws) <= 6
    # Standard error of the mean of a uniform of width 4 over 4000 draws is 0.018.
    assert np.mean(draws) == pytest.approx(4, abs=0.08)


def test_any_grade_is_drawn_evenly():
    rng = stream(0, 0, "severity")
    draws = [Severity(grade="any").draw(rng, GRADES) for _ in range(3000)]
    counts = Counter(int(draw) for draw in draws)
    assert set(counts) == {1, 3, 5}
    assert min(counts.values()) > 900


@pytest.mark.parametrize("value", [4.5, "mild", {"uniform": [2.0, 6.0]}])
def test_a_severity_writes_as_it_reads(value):
    severity = read_severity(value)
    assert severity.value() == value
    assert read_severity(severity) is severity


@pytest.mark.parametrize(
    "value", [-1, float("nan"), float("inf"), True, None, "", [2, 6], {"normal": [1, 2]}]
)
def test_anything_else_is_refused(value):
    with pytest.raises(ValueError, match="expected a number of 0 or more"):
        read_severity(value)
