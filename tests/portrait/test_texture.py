from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from portraits import portrait

from augment.portrait.fit import fit_portrait, unrefined
from augment.portrait.shading import linear_rgb
from augment.portrait.texture import SHEET_PX, portrait_texture, srgb, texture_sheet

BASE, SPAN = 0.35, 0.9
ALIKE = 0.85
"""Correlation with the truth: the picture has some 160 pixels across the face."""


def striped(uv):
    """Reflectance that changes with the texture coordinate across and down the face."""
    across, down = uv[:, 0].numpy(), uv[:, 1].numpy()
    red = BASE + 0.12 * np.sin(SPAN * 60 * across)
    green = BASE * 0.8 + 0.08 * np.sin(SPAN * 60 * down)
    return np.stack([red, green, np.full_like(red, 0.25)], axis=1)


@pytest.fixture(scope="module")
def truth():
    v, u = np.mgrid[:SHEET_PX, :SHEET_PX]
    uv = np.stack([(u + 0.5) / SHEET_PX, 1 - (v + 0.5) / SHEET_PX], -1).reshape(-1, 2)
    return striped(torch.from_numpy(uv)).reshape(SHEET_PX, SHEET_PX, 3)


def correlation(a, b):
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def test_pixels_return_to_their_texels_without_the_light(model, truth):
    known = portrait(model, colour=striped)
    texture = portrait_texture(unrefined(model, known.view))
    seen = texture.seen > 0.9
    assert seen.sum() > 8000
    found = linear_rgb(texture.colour)[seen]
    for channel in (0, 1):
        assert correlation(found[:, channel], truth[seen][:, channel]) > ALIKE
    # The blue channel has no pattern: what is left there is light that was not divided out.
    assert found[:, 2].std() / found[:, 2].mean() < 0.08


def test_a_cast_shadow_is_taken_out_by_what_the_network_says_of_the_skin(model):
    sheet, plain = texture_sheet(model), portrait(model).view
    shadow = linear_rgb(plain.image)
    shadow[:, 100:140] *= 0.4
    image = np.round(255.0 * srgb(shadow)).astype(np.uint8)
    skin = np.round(255.0 * srgb(cv2.resize(sheet.base, (256, 256)))).astype(np.uint8)
    uneven = []
    for texture in (None, skin):
        view = replace(plain, image=image, estimate=replace(plain.estimate, texture=texture))
        found = portrait_texture(unrefined(model, view))
        ratio = linear_rgb(found.colour).mean(-1) / sheet.base.mean(-1)
        uneven.append(np.log(np.maximum(ratio, 1e-3))[found.seen > 0.9].std())
    assert uneven[0] > 0.2
    assert uneven[1] < 0.75 * uneven[0]


def test_the_hidden_side_takes_the_other_one(model):
    texture = portrait_texture(unrefined(model, portrait(model, yaw_deg=45.0).view))
    sheet = texture_sheet(model)
    x, y = (sheet.mirror[..., k].astype(np.float32) for k in range(2))
    other = cv2.remap(texture.seen.astype(np.float32), x, y, cv2.INTER_LINEAR)
    hidden = (texture.seen == 0) & (other > 0.9) & sheet.is_mirrored & sheet.takes_pixels
    assert hidden.sum() > 1000
    mirrored = cv2.remap(texture.colour, x, y, cv2.INTER_LINEAR)
    difference = np.abs(texture.colour[hidden].astype(int) - mirrored[hidden])
    assert np.median(difference) <= 2


def test_the_mirror_image_of_the_mirror_image_is_the_texel(model):
    sheet = texture_sheet(model)
    chosen = sheet.is_mirrored & sheet.takes_pixels
    inner = cv2.erode(chosen.astype(np.uint8), np.ones((9, 9))) > 0
    column, row = (np.rint(sheet.mirror[inner][:, k]).astype(int) for k in range(2))
    there_and_back = sheet.mirror[row, column]
    own = np.argwhere(inner)[:, ::-1]
    assert np.median(np.abs(there_and_back - own)) < 1.0


def test_two_photographs_show_more_than_one(model):
    front, side = portrait(model), portrait(model, yaw_deg=55.0)
    one = portrait_texture(unrefined(model, front.view))
    both = portrait_texture(fit_portrait(model, [front.view, side.view], with_shading=False))
    assert (both.seen > 0.5).sum() > 1.1 * (one.seen > 0.5).sum()


def test_every_texel_has_a_colour_and_png_keeps_it(model):
    texture = portrait_texture(unrefined(model, portrait(model).view))
    assert texture.colour.shape == (SHEET_PX, SHEET_PX, 3)
    assert texture.colour[texture_sheet(model).painted].max(-1).min() > 0
    decoded = cv2.imdecode(np.frombuffer(texture.png(), np.uint8), cv2.IMREAD_COLOR)
    assert (decoded[..., ::-1] == texture.colour).all()


def test_srgb_is_the_inverse_of_linear_rgb():
    levels = np.arange(256)
    assert np.round(255 * srgb(linear_rgb(levels))) == pytest.approx(levels)
