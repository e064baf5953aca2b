"""Pictures of single cases: the image with the outlines of reference and prediction.

The reference is drawn white on black, the prediction over it in the colour of its class. Volumes
are cut in three planes through the middle of the reference, shown as RAS+ arrays: up is superior
(or anterior, from above), and the patient's right is on the left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Integer, Shaped, UInt8

HEIGHT_PX = {2: 420, 3: 300}
"""Height of a panel, by the number of dimensions."""
MARGIN_MM = 15.0
GAP_PX = 6
JPEG_QUALITY = 92
# Red, green, blue; after Okabe and Ito, bright enough for skin and for grey.
CLASS_COLOURS = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 200, 140),
    (240, 228, 66),
    (233, 94, 20),
    (224, 131, 187),
)
COLOUR_NAMES = ("orange", "blue", "green", "yellow", "vermilion", "pink")
BACKGROUND = 0
Image = UInt8[np.ndarray, "_ _ 3"]


@dataclass(frozen=True, eq=False)
class RealCase:
    """A real case as a person looks at it.

    Attributes:
        image: RGB picture (height, width, 3), or volume (x, y, z) with axes RAS+.
        truth: Class numbers on the same grid.
        spacing_mm: Distance of neighbouring centres along each axis of `truth`.
        labels: Class number to name; only these are outlined.
        window: Values shown black and white; the 1st and 99.5th percentile if None.
    """

    image: Shaped[np.ndarray, "..."]
    truth: Integer[np.ndarray, "*space"]
    spacing_mm: Sequence[float]
    labels: Mapping[int, str]
    window: tuple[float, float] | None = None


def draw_overlay(case: RealCase, predictions: Sequence[Integer[np.ndarray, "*space"]]) -> Image:
    """Draw a case, one panel a prediction; for a volume one row a prediction with three planes.

    Args:
        case: The case.
        predictions: Class numbers on the case's grid, one or more.

    Returns:
        RGB picture.

    Raises:
        ValueError: If a prediction has another grid.
    """
    for predicted in predictions:
        if predicted.shape != case.truth.shape:
            raise ValueError(
                f"an overlay expects predictions on the grid {case.truth.shape}, got"
                f" {predicted.shape}; write them on the case's own grid"
            )
    if case.truth.ndim == 2:
        panels = [_panel(case.image, case, case.truth, p, case.spacing_mm) for p in predictions]
        return _joined(panels, axis=1)
    rows = []
    planes = [_plane_of(case, axis) for axis in range(3)]
    for predicted in predictions:
        cuts = [
            _panel(
                _grey(_upright(case.image[where], axis), case),
                case,
                _upright(case.truth[where], axis),
                _upright(predicted[where], axis),
                step,
            )
            for axis, (where, step) in enumerate(planes)
        ]
        rows.append(_joined(cuts, axis=1))
    return _joined(rows, axis=0)


def jpeg(image: Image) -> bytes:
    """Return a picture as the bytes of a JPEG file without colour subsampling."""
    settings = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    settings += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    done, encoded = cv2.imencode(".jpg", image[..., ::-1], settings)
    if not done:
        raise RuntimeError("OpenCV could not encode a JPEG")
    return bytes(encoded)


def _plane_of(case: RealCase, axis: int) -> tuple[tuple[slice | int, ...], tuple[float, float]]:
    """Return where a volume is cut across an axis, around the reference, and the cut's steps."""
    mask = np.isin(case.truth, [number for number in case.labels if number != BACKGROUND])
    mask = mask if mask.any() else np.ones_like(mask)
    where: list[slice | int] = []
    for other in range(3):
        filled = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != other)))
        margin = int(np.ceil(MARGIN_MM / case.spacing_mm[other]))
        where.append(slice(max(0, int(filled[0]) - margin), int(filled[-1]) + margin + 1))
    # The plane that shows most of the reference says more than the one through its centroid.
    others = tuple(a for a in range(3) if a != axis)
    where[axis] = int(mask.sum(axis=others).argmax())
    right, up = (case.spacing_mm[other] for other in others)
    return tuple(where), (up, right)


def _upright(plane: Shaped[np.ndarray, "right up"], axis: int) -> Shaped[np.ndarray, "up right"]:
    """Turn a cut of a RAS+ array so that up is up; a viewer faces the patient."""
    turned = plane.T[::-1]
    return turned if axis == 0 else turned[:, ::-1]


def _grey(plane: Shaped[np.ndarray, "height width"], case: RealCase) -> Image:
    low, high = case.window or tuple(np.percentile(case.image, (1.0, 99.5)))
    level = (plane.astype(np.float64) - low) / max(high - low, 1e-9) * 255
    grey = np.clip(level, 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _panel(
    image: Image,
    case: RealCase,
    truth: Integer[np.ndarray, "height width"],
    predicted: Integer[np.ndarray, "height width"],
    step_mm: Sequence[float],
) -> Image:
    """Draw one picture with square millimetres."""
    height = HEIGHT_PX[case.truth.ndim]
    width = max(1, round(height * truth.shape[1] * step_mm[1] / (truth.shape[0] * step_mm[0])))
    size = (width, height)
    shrinks = image.shape[0] > height
    way = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    panel = cv2.resize(np.ascontiguousarray(image), size, interpolation=way)
    numbers = [number for number in case.labels if number != BACKGROUND]
    for colour, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        for number in numbers:
            lines = _outlines(truth == number, size)
            cv2.polylines(panel, lines, True, colour, thickness, cv2.LINE_AA)
    for position, number in enumerate(numbers):
        colour = CLASS_COLOURS[position % len(CLASS_COLOURS)]
        lines = _outlines(predicted == number, size)
        cv2.polylines(panel, lines, True, colour, 1, cv2.LINE_AA)
    return panel


def _outlines(
    mask: Shaped[np.ndarray, "height width"], size: tuple[int, int]
) -> list[Integer[np.ndarray, "points 1 2"]]:
    """Return outlines of a mask in the pixels of a larger or smaller picture."""
    smooth = cv2.resize(np.ascontiguousarray(mask, dtype=np.float32), size)
    inside = (smooth >= 0.5).astype(np.uint8)
    found, _ = cv2.findContours(inside, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    return list(found)


def _joined(panels: Sequence[Image], axis: int) -> Image:
    """Put panels side by side or below each other with a white gap."""
    across = 1 - axis
    size = max(panel.shape[across] for panel in panels)
    parts: list[Image] = []
    for panel in panels:
        missing = size - panel.shape[across]
        pad = [(0, 0), (0, 0), (0, 0)]
        pad[across] = (0, missing)
        gap = [GAP_PX if a == axis else s for a, s in enumerate((size, size, 3))]
        parts += [np.pad(panel, pad, constant_values=255), np.full(gap, 255, dtype=np.uint8)]
    return np.concatenate(parts[:-1], axis=axis)
