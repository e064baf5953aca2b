"""Fractures: rigid fragments, filled gaps and a field that says where it ends."""

from functools import cache

import numpy as np
import pytest

from augment.errors import GeometryError
from augment.volume.anatomy.spec import AtlasSpec
from augment.volume.atlas import Atlas, build_atlas
from augment.volume.field.fracture import (
    FRACTURES,
    FRAGMENT,
    GAP,
    Fracture,
    fracture_of_size,
    fractured,
    fractured_displacement,
    jacobian_within,
)
from augment.volume.field.lattice import grid_points
from augment.volume.field.twins import twin_fields
from augment.volume.grid import grid_over
from augment.volume.labels import NUMBER
from augment.volume.posture import UPRIGHT, Posture
from augment.volume.scan_frame import scan_displacement
from augment.volume.template import load_template

HALF_A_VOXEL = 0.5
GRID = grid_over((-90, -20, -60), (90, 110, 50), 2.0)


@cache
def world():
    template = load_template(2.0)
    return template, build_atlas(template.body, AtlasSpec(), template.seat)


@pytest.mark.parametrize("name", sorted(FRACTURES))
def test_a_fragment_keeps_its_volume_and_goes_where_it_was_sent(name):
    _, atlas = world()
    broken = fractured(atlas, Fracture(name, 6.0, 8.0))
    n_before = int(broken.gap.sum() + (broken.fragment & ~broken.covered).sum())
    assert broken.fragment.sum() == pytest.approx(n_before, rel=0.05)
    assert abs(broken.measured_mm - 6.0) < HALF_A_VOXEL * atlas.grid.spacing_mm[0]
    side = np.sign(grid_points(atlas.grid.box_grid(broken.box))[broken.fragment][:, 0])
    assert (side == (1 if name.endswith("right") else -1)).all()


def test_nothing_changes_outside_fragment_and_gap_and_the_gap_holds_its_tissue():
    _, atlas = world()
    broken = fractured(atlas, Fracture("zygoma_right", 5.0, gap="mucosa"))
    changed = broken.atlas.labels != atlas.labels
    outside = np.ones(atlas.grid.shape, bool)
    outside[broken.box] = ~(broken.fragment | broken.gap)
    assert changed.any()
    assert not changed[outside].any()
    assert (broken.atlas.labels[broken.box][broken.gap] == NUMBER["mucosa"]).all()


def test_every_fragment_voxel_is_found_in_the_whole_atlas_at_its_displacement():
    _, atlas = world()
    broken = fractured(atlas, Fracture("condyle_left", 7.0, 20.0))
    points = grid_points(atlas.grid.box_grid(broken.box)) + broken.displacement_mm
    index = np.rint((points - atlas.grid.origin_mm) / atlas.grid.spacing_mm).astype(int)
    before = atlas.labels[tuple(np.moveaxis(index, 3, 0))]
    same = before == broken.atlas.labels[broken.box]
    assert same[~broken.gap].mean() == 1.0
    assert not same[broken.gap].any()


def test_left_and_right_are_mirror_images():
    _, atlas = world()
    right = fractured(atlas, Fracture("condyle_right", 5.0, 10.0))
    left = fractured(atlas, Fracture("condyle_left", 5.0, 10.0))
    grid = atlas.grid
    places = [grid_points(grid.box_grid(b.box))[b.fragment].mean(0) for b in (right, left)]
    np.testing.assert_allclose(places[0] * (-1, 1, 1), places[1], atol=1.0)


@pytest.mark.parametrize("posture", [UPRIGHT, Posture((6.0, -4.0, 8.0))])
def test_the_field_between_twins_follows_the_fragment_and_ends_at_the_gap(posture):
    template, atlas = world()
    grid = grid_over((10, 20, -30), (80, 90, 30), 2.0)
    fields = twin_fields(template.vertices, template.vertices * 1.02, [], template.body, GRID)
    broken = fractured(atlas, Fracture("zygoma_right", 5.0))
    still = scan_displacement(fields, posture, grid)
    between, marks = fractured_displacement(fields, broken, posture, still)
    assert 0 < (marks == GAP).sum() < 0.2 * marks.size
    moved = np.linalg.norm(between.displacement_mm, axis=3) > 0
    np.testing.assert_array_equal(moved, marks == FRAGMENT)
    np.testing.assert_allclose(
        np.linalg.norm(between.displacement_mm[moved], axis=1), 5.0 * 1.02, atol=0.1
    )
    # A body that only shifts keeps its volume; across the cut nothing is stretched.
    np.testing.assert_allclose(jacobian_within(between, marks), 1.0, atol=0.1)


def test_the_fragment_moves_as_far_in_the_head_as_was_asked():
    template, atlas = world()
    fields = twin_fields(template.vertices, template.vertices * 1.2, [], template.body, GRID)
    there = fields.healthy_from_template
    broken = fracture_of_size(atlas, Fracture("condyle_left", 6.0, 10.0), there)
    assert abs(broken.measured_mm - 6.0) < HALF_A_VOXEL * atlas.grid.spacing_mm[0]
    assert abs(fractured(atlas, Fracture("condyle_left", 6.0)).measured_mm - 6.0) < 1.0


def test_points_on_the_fragment_go_with_it_and_others_stay():
    _, atlas = world()
    broken = fractured(atlas, Fracture("zygoma_right", 6.0, 8.0))
    bone = np.argwhere(broken.whole) * atlas.grid.spacing_mm + atlas.grid.origin_mm
    shift = broken.carried(bone).mean(0) - bone.mean(0)
    assert np.linalg.norm(shift) == pytest.approx(6.0)
    elsewhere = bone * (-1, 1, 1)
    np.testing.assert_array_equal(broken.carried(elsewhere), elsewhere)


def test_unknown_fractures_tissues_and_boneless_atlases_are_refused():
    _, atlas = world()
    with pytest.raises(GeometryError, match="expected a fracture among condyle_left"):
        fractured(atlas, Fracture("femur", 5.0))
    with pytest.raises(GeometryError, match="expected a label that fills the gap"):
        fractured(atlas, Fracture("zygoma_left", 5.0, gap="glue"))
    empty = Atlas(np.zeros_like(atlas.labels), atlas.grid, atlas.metal_mm, None)
    with pytest.raises(GeometryError, match="expected bone for a Zygomaticomaxillary"):
        fractured(empty, Fracture("zygoma_left", 5.0))
