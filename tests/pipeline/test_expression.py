import numpy as np

from augment.morphable import load_face_model
from augment.pipeline.expression import (
    MOODS,
    RESTING_BLINK,
    SIDES,
    draw_expression,
    draw_gaze,
    draw_lids,
)
from augment.streams import stream


def draws(strength, n=300):
    names = load_face_model().expression_names
    return np.stack(
        [draw_expression(stream(0, k, "expression"), names, strength) for k in range(n)]
    )


def test_every_action_of_every_mood_is_one_of_the_model():
    names = load_face_model().expression_names
    for actions in MOODS.values():
        for action in actions:
            assert action in names or all(action + side in names for side in SIDES)


def test_strength_zero_is_neutral():
    assert not draws(0.0, 10).any()


def test_coefficients_grow_with_strength_and_stay_in_range():
    weak, full = draws(0.2), draws(1.0)
    assert full.min() >= 0
    assert full.max() <= 1
    assert weak.max() < 0.35
    assert 3 * weak.sum() < full.sum()


def test_faces_move_nearly_evenly():
    names = load_face_model().expression_names
    full = draws(1.0)
    left, right = (full[:, names.index(f"mouthSmile{side}")] for side in SIDES)
    smiles = left > 0
    assert smiles.any()
    assert np.abs(left - right)[smiles].max() < 0.35
    assert np.abs(left - right)[smiles].mean() > 0.005


def test_both_eyes_look_the_same_way():
    gaze = np.stack([draw_gaze(stream(0, k, "gaze")) for k in range(500)])
    np.testing.assert_array_equal(gaze[:, :2], gaze[:, 2:])
    assert np.degrees(np.abs(gaze)).max() <= 18
    assert 4 < np.degrees(gaze).std() < 8


def test_resting_lids_are_lowered_alike_on_both_sides():
    names = ("eyeBlinkLeft", "eyeBlinkRight", "jawOpen")
    drawn = draw_lids(stream(0, 3, "lids"), names)
    assert drawn[0] == drawn[1]
    assert RESTING_BLINK[0] <= drawn[0] <= RESTING_BLINK[1]
    assert drawn[2] == 0.0
