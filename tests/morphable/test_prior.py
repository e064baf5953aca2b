import numpy as np
import pytest
import torch

from augment.morphable import load_face_model
from augment.morphable.anthropometry import measure_head
from augment.morphable.build import read_bank
from augment.morphable.mean_locals import OF_ADULTS, OF_MODES, mean_locals
from augment.morphable.prior import (
    ATTRIBUTES,
    Phenotype,
    PriorSpec,
    attribute_weights,
    draw_locals,
    draw_subject,
    head_frame,
    identity_from_weights,
    size_factor,
)
from augment.streams import stream


def drawn_measures(model, spec, n=60):
    subjects = [draw_subject(model, stream(7, k, "subject"), spec) for k in range(n)]
    identity = torch.as_tensor(np.stack([s.identity for s in subjects]), dtype=torch.float32)
    points = model.landmarks(model.vertices(identity)).numpy()
    rows = [measure_head(dict(zip(model.landmark_names, row, strict=True))) for row in points]
    return {name: np.mean([row[name] for row in rows]) for name in rows[0]}


def test_a_subject_depends_on_its_stream_alone():
    model = load_face_model()
    first = draw_subject(model, stream(3, 4, "subject"), PriorSpec())
    draw_subject(model, stream(3, 5, "subject"), PriorSpec())
    again = draw_subject(model, stream(3, 4, "subject"), PriorSpec())
    np.testing.assert_array_equal(first.identity, again.identity)
    assert first.age_years == again.age_years


def test_demographics_are_what_was_asked_for():
    model = load_face_model()
    spec = PriorSpec(age_years=(5.0, 6.0), sex="female", ancestry="asian")
    subject = draw_subject(model, stream(0, 0, "subject"), spec)
    assert 5.0 <= subject.age_years <= 6.0
    assert subject.sex == "female"
    assert subject.ancestry == {"african": 0.0, "asian": 1.0, "caucasian": 0.0}


def test_coefficients_equal_the_projection_of_the_mixed_and_aligned_head():
    # The naive twin: mix every vertex, align it, and project it on the modes.
    model, bank = load_face_model(), read_bank()
    weights, size = bank.draw(stream(9, 0, "check"), PriorSpec())
    head = bank.heads(weights[None], np.array([size]))[0, : model.n_vertices]
    identity = identity_from_weights(model.prior, weights, size)
    rebuilt = model.vertices(torch.as_tensor(identity, dtype=torch.float32)[None])[0].numpy()
    skin = model.part_vertices("skin").numpy()
    face = skin[model.mean.numpy()[skin, 2] > -90]
    residual = np.linalg.norm(rebuilt - head, axis=1)[face]
    assert np.median(residual) < 0.8  # what 99 modes leave out, mm
    projected = identity_from_weights(model.prior, weights, size)
    np.testing.assert_array_equal(projected, identity)


def test_head_frame_is_found_again_after_a_rigid_motion():
    points = np.array([[70.0, 0, 0], [-70.0, 0, 0], [30.0, 75, 0], [-30.0, 75, 0]])
    angle = 0.7
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    rotation, origin = head_frame(points @ turn.T + [5.0, 6.0, 7.0])
    np.testing.assert_allclose(rotation, turn.T, atol=1e-12)
    np.testing.assert_allclose(origin, [5.0, 6.0, 7.0])


def test_attribute_weights_interpolate_and_sum_to_one_in_each_group():
    phenotype = Phenotype(
        12.0, "male", {"african": 0.2, "asian": 0.3, "caucasian": 0.5}, 0.7, 0.4, 0.6, 0.5, 0.1
    )
    weights = dict(zip((*ATTRIBUTES, "one"), attribute_weights(phenotype), strict=True))
    assert weights["male"] == pytest.approx(0.7)
    assert weights["baby"] + weights["child"] + weights["young"] + weights["old"] == pytest.approx(
        1.0
    )
    assert weights["averageweight"] + weights["maxweight"] == pytest.approx(1.0)
    assert weights["one"] == 1.0


def test_no_asymmetry_means_equal_sides():
    names = ("l-eye-scale-incr", "r-eye-scale-incr", "nose-trans-out")
    values = draw_locals(stream(0, 0, "x"), names, OF_MODES["male"], PriorSpec(asymmetry=0.0))
    assert values[0] == values[1]
    assert values[2] == 0.0


@pytest.mark.parametrize(
    ("sex", "measure", "mean_mm"),
    [
        # Farkas 1994, young adults of European ancestry.
        ("male", "cranial_length", 197.4),
        ("male", "bizygomatic_width", 139.1),
        ("male", "face_height", 124.7),
        ("female", "intercanthal_width", 31.8),
        ("female", "mouth_width", 50.2),
        ("female", "nasal_width", 31.4),
    ],
)
def test_adults_have_published_sizes(sex, measure, mean_mm):
    spec = PriorSpec(age_years=(20.0, 40.0), sex=sex, ancestry="caucasian")
    assert drawn_measures(load_face_model(), spec)[measure] == pytest.approx(mean_mm, rel=0.03)


def test_the_calibration_to_adults_sets_in_with_age():
    infant, child, adult = (mean_locals("female", age) for age in (0.5, 9.5, 30.0))
    modes = OF_MODES["female"]
    assert {name: infant[name] for name in modes} == modes
    assert {name: adult[name] for name in OF_ADULTS["female"]} == OF_ADULTS["female"]
    name = "mouth-scale-horiz-incr"
    assert child[name] == pytest.approx((infant[name] + adult[name]) / 2)


def test_heads_grow_with_age():
    model = load_face_model()
    lengths = [
        drawn_measures(model, PriorSpec(age_years=(age, age)), 12)["cranial_length"]
        for age in (0.0, 1.0, 4.0, 10.0, 20.0)
    ]
    assert lengths == sorted(lengths)
    assert size_factor(1.0) > size_factor(20.0)
