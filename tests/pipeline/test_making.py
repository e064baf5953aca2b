import json
from pathlib import Path

import numpy as np
import pytest
import torch

from augment.errors import RecipeError
from augment.geometry.distance import closest_point
from augment.pathology import PATHOLOGIES
from augment.pipeline import check_recipe, data_set_legend, generate, open_pipeline
from augment.pipeline.plain import read_camera
from augment.recipe import compose_recipe, recipe_names
from augment.writer.encode import encode_json

FOLDER = Path(__file__).parents[2] / "recipes"
# Recipes of studies and trainings make no samples; their own rooms' tests run them.
OTHERS = ("experiment", "train")
RECIPES = sorted(p.stem for p in FOLDER.rglob("*.yaml") if p.parent.name not in OTHERS)
# What a recipe promises: |measured - requested|, in the measure's unit.
SEVERITY_TOLERANCE = 0.05
# Labels are float32 of numbers up to 1000 mm.
DEPTH_TOLERANCE_MM = 0.01
# Landmarks are written in float32 pixels.
REPROJECTION_TOLERANCE_PX = 0.01


def test_every_recipe_is_found():
    assert set(recipe_names()) == set(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_a_shipped_recipe_makes_a_sample(make, name):
    spec = compose_recipe(name, partial=True)
    if spec.volume.is_wanted:
        pytest.skip("test_volumes.py makes the recipes with volumes")
    sample = make(name, 0)
    view = sample.twins[-1].views[0]
    assert view.image.shape == (48, 48, 3)
    assert set(view.labels) == set(spec.render.labels)
    assert bool(sample.severities) == (spec.assign == "grid" or bool(spec.pathologies))
    assert all(abs(row["difference"]) <= SEVERITY_TOLERANCE for row in sample.severities)
    assert {"subject", "pathology", "view", "render", "collect"} <= set(sample.seconds)


def test_a_sample_is_the_same_whatever_was_made_before(make):
    spec = compose_recipe("face_demo", ["render.size_px=48", "render.supersample=1", "samples=2"])
    fresh = open_pipeline(spec, None)
    first, second = fresh(1), make("face_demo", 1)
    assert encode_json(first.parameters) == encode_json(second.parameters)
    for one, other in zip(first.twins, second.twins, strict=True):
        np.testing.assert_array_equal(one.vertices_mm, other.vertices_mm)
        for view, same in zip(one.views, other.views, strict=True):
            np.testing.assert_array_equal(view.image, same.image)
            for kind, values in view.labels.items():
                np.testing.assert_array_equal(values, same.labels[kind])


def test_generate_yields_the_samples_in_order():
    spec = compose_recipe("face_demo", ["render.size_px=32", "render.supersample=1", "samples=2"])
    assert [sample.index for sample in generate(spec)] == [0, 1]


def test_samples_and_seeds_differ(make):
    samples = [make("face_demo", 0), make("face_demo", 1), make("face_demo", 0, "seed=1")]
    identities = {tuple(sample.parameters["subject"]["identity"]) for sample in samples}
    assert len(identities) == 3


def test_twins_share_everything_but_the_pathology(make):
    sample = make("face_demo", 7)
    healthy, pathological = sample.twins
    assert (healthy.name, pathological.name) == ("healthy", "pathological")
    assert healthy.views[0].camera == pathological.views[0].camera
    moved = np.linalg.norm(pathological.vertices_mm - healthy.vertices_mm, axis=1)
    assert 1 < moved.max() < 30
    assert not healthy.views[0].labels["pathology"].any()


def test_displacement_is_pathological_minus_healthy_position(make):
    sample = make("face_demo", 7, "render.labels=[displacement_mm,position_mm,parts]")
    healthy, pathological = sample.twins
    faces, points = sample.faces, pathological.vertices_mm.astype(np.float64)
    labels = pathological.views[0].labels
    moved = np.linalg.norm(labels["displacement_mm"], axis=-1) > 0.5
    assert moved.any()
    found = closest_point(labels["position_mm"][moved].astype(np.float64), points, faces)
    corners = faces[found.triangle]
    back = (
        (pathological.vertices_mm - healthy.vertices_mm)[corners] * found.barycentric[..., None]
    ).sum(1)
    np.testing.assert_allclose(labels["displacement_mm"][moved], back, atol=0.02)


def test_depth_unprojects_onto_the_written_mesh(make):
    sample = make("pathology_atlas", 0, "subject.age_years=[30,40]")
    twin = sample.twins[1]
    view = twin.views[0]
    camera = read_camera(view.camera)
    depth = torch.from_numpy(view.labels["depth_mm"])[None]
    points = camera.unproject(camera.pixel_centres(), depth)[0].numpy()
    legend = data_set_legend(compose_recipe("face_demo"))
    worn = [value for value, name in legend.parts.items() if name in ("hair", "clothing")]
    is_body = (view.labels["depth_mm"] > 0) & ~np.isin(view.labels["parts"], worn)
    assert is_body.sum() > 300
    found = closest_point(points[is_body], twin.vertices_mm.astype(np.float64), sample.faces)
    assert found.distance_mm.max() < DEPTH_TOLERANCE_MM


def test_landmarks_reproject(make):
    view = make("face_demo", 3).twins[1].views[0]
    points = torch.from_numpy(view.landmarks.points_mm.astype(np.float64))[None]
    pixels, _ = read_camera(view.camera).project(points)
    error = np.abs(pixels[0].numpy() - view.landmarks.points_px)
    assert error.max() < REPROJECTION_TOLERANCE_PX
    assert view.landmarks.is_visible.any()


def test_one_subject_serves_all_samples(make):
    first, second = make("pathology_atlas", 0), make("pathology_atlas", 5)
    assert first.parameters["subject"] == second.parameters["subject"]
    assert first.parameters["views"] == second.parameters["views"]
    np.testing.assert_array_equal(first.twins[0].vertices_mm, second.twins[0].vertices_mm)


def test_associated_changes_are_recorded_and_seen(make):
    entry = "pathologies=[{name: zygomatic_depression, severity: 5, side: left, associated: %s}]"
    plain, more = (make("face_demo", 0, entry % word) for word in ("false", "true"))
    recorded = [sample.parameters["pathologies"][0]["associated"] for sample in (plain, more)]
    assert recorded == [False, True]
    np.testing.assert_array_equal(plain.twins[0].vertices_mm, more.twins[0].vertices_mm)
    assert (plain.twins[1].vertices_mm != more.twins[1].vertices_mm).any()


def test_views_have_their_own_cameras(make):
    sample = make("face_demo", 0, "render.views=2")
    cameras = [view.camera for view in sample.twins[0].views]
    assert len(cameras) == 2
    assert cameras[0] != cameras[1]


def test_meshes_and_twins_can_be_left_out(make):
    sample = make("face_demo", 0, "twins=false", "meshes=false")
    (twin,) = sample.twins
    assert twin.name == "pathological"
    assert twin.vertices_mm is None
    np.testing.assert_array_equal(twin.views[0].image, make("face_demo", 0).twins[1].views[0].image)


def test_parameters_are_json(make):
    parameters = make("face_demo", 2).parameters
    assert json.loads(encode_json(parameters)) == parameters
    assert len(parameters["subject"]["identity"]) == 99


def test_photometric_variation_changes_pictures_and_no_label(make):
    plain = make("face_demo", 1)
    varied = make("face_demo", 1, "render.albumentations=1")
    for twin, other in zip(plain.twins, varied.twins, strict=True):
        view, changed = twin.views[0], other.views[0]
        assert np.any(view.image != changed.image)
        for kind, values in view.labels.items():
            np.testing.assert_array_equal(values, changed.labels[kind])
    assert "photometric" in varied.seconds


def test_an_impossible_severity_names_the_largest_possible_value():
    spec = compose_recipe("face_demo", ["pathologies=[{name: crooked_nose, severity: 70}]"])
    with pytest.raises(RecipeError, match=r"sample 0: crooked_nose: .* strongest possible value"):
        open_pipeline(spec, None)(0)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("pathologies=[{name: croked_nose}]", "one of acromegaly, .*, got 'croked_nose'"),
        ("device=tpu9", "device expects cpu, cuda or cuda:N, got 'tpu9'"),
        ("device=mps", "device expects cpu, cuda or cuda:N, got 'mps'"),
        ("render.background=/no/where", "a folder of pictures, got '/no/where'"),
    ],
)
def test_what_only_later_rooms_know_is_checked_before_any_work(override, message):
    with pytest.raises(RecipeError, match=message):
        check_recipe(compose_recipe("face_demo", [override]))


def test_the_legend_names_every_value():
    legend = data_set_legend(compose_recipe("face_demo"))
    assert len(legend.landmarks) == 68
    assert 0 not in legend.regions
    assert set(legend.pathologies) == set(PATHOLOGIES)
    assert json.loads(encode_json({"p": legend.pathologies}))
