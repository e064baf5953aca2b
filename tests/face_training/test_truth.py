"""Truth of crops: pose and points agree, also mirrored; names of expressions change sides."""

import numpy as np
import pytest
import torch
from fake_renders import fake_render

from augment.face_training.truth import TruthTable
from augment.face_training.variation import draw_crop
from augment.morphable.landmarks import IBUG_NAMES
from augment.portrait.crop_pose import read_pose
from augment.portrait.mirror import MIRRORED_LANDMARK as MIRROR
from augment.portrait.mirror import mirrored_names
from augment.recipe.face_network import VariationSpec
from augment.streams import stream

SIZE = 64
# The crop's camera looks at the crop's middle; what it sees is stretched a little.
TOLERANCE = 0.012


@pytest.mark.parametrize("is_mirrored", [False, True])
def test_coefficients_under_the_pose_are_seen_where_the_landmarks_are(model, is_mirrored):
    table = TruthTable(model)
    for number in range(6):
        render = fake_render(model, number)
        rng = stream(0, number, "crop")
        crop = draw_crop(rng, render.landmarks_px.astype(float), VariationSpec(), SIZE)
        truth = table(render, crop, SIZE, is_mirrored)
        rest = model.rest(*(torch.from_numpy(v)[None] for v in (truth.identity, truth.expression)))
        pose = read_pose(torch.from_numpy(truth.pose)[None])
        seen = pose.project(model.landmarks(rest, IBUG_NAMES))[0].numpy()
        assert np.abs(seen - truth.landmarks).max() < TOLERANCE


def test_mirroring_twice_changes_nothing(model):
    assert (MIRROR[MIRROR] == np.arange(68)).all()
    rows = mirrored_names(model.expression_names)
    assert (rows[rows] == np.arange(79)).all()
    smile = [model.expression_names.index(f"mouthSmile{side}") for side in ("Left", "Right")]
    assert rows[smile].tolist() == smile[::-1]
