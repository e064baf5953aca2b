import numpy as np
import pytest

from augment.errors import GeometryError
from augment.morphable import load_face_model
from augment.morphable.landmarks import IBUG_NAMES, SOFT_TISSUE_DEPTH_MM, cast_ray

SQUARE = np.array([[0.0, 0, 0], [2, 0, 0], [2, 0, 2], [0, 0, 2]])
TWO = np.array([[0, 1, 2], [0, 2, 3]])


def positions():
    model = load_face_model()
    return dict(
        zip(model.landmark_names, model.landmarks(model.mean[None])[0].numpy(), strict=True)
    )


def test_a_ray_returns_the_first_triangle_and_its_weights():
    nearer = SQUARE + np.array([0, 5.0, 0])
    triangle, weights = cast_ray(
        np.concatenate([SQUARE, nearer]), np.concatenate([TWO, TWO + 4]), "front", 1.5, 0.5
    )
    assert triangle == 2
    np.testing.assert_allclose(weights, [0.25, 0.5, 0.25])


def test_a_ray_beside_the_mesh_is_an_error():
    with pytest.raises(GeometryError, match=r"no skin at \(9.0, 9.0\) mm in the front view"):
        cast_ray(SQUARE, TWO, "front", 9.0, 9.0)


def test_all_68_points_are_there_and_left_mirrors_right():
    points = positions()
    assert set(IBUG_NAMES) <= set(points)
    for name in points:
        if name.endswith("_right"):
            mirrored = points[name] * [-1, 1, 1]
            np.testing.assert_allclose(points[name.replace("_right", "_left")], mirrored, atol=0.05)
    np.testing.assert_allclose(points["ibug_36"] * [-1, 1, 1], points["ibug_45"], atol=0.05)


def test_points_are_in_anatomical_order():
    points = positions()
    midline = [
        "trichion",
        "glabella",
        "nasion",
        "pronasale",
        "subnasale",
        "stomion",
        "pogonion",
        "menton",
    ]
    heights = [points[name][2] for name in midline]
    assert heights == sorted(heights, reverse=True)
    assert (
        points["pronasale"][1] > max(point[1] for point in points.values()) - 0.1
    )  # ibug_30 is the same tip
    assert points["exocanthion_right"][0] > points["endocanthion_right"][0] > 0
    assert all(3.0 <= depth <= 13.0 for depth in SOFT_TISSUE_DEPTH_MM.values())
