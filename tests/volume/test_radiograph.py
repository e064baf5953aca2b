"""Projection against closed forms."""

import pytest
import torch

from augment.volume.radiograph import MU_WATER_PER_MM, angle_deg, cephalogram, project_landmarks


@pytest.mark.parametrize("view", ["lateral", "pa"])
def test_a_water_block_absorbs_by_its_depth(view):
    film = cephalogram(torch.zeros(10, 20, 30), (1.0, 2.0, 3.0), (0.0, 0.0, 0.0), view)
    depth_mm = 10 * 1.0 if view == "lateral" else 20 * 2.0
    torch.testing.assert_close(
        film.attenuation, torch.full_like(film.attenuation, depth_mm * MU_WATER_PER_MM)
    )


@pytest.mark.parametrize("view", ["lateral", "pa"])
def test_a_bright_voxel_lies_where_its_landmark_projects(view):
    image = torch.full((8, 9, 10), -1000.0)
    image[2, 3, 7] = 3000.0
    spacing, origin = (1.0, 2.0, 3.0), (-4.0, 5.0, -6.0)
    film = cephalogram(image, spacing, origin, view)
    place = torch.tensor([[o + s * i for o, s, i in zip(origin, spacing, (2, 3, 7), strict=True)]])
    column, row = project_landmarks(film, place)[0].tolist()
    assert film.attenuation[int(row), int(column)] == film.attenuation.max()
    assert (column % 1, row % 1) == (0.5, 0.5)


def test_an_unknown_view_is_refused():
    with pytest.raises(ValueError, match="expected view 'lateral' or 'pa', got 'above'"):
        cephalogram(torch.zeros(2, 2, 2), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), "above")


def test_a_right_angle_measures_ninety_degrees():
    points = torch.tensor([[0.0, 1, 0], [0.0, 0, 0], [0.0, 0, 1]])
    assert abs(float(angle_deg(*points)) - 90) < 1e-9
