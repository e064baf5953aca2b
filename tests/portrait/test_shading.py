from dataclasses import replace

import numpy as np
import pytest
from portraits import LIGHT, portrait

from augment.portrait.fit import free_expressions
from augment.portrait.shading import (
    ShadingTerm,
    _normal_gradient,
    _normals,
    fit_light,
    harmonic_slopes,
    harmonics,
    linear_rgb,
)
from augment.portrait.surface_points import head_and_jaw, posed_head
from augment.portrait.view import start_state

FLAT = 0.06
"""The picture's normals are smooth, those of the points are their triangles'."""


def unit_vectors(count):
    vectors = np.random.default_rng(1).normal(size=(count, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_light_is_found_despite_highlights():
    normals = unit_vectors(600)
    reflectance = np.random.default_rng(2).uniform(0.2, 0.6, 600)
    values = reflectance * (harmonics(normals) @ LIGHT)
    values[:60] += 0.8
    light = fit_light(values, reflectance, normals)
    assert harmonics(normals) @ light == pytest.approx(harmonics(normals) @ LIGHT, abs=0.03)


def test_slopes_of_harmonics_are_differences():
    normals, step = unit_vectors(20), 1e-6
    slopes = harmonic_slopes(normals)
    for axis in range(3):
        away = np.zeros(3)
        away[axis] = step
        difference = (harmonics(normals + away) - harmonics(normals - away)) / (2 * step)
        assert slopes[:, :, axis] == pytest.approx(difference, abs=1e-8)


def test_srgb_is_read_as_the_standard_says():
    assert linear_rgb(np.array([0, 255])) == pytest.approx([0.0, 1.0])
    assert linear_rgb(np.array([188])) == pytest.approx(0.5029, abs=1e-4)


@pytest.fixture(scope="module")
def scene(model):
    known = portrait(model)
    term = ShadingTerm.of_view(model, known.view, free_expressions(model))
    return known, term, start_state(known.view)


def test_normals_turn_as_differences_say(model, scene):
    known, term, _ = scene
    points, head = term.points.some(np.arange(40)), known.vertices
    along = unit_vectors(40)
    gradient = _normal_gradient(points, head, along)
    away = np.random.default_rng(3).normal(0, 1e-4, head.shape)
    before, after = (_normals(points, v) for v in (head, head + away))
    predicted = (gradient * away[points.corners]).sum((1, 2))
    assert ((after - before) * along).sum(1) == pytest.approx(predicted, abs=2e-7)


def test_the_synthesis_of_the_true_head_is_the_picture(scene):
    known, term, state = scene
    found = term.synthesis(state, known.vertices)
    assert len(found.chosen) > 300
    assert term.residual(state, known.vertices) < FLAT


def test_steps_on_shading_alone_bring_a_shifted_head_back(model, scene):
    known, term, state = scene
    shifted = replace(state, translation=state.translation + np.array([2.5, -1.5, 0.0]))
    start = np.linalg.norm(shifted.translation - state.translation)
    for _ in range(6):
        head, jaw = head_and_jaw(model, known.view.estimate.identity, shifted)
        jacobian, residual, weight = term.rows(shifted, head, jaw)
        chosen = jacobian[:, -4:-2]  # shift to the right and down
        step = np.linalg.solve((chosen.T * weight) @ chosen, (chosen.T * weight) @ residual)
        shifted = replace(shifted, translation=shifted.translation + np.append(step, 0.0))
    assert np.linalg.norm(shifted.translation - state.translation) < 0.5 * start


def test_a_head_out_of_sight_has_no_rows(model, scene):
    known, term, state = scene
    away = replace(state, translation=state.translation + np.array([3000.0, 0.0, 0.0]))
    head = posed_head(model, known.view.estimate.identity, away)
    assert term.synthesis(away, head) is None
    jacobian, residual, _ = term.rows(away, head, np.zeros((3, *head.shape)))
    assert jacobian.shape == (0, 99 + len(free_expressions(model)) + 10)
    assert len(residual) == 0


def test_another_model_has_points_of_its_own(model, scene):
    known, term, _ = scene
    wider = replace(model, identity_basis=2 * model.identity_basis)
    points = ShadingTerm.of_view(wider, known.view, free_expressions(model)).points
    n_identity = len(model.identity_basis)
    assert (points.basis[:, :n_identity] == 2 * term.points.basis[:, :n_identity]).all()
    assert (points.basis[:, n_identity:] == term.points.basis[:, n_identity:]).all()
