import numpy as np
import pytest

from augment.pathology import measures


def upright():
    """A head of round numbers in its Frankfort frame: S at the origin of angles, N ahead of it."""
    return {
        "tragion_right": np.array([70.0, 0, 0]),
        "tragion_left": np.array([-70.0, 0, 0]),
        "orbitale_right": np.array([30.0, 75, 0]),
        "orbitale_left": np.array([-30.0, 75, 0]),
        "S": np.array([0.0, 10, 15]),
        "N": np.array([0.0, 80, 15]),
        "A": np.array([0.0, 80, -35]),
        "B": np.array([0.0, 70, -85]),
        "Me": np.array([3.0, 70, -95]),
        "Gn": np.array([0.0, 70, -85]),
        "Go_right": np.array([45.0, 10, -60]),
        "Go_left": np.array([-45.0, 10, -60]),
        "malare_right": np.array([45.0, 70, -10]),
        "malare_left": np.array([-45.0, 70, -10]),
        "nasion": np.array([0.0, 86, 15]),
        "pronasale": np.array([0.0, 111, -25]),
        "dacryon_right": np.array([13.0, 70, 15]),
        "dacryon_left": np.array([-13.0, 70, 15]),
    }


def test_angles_of_a_head_of_round_numbers():
    points = upright()
    assert measures.sna_deg(points) == pytest.approx(90.0)
    assert measures.snb_deg(points) == pytest.approx(90.0 - np.degrees(np.arctan(10 / 100)))
    assert measures.anb_deg(points) == pytest.approx(np.degrees(np.arctan(0.1)))
    assert measures.reverse_anb_deg(points) == -measures.anb_deg(points)
    assert measures.sn_gogn_deg(points) == pytest.approx(np.degrees(np.arctan(25 / 60)))


def test_distances_and_signs_of_sides():
    points = upright()
    assert measures.interorbital_mm(points) == pytest.approx(26.0)
    assert measures.menton_deviation_mm(points, "right") == pytest.approx(3.0)
    assert measures.menton_deviation_mm(points, "left") == pytest.approx(-3.0)
    points["pronasale"] = np.array([10.0, 111, -25])
    assert measures.nasal_axis_deg(points, "right") == pytest.approx(np.degrees(np.arctan2(10, 40)))
    assert measures.nasal_axis_deg(points, "left") == pytest.approx(-np.degrees(np.arctan2(10, 40)))


def test_malar_depression_is_the_way_along_the_outward_direction():
    points = upright()
    assert measures.malar_depression_mm(points, "right") == pytest.approx(0.0)
    points["malare_left"] = points["malare_left"] - 4.0 * measures.MALAR_OUTWARD * [-1, 1, 1]
    assert measures.malar_depression_mm(points, "left") == pytest.approx(4.0)
    assert measures.malar_depression_mm(points, "right") == pytest.approx(-4.0)


MEASURES = [
    measures.sna_deg,
    measures.snb_deg,
    measures.anb_deg,
    measures.sn_gogn_deg,
    measures.interorbital_mm,
    lambda p: measures.menton_deviation_mm(p, "left"),
    lambda p: measures.nasal_axis_deg(p, "right"),
    lambda p: measures.malar_depression_mm(p, "left"),
]


@pytest.mark.parametrize("measure", MEASURES)
def test_no_measure_changes_under_a_rigid_motion(measure):
    points = upright()
    turn, r = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))
    turn = turn * np.sign(np.diag(r))
    turn = turn * np.sign(np.linalg.det(turn))
    moved = {name: turn @ point + [5, -40, 200] for name, point in points.items()}
    assert measure(moved) == pytest.approx(measure(points), abs=1e-9)


def cube(size, centre=(0.0, 0.0, 0.0)):
    vertices = (
        np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=float) * size
        + centre
    )
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    return vertices, np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))])


def test_volume_of_a_cube_anywhere():
    for centre in ((0.0, 0.0, 0.0), (100.0, -50.0, 7.0)):
        vertices, faces = cube(20.0, centre)
        assert measures.volume_cm3(vertices, faces) == pytest.approx(8.0)


def test_swelling_is_the_volume_between_two_surfaces():
    vertices, faces = cube(10.0, (50.0, 50.0, 50.0))
    swollen = vertices.copy()
    swollen[vertices[:, 2] > 55, 2] += 5.0
    assert measures.swelling_cm3(vertices, swollen, faces) == pytest.approx(0.5)
    assert measures.swelling_cm3(vertices, vertices, faces) == 0.0
