"""Decoding a user's picture with OpenCV, after a look at what its header promises.

Enters: a path. Leaves: the pixels as OpenCV gives them (BGR), or one sentence.
"""

from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Shaped
from PIL import Image, UnidentifiedImageError

from augment.errors import AssetError
from augment.untrusted import read_bounded

MAX_PIXELS = 1 << 26
MAX_FILE_BYTES = 500_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "PPM")


def decode_picture(path: Path, flags: int) -> Shaped[np.ndarray, "height width *channels"]:
    """Return the pixels of a picture.

    Args:
        path: The file; its content tells the format, not its name.
        flags: What `cv2.imdecode` is asked for.

    Raises:
        AssetError: If it is missing, no plain file, no picture, damaged, or has too many pixels.
    """
    content = read_bounded(path, "a picture", MAX_FILE_BYTES)
    limit = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None  # the limit below is ours
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as header:
            width, height = header.size
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, LookupError) as error:
        raise AssetError(
            f"expected a picture at '{path}', got a file that is none; save it as PNG or JPEG"
        ) from error
    finally:
        Image.MAX_IMAGE_PIXELS = limit
    if width * height > MAX_PIXELS:
        raise AssetError(
            f"expected a picture of at most {MAX_PIXELS / 1e6:.0f} million pixels, got"
            f" {width} x {height} in '{path}'; reduce it"
        )
    try:
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error:
        picture = None
    if picture is None:
        raise AssetError(
            f"expected a picture at '{path}', got one that cannot be decoded; save it as PNG or"
            " JPEG"
        )
    return np.asarray(picture)
