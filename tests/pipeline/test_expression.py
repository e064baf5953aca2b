import numpy as np
import torch

from augment.geometry.camera import Camera
from augment.morphable import load_face_model
from augment.morphable.prior import PriorSpec, draw_subject
from augment.morphable.template import PARTS
from augment.pipeline.expression import (
    MOODS,
    SIDES,
    draw_expression,
    draw_gaze,
    draw_lids,
)
from augment.raster.rasterize import rasterize
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


def test_resting_lids_open_alike_on_both_sides():
    names = ("eyeBlinkLeft", "eyeBlinkRight", "eyeWideLeft", "eyeWideRight", "jawOpen")
    drawn = np.stack([draw_lids(stream(0, k, "lids"), names) for k in range(200)])
    np.testing.assert_array_equal(drawn[:, 0:3:2], drawn[:, 1:4:2])
    assert (drawn >= 0).all()
    assert drawn.max() <= 1.1
    assert not (drawn[:, 0] * drawn[:, 2]).any()
    assert not drawn[:, 4].any()


def test_palpebral_fissures_of_adults_are_as_high_as_published():
    # Farkas 1994: 10.8 mm, SD 1.2; counted in millimetres of visible globe, seen from the front.
    model = load_face_model()
    n_heads, pixels_a_mm, size = 24, 5, 600
    heads = []
    for k in range(n_heads):
        subject = draw_subject(model, stream(5, k, "subject"), PriorSpec())
        lids = draw_lids(stream(5, k, "lids"), model.expression_names)
        rows = (torch.from_numpy(values)[None].float() for values in (subject.identity, lids))
        heads.append(model.rest(*rows)[0])
    far_mm = 2e5
    front = torch.tensor([[-1.0, 0, 0, 0], [0, 0, -1, 0], [0, -1, 0, far_mm], [0, 0, 0, 1]])
    camera = Camera(
        focal_px=torch.full((1,), far_mm * pixels_a_mm, dtype=torch.float64),
        principal_px=torch.full((1, 2), size / 2, dtype=torch.float64),
        camera_from_world=front.double()[None],
        width=size,
        height=size,
    )
    globes = [PARTS.index("eye_left"), PARTS.index("eye_right")]
    heights = []
    for head in heads:
        level = model.landmarks(head[None], ("ibug_36", "ibug_45"))[0, :, 2].mean()
        centred = head - head.new_tensor([0.0, 0.0, 1.0]) * level
        triangle = rasterize(centred[None], model.faces, camera).triangle[0]
        seen = torch.isin(model.part_of_triangle[triangle.clamp_min(0)], torch.tensor(globes))
        columns = (seen & (triangle >= 0)).sum(0)
        heights += [columns[: size // 2].max().item(), columns[size // 2 :].max().item()]
    heights_mm = np.array(heights) / pixels_a_mm
    assert abs(heights_mm.mean() - 10.8) < 0.5
    assert 0.8 < heights_mm.std() < 1.6
