import json
from dataclasses import dataclass, fields

import numpy as np
import pytest
import torch
from jaxtyping import Float

from augment.geometry.camera import Camera, look_at
from augment.pipeline.plain import plain, plain_camera, read_camera, read_plain
from augment.pipeline.stopwatch import Stopwatch
from augment.recipe import compose_recipe
from augment.render.appearance import Appearance, draw_appearance
from augment.sample import Subject
from augment.streams import stream


@dataclass(frozen=True)
class Lamp:
    colour: tuple[float, float]
    label: str | None


@dataclass(frozen=True)
class Room:
    lamps: tuple[Lamp, ...]
    points: Float[np.ndarray, "points 2"]
    missing: Lamp | None
    table: dict[str, float]
    is_lit: bool


def through_json(value):
    return read_plain(type(value), json.loads(json.dumps(plain(value))))


def test_a_record_survives_json_exactly():
    rng = stream(0, 0, "plain")
    room = Room(
        lamps=(Lamp((0.1, 1 / 3), None), Lamp((1e-300, 2.0), "key")),
        points=rng.normal(size=(4, 2)),
        missing=None,
        table={"a": float(np.pi)},
        is_lit=True,
    )
    back = through_json(room)
    np.testing.assert_array_equal(back.points, room.points)
    for item in fields(Room):
        if item.name != "points":
            assert getattr(back, item.name) == getattr(room, item.name)


@pytest.mark.parametrize("index", range(8))
def test_an_appearance_survives_json_exactly(index):
    spec = compose_recipe("face_demo").render
    subject = Subject(identity=np.zeros(99), age_years=40.0, sex="female")
    appearance = draw_appearance(stream(0, index, "appearance"), subject, spec)
    back = through_json(appearance)
    assert isinstance(back, Appearance)
    assert plain(back) == plain(appearance)
    assert type(back.skin) is type(appearance.skin)


def test_a_subject_survives_json_exactly():
    rng = stream(0, 0, "plain")
    subject = Subject(
        identity=rng.normal(size=99),
        expression=rng.random(79),
        age_years=3.5,
        ancestry={"asian": 1.0},
        detail_mm=rng.normal(size=(5, 3)),
    )
    back = through_json(subject)
    np.testing.assert_array_equal(back.identity, subject.identity)
    np.testing.assert_array_equal(back.detail_mm, subject.detail_mm)
    assert back.ancestry == subject.ancestry
    assert back.sex is None


def test_a_camera_survives_json_exactly():
    rng = stream(0, 0, "camera")
    place = torch.from_numpy(rng.normal(0, 500, (1, 3)))
    camera = Camera(
        focal_px=torch.tensor([512.3], dtype=torch.float64),
        principal_px=torch.tensor([[127.1, 130.9]], dtype=torch.float64),
        camera_from_world=look_at(
            place, torch.zeros((1, 3)).double(), torch.tensor([[0.0, 0.0, 1.0]]).double()
        ),
        width=256,
        height=200,
    )
    back = read_camera(json.loads(json.dumps(plain_camera(camera))))
    assert torch.equal(back.camera_from_world, camera.camera_from_world)
    assert torch.equal(back.principal_px, camera.principal_px)
    assert torch.equal(back.focal_px, camera.focal_px)
    assert (back.width, back.height) == (256, 200)


def test_a_stopwatch_adds_up_and_keeps_the_order():
    watch = Stopwatch()
    for name in ("first", "second", "first"):
        with watch.stage(name):
            pass
    with pytest.raises(ValueError, match="lost"), watch.stage("third"):
        raise ValueError("lost")
    assert list(watch.seconds) == ["first", "second", "third"]
    assert all(seconds >= 0 for seconds in watch.seconds.values())
