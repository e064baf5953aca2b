"""Cameras: OpenCV's frame, pixel centres at .5, round trips and refusals."""

import math

import pytest
import torch

from augment.errors import GeometryError
from augment.geometry.camera import Camera, look_at

FRONT_MM = 600.0


def vector(*values):
    return torch.tensor([values], dtype=torch.float64)


def front_camera(**changes):
    """Return a camera before the face, 600 mm from the head's origin."""
    parts = {
        "focal_px": torch.tensor([300.0], dtype=torch.float64),
        "principal_px": vector(64.0, 48.0),
        "camera_from_world": look_at(vector(0, FRONT_MM, 0), vector(0, 0, 0), vector(0, 0, 1)),
        "width": 128,
        "height": 96,
    }
    return Camera(**{**parts, **changes})


def test_patients_right_is_on_the_left_of_the_picture_and_the_vertex_is_up():
    camera = front_camera()
    points = torch.tensor([[[0.0, 0, 0], [20, 0, 0], [0, 0, 20], [0, 100, 0]]])
    pixels, depth_mm = camera.project(points)
    expected = torch.tensor([[[64.0, 48], [54, 48], [64, 38], [64, 48]]], dtype=torch.float64)
    torch.testing.assert_close(pixels, expected, atol=1e-12, rtol=0)
    expected_mm = torch.tensor([[600.0, 600, 600, 500]], dtype=torch.float64)
    torch.testing.assert_close(depth_mm, expected_mm, atol=1e-12, rtol=0)


def test_unprojecting_inverts_projecting():
    generator = torch.Generator().manual_seed(0)
    points = 100 * torch.randn(3, 50, 3, generator=generator, dtype=torch.float64)
    camera = Camera(
        torch.tensor([200.0, 300.0, 900.0], dtype=torch.float64),
        torch.tensor([[60.0, 50], [0, 0], [200, -30]], dtype=torch.float64),
        look_at(
            torch.tensor([[0.0, 700, 0], [500, 500, 100], [-600, 100, -300]], dtype=torch.float64),
            torch.zeros(3, 3, dtype=torch.float64),
            vector(0, 0, 1).expand(3, 3),
            torch.tensor([0.0, 0.5, -2.0], dtype=torch.float64),
        ),
        128,
        96,
    )
    pixels, depth_mm = camera.project(points)
    torch.testing.assert_close(camera.unproject(pixels, depth_mm), points, atol=1e-9, rtol=0)
    grid = camera.unproject(pixels.reshape(3, 5, 10, 2), depth_mm.reshape(3, 5, 10))
    torch.testing.assert_close(grid.reshape(3, 50, 3), points, atol=1e-9, rtol=0)


def test_centre_of_the_first_pixel_is_one_half():
    centres = front_camera().pixel_centres()
    assert centres.shape == (1, 96, 128, 2)
    assert centres[0, 0, 0].tolist() == [0.5, 0.5]
    assert centres[0, 2, 5].tolist() == [5.5, 2.5]


def test_position_is_where_the_camera_was_put():
    torch.testing.assert_close(front_camera().position(), vector(0, FRONT_MM, 0))


def test_more_pixels_show_the_same_view():
    camera, points = front_camera(), torch.tensor([[[10.0, 20, 30]]])
    finer = camera.scaled(3)
    assert (finer.width, finer.height) == (384, 288)
    torch.testing.assert_close(finer.project(points)[0], 3 * camera.project(points)[0])


def test_positive_roll_turns_the_picture_counter_clockwise():
    quarter = torch.tensor([math.pi / 2], dtype=torch.float64)
    rolled = front_camera(
        camera_from_world=look_at(vector(0, FRONT_MM, 0), vector(0, 0, 0), vector(0, 0, 1), quarter)
    )
    # The vertex was at the top of the picture; it goes to the left.
    pixels, _ = rolled.project(torch.tensor([[[0.0, 0, 20]]]))
    torch.testing.assert_close(pixels, vector(54.0, 48.0)[None], atol=1e-12, rtol=0)


def test_one_image_of_several_projects_as_in_the_batch():
    one = front_camera()
    both = Camera(
        torch.tensor([300.0, 400.0], dtype=torch.float64),
        one.principal_px.repeat(2, 1),
        one.camera_from_world.repeat(2, 1, 1),
        128,
        96,
    )
    points = torch.tensor([[[10.0, 20, 30]], [[-4.0, 5, 6]]])
    for n in (0, 1, -1):
        single, _ = both.image(n).project(points[[n]])
        assert torch.equal(single, both.project(points)[0][[n]])
    assert both.n_images == 2
    assert both.to("cpu").image(1).focal_px.item() == 400


def test_cameras_that_do_not_exist_are_refused():
    with pytest.raises(GeometryError, match="1 pixel or more a side, got 0 x 96"):
        front_camera(width=0)
    with pytest.raises(GeometryError, match=r"focal_px above 0, got \[-1\.0\]"):
        front_camera(focal_px=torch.tensor([-1.0], dtype=torch.float64))
    with pytest.raises(GeometryError, match="scales or shears"):
        front_camera(camera_from_world=2 * torch.eye(4, dtype=torch.float64)[None])


def test_views_without_a_direction_are_refused():
    for target, up in (
        (vector(0, FRONT_MM, 0), vector(0, 0, 1)),
        (vector(0, 0, 0), vector(0, 1, 0)),
    ):
        with pytest.raises(GeometryError, match="target apart from the position"):
            look_at(vector(0, FRONT_MM, 0), target, up)
