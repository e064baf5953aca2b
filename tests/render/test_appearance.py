"""What is drawn: the same from the same stream, plain enough for JSON, and as subjects steer it."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from augment.errors import AssetError
from augment.recipe.schema import RenderSpec
from augment.render.appearance import draw_appearance
from augment.render.background import background_image, draw_background, pictures_in
from augment.render.framing import draw_camera
from augment.render.hair_colour import draw_hair_colour, shade_colour
from augment.render.noise import band_noise, skin_tile
from augment.render.skin import draw_skin, pigment_colour
from augment.sample import Subject
from augment.streams import stream

ANCESTRIES = ("african", "asian", "caucasian")


def subject_of(ancestry="caucasian", age=35.0, sex="female"):
    shares = {name: float(name == ancestry) for name in ANCESTRIES}
    return Subject(np.zeros(99), age_years=age, sex=sex, ancestry=shares)


def test_one_stream_gives_one_appearance_of_plain_values():
    first, second = (
        draw_appearance(stream(0, 1, "appearance"), subject_of(), RenderSpec()) for _ in range(2)
    )
    assert first == second
    assert json.loads(json.dumps(first.values())) == json.loads(json.dumps(second.values()))
    assert first != draw_appearance(stream(0, 2, "appearance"), subject_of(), RenderSpec())


def test_a_subject_of_whom_nothing_is_known_can_be_drawn():
    nobody = Subject(np.zeros(99))
    for k in range(10):
        draw_appearance(stream(0, k, "appearance"), nobody, RenderSpec())


def test_pigments_darken_and_blood_reddens():
    amounts = torch.linspace(0.1, 2.0, 20)
    still = torch.full((20,), 0.3)
    by_melanin, by_blood = pigment_colour(amounts, still), pigment_colour(still, amounts)
    assert (by_melanin.diff(dim=1) < 0).all()
    assert ((by_blood[0] / by_blood[1]).diff() > 0).all()


def test_ancestry_steers_tone_and_age_the_wrinkles():
    melanin = {
        name: np.median([draw_skin(stream(0, k, "s"), subject_of(name)).melanin for k in range(40)])
        for name in ANCESTRIES
    }
    assert melanin["caucasian"] < melanin["asian"] < melanin["african"]
    young, old = (
        np.mean([draw_skin(stream(0, k, "s"), subject_of(age=age)).wrinkles for k in range(40)])
        for age in (20.0, 75.0)
    )
    assert old > young + 0.3


def test_women_and_children_have_no_beard():
    for subject in (subject_of(sex="female"), subject_of(sex="male", age=9.0)):
        for k in range(20):
            assert max(draw_skin(stream(0, k, "s"), subject).beard) == 0.0


def test_hair_lightens_along_its_scale_and_greys_with_age():
    scale = np.stack([shade_colour(x) for x in np.linspace(0, 1, 9)])
    assert (np.diff(scale, axis=0) > 0).all()
    old = [draw_hair_colour(stream(0, k, "h"), subject_of(age=80.0)).grey for k in range(20)]
    young = [draw_hair_colour(stream(0, k, "h"), subject_of(age=25.0)).grey for k in range(20)]
    assert np.mean(old) > 0.5 > np.mean(young)


def test_camera_frames_the_head_at_any_focal_length():
    head_mm = (-108.0, 125.0)
    still = (0.0, 0.0)
    for k, focal in enumerate((35.0, 85.0, 135.0)):
        spec = replace(RenderSpec(), focal_mm=(focal, focal), fill=(0.6, 0.6))
        spec = replace(spec, yaw_deg=still, pitch_deg=still, roll_deg=still)
        camera = draw_camera(stream(0, k, "camera"), spec, 200, head_mm)
        ends = torch.tensor([[[0.0, 25.0, head_mm[0]], [0.0, 25.0, head_mm[1]]]])
        pixels, _ = camera.project(ends)
        height_px = float((pixels[0, 0, 1] - pixels[0, 1, 1]).abs())
        assert height_px == pytest.approx(0.6 * 200, rel=1e-6)


def test_yaw_moves_the_camera_to_the_heads_left_and_pitch_lifts_it():
    spec = replace(RenderSpec(), yaw_deg=(30.0, 30.0), pitch_deg=(20.0, 20.0))
    x, y, z = draw_camera(stream(0, 0, "camera"), spec).position()[0].tolist()
    assert x < 0 < y
    assert z > 0


def test_noise_is_standard_tiles_and_keeps_to_its_band():
    pattern = band_noise(stream(0, 0, "noise"), 64, 6.0, 20.0)
    assert abs(pattern.mean()) < 1e-9
    assert pattern.std() == pytest.approx(1.0)
    power = np.abs(np.fft.fft2(pattern)) ** 2
    wavelength = 1 / np.maximum(np.hypot(*np.meshgrid(*[np.fft.fftfreq(64)] * 2)), 1e-9)
    inside = (wavelength > 4.0) & (wavelength < 30.0)
    assert power[inside].sum() > 0.95 * power.sum()


def test_coarser_versions_of_a_tile_are_means():
    tile = skin_tile()
    centre = torch.tensor([[2.0 / 1024], [2.0 / 1024]])
    coarse = tile.at(centre, (0.0, 0.0), footprint=4.0 / 1024)
    fine = tile.texels.reshape(-1, 8)[: 1024 * 1024].reshape(1024, 1024, 8)[:4, :4].float()
    expected = (fine.mean((0, 1)) - 128.0) / 40.0
    assert torch.allclose(coarse[:, 0], expected, atol=0.03)  # both are stored in whole levels


def test_backgrounds_from_a_folder_show_its_pictures(tmp_path):
    red = np.zeros((40, 60, 3), dtype=np.uint8)
    red[..., 2] = 255
    cv2.imwrite(str(tmp_path / "red.png"), red)
    background = draw_background(stream(0, 0, "background"), str(tmp_path))
    image = background_image(background, skin_tile(), 16, 24, torch.device("cpu"))
    assert image.shape == (3, 16, 24)
    assert torch.allclose(image[0], torch.ones(16, 24))
    assert (image[1:] == 0).all()


def test_a_folder_without_pictures_says_so(tmp_path):
    with pytest.raises(AssetError, match=r"folder of pictures, got .* with none of"):
        pictures_in(str(tmp_path))


def test_every_kind_of_background_is_finite_and_positive():
    tile = skin_tile()
    kinds = set()
    for k in range(80):
        background = draw_background(stream(0, k, "background"), "procedural")
        image = background_image(background, tile, 20, 30, torch.device("cpu"))
        assert image.shape == (3, 20, 30)
        assert bool(torch.isfinite(image).all())
        assert image.min() >= 0
        kinds.add(background.kind)
    assert len(kinds) == 4
