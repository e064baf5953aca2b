import numpy as np
import pytest
import torch
from portraits import portrait_camera

from augment.portrait.crop import apply_similarity, invert_similarity, similar_camera
from augment.portrait.estimate import FaceEstimate
from augment.portrait.pose import pose_of_camera
from augment.portrait.view import (
    PortraitView,
    start_state,
)

ANGLE = 0.3
TURN = np.array([[np.cos(ANGLE), -np.sin(ANGLE)], [np.sin(ANGLE), np.cos(ANGLE)]])
POINTS_MM = np.random.default_rng(0).normal(0, 60, (40, 3))


def view(scale=1.3, image=None):
    camera = portrait_camera(20.0)
    image = np.zeros((300, 300, 3), np.uint8) if image is None else image
    estimate = FaceEstimate(
        landmarks_px=np.zeros((68, 2)),
        landmark_confidence=np.ones(68),
        identity=np.zeros(99),
        expression=np.zeros(79),
        pose=pose_of_camera(camera),
        texture=None,
        box_px=(0.0, 0.0, 1.0, 1.0),
        crop_from_picture=np.column_stack([scale * TURN, (-40.0, 25.0)]),
    )
    return PortraitView(image, estimate)


def test_a_similarity_of_pixels_is_a_camera():
    camera, similarity = portrait_camera(20.0), view().estimate.crop_from_picture
    points = torch.from_numpy(POINTS_MM)[None]
    before = camera.project(points)[0][0].numpy()
    after = similar_camera(camera, similarity, 256, 256).project(points)[0][0].numpy()
    assert after == pytest.approx(apply_similarity(similarity, before), abs=1e-9)
    assert apply_similarity(invert_similarity(similarity), after) == pytest.approx(before, abs=1e-9)


def test_the_pose_in_the_picture_is_that_of_the_crop():
    taken = view()
    state = start_state(taken)
    pixels, seen = state.projected(POINTS_MM)
    assert (seen[:, 2] > 0).all()
    pose = state.picture_pose(taken)
    assert pose == pytest.approx(taken.estimate.pose, abs=1e-9)
    in_picture = taken.camera.project(torch.from_numpy(POINTS_MM)[None])[0][0].numpy()
    assert pixels == pytest.approx(
        apply_similarity(taken.estimate.crop_from_picture, in_picture), abs=1e-9
    )
    in_crop = state.crop_camera(512).project(torch.from_numpy(POINTS_MM)[None])[0][0].numpy()
    assert in_crop == pytest.approx(2 * pixels, abs=1e-9)


@pytest.mark.parametrize("scale", [1.3, 0.21])
def test_a_crop_shows_a_spot_where_the_similarity_puts_it(scale):
    side, at = 900, np.array([[401.5, 420.5]])
    y, x = np.mgrid[:side, :side] + 0.5
    spread = 6.0 / scale
    spot = np.exp(-((x - at[0, 0]) ** 2 + (y - at[0, 1]) ** 2) / (2 * spread**2))
    taken = view(scale, np.repeat(np.round(255 * spot).astype(np.uint8)[..., None], 3, 2))
    taken.estimate.crop_from_picture[:, 2] = 128 - scale * TURN @ at[0] + 3.0
    crop = taken.crop()[..., 0].astype(float)
    rows, columns = np.mgrid[:256, :256] + 0.5
    centre = np.array([(columns * crop).sum(), (rows * crop).sum()]) / crop.sum()
    assert centre == pytest.approx([131.0, 131.0], abs=0.1)
