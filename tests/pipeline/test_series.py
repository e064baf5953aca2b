import numpy as np
import pytest

from augment.morphable import load_face_model
from augment.pathology import PathologyBasis
from augment.pathology.course import COURSES, frame_motion_mm
from augment.pipeline.making import Pipeline
from augment.pipeline.series import frame_of
from augment.pipeline.stopwatch import Stopwatch
from augment.recipe import compose_recipe

SEVERITY_TOLERANCE = 0.05


@pytest.fixture(scope="module")
def basis():
    return PathologyBasis(load_face_model())


def frames(basis, overrides, count):
    spec = compose_recipe("swelling_course", overrides)
    make = Pipeline(spec, basis.model, basis)
    return spec, [make.possible_case(index, Stopwatch())[0] for index in range(count)]


def test_samples_are_frames_of_cases_in_order(basis):
    spec, cases = frames(basis, [], 6)
    assert [(frame_of(spec, k).case, frame_of(spec, k).time) for k in (0, 4, 5, 11)] == [
        (0, 0.0),
        (0, 12.0),
        (1, 0.0),
        (2, 0.25),
    ]
    for case in cases[1:5]:
        np.testing.assert_array_equal(case.healthy_mm, cases[0].healthy_mm)
    assert (cases[5].healthy_mm != cases[0].healthy_mm).any()


def test_swelling_goes_down_along_its_published_course(basis):
    spec, cases = frames(basis, [], 5)
    volumes = [case.pathologies[0].measured for case in cases]
    shares = [COURSES["swelling"].share(time) for time in spec.series.times]
    assert volumes == pytest.approx([volumes[0] * s for s in shares], abs=SEVERITY_TOLERANCE)
    back = frame_motion_mm(cases[0], cases[4])
    np.testing.assert_allclose(cases[0].pathological_mm + back, cases[4].pathological_mm)


def test_surgery_reaches_the_healthy_twin(basis):
    _, (before, half, after) = frames(
        basis,
        [
            "series={course: surgery, times: [0, 0.5, 1]}",
            "pathologies=[{name: chin_deviation, severity: 8, side: left}]",
        ],
        3,
    )
    healthy = before.pathologies[0].healthy
    assert before.pathologies[0].measured == pytest.approx(8.0, abs=SEVERITY_TOLERANCE)
    assert half.pathologies[0].measured == pytest.approx((8 + healthy) / 2, abs=SEVERITY_TOLERANCE)
    assert np.abs(after.offset_mm).max() <= max(-healthy, 0.0) + SEVERITY_TOLERANCE


def test_a_head_grows_and_its_synostosis_with_it(basis):
    _, (young, old) = frames(
        basis,
        [
            "series={course: synostosis_growth, times: [2, 12]}",
            "pathologies=[{name: sagittal_synostosis, severity: 66}]",
            "subject.age_years=[0, 1]",
        ],
        2,
    )
    assert [case.subject.age_years for case in (young, old)] == pytest.approx([2 / 12, 1.0])
    lengths = [np.ptp(case.pathological_mm[:, 1]) for case in (young, old)]
    assert lengths[1] > lengths[0] + 5.0
    assert old.pathologies[0].measured == pytest.approx(66.0, abs=SEVERITY_TOLERANCE)
    left = young.pathologies[0]
    share = COURSES["synostosis_growth"].share(2.0)
    expected = left.healthy + share * (66.0 - left.healthy)
    assert left.measured == pytest.approx(expected, abs=SEVERITY_TOLERANCE)
