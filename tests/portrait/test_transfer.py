from dataclasses import replace

import numpy as np
import pytest
import torch

from augment.errors import GeometryError
from augment.morphable.ict import read_ict_face_model
from augment.morphable.pose import GAZE, JAW, JAW_OPEN
from augment.morphable.prior import PriorSpec, draw_subject
from augment.portrait.transfer import BlendShapeMesh, action_weights, transfer_expression
from augment.streams import stream

CORNERS = ("cheilion_left", "cheilion_right")


def person(model, index):
    return draw_subject(model, stream(5, index, "transfer-test"), PriorSpec((20.0, 60.0)))


def smiling(model, subject, amount=0.8):
    expression = np.zeros(79)
    for side in ("Left", "Right"):
        expression[model.expression_names.index(f"mouthSmile{side}")] = amount
    return replace(subject, expression=expression)


def landmarks(model, subject, names=CORNERS):
    rows = (subject.identity, subject.expression, subject.pose)
    vertices = model.vertices(*(torch.as_tensor(v, dtype=torch.float32)[None] for v in rows))
    return model.landmarks(vertices, names)[0].numpy()


def test_a_smile_moves_the_other_persons_mouth_corners_alike(model):
    first, second = smiling(model, person(model, 0)), person(model, 1)
    moved = transfer_expression(first, second)
    assert (moved.identity == second.identity).all()
    by_first = landmarks(model, first) - landmarks(model, replace(first, expression=np.zeros(79)))
    by_second = landmarks(model, moved) - landmarks(model, second)
    assert by_second == pytest.approx(by_first, abs=0.05)
    assert (by_second[:, 2] > 3).all()  # up
    assert by_second[0, 0] < -1 < 1 < by_second[1, 0]  # the left one to the left


def test_jaw_and_gaze_come_along_and_the_neck_stays(model):
    pose = np.arange(21) / 50.0
    source = replace(person(model, 0), pose=pose)
    moved = transfer_expression(source, replace(person(model, 1), pose=np.full(21, -1.0)))
    assert (moved.pose[JAW] == pose[JAW]).all()
    assert (moved.pose[GAZE] == pose[GAZE]).all()
    assert (moved.pose[[0, 5, 9, 16, 20]] == -1.0).all()


@pytest.mark.parametrize("names", ["mouthSmileLeft mouthSmileRight", "mouthSmile_L mouthSmile_R"])
def test_any_mesh_with_named_shapes_moves(model, names):
    neutral = np.zeros((5, 3))
    left, right = np.zeros((5, 3)), np.zeros((5, 3))
    left[0], right[1] = (0, 0, 2), (0, 0, 3)
    mesh = BlendShapeMesh(neutral, dict(zip(names.split(), (left, right), strict=True)))
    moved = transfer_expression(smiling(model, person(model, 0), 0.5), mesh)
    assert moved[:2, 2] == pytest.approx([1.0, 1.5])
    assert (moved[2:] == 0).all()


def test_an_action_without_a_side_moves_both_shapes(model):
    expression = np.zeros(79)
    expression[model.expression_names.index("cheekPuff")] = 1.0
    source = replace(person(model, 0), expression=expression)
    shapes = {f"cheekPuff_{side}": np.full((1, 3), float(k + 1)) for k, side in enumerate("LR")}
    moved = transfer_expression(source, BlendShapeMesh(np.zeros((1, 3)), shapes))
    assert moved == pytest.approx(np.full((1, 3), 3.0))


def test_a_smile_moves_an_ict_head(model, shared):
    ict = read_ict_face_model(shared / "ict_facekit" / "FaceXModel")
    moved = transfer_expression(smiling(model, person(model, 0), 1.0), ict)
    tensor = torch.from_numpy(moved).float()[None]
    corner = ict.landmarks(tensor, CORNERS)[0] - ict.landmarks(ict.mean[None], CORNERS)[0]
    # The part of ICT-FaceKit at hand has the left smile alone.
    assert corner[0, 2] > 2.0
    assert corner[0].norm() > 5 * corner[1].norm()


def test_a_jaw_turned_at_its_joint_is_told_in_actions(model):
    pose = np.zeros(21)
    pose[JAW_OPEN] = 0.2
    weights = action_weights(replace(person(model, 0), pose=pose), model)
    assert max(weights, key=weights.get) == "jawOpen"
    assert len(weights) == 52
    assert all(0 <= weight <= 1 for weight in weights.values())


def test_actions_alone_are_passed_on_as_they_are(model):
    weights = action_weights(smiling(model, person(model, 0), 0.37), model)
    assert weights["mouthSmileLeft"] == 0.37
    assert sum(weights.values()) == pytest.approx(0.74)


def test_shapes_with_foreign_names_are_named(model):
    mesh = BlendShapeMesh(np.zeros((1, 3)), {"Fcl_MTH_Joy": np.ones((1, 3))})
    with pytest.raises(GeometryError, match=r"needs shapes such as 'mouthSmile.*name its shapes"):
        transfer_expression(smiling(model, person(model, 0)), mesh)
