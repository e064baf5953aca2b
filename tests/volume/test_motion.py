"""Expression, jaw and gaze of a volume, on a coarse template."""

from functools import cache

import numpy as np
import pytest

from augment.errors import GeometryError
from augment.morphable import load_face_model
from augment.morphable.pose import JAW_HINGE_MM
from augment.volume.anatomy.spec import AtlasSpec
from augment.volume.atlas import build_atlas
from augment.volume.field.lattice import jacobian
from augment.volume.field.motion import Motion, harmonic
from augment.volume.field.twins import forward_fields
from augment.volume.grid import grid_over
from augment.volume.labels import LABELS
from augment.volume.template import load_template

RIGID_MM = 0.3
GRID = grid_over((-70, -60, -100), (70, 95, 60), 4.0)


@cache
def world():
    model, template = load_face_model(), load_template(2.0)
    atlas = build_atlas(template.body, AtlasSpec(), template.seat)
    jaw_share = model.jaw_weight.numpy()[template.vertex_of_model].astype(float)
    return template, atlas, jaw_share


def places(atlas, *names):
    numbers = [label.number for label in LABELS if label.name.startswith(names)]
    index = np.argwhere(np.isin(atlas.labels, numbers))[::5]
    points = index * np.array(atlas.grid.spacing_mm) + atlas.grid.origin_mm
    return points[points[:, 2] > -110]


def fields_of(**motion):
    template, atlas, jaw_share = world()
    still = forward_fields(template.vertices, template.vertices, [], template.body, GRID)[0]
    moved = forward_fields(
        template.vertices,
        template.vertices,
        [],
        template.body,
        GRID,
        Motion(atlas, jaw_share, **motion),
    )[0]
    return still, moved


def best_rotation(before, after):
    u, _, v = np.linalg.svd((before - before.mean(0)).T @ (after - after.mean(0)))
    rotation = (u @ np.diag([1, 1, np.linalg.det(u @ v)]) @ v).T
    return rotation, (before - before.mean(0)) @ rotation.T + after.mean(0)


def test_an_open_jaw_turns_the_mandible_as_a_body_about_its_hinge_and_leaves_the_skull():
    still, moved = fields_of(jaw_rad=np.array([0.12, 0.0, 0.0]))
    _, atlas, _ = world()
    before = still.move(places(atlas, "mandible", "teeth_lower"))
    after = moved.move(places(atlas, "mandible", "teeth_lower"))
    rotation, fitted = best_rotation(before, after)
    assert np.linalg.norm(fitted - after, axis=1).max() <= RIGID_MM
    assert np.arccos((np.trace(rotation) - 1) / 2) == pytest.approx(0.12, abs=1e-3)
    hinge = np.array(JAW_HINGE_MM)
    turned = (hinge - before.mean(0)) @ rotation.T + after.mean(0)
    assert np.linalg.norm((turned - hinge)[1:]) < RIGID_MM
    assert after[:, 2].min() < before[:, 2].min() - 5.0
    skull = places(atlas, "cranium", "zygoma", "skull_base")
    shift = np.linalg.norm(moved.move(skull) - still.move(skull), axis=1)
    assert np.quantile(shift, 0.99) < RIGID_MM
    assert jacobian(moved).min() > 0.0


def test_globes_turn_about_their_own_centres():
    still, moved = fields_of(gaze_rad=np.array([0.1, 0.2, 0.1, 0.2]))
    _, atlas, _ = world()
    for side in ("left", "right"):
        globe = places(atlas, f"globe_{side}", f"lens_{side}")
        before, after = still.move(globe), moved.move(globe)
        rotation, fitted = best_rotation(before, after)
        assert np.linalg.norm(fitted - after, axis=1).max() <= RIGID_MM
        assert np.arccos((np.trace(rotation) - 1) / 2) == pytest.approx(
            np.hypot(0.1, 0.2), abs=2e-2
        )
        assert np.linalg.norm(after.mean(0) - before.mean(0)) < 0.5


def test_an_expression_moves_skin_and_leaves_bone():
    template, atlas, _ = world()
    cheek = np.exp(-(np.linalg.norm(template.vertices - (40, 70, -35), axis=1) ** 2) / 400)
    still, moved = fields_of(expression_mm=cheek[:, None] * (1.0, -2.0, 4.0))
    bone = places(atlas, "mandible", "maxilla", "zygoma", "teeth")
    shift = np.linalg.norm(moved.move(bone) - still.move(bone), axis=1)
    assert np.quantile(shift, 0.99) < RIGID_MM
    near = np.array([template.vertices[cheek.argmax()]])
    skin_shift = (moved.move(near) - still.move(near))[0]
    np.testing.assert_allclose(skin_shift, cheek.max() * np.array([1.0, -2.0, 4.0]), atol=0.5)


def test_a_jaw_that_would_fold_the_neck_is_refused():
    with pytest.raises(GeometryError, match="expression and jaw rotation"):
        fields_of(jaw_rad=np.array([1.2, 0.0, 0.0]))


def test_a_harmonic_share_is_linear_between_two_plates():
    fixed = np.zeros((9, 8, 33), bool)
    fixed[:, :, 0], fixed[:, :, -1] = True, True
    values = np.zeros(fixed.shape, np.float32)
    values[:, :, -1] = 1.0
    solved = harmonic(values, fixed)
    np.testing.assert_allclose(
        solved, np.broadcast_to(np.linspace(0, 1, 33), fixed.shape), atol=0.03
    )
