import numpy as np
import pytest

from augment.errors import GeometryError
from augment.morphable.anthropometry import DISTANCES, cranial_index, distance_mm, measure_head


def box_points(width=4.0, length=5.0):
    """Landmarks on an axis-aligned box: every width is `width`, every length `length`."""
    points = {}
    for first, second in DISTANCES.values():
        lateral = first.endswith("_right") and second.endswith("_left")
        points.setdefault(first, np.array([width / 2 if lateral else 0.0, 0.0, 0.0]))
        points.setdefault(
            second, np.array([-width / 2, 0, 0]) if lateral else np.array([0.0, length, 0.0])
        )
    return points


def test_widths_on_a_box_are_its_width():
    measured = measure_head(box_points(width=4.0))
    for name in (
        "intercanthal_width",
        "nasal_width",
        "mouth_width",
        "bizygomatic_width",
        "bigonial_width",
        "cranial_width",
    ):
        assert measured[name] == pytest.approx(4.0)


def test_cranial_index_of_a_box_is_width_over_length():
    points = box_points(4.0) | {"glabella": np.zeros(3), "opisthocranion": np.array([0, -5.0, 0])}
    assert cranial_index(points) == pytest.approx(80.0)


def test_measures_do_not_change_under_a_rigid_motion():
    points = box_points()
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    moved = {name: turn @ point + [10, 20, 30] for name, point in points.items()}
    before, after = measure_head(points), measure_head(moved)
    assert all(after[name] == pytest.approx(before[name]) for name in before)


def test_a_missing_landmark_is_named():
    with pytest.raises(GeometryError, match="needs landmark 'alare_left'"):
        distance_mm({"alare_right": np.zeros(3)}, "alare_right", "alare_left")
