import numpy as np
import pytest

from augment.pathology.course import COURSES


def test_swelling_leaves_what_was_published():
    share = COURSES["swelling"].share
    # PMID 34619733: 60 % resolved in 1 month, 84 % after 6 months, nearly 93 % after 12.
    assert [share(t) for t in (1.0, 6.0, 12.0)] == pytest.approx([0.40, 0.16, 0.07], abs=0.006)
    assert share(0.0) == 1.0
    assert share(30.0) == 0.0


def test_surgery_reaches_the_plan_and_a_palsy_waits_before_it_recovers():
    assert [COURSES["surgery"].share(t) for t in (0.0, 0.25, 1.0)] == [1.0, 0.75, 0.0]
    palsy = COURSES["palsy_recovery"].share
    assert palsy(0.0) == palsy(3.0) == 1.0
    assert palsy(9.0) == pytest.approx(np.exp(-1.0))


@pytest.mark.parametrize("name", list(COURSES))
def test_a_course_goes_one_way_within_none_and_all(name):
    course = COURSES[name]
    shares = np.array([course.share(t) for t in np.linspace(0.0, 40.0, 400)])
    assert shares.min() >= 0.0
    assert shares.max() <= 1.0
    steps = np.diff(shares)
    assert (steps >= 0).all() if course.grows else (steps <= 0).all()
    assert course.source
    assert course.basis in ("published", "proposal")
