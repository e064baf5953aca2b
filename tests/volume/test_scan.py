"""From atlas to image: sampling, posture, tissue, scanner, twins."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from toy_head import (
    BENT,
    GRID,
    REST,
    STILL,
    TILTED,
    bulge,
    plain_values,
    toy_atlas,
    toy_scan,
    toy_twins,
)

from augment.errors import GeometryError, RecipeError
from augment.pipeline.plain import plain, read_plain
from augment.volume.case_scan import scan_head, scan_twins, write_case
from augment.volume.field.lattice import Field, grid_points, identity_field
from augment.volume.field.refinement import differing_cells, exact_inverse
from augment.volume.field.twins import TwinFields
from augment.volume.grid import Grid, grid_over
from augment.volume.imaging.protocol import (
    PERSON_HIGH_MM,
    PERSON_LOW_MM,
    PROTOCOLS,
    Scan,
    cephalostat_scan,
    draw_scan,
)
from augment.volume.labels import NUMBER
from augment.volume.posture import UPRIGHT, Posture
from augment.volume.sampling import Twin, draw_texture, pull_back


def pulled(field=None, posture=UPRIGHT, grid=GRID, n_sub=1):
    texture = draw_texture(np.random.default_rng(0))
    field = field or identity_field(grid_over((-60, -60, -60), (60, 60, 60), 6.0))
    return pull_back(
        toy_atlas(),
        field,
        posture,
        plain_values(),
        texture,
        grid,
        n_sub,
        (NUMBER["mandible_cortical"],),
    )


def test_without_motion_the_atlas_comes_back():
    image, labels, share = pulled()
    np.testing.assert_array_equal(labels, toy_atlas().labels)
    np.testing.assert_array_equal(image, 10.0 * labels)
    np.testing.assert_array_equal(share, 255 * (labels == NUMBER["mandible_cortical"]))


def test_a_shift_shifts():
    lattice = grid_over((-60, -60, -60), (60, 60, 60), 6.0)
    shift = Field(lattice, np.full((*lattice.shape, 3), (3.0, 0.0, -2.0), np.float32))
    labels = pulled(shift)[1]
    np.testing.assert_array_equal(labels[:-3, :, 2:], toy_atlas().labels[3:, :, :-2])


def test_coarse_voxels_hold_means_and_shares():
    coarse = Grid((-29.5, -29.5, -29.5), (2.0, 2.0, 2.0), (30, 30, 30))
    image, _, share = pulled(grid=coarse, n_sub=2)
    fine = toy_atlas().labels[:60, :60, :60].reshape(30, 2, 30, 2, 30, 2)
    np.testing.assert_allclose(image, 10 * fine.mean((1, 3, 5)), atol=1e-3)
    np.testing.assert_allclose(
        share / 255, (fine == NUMBER["mandible_cortical"]).mean((1, 3, 5)), atol=0.5 / 255
    )


def test_lifting_the_chin_brings_the_face_up():
    posture = Posture(neck_bend_deg=20.0)
    level = np.array([[0.0, 80.0, 20.0]])
    raised = np.array([[0.0, 80.0, 50.0]])
    assert posture.head_from_scan(raised)[0, 2] < raised[0, 2]
    assert posture.head_from_scan(level)[0, 2] < level[0, 2]
    np.testing.assert_allclose(UPRIGHT.head_from_scan(level), level)


def test_the_kernel_poses_as_the_readable_formula():
    posture = Posture((5.0, -3.0, 4.0), 18.0, (1.1, 0.9, 1.0), (0.0, -5.0, -10.0), -40.0, 5.0)
    labels = pulled(posture=posture)[1]
    points = posture.head_from_scan(grid_points(GRID).reshape(-1, 3))
    index = np.floor(points - GRID.origin_mm + 0.5).astype(int)
    index[:, 2] = np.maximum(index[:, 2], 0)
    inside = ((index >= 0) & (index < GRID.shape)).all(1)
    expected = np.zeros(len(points), np.uint8)
    expected[inside] = toy_atlas().labels[tuple(index[inside].T)]
    assert (labels.ravel() != expected).mean() < 1e-4


@pytest.mark.parametrize("posture", [UPRIGHT, TILTED, BENT])
def test_points_return_from_the_scan_frame(posture):
    points = np.random.default_rng(0).uniform(-40, 40, (300, 3))
    back = posture.head_from_scan(posture.scan_from_head(points))
    np.testing.assert_allclose(back, points, atol=1e-6)


@pytest.mark.parametrize("posture", [UPRIGHT, TILTED, BENT])
def test_displacement_is_given_in_the_scan_frame(posture):
    """Where the scan displacement leads, the head field leads too: P(p + d) = P(p) + u(P(p))."""
    case = toy_twins(toy_scan(posture), bulge())
    points = grid_points(GRID).reshape(-1, 3)
    inside = (np.abs(points) < 22).all(1)
    points, moved = points[inside], case.displacement_mm.reshape(-1, 3)[inside]
    seen = posture.head_from_scan(points)
    expected = seen + exact_inverse(bulge(), bulge().grid).at(seen)
    found = posture.head_from_scan(points + moved)
    assert np.linalg.norm(moved, axis=1).max() > 3.0
    np.testing.assert_allclose(found, expected, atol=2e-3)


@pytest.mark.parametrize("posture", [UPRIGHT, TILTED, BENT])
def test_the_healthy_labels_pulled_by_the_displacement_are_the_twin(posture):
    case = toy_twins(toy_scan(posture), bulge())
    source = np.moveaxis(grid_points(GRID) + case.displacement_mm, 3, 0) - np.reshape(
        GRID.origin_mm, (3, 1, 1, 1)
    )
    inner = (slice(6, -6),) * 3
    strict = (case.healthy.labels != case.pathological.labels)[inner].mean()
    assert strict > 0.04
    for label in np.unique(case.pathological.labels):
        # Rounding to a voxel, once in each twin, stays within one neighbour.
        near = ndimage.binary_dilation(case.healthy.labels == label, np.ones((3, 3, 3)))
        found = ndimage.map_coordinates(near.astype(np.uint8), source, order=0, mode="nearest")
        assert found[inner][case.pathological.labels[inner] == label].all()


@pytest.mark.parametrize("posture", [UPRIGHT, TILTED, BENT])
@pytest.mark.parametrize("n_sub", [1, 2])
def test_a_twin_that_keeps_what_agrees_is_the_twin_pulled_whole(posture, n_sub):
    atlas, lattice = toy_atlas(), bulge().grid
    rest = exact_inverse(identity_field(lattice), lattice)
    back = exact_inverse(bulge(), lattice)
    texture = draw_texture(np.random.default_rng(1))
    scan = toy_scan(posture, n_sub=n_sub)
    arguments = (scan.posture, scan.values, texture, scan.grid, n_sub, (NUMBER["brain"],))
    known = pull_back(atlas, rest, *arguments)
    differing = differing_cells(rest.nodes, back.nodes)
    short = pull_back(atlas, back, *arguments, twin=Twin(known, differing))
    whole = pull_back(atlas, back, *arguments)
    assert (known[1] != whole[1]).any()
    for kept, pulled_whole in zip(short, whole, strict=True):
        np.testing.assert_array_equal(kept, pulled_whole)


def test_a_twin_whose_anatomy_was_opened_shows_it():
    scan, atlas = toy_scan(TILTED), toy_atlas()
    labels = atlas.labels.copy()
    labels[30:36, 20:40, 28:31] = NUMBER["muscle"]
    fields = TwinFields(STILL, REST, STILL, REST)
    opened = replace(atlas, labels=labels)
    case = scan_twins(atlas, fields, scan, np.random.default_rng(0), (), opened)
    alone = scan_head(opened, STILL, STILL, scan, np.random.default_rng(0))
    np.testing.assert_array_equal(case.pathological.labels, alone.labels)
    assert (case.healthy.labels != alone.labels).any()


def test_twins_without_pathology_are_equal_and_are_written(tmp_path):
    case = toy_twins(toy_scan())
    np.testing.assert_array_equal(case.healthy.image_hu, case.pathological.image_hu)
    assert not case.displacement_mm.any()
    assert case.healthy.share is None
    write_case(tmp_path, case)
    assert len(list(tmp_path.iterdir())) == 9


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
def test_a_scan_survives_its_record_and_repeats(protocol):
    scan = draw_scan(np.random.default_rng(4), protocol)
    again = read_plain(Scan, json.loads(json.dumps(plain(scan))))
    assert again == scan
    small = replace(scan, grid=Grid((-30.0, -30.0, -30.0), (4.0, 4.0, 3.0), (15, 15, 20)))
    first, second = (
        scan_head(toy_atlas(), STILL, STILL, item, np.random.default_rng(5))
        for item in (small, replace(again, grid=small.grid))
    )
    np.testing.assert_array_equal(first.image_hu, second.image_hu)
    assert first.image_hu.shape == small.grid.shape


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
def test_the_fields_of_a_scan_cover_what_it_sees(protocol):
    scan = draw_scan(np.random.default_rng(7), protocol)
    grid = scan.head_grid()
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in scan.grid.shape])).reshape(3, -1).T
    seen = scan.posture.head_from_scan(corners * scan.grid.spacing_mm + scan.grid.origin_mm)
    seen = np.clip(seen, PERSON_LOW_MM, PERSON_HIGH_MM)
    last = [grid.axis_mm(axis)[-1] for axis in range(3)]
    assert (seen >= np.array(grid.origin_mm) - 1e-6).all()
    assert (seen <= np.array(last) + 1e-6).all()


def test_fields_that_end_within_the_scan_are_refused():
    wide = grid_over((-90, -90, -90), (90, 90, 90), 4.0)
    with pytest.raises(GeometryError, match=r"got fields that end 3\d mm before it: build them on"):
        toy_twins(toy_scan(grid=wide))


def test_a_head_alone_is_the_twin():
    scan = toy_scan(TILTED)
    structure = (NUMBER["brain"],)
    twin = toy_twins(scan, structure=structure).healthy
    alone = scan_head(toy_atlas(), STILL, STILL, scan, np.random.default_rng(0), structure)
    np.testing.assert_array_equal(alone.image_hu, twin.image_hu)
    np.testing.assert_array_equal(alone.share, twin.share)
    assert alone.share.max() == 255


def test_a_cephalostat_holds_the_head_upright_and_wholly_in_view():
    scan = draw_scan(np.random.default_rng(3), "diagnostic")
    film = cephalostat_scan(scan)
    assert film.posture.is_upright()
    assert film.scanner.head_rest is None
    assert film.scanner.metal == 0
    assert film.grid.origin_mm == scan.grid.origin_mm
    assert np.subtract(film.grid.shape, scan.grid.shape).tolist() == [0, 25, 12]


def test_an_unknown_protocol_is_refused():
    with pytest.raises(RecipeError, match=r"expected a protocol among .*'cbct'.*, got 'mri'"):
        draw_scan(np.random.default_rng(0), "mri")
