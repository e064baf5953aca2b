"""Reading back what `augment.writer.encode` wrote."""

from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Shaped, UInt8

from augment.errors import AssetError


def read_image(path: Path) -> UInt8[np.ndarray, "height width 3"]:
    """Return a picture as RGB.

    Raises:
        AssetError: If the file is missing or no picture.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise AssetError(f"expected a picture at '{path}', got a file that cannot be read")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


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
    if path.suffix == ".png":
        labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if labels is None:
            raise AssetError(f"expected {kind} at '{path}', got a file that cannot be read")
        return np.asarray(labels)
    try:
        with np.load(path) as stored:
            return np.asarray(stored[kind])
    except (OSError, ValueError, KeyError) as error:
        raise AssetError(f"expected {kind} at '{path}', got {error}") from error
