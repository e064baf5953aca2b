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
    # The foremost point of the forehead is where its lower border cuts the ellipsoid.
    lowest = vault.nasion[2] + 0.14 * vault.height_mm
    depth = 90.0 * np.sqrt(1 - (lowest / 80.0) ** 2) - 74.0
    expected = 2 * np.degrees(np.arctan2(30.0, depth))
    assert measures.interfrontal_angle_deg(vault) == pytest.approx(expected, abs=0.3)


def test_the_interfrontal_angle_does_not_leap_as_the_apex_wanders():
    vertices, faces = ellipsoid(70.0, 90.0, 80.0)
    points = POINTS | {
        "superciliare_right": np.array([30.0, 74.0, 15.0]),
        "superciliare_left": np.array([-30.0, 74.0, 15.0]),
    }
    angles = []
    for lean in np.linspace(-0.2, 0.2, 81):  # the foremost vertex changes several times
        leaning = vertices + np.outer(lean * vertices[:, 0], [0.0, 1.0, 0.0])
        angles.append(measures.interfrontal_angle_deg(measures.vault_of(points, leaning, faces)))
    assert np.abs(np.diff(angles, 2)).max() < 0.05


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


def test_the_area_inside_a_disc_is_that_of_the_disc():
    x, y = np.meshgrid(np.linspace(-50, 50, 21), np.linspace(-50, 50, 21), indexing="ij")
    vertices = np.stack([x.ravel(), y.ravel(), 0 * x.ravel()], axis=1)
    corner = (np.arange(20)[:, None] * 21 + np.arange(20)).ravel()
    quads = np.stack([corner, corner + 21, corner + 22, corner + 1], axis=1)
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    tilted = vertices @ np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    for radius in (0.01, 0.7, 5.0, 13.0, 49.9):
        for centre in ([0.0, 0.0], [0.0, -0.05], [0.03, 0.02]):
            area = measures.area_within_cm2(tilted, faces, vertices[:, :2] - centre, radius)
            assert area == pytest.approx(np.pi * radius**2 / 100, rel=1e-9)
    assert measures.area_within_cm2(tilted, faces, vertices[:, :2], 90.0) == pytest.approx(100.0)
    unmapped = np.where(vertices[:, :1] < -2, np.inf, vertices[:, :2])
    half = measures.area_within_cm2(tilted, faces, unmapped, 20.0)
    assert half == pytest.approx(np.pi * 4 / 2, rel=1e-9)


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
