from collections import Counter

import pytest

from augment.pathology import PATHOLOGIES, Request
from augment.pipeline.assign import (
    assign_pathologies,
    grade_ranges,
    pathology_grid,
    pathology_mistakes,
)
from augment.recipe import PathologySpec, RecipeSpec, compose_recipe
from augment.recipe.schema import SubjectSpec
from augment.recipe.severity import Severity
from augment.streams import stream

LIST = (
    PathologySpec("crooked_nose", Severity(uniform=(4.0, 4.0)), "left"),
    PathologySpec("hypertelorism", Severity(grade="mild")),
    PathologySpec("zygomatic_depression"),
)


def assign(index, assign="cycle", pathologies=LIST):
    spec = RecipeSpec(assign=assign, pathologies=pathologies)
    return assign_pathologies(spec, index, stream(0, index, "assign"), PATHOLOGIES)


def test_cycle_goes_through_the_list():
    assert [assign(index)[0].name for index in range(5)] == [
        "crooked_nose",
        "hypertelorism",
        "zygomatic_depression",
        "crooked_nose",
        "hypertelorism",
    ]
    assert assign(0) == [Request("crooked_nose", 4.0, "left")]


def test_associated_changes_are_asked_for_by_the_recipe():
    entry = PathologySpec("chin_deviation", Severity(uniform=(6.0, 6.0)), "left", associated=True)
    assert assign(0, pathologies=(entry,)) == [
        Request("chin_deviation", 6.0, "left", associated=True)
    ]


def test_a_grade_is_drawn_inside_its_range():
    low, high = grade_ranges(PATHOLOGIES["hypertelorism"])["mild"]
    drawn = [assign(1 + 3 * k)[0] for k in range(50)]
    assert {request.side for request in drawn} == {None}
    assert all(low <= request.severity <= high for request in drawn)
    assert len({request.severity for request in drawn}) == 50


def test_each_composes_the_whole_list():
    assert [request.name for request in assign(7, "each")] == [entry.name for entry in LIST]


def test_one_draws_each_entry_evenly():
    counts = Counter(assign(index, "one")[0].name for index in range(900))
    assert set(counts) == {entry.name for entry in LIST}
    assert min(counts.values()) > 240


def test_a_side_that_is_left_open_is_left_or_right():
    sides = Counter(assign(index, "each")[2].side for index in range(400))
    assert set(sides) == {"left", "right"}
    assert min(sides.values()) > 150


def test_the_grid_holds_every_pathology_side_and_grade_once():
    grid = pathology_grid(RecipeSpec(assign="grid"), PATHOLOGIES)
    assert len(grid) == len(set(grid))
    assert len(grid) == sum(
        max(len(entry.sides), 1) * len(entry.grades)
        for entry in PATHOLOGIES.values()
        if entry.ages[1] >= 80.0  # the recipe's subjects are adults of 18 to 80 years
    )
    infants = pathology_grid(
        RecipeSpec(assign="grid", subject=SubjectSpec(age_years=(0.2, 1.0))), PATHOLOGIES
    )
    assert {request.name for request in [*grid, *infants]} == set(PATHOLOGIES)
    assert [assign(index, "grid", ())[0] for index in range(len(grid))] == grid
    assert assign(len(grid), "grid", ()) == [grid[0]]
    for request in grid:
        assert PATHOLOGIES[request.name].grade_of(request.severity) is not None


def test_the_shipped_atlas_has_one_sample_for_each_cell_of_the_grid():
    spec = compose_recipe("pathology_atlas")
    assert spec.samples == len(pathology_grid(spec, PATHOLOGIES))


def test_an_empty_list_means_healthy():
    assert assign(0, pathologies=()) == []


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (PathologySpec("crooked_noze"), "pathologies[0].name expects one of acromegaly, "),
        (PathologySpec("hypertelorism", side="left"), "expects null for hypertelorism, got 'left'"),
        (
            PathologySpec("crooked_nose", associated=True),
            "associated expects false for crooked_nose, with which no changes are stated to come "
            "along, got true; it is for zygomatic_depression, chin_deviation",
        ),
        (PathologySpec("crooked_nose", side="both"), "expects one of left, right for crooked_nose"),
        (
            PathologySpec("crooked_nose", Severity(grade="awful")),
            "expects a number or one of mild, moderate, severe, any, got 'awful'",
        ),
    ],
)
def test_a_mistake_says_what_was_expected(entry, message):
    (mistake,) = pathology_mistakes([entry], PATHOLOGIES)
    assert message in mistake


@pytest.mark.parametrize("name", ["face_demo", "ct_subject", "pathology_atlas", "face_train"])
def test_shipped_recipes_have_no_mistake(name):
    spec = compose_recipe(name, partial=True)
    assert pathology_mistakes(spec.pathologies, PATHOLOGIES) == []
