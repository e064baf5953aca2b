import json

import pytest
from omegaconf import OmegaConf

from augment.errors import RecipeError
from augment.recipe import (
    RecipeSpec,
    compose_recipe,
    describe_recipe,
    expand_sweeps,
    recipe_names,
    recipe_text,
)
from augment.recipe.check import known_keys, read_spec
from augment.recipe.severity import Severity

SHIPPED = [
    "cephalogram",
    "ct_anchored",
    "ct_subject",
    "face_demo",
    "face_fasseg",
    "face_train",
    "head_ct",
    "head_ct_randomised",
    "head_shapes",
    "mandible_kbp",
    "pathology_atlas",
    "photo_subject",
    "swelling_course",
]


def test_the_shipped_recipes_are_these():
    assert list(recipe_names()) == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_a_recipe_opens_with_what_it_makes_its_command_and_its_cost(name):
    lines = recipe_text(name).splitlines()
    assert lines[0].startswith("# ")
    assert lines[1].startswith(f"# Command: facies generate {name} ")
    assert lines[2].startswith("# Cost: ")


@pytest.mark.parametrize("name", SHIPPED)
def test_a_described_recipe_reads_back_as_itself(name):
    spec = compose_recipe(name, partial=True)
    values = OmegaConf.to_container(OmegaConf.create(describe_recipe(spec)))
    mistakes = []
    assert read_spec(RecipeSpec, {**values, "name": name}, "", mistakes) == spec
    assert mistakes == []


def test_values_of_the_yaml_and_defaults_meet():
    spec = compose_recipe("face_demo")
    assert spec.name == "face_demo"
    assert spec.samples == 24
    assert spec.out == "out/face_demo"
    assert spec.render.yaw_deg == (-40.0, 40.0)
    assert spec.render.backend == "numba"
    assert len(spec.pathologies) == 8


def test_overrides_reach_keys_that_the_yaml_does_not_name():
    spec = compose_recipe(
        "face_demo", ["render.supersample=1", "out=/tmp/a b", "subject.sex=female", "workers=2"]
    )
    assert spec.render.supersample == 1
    assert spec.out == "/tmp/a b"
    assert spec.subject.sex == "female"


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("4.5", Severity(uniform=(4.5, 4.5))),
        ("0", Severity(uniform=(0.0, 0.0))),
        ("moderate", Severity(grade="moderate")),
        ("{uniform: [2, 6]}", Severity(uniform=(2.0, 6.0))),
    ],
)
def test_severity_has_three_forms(text, severity):
    override = f"pathologies=[{{name: crooked_nose, severity: {text}}}]"
    (pathology,) = compose_recipe("face_demo", [override]).pathologies
    assert pathology.severity == severity


def test_every_mistake_is_reported_at_once():
    overrides = ["sampels=3", "render.size=9", "seed=-1", "twins=perhaps", "render.yaw_deg=[5,1]"]
    with pytest.raises(RecipeError) as caught:
        compose_recipe("face_demo", overrides)
    message = str(caught.value)
    for part in (
        "recipe face_demo: ",
        "unknown key 'sampels', the nearest known key is 'samples'",
        "unknown key 'render.size', the nearest known key is 'render.size_px'",
        "seed expects a whole number of 0 or more, got -1",
        "twins expects true or false, got 'perhaps'",
        "render.yaw_deg expects [low, high] with low <= high, got [5, 1]",
    ):
        assert part in message


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["render.size_px=big"],
            "render.size_px expects a whole number from 32 to 4096, got 'big'",
        ),
        (["render.size_px=16"], "render.size_px expects a whole number from 32 to 4096, got 16"),
        (["samples=2.5"], "samples expects a whole number from 1 to 1e\\+08, got 2.5"),
        (
            ["subject.source=mri"],
            "subject.source expects one of prior, ct, scan, photo, file, got 'mri'",
        ),
        (["render.labels=[depth]"], r"render.labels\[0\] expects one of regions, .* got 'depth'"),
        (["render.fill=0.5"], "render.fill expects a list, got 0.5"),
        (["render.fill=[1]"], r"render.fill expects \[low, high\], got \[1\]"),
        (["render.fill=[a,1]"], "render.fill expects a number from 0.1 to 2, got 'a'"),
        (["subject=prior"], "subject expects keys and values, got 'prior'"),
        (["pathologies=crooked_nose"], "pathologies expects a list, got 'crooked_nose'"),
        (["pathologies=[{severity: 1}]"], r"pathologies\[0\].name expects the name of a pathology"),
        (
            ["pathologies=[{name: crooked_nose, severity: -3}]"],
            r"pathologies\[0\].severity: expected a number of 0 or more, .* got -3",
        ),
        (
            ["pathologies=[{name: crooked_nose, severity: {uniform: [6, 2]}}]"],
            "0 <= low <= high, got {'uniform': ",
        ),
        (
            ["pathologies=[{name: crooked_nose, sverity: 3}]"],
            r"unknown key 'pathologies\[0\].sverity', the nearest known key is .*severity'",
        ),
        (["assign=one", "pathologies=[]"], "assign=one expects at least one entry in pathologies"),
        (["series.course=swelling"], r"expect each other, got course=swelling and times=\[\]"),
        (
            ["series.course=swelling", "series.times=[6,1]"],
            r"series.times expects rising times, got \[6.0, 1.0\]",
        ),
        (["subject.source=ct"], "subject.path expects a file for subject.source=ct, got none"),
        (["seed=1,2"], "'seed=1,2' asks for several runs; add --multirun"),
        (["=3"], "expected key=value, got '=3'"),
        (["render.size_px"], "expected key=value, got 'render.size_px'"),
        (["seed=[1"], r"expected key=value, got 'seed=\[1'"),
        (["hydra.nothing=1"], "recipe face_demo: .*nothing"),
    ],
)
def test_a_mistake_is_one_sentence(overrides, message):
    with pytest.raises(RecipeError, match=message) as caught:
        compose_recipe("face_demo", overrides)
    assert "\n" not in str(caught.value)


def test_an_unknown_recipe_names_the_nearest():
    with pytest.raises(RecipeError, match=r"unknown recipe 'face_dem', the nearest .* 'face_demo'"):
        compose_recipe("face_dem")


def test_a_value_that_is_left_to_the_user_is_asked_for():
    with pytest.raises(RecipeError, match=r"add subject.path=FILE"):
        compose_recipe("ct_subject")
    assert compose_recipe("ct_subject", ["subject.path=a.nii"]).subject.path == "a.nii"


def test_own_recipes_build_on_shipped_ones(tmp_path):
    text = "# Mine.\ndefaults:\n  - face_demo\n  - _self_\nsamples: 3\nrender:\n  size_px: 64\n"
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    assert list(recipe_names(tmp_path)) == sorted([*SHIPPED, "mine"])
    spec = compose_recipe("mine", ["seed=5"], tmp_path)
    assert (spec.samples, spec.render.size_px, spec.seed) == (3, 64, 5)
    assert len(spec.pathologies) == 8
    assert compose_recipe("face_demo", [], tmp_path).samples == 24


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 1\n", r"mine.yaml' expects keys and values, got \[1\]"),
        ("seed: [1\n", "expected YAML in .* in line 2; correct it"),
    ],
)
def test_an_own_recipe_that_is_no_mapping_is_refused(text, message, tmp_path):
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError, match=message):
        compose_recipe("mine", [], tmp_path)


def test_config_dir_has_to_be_a_folder(tmp_path):
    with pytest.raises(RecipeError, match="expects a folder of YAML files"):
        recipe_names(tmp_path / "nowhere")


def test_sweeps_expand_to_every_combination():
    assert expand_sweeps(["seed=1,2", "samples=3", "render.size_px=64,128"]) == [
        ["seed=1", "samples=3", "render.size_px=64"],
        ["seed=1", "samples=3", "render.size_px=128"],
        ["seed=2", "samples=3", "render.size_px=64"],
        ["seed=2", "samples=3", "render.size_px=128"],
    ]


def test_the_fingerprint_ignores_how_many_how_and_where():
    spec = compose_recipe("face_demo")
    same = compose_recipe("face_demo", ["samples=99", "workers=2", "out=elsewhere"])
    other = compose_recipe("face_demo", ["seed=1"])
    assert spec.fingerprint() == same.fingerprint() != other.fingerprint()


def test_values_survive_json():
    spec = compose_recipe(
        "face_demo", ["pathologies=[{name: a, severity: {uniform: [1, 2]}, side: left}]"]
    )
    mistakes = []
    assert read_spec(RecipeSpec, json.loads(json.dumps(spec.values())), "", mistakes) == spec
    assert mistakes == []


def test_known_keys_are_dotted():
    keys = known_keys(RecipeSpec)
    assert {"samples", "subject.path", "render.size_px", "pathologies"} <= set(keys)
    assert len(keys) == len(set(keys))
