"""Reading photographs: every odd file is a correct picture or one clear sentence."""

import numpy as np
import pytest
from PIL import Image

from augment.errors import AssetError
from augment.portrait.picture_file import MAX_SIDE_PX, read_photograph

ORIENTATION = 0x0112


def gradient(height=40, width=60):
    rows, columns = np.mgrid[:height, :width]
    values = np.stack((rows * 6, columns * 4, rows + columns), -1)
    return values.astype(np.uint8)


def test_a_png_is_read_to_the_last_bit(tmp_path):
    Image.fromarray(gradient()).save(tmp_path / "a.png")
    assert np.array_equal(read_photograph(tmp_path / "a.png"), gradient())


def test_exif_orientation_turns_the_picture_upright(tmp_path):
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # stored lying on its left side
    Image.fromarray(np.rot90(gradient())).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read_photograph(tmp_path / "a.png"), gradient())


def test_grey_palette_and_deep_pictures_become_rgb(tmp_path):
    grey = gradient()[..., 0]
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    Image.fromarray(grey).convert("P").save(tmp_path / "palette.png")
    for name in ("grey", "deep", "palette"):
        read = read_photograph(tmp_path / f"{name}.png")
        assert np.array_equal(read, np.repeat(grey[..., None], 3, -1)), name


def test_what_is_transparent_lies_before_white(tmp_path):
    picture = np.zeros((8, 8, 4), np.uint8)
    picture[:, 4:] = (10, 20, 30, 255)
    Image.fromarray(picture).save(tmp_path / "a.png")
    read = read_photograph(tmp_path / "a.png")
    assert (read[:, :4] == 255).all()
    assert (read[:, 4:] == (10, 20, 30)).all()


def test_cmyk_keeps_its_colours(tmp_path):
    flat = Image.new("RGB", (32, 32), (200, 60, 40))
    flat.convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    assert np.abs(read_photograph(tmp_path / "a.jpg").mean((0, 1)) - (200, 60, 40)).max() < 4


def test_a_jpeg_of_20000_pixels_is_reduced_while_it_is_read(tmp_path):
    Image.new("L", (20_000, 600), 90).save(tmp_path / "a.jpg")
    read = read_photograph(tmp_path / "a.jpg")
    assert read.shape[1] == MAX_SIDE_PX
    assert abs(read.shape[0] - 600 * MAX_SIDE_PX / 20_000) <= 1


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path):
    # A bilevel picture of 400 million pixels is a file of some kilobytes.
    Image.new("1", (20_000, 20_000)).save(tmp_path / "bomb.png")
    with pytest.raises(AssetError, match=r"at most 100 million pixels .* got 20000 x 20000"):
        read_photograph(tmp_path / "bomb.png")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("text.jpg", b"no picture", "which is no picture that can be read; save it as JPEG"),
        ("empty.png", b"", "which is no picture that can be read"),
        (
            "missing.png",
            None,
            "photograph at .*missing.png': no such file or directory; check",
        ),
    ],
)
def test_what_is_no_picture_is_one_sentence(tmp_path, name, content, sentence):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(AssetError, match=sentence):
        read_photograph(tmp_path / name)


def test_a_folder_and_a_cut_file_are_named(tmp_path):
    with pytest.raises(AssetError, match=r"got the folder .*; name a plain file"):
        read_photograph(tmp_path)
    Image.fromarray(np.repeat(gradient(), 8, 0)).save(tmp_path / "a.jpg", quality=95)
    whole = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AssetError, match=r"cannot be read .*truncated.*; save it anew as JPEG"):
        read_photograph(tmp_path / "cut.jpg")


def test_the_content_tells_the_format_and_of_an_animation_the_first_picture_counts(tmp_path):
    first, second = Image.fromarray(gradient()[..., 0]), Image.new("L", (60, 40), 9)
    first.save(tmp_path / "a.gif", save_all=True, append_images=[second])
    (tmp_path / "a.gif").rename(tmp_path / "a.jpg")
    assert np.array_equal(read_photograph(tmp_path / "a.jpg")[..., 0], gradient()[..., 0])


def test_a_progressive_jpeg_counts_whole_for_it_is_decoded_whole(tmp_path, monkeypatch):
    monkeypatch.setattr("augment.portrait.picture_file.MAX_SIDE_PX", 16)
    monkeypatch.setattr("augment.portrait.picture_file.MAX_DECODED_PX", 4000)
    for name, progressive in (("baseline", False), ("progressive", True)):
        Image.new("L", (64, 64), 90).save(tmp_path / f"{name}.jpg", progressive=progressive)
    assert read_photograph(tmp_path / "baseline.jpg").shape == (16, 16, 3)
    with pytest.raises(AssetError, match="got 64 x 64"):
        read_photograph(tmp_path / "progressive.jpg")
