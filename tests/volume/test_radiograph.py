"""Projection against closed forms."""

import itertools

import pytest
import torch

from augment.volume.imaging.radiograph import (
    CEPHALOSTAT,
    MU_WATER_PER_MM,
    Beam,
    angle_deg,
    cephalogram,
    on_film,
    project_landmarks,
)

VIEWS = ("lateral", "pa")
BEAMS = (None, CEPHALOSTAT, Beam(300.0, 50.0))


@pytest.mark.parametrize("view", VIEWS)
def test_a_water_block_absorbs_by_its_depth(view):
    film = cephalogram(torch.zeros(10, 20, 30), (1.0, 2.0, 3.0), (0.0, 0.0, 0.0), view, None)
    depth_mm = 10 * 1.0 if view == "lateral" else 20 * 2.0
    torch.testing.assert_close(
        film.attenuation, torch.full_like(film.attenuation, depth_mm * MU_WATER_PER_MM)
    )


@pytest.mark.parametrize(("view", "beam"), list(itertools.product(VIEWS, BEAMS)))
def test_a_bright_voxel_lies_where_its_landmark_projects(view, beam):
    spacing, origin = (1.0, 2.0, 3.0), (-24.0, -55.0, -76.0)
    shape, places = (50, 60, 50), ((8, 40, 12), (44, 20, 40), (25, 28, 25))
    for place in places:
        image = torch.full(shape, -1000.0)
        image[place] = 3000.0
        film = cephalogram(image, spacing, origin, view, beam)
        landmark = [o + s * i for o, s, i in zip(origin, spacing, place, strict=True)]
        column, row = project_landmarks(film, torch.tensor([landmark]))[0].tolist()
        weight = film.attenuation / film.attenuation.sum()
        rows, columns = (torch.arange(n) + 0.5 for n in film.attenuation.shape)
        assert float((weight.sum(0) * columns).sum()) == pytest.approx(column, abs=0.1)
        assert float((weight.sum(1) * rows).sum()) == pytest.approx(row, abs=0.1)


def test_what_is_nearer_to_the_source_is_larger():
    """Both ends of a rod of 80 mm, 50 mm to the right and to the left of the middle."""
    film = cephalogram(torch.zeros(20, 20, 20), (10.0,) * 3, (-95.0,) * 3)
    ends = torch.tensor(
        [[50.0, y, 0.0] for y in (0.0, 80.0)] + [[-50.0, y, 0.0] for y in (0, 80.0)]
    )
    columns = project_landmarks(film, ends)[:, 0] * film.pixel_mm[1]
    near, far = float(columns[1] - columns[0]), float(columns[3] - columns[2])
    assert near == pytest.approx(80 * 1639 / 1474)
    assert far == pytest.approx(80 * 1639 / 1574)
    assert near - far == pytest.approx(5.65, abs=0.01)


@pytest.mark.parametrize("view", VIEWS)
def test_a_far_source_gives_parallel_rays(view):
    image = torch.rand(12, 14, 16, generator=torch.Generator().manual_seed(0)) * 1000
    spacing, origin = (1.0, 2.0, 3.0), (-6.0, -13.0, -24.0)
    parallel = cephalogram(image, spacing, origin, view, None)
    far = cephalogram(image, spacing, origin, view, Beam(1e7, 0.0))
    torch.testing.assert_close(far.attenuation, parallel.attenuation, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(far.film_from_ras, parallel.film_from_ras, rtol=1e-4, atol=1e-4)


def test_points_beside_the_film_are_told():
    film = cephalogram(torch.zeros(8, 9, 10), (1.0, 1.0, 1.0), (-4.0, -4.0, -5.0))
    pixels = project_landmarks(film, torch.tensor([[0.0, 0.0, 0.0], [0.0, 30.0, 0.0]]))
    assert on_film(film, pixels).tolist() == [True, False]


def test_a_picture_has_a_dark_background_and_bright_bone():
    image = torch.full((60, 60, 60), -1000.0)
    image[10:50, 10:50, 10:50] = 0.0
    image[20:40, 25:35, 25:35] = 1200.0
    picture = cephalogram(image, (3.0, 3.0, 3.0), (-90.0, -90.0, -90.0)).picture()
    assert 0.0 <= float(picture.min()) <= float(picture.max()) <= 1.0
    bone, tissue, air = (float(picture[30, c]) for c in (30, 16, 2))
    assert air < 0.05
    assert tissue > 0.2
    assert bone > tissue + 0.15


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"view": "above"}, "expected view 'lateral' or 'pa', got 'above'"),
        ({"beam": Beam(100.0)}, "source outside the volume, got one at 100 mm and voxels as near"),
    ],
)
def test_mistakes_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        cephalogram(torch.zeros(20, 2, 2), (10.0, 1.0, 1.0), (-95.0, 0.0, 0.0), **arguments)


def test_a_right_angle_measures_ninety_degrees():
    points = torch.tensor([[0.0, 1, 0], [0.0, 0, 0], [0.0, 0, 1]])
    assert abs(float(angle_deg(*points)) - 90) < 1e-9
