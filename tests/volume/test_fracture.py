"""Fractures: rigid fragments, filled gaps and a field that says where it ends."""

from functools import cache

import numpy as np
import pytest

from augment.errors import GeometryError
from augment.volume.anatomy.spec import AtlasSpec
from augment.volume.atlas import Atlas, build_atlas
from augment.volume.fracture import FRACTURES, Fracture, fractured, healthy_from_fractured
from augment.volume.grid import grid_over
from augment.volume.labels import NUMBER
from augment.volume.lattice import grid_points
from augment.volume.template import load_template
from augment.volume.twins import twin_fields

HALF_A_VOXEL = 0.5


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


def test_the_field_between_twins_follows_the_fragment_and_ends_at_the_gap():
    template, atlas = world()
    grid = grid_over((10, 20, -30), (80, 90, 30), 2.0)
    fields = twin_fields(template.vertices, template.vertices * 1.02, [], template.body, grid)
    broken = fractured(atlas, Fracture("zygoma_right", 5.0))
    between, defined = healthy_from_fractured(fields, broken, grid)
    assert 0 < (~defined).sum() < 0.2 * defined.size
    moved = np.linalg.norm(between.displacement_mm, axis=3) > 0
    assert moved.any()
    np.testing.assert_allclose(
        np.linalg.norm(between.displacement_mm[moved], axis=1), 5.0 * 1.02, atol=0.1
    )
    assert not (moved & ~defined).any()


def test_unknown_fractures_tissues_and_boneless_atlases_are_refused():
    _, atlas = world()
    with pytest.raises(GeometryError, match="expected a fracture among condyle_left"):
        fractured(atlas, Fracture("femur", 5.0))
    with pytest.raises(GeometryError, match="expected a label that fills the gap"):
        fractured(atlas, Fracture("zygoma_left", 5.0, gap="glue"))
    empty = Atlas(np.zeros_like(atlas.labels), atlas.grid, atlas.metal_mm, None)
    with pytest.raises(GeometryError, match="expected bone for a Zygomaticomaxillary"):
        fractured(empty, Fracture("zygoma_left", 5.0))
