"""Lids shade the globe where they are, not where the template has them."""

import pytest
import torch

from augment.render.lid_shadow import find_lid_shadows, lay_open
from augment.render.scene import REFINEMENT_LEVEL

RAISED_MM = 5.0


@pytest.fixture(scope="module")
def rest(model):
    return model.refinement(REFINEMENT_LEVEL).apply(model.mean[None])


@pytest.fixture(scope="module")
def eyes(model):
    return find_lid_shadows(model)


def test_lids_lie_on_their_own_globe(rest, eyes):
    for eye, sign in zip(eyes, (-1, 1), strict=True):
        globe, lids = rest[0, eye.globe], rest[0, eye.lids]
        assert len(eye.lids) > 100
        assert (globe[:, 0] * sign > 0).all()
        assert (lids[:, 0] * sign > 0).all()
        assert lids[:, 1].max() < globe[:, 1].max() + 2.0


def test_a_raised_lid_lets_light_to_the_globe_beneath_it(rest, eyes):
    right = eyes[1]
    raised = rest.clone()
    upper = right.lids[rest[0, right.lids, 2] > rest[0, right.globe, 2].mean()]
    raised[0, upper, 2] += RAISED_MM
    dark = torch.zeros(rest.shape[1], 3)
    opened = lay_open(dark, torch.cat((rest, raised)), eyes)
    healthy, open_eye = opened[:, right.globe]
    assert (open_eye[:, 2] >= healthy[:, 2] - 1e-6).all()
    assert open_eye[:, 2].sum() > 1.3 * healthy[:, 2].sum()
    # At rest a lamp's shadow is that of the template.
    assert (healthy[:, :2] == 0).all()
    assert open_eye[:, :2].max() > 0.4
    # Nothing but the globes changes.
    others = torch.ones(rest.shape[1], dtype=torch.bool)
    for eye in eyes:
        others[eye.globe] = False
    assert (opened[:, others] == 0).all()
    assert torch.equal(opened[0, eyes[0].globe], opened[1, eyes[0].globe])


def test_the_lamp_that_a_nose_hides_stays_hidden(rest, eyes):
    hidden = torch.zeros(rest.shape[1], 2)
    hidden[:, 1] = 0.9  # open to the surroundings
    assert (lay_open(hidden, rest, eyes)[..., 0] == 0).all()
