import io
import zipfile

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from augment.record import LandmarkRecord
from augment.writer.encode import encode_json, encode_landmarks, encode_npz, encode_png

IMAGES = st.one_of(
    arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40)),
    arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3))),
)


@given(IMAGES)
@settings(deadline=None)
def test_a_png_reads_back_with_another_reader(image):
    decoded = cv2.imdecode(np.frombuffer(encode_png(image), np.uint8), cv2.IMREAD_UNCHANGED)
    if image.ndim == 3:
        decoded = cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal(decoded, image)


def test_a_png_of_a_constant_picture_is_small():
    assert len(encode_png(np.full((256, 256, 3), 77, dtype=np.uint8))) < 4000


@given(
    arrays(
        st.sampled_from([np.float32, np.float16, np.uint8]),
        array_shapes(min_dims=0, max_dims=3, max_side=20),
    )
)
@settings(deadline=None)
def test_an_npz_reads_back_with_numpy_and_with_zipfile(array):
    content = encode_npz("depth_mm", array)
    with np.load(io.BytesIO(content)) as stored:
        assert stored.files == ["depth_mm"]
        np.testing.assert_array_equal(stored["depth_mm"], array)
    assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None


def test_an_npz_holds_no_date():
    content = encode_npz("uv", np.zeros((3, 2), dtype=np.float32))
    (info,) = zipfile.ZipFile(io.BytesIO(content)).infolist()
    assert info.date_time == (1980, 1, 1, 0, 0, 0)


def test_landmarks_are_one_line_each():
    landmarks = LandmarkRecord(
        np.array([[1.5, 2.25]]), np.array([[0.0, -10.0, 3.00004]]), np.array([True])
    )
    text = encode_landmarks(("menton",), landmarks).decode()
    assert text == (
        "name,x_px,y_px,x_mm,y_mm,z_mm,visible\nmenton,1.5000,2.2500,0.0000,-10.0000,3.0000,1\n"
    )


def test_json_refuses_nan():
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode_json({"depth": float("nan")})
