"""Where faces are in a photograph: scikit-image's cascade, tilted and brightened where it must.

The cascade (local binary patterns, Liao et al. 2007; trained by OpenCV's authors for upright
frontal faces) comes with the package, so nothing is downloaded. What it finds are candidates;
whether one is a face, the network says.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8

SEARCH_PX = 400
"""Longer side of the picture that is searched."""
SMALLEST_SHARE, SMALLEST_PX, LARGEST_SHARE = 0.12, 28, 1.0
TILTS_DEG = (0.0, -25.0, 25.0, -50.0, 50.0)
ROOM = 0.2
"""Border about the picture that is searched, share of its shorter side."""
SCALE_STEP, PLACE_STEP = 1.2, 1.0
SAME_PLACE = 0.35
"""Two boxes that share this part of their union are one face."""


@dataclass(frozen=True)
class Candidate:
    """A square that may hold a face, in pixels of the picture.

    Attributes:
        centre_px: Its middle, (x, y).
        side_px: Its side.
        roll_rad: Turn of the face in the picture, clockwise as it is seen.
    """

    centre_px: tuple[float, float]
    side_px: float
    roll_rad: float = 0.0

    def moved(self, by_px: float) -> "Candidate":
        """Return the square moved by so many pixels along both axes."""
        x, y = self.centre_px
        return replace(self, centre_px=(x + by_px, y + by_px))

    def overlap(self, other: "Candidate") -> float:
        """Return the shared part of the union of two squares, as if both were upright."""
        sides = []
        for axis in range(2):
            low = max(s.centre_px[axis] - s.side_px / 2 for s in (self, other))
            high = min(s.centre_px[axis] + s.side_px / 2 for s in (self, other))
            sides.append(max(high - low, 0.0))
        shared = sides[0] * sides[1]
        return shared / (self.side_px**2 + other.side_px**2 - shared)


def cascade_faces(picture: UInt8[np.ndarray, "height width 3"]) -> list[Candidate]:
    """Return what the cascade takes for a face, upright pictures first.

    It looks at the picture as it is; where that shows nothing, at the picture with equalised
    contrast, then at both turned by 25 and by 50 degrees.

    Args:
        picture: RGB.
    """
    room = round(ROOM * min(picture.shape[:2]))
    for greys in _looks(picture):
        found: list[Candidate] = []
        for grey, scale in greys:
            for tilt in TILTS_DEG[:1] if len(greys) == 1 else TILTS_DEG:
                found += _detected(grey, scale, tilt)
        if found:
            return distinct([each.moved(-float(room)) for each in found])
    return []


def distinct(candidates: list[Candidate]) -> list[Candidate]:
    """Return candidates, the largest first, without those that repeat a place."""
    kept: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda each: -each.side_px):
        if all(candidate.overlap(other) < SAME_PLACE for other in kept):
            kept.append(candidate)
    return kept


def grid_squares(height: int, width: int) -> list[Candidate]:
    """Return squares that cover a picture at several sizes, for faces that no cascade knows.

    The whole picture's middle comes first: a portrait is there.

    Args:
        height: Pixels in a column.
        width: Pixels in a row.
    """
    short = min(height, width)
    squares = []
    for share, step in ((1.0, 0.25), (0.75, 0.25), (0.5, 0.25), (0.35, 0.25)):
        side = share * short
        columns = _places(width, side, step * side)
        rows = _places(height, side, step * side)
        squares += [Candidate((x, y), side) for y in rows for x in columns]
    return squares


def _places(length: int, side: float, step: float) -> list[float]:
    """Return middles of windows from end to end, evenly spaced."""
    room = length - side
    count = max(1, math.ceil(room / step) + 1) if room > 0 else 1
    return [length / 2] if count == 1 else list(np.linspace(side / 2, length - side / 2, count))


def _looks(
    picture: UInt8[np.ndarray, "height width 3"],
) -> Iterator[list[tuple[np.ndarray, float]]]:
    # A face that fills the picture is found only with room about it.
    room = round(ROOM * min(picture.shape[:2]))
    picture = cv2.copyMakeBorder(picture, room, room, room, room, cv2.BORDER_REPLICATE)
    scale = SEARCH_PX / max(picture.shape[:2])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    size = max(round(picture.shape[1] * scale), 1), max(round(picture.shape[0] * scale), 1)
    grey = cv2.cvtColor(cv2.resize(picture, size, interpolation=way), cv2.COLOR_RGB2GRAY)
    even = cv2.createCLAHE(3.0, (4, 4)).apply(grey)
    yield [(grey, scale)]
    yield [(even, scale)]
    yield [(grey, scale), (even, scale)]


@lru_cache(maxsize=1)
def _cascade() -> Any:
    from skimage.data import lbp_frontal_face_cascade_filename
    from skimage.feature import Cascade

    return Cascade(lbp_frontal_face_cascade_filename())


def _detected(
    grey: UInt8[np.ndarray, "rows columns"], scale: float, tilt_deg: float
) -> list[Candidate]:
    """Return faces that are tilted by an angle, in the picture's pixels."""
    rows, columns = grey.shape
    middle = (columns / 2 - 0.5, rows / 2 - 0.5)
    turn = cv2.getRotationMatrix2D(middle, tilt_deg, 1.0)
    turned = grey
    if tilt_deg:
        turned = cv2.warpAffine(grey, turn, (columns, rows), borderMode=cv2.BORDER_REPLICATE)
    low = max(SMALLEST_PX, int(SMALLEST_SHARE * min(rows, columns)))
    high = max(int(LARGEST_SHARE * min(rows, columns)), low + 1)
    boxes = _cascade().detect_multi_scale(turned, SCALE_STEP, PLACE_STEP, (low, low), (high, high))
    back = cv2.invertAffineTransform(turn)
    found = []
    for box in boxes:
        side = float(max(box["width"], box["height"]))
        centre = np.array([box["c"] + box["width"] / 2, box["r"] + box["height"] / 2]) - 0.5
        x, y = back[:, :2] @ centre + back[:, 2] + 0.5
        roll = math.radians(tilt_deg)
        found.append(Candidate((float(x) / scale, float(y) / scale), side / scale, roll))
    return found
