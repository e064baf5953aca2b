"""Reading back what `augment.writer.encode` wrote, also where a stranger changed it since."""

from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Shaped, UInt8

from augment.errors import AssetError
from augment.writer.content import read_npz, read_picture


def read_image(path: Path) -> UInt8[np.ndarray, "height width 3"]:
    """Return a picture as RGB.

    Raises:
        AssetError: If the file is missing or no picture.
    """
    image = read_picture(path)
    if image.dtype != np.uint8:
        raise AssetError(f"expected a picture of 8 bits at '{path}', got {image.dtype}")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) if image.ndim == 2 else image)


def read_pixels(path: Path, kind: str) -> Shaped[np.ndarray, "height width *channels"]:
    """Return one pixel label from its file.

    Args:
        path: File of the label.
        kind: Name of the label.

    Returns:
        Its values, of the type that `augment.writer.kinds` states.

    Raises:
        AssetError: If the file is missing or does not hold this label.
    """
    return read_picture(path) if path.suffix == ".png" else read_npz(path, kind)
