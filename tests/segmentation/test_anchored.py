"""Heads fitted to masks, and photographs and CT moved with them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from augment.errors import GeometryError, RecipeError
from augment.morphable import load_face_model
from augment.pipeline import generate
from augment.recipe import compose_recipe
from augment.recipe.experiment import compose_experiment
from augment.segmentation.anchored import deform_case
from augment.segmentation.photograph import (
    LANDMARKS,
    deform_photograph,
    fit_photograph,
    mask_points,
)
from augment.segmentation.synthetic import region_classes
from augment.segmentation.tasks import Case, read_case, read_task
from augment.streams import stream

TASK = read_task("fasseg")
DATA = Path(__file__).parents[3] / "shared" / "data"
FIT_TOLERANCE = 0.03  # mean distance of landmarks over the height of the picture
STILL_PX = 0.3  # smoothing of the field


@pytest.fixture(scope="module")
def photographed():
    """A generated photograph with its masks and its true landmarks."""
    recipe = compose_recipe("face_fasseg", ["samples=1", "seed=5", "render.size_px=192"])
    view = next(generate(recipe)).twins[0].views[0]
    label = region_classes(TASK.names)[view.labels["regions"]]
    return Case("a", view.image, label, (1.0, 1.0)), view.landmarks.points_px


def test_a_fitted_head_lies_where_the_real_one_is(photographed):
    case, points = photographed
    fit = fit_photograph(case, TASK, load_face_model())
    model = fit.model
    vertices = model.vertices(torch.from_numpy(fit.identity)[None].float())
    ibug = [name for name in LANDMARKS if name.startswith("ibug")]
    found = fit.projected(model.landmarks(vertices, tuple(ibug))[0].double().numpy())
    true = points[[int(name[5:]) for name in ibug]]
    assert np.linalg.norm(found - true, axis=1).mean() < FIT_TOLERANCE * case.label.shape[0]
    assert abs(np.linalg.det(fit.rotation) - 1) < 1e-9


def test_an_unchanged_head_leaves_the_photograph(photographed):
    case, _ = photographed
    fit = fit_photograph(case, TASK, load_face_model())
    same = deform_photograph(case, fit, fit.vertices(fit.identity), stream(0, 0, "t"), 0.0)
    assert (same.label != case.label).mean() < 0.01
    difference = np.abs(same.image.astype(int) - case.image.astype(int))
    assert difference.mean() < STILL_PX


def test_image_and_mask_move_together_and_the_border_stays(photographed):
    case, _ = photographed
    painted = replace(case, image=np.repeat(case.label[..., None] * 40, 3, 2).astype(np.uint8))
    spec = compose_experiment("face_parsing_few_shot", ["data=d", "anchored.variants=2"])
    first, second = deform_case(painted, TASK, spec)
    for variant in (first, second):
        assert (variant.label != case.label).mean() > 0.01
        is_pure = np.isin(variant.image[..., 0], np.arange(6) * 40)
        assert is_pure.mean() > 0.8
        agreement = variant.image[..., 0][is_pure] == variant.label[is_pure] * 40
        assert agreement.mean() > 0.98
        assert (variant.label[0] != case.label[0]).mean() < 0.1
    assert (first.label != second.label).any()
    again = next(deform_case(painted, TASK, spec))
    assert np.array_equal(again.label, first.label)


def test_masks_that_show_no_face_are_refused(photographed):
    case, _ = photographed
    blind = replace(case, label=np.where(case.label == 5, 1, case.label))
    with pytest.raises(GeometryError, match="expects two eyes apart in its mask, got 0"):
        mask_points(blind, TASK)
    with pytest.raises(RecipeError, match="classes eyes, nose, mouth, got disc; leave that arm"):
        mask_points(case, replace(TASK, names=("background", "disc")))
    with pytest.raises(RecipeError, match=r"skin, hair, nose, .* got wart; rename"):
        region_classes(("background", "wart"))


def test_a_real_ct_and_its_contour_move_together():
    folder = DATA / "openkbp"
    if not folder.is_dir():
        pytest.skip("../shared/data/openkbp is not here")
    task = read_task("openkbp")
    case = read_case(task, folder, "pt_17")
    spec = compose_experiment("mandible_few_shot", ["data=d", "anchored.variants=1"])
    (variant,) = deform_case(case, task, spec)
    assert variant.image.shape == case.image.shape
    assert (variant.label != case.label).any()
    bone = [case_.image[case_.label > 0].mean() for case_ in (case, variant)]
    assert bone[1] == pytest.approx(bone[0], rel=0.25)
    # Another person's jaw: heads of one size differ by up to a half in the volume of the bone.
    assert int(variant.label.sum()) == pytest.approx(int(case.label.sum()), rel=0.5)
