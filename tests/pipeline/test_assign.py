from collections import Counter

import pytest

from augment.pipeline.assign import (
    PathologyFacts,
    Request,
    assign_pathologies,
    pathology_grid,
    pathology_mistakes,
)
from augment.recipe import PathologySpec, RecipeSpec
from augment.recipe.severity import Severity
from augment.streams import stream

GRADES = ("mild", "moderate", "severe")
KNOWN = {
    "crooked_nose": PathologyFacts(GRADES, ("left", "right")),
    "hypertelorism": PathologyFacts(GRADES, ()),
    "cheek_swelling": PathologyFacts(GRADES, ("left", "right", "both")),
}
LIST = (
    PathologySpec("crooked_nose", Severity(uniform=(4.0, 4.0)), "left"),
    PathologySpec("hypertelorism", Severity(grade="mild")),
    PathologySpec("cheek_swelling"),
)


def assign(index, assign="cycle", pathologies=LIST):
    spec = RecipeSpec(assign=assign, pathologies=pathologies)
    return assign_pathologies(spec, index, stream(0, index, "assign"), KNOWN)


def test_cycle_goes_through_the_list():
    assert [assign(index)[0].name for index in range(5)] == [
        "crooked_nose",
        "hypertelorism",
        "cheek_swelling",
        "crooked_nose",
        "hypertelorism",
    ]
    assert assign(0) == (Request("crooked_nose", 4.0, "left"),)
    assert assign(1) == (Request("hypertelorism", "mild", None),)


def test_each_composes_the_whole_list():
    assert [request.name for request in assign(7, "each")] == [entry.name for entry in LIST]


def test_one_draws_each_entry_evenly():
    counts = Counter(assign(index, "one")[0].name for index in range(900))
    assert set(counts) == set(KNOWN)
    assert min(counts.values()) > 240


def test_a_side_that_is_left_open_is_left_or_right():
    sides = Counter(assign(index, "each")[2].side for index in range(400))
    assert set(sides) == {"left", "right"}
    assert min(sides.values()) > 150


def test_the_grid_holds_every_pathology_side_and_grade_once():
    grid = pathology_grid(RecipeSpec(assign="grid"), KNOWN)
    assert len(grid) == len(set(grid)) == 3 * (2 + 1 + 3)
    assert [assign(index, "grid", ())[0] for index in range(len(grid))] == list(grid)
    assert assign(len(grid), "grid", ()) == (grid[0],)
    only = pathology_grid(RecipeSpec(assign="grid", pathologies=LIST[:1]), KNOWN)
    assert len(only) == 6


def test_an_empty_list_means_healthy():
    assert assign(0, pathologies=()) == ()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (PathologySpec("crooked_noze"), "pathologies[0].name expects one of cheek_swelling, "),
        (PathologySpec("hypertelorism", side="left"), "expects null for hypertelorism, got 'left'"),
        (PathologySpec("crooked_nose", side="both"), "expects one of left, right for crooked_nose"),
        (
            PathologySpec("crooked_nose", Severity(grade="awful")),
            "expects a number or one of mild, moderate, severe, any, got 'awful'",
        ),
    ],
)
def test_a_mistake_says_what_was_expected(entry, message):
    (mistake,) = pathology_mistakes([entry], KNOWN)
    assert message in mistake


def test_a_good_list_has_no_mistake():
    assert pathology_mistakes(LIST, KNOWN) == []
