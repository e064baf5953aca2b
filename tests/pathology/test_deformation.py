import numpy as np
import pytest

from augment.pathology.deformation import Deformation, all_of, bump, ellipsoidal, mirrored, ramp


def test_ramp_and_bump_have_closed_form_values():
    np.testing.assert_allclose(
        ramp(np.array([0.0, 1.0, 2.0, 4.0, 9.0]), 0.0, 4.0), [0, 0.103515625, 0.5, 1, 1]
    )
    np.testing.assert_allclose(ramp(np.array([1.0, 3.0]), 4.0, 0.0), [1 - 0.103515625, 0.103515625])
    np.testing.assert_allclose(bump(np.array([0.0, 0.5, 1.0, 2.0])), [1, 0.75**3, 0, 0])


@pytest.mark.parametrize("function", [lambda t: ramp(t, -1.0, 1.0), lambda t: bump(t, 3)])
def test_windows_have_two_continuous_derivatives(function):
    t = np.linspace(-1.5, 1.5, 30001)
    second = np.diff(function(t), n=2) / (t[1] - t[0]) ** 2
    # bump(|t|, 3) has its kink of the third derivative at 0; the second stays continuous
    # everywhere.
    assert np.abs(np.diff(second)).max() < 0.02


def test_ellipsoidal_is_one_on_the_ellipsoid():
    points = np.array([[2.0, 0, 0], [0, 3.0, 0], [0, 0, 4.0]]) + 1.0
    np.testing.assert_allclose(ellipsoidal(points, np.ones(3), (2.0, 3.0, 4.0)), 1.0)


def push(points):
    return np.where(points[:, :1] > 0, 1.0, 0.0) * np.array([1.0, 2.0, 3.0])


def test_a_mirrored_field_acts_on_the_other_side_with_its_lateral_part_reversed():
    points = np.array([[1.0, 0, 0], [-1.0, 0, 0]])
    np.testing.assert_array_equal(mirrored(push)(points), [[0, 0, 0], [-1, 2, 3]])
    np.testing.assert_array_equal(all_of(push, mirrored(push))(points), [[1, 2, 3], [-1, 2, 3]])


def test_skin_and_bone_follow_by_their_shares():
    deformation = Deformation("x", None, push, bone_follow=1.0, skin_follow=0.5)
    points = np.ones((3, 3))
    moved = deformation.displacement(points, np.array([0.0, 2.75, 20.0]))
    np.testing.assert_allclose(moved[:, 0], [0.5, 0.75, 1.0])
