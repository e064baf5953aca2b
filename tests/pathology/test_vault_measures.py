"""Vault measures, volumes and head-shape maps on shapes with known answers."""

import numpy as np
import pytest
import trimesh

from augment.errors import GeometryError
from augment.pathology import measures
from augment.pathology.measures.head_shape import ray_directions

POINTS = {
    "tragion_right": np.array([60.0, 0.0, 0.0]),
    "tragion_left": np.array([-60.0, 0.0, 0.0]),
    "orbitale_right": np.array([30.0, 70.0, 0.0]),
    "orbitale_left": np.array([-30.0, 70.0, 0.0]),
    "nasion": np.array([0.0, 80.0, 0.0]),
}


def ellipsoid(a, b, c):
    sphere = trimesh.creation.icosphere(subdivisions=5)
    return sphere.vertices * [a, b, c], np.asarray(sphere.faces)


def test_an_ellipsoids_ratios_are_those_of_its_axes():
    vault = measures.vault_of(POINTS, *ellipsoid(70.0, 90.0, 80.0))
    assert measures.cephalic_ratio_percent(vault) == pytest.approx(100 * 70 / 90, abs=0.1)
    assert measures.scaphocephaly_index_percent(vault) == pytest.approx(100 * 70 / 90, abs=0.1)
    assert measures.cvai_percent(vault, "right") == pytest.approx(0.0, abs=0.05)
    assert measures.forehead_asymmetry_percent(vault, "left") == pytest.approx(0.0, abs=0.05)


def test_a_flat_right_occiput_is_positive_on_the_right_alone():
    vertices, faces = ellipsoid(70.0, 90.0, 80.0)
    dent = (vertices[:, 0] > 0) & (vertices[:, 1] < 0)
    vertices[dent, 1] *= 1 - 0.1 * vertices[dent, 0] / 70.0
    vault = measures.vault_of(POINTS, vertices, faces)
    right = measures.cvai_percent(vault, "right")
    assert right > 1.0
    assert measures.cvai_percent(vault, "left") == pytest.approx(-right)


def test_the_interfrontal_angle_is_that_of_three_points():
    vertices, faces = ellipsoid(70.0, 90.0, 80.0)
    points = POINTS | {
        "superciliare_right": np.array([30.0, 74.0, 15.0]),
        "superciliare_left": np.array([-30.0, 74.0, 15.0]),
    }
    vault = measures.vault_of(points, vertices, faces)
    forehead = vertices[(np.abs(vertices[:, 0]) < 15) & (vertices[:, 2] > 0.14 * 80)]
    depth = forehead[:, 1].max() - 74.0
    expected = 2 * np.degrees(np.arctan2(30.0, depth))
    assert measures.interfrontal_angle_deg(vault) == pytest.approx(expected, abs=1.0)


def test_measures_of_the_vault_do_not_depend_on_pose():
    vertices, faces = ellipsoid(70.0, 90.0, 80.0)
    vertices[:, 0] += 0.05 * vertices[:, 1]
    turn, _ = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))
    turn = turn * np.sign(np.linalg.det(turn))
    moved = {name: turn @ point + [5, -40, 200] for name, point in POINTS.items()}
    here = measures.vault_of(POINTS, vertices, faces)
    there = measures.vault_of(moved, vertices @ turn.T + [5, -40, 200], faces)
    for measure in (measures.cephalic_ratio_percent, measures.vault_height_percent):
        assert measure(there) == pytest.approx(measure(here))
    assert measures.cvai_percent(there, "left") == pytest.approx(
        measures.cvai_percent(here, "left")
    )


def test_a_map_of_a_sphere_is_its_radius_and_an_ellipsoids_follows_its_axes():
    sphere = measures.head_shape_map(POINTS, *ellipsoid(80.0, 80.0, 80.0))
    np.testing.assert_allclose(sphere, 80.0, atol=0.1)
    vertices, faces = ellipsoid(70.0, 90.0, 80.0)
    shape = measures.head_shape_map(POINTS, vertices, faces)
    d = ray_directions()  # x anterior, y left, z superior
    exact = 1 / np.sqrt((d[..., 0] / 90) ** 2 + (d[..., 1] / 70) ** 2 + (d[..., 2] / 80) ** 2)
    np.testing.assert_allclose(shape, exact, atol=0.1)
    assert shape[27, 0] > shape[27, 7]  # forwards is longer than sideways
    vertices[vertices[:, 0] < 0, 0] *= 1.2
    assert measures.head_shape_map(POINTS, vertices, faces)[27, 7] == pytest.approx(84.0, abs=0.1)


def test_the_area_above_a_level_is_exact_inside_triangles():
    vertices = np.array([[0.0, 0, 0], [20, 0, 0], [0, 20, 0], [20, 20, 0]])
    faces = np.array([[0, 1, 2], [3, 2, 1]])
    for cut in (-1.0, 0.0, 5.0, 12.5, 20.0):
        level = vertices[:, 0] - cut
        share = np.clip((20 - cut) / 20, 0, 1)
        assert measures.area_above_cm2(vertices, faces, level) == pytest.approx(4.0 * share)


def test_ratio_of_volumes_is_blind_to_mirroring():
    vertices, faces = ellipsoid(10.0, 10.0, 10.0)
    larger = vertices * [-1.2, 1.0, 1.0]
    assert measures.volume_ratio_percent(larger, vertices, faces) == pytest.approx(20.0)


def test_what_is_missing_is_named():
    vertices, faces = ellipsoid(70.0, 90.0, 80.0)
    with pytest.raises(GeometryError, match="needs the landmarks nasion, which the mesh"):
        measures.vault_of({k: v for k, v in POINTS.items() if k != "nasion"}, vertices, faces)
    vault = measures.vault_of(POINTS, vertices, faces)
    with pytest.raises(GeometryError, match="superciliare_right, superciliare_left"):
        measures.interfrontal_angle_deg(vault)
    with pytest.raises(GeometryError, match="share one frame"):
        measures.vault_of(POINTS, vertices - [0, 0, 500.0], faces)
