"""The detector: real and rendered faces at any turn, nothing where there is none."""

import cv2
import numpy as np
import pytest
from skimage.data import astronaut, coffee

from augment.portrait.detect import Candidate, detected_faces, distinct
from augment.portrait.estimate import look
from augment.portrait.weights import load_network

FACE = np.array([224.0, 115.0])
"""Between the eyes and the mouth of skimage.data.astronaut(), px."""


def turned(picture, angle_deg):
    """A picture turned clockwise about its middle, with the place of the face in it."""
    size = picture.shape[0]
    turn = cv2.getRotationMatrix2D((size / 2 - 0.5, size / 2 - 0.5), -angle_deg, 1.0)
    moved = cv2.warpAffine(picture, turn, (size, size), borderMode=cv2.BORDER_REPLICATE)
    return moved, turn[:, :2] @ FACE + turn[:, 2]


@pytest.mark.parametrize("angle_deg", [0, 20, -20, 45, -60, 90, -90, 180])
def test_a_turned_face_is_found_where_it_is_with_its_turn(angle_deg):
    picture, face = turned(astronaut(), angle_deg)
    (found,) = detected_faces(picture)
    assert np.linalg.norm(np.array(found.centre_px) - face) < 0.25 * found.side_px
    assert 80 < found.side_px < 160
    off = np.degrees(found.roll_rad) - angle_deg
    assert abs((off + 180) % 360 - 180) < 15


@pytest.mark.parametrize("side", [160, 900, 3000])
def test_places_are_pixels_of_the_picture_whatever_its_size(side):
    scale = side / 512
    (found,) = detected_faces(cv2.resize(astronaut(), (side, side)))
    (reference,) = detected_faces(astronaut())
    assert found.side_px == pytest.approx(scale * reference.side_px, rel=0.15)
    off = np.array(found.centre_px) / scale - np.array(reference.centre_px)
    assert np.linalg.norm(off) < 8


def test_a_face_that_fills_the_picture_is_found():
    (found,) = detected_faces(np.ascontiguousarray(astronaut()[70:170, 180:270]))
    assert found.side_px > 70


def test_two_faces_are_two_the_larger_first():
    small = cv2.resize(astronaut(), (320, 320))
    both = np.concatenate((np.pad(small, ((0, 192), (0, 0), (0, 0))), astronaut()), 1)
    first, second = detected_faces(both)
    assert first.side_px > 1.5 * second.side_px
    assert first.centre_px[0] > 320 > second.centre_px[0]


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((64, 64, 3), np.uint8),
        np.full((1, 1, 3), 255, np.uint8),
        np.full((3, 900, 3), 128, np.uint8),
        np.random.default_rng(0).integers(0, 256, (300, 200, 3), dtype=np.uint8),
        coffee(),
    ],
    ids=["black", "one pixel", "a line", "noise", "a cup"],
)
def test_no_face_is_found_where_none_is(picture):
    assert detected_faces(picture) == []


def test_places_that_repeat_one_are_dropped():
    one, same, other = (Candidate((x, 0.0), 10.0) for x in (0.0, 2.0, 30.0))
    assert distinct([one, same, other]) == [one, other]


def test_a_dark_crop_is_lightened_and_a_bright_one_left_alone():
    network = load_network(None, "cpu")
    seen = []
    handle = network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    identity = np.eye(2, 3)
    for grey in (20, 200):
        look(network, np.full((256, 256, 3), grey, np.uint8), [identity])
    handle.remove()
    assert float(seen[0].mean()) == pytest.approx((20 / 255) ** 0.4, abs=1e-4)
    assert float(seen[1].mean()) == pytest.approx(200 / 255, abs=1e-6)
