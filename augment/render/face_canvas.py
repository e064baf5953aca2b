"""A drawing sheet wrapped around the face: arc length from the midline against height, in mm.

Wrinkles and other lines are drawn on it as curves between landmarks of the template and then read
at the texels of the texture sheet.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
from jaxtyping import Float

AXIS_Y_MM = 25.0
"""The canvas is a cylinder about the vertical axis through (0, AXIS_Y_MM)."""
RADIUS_MM = 62.0
LEFT_MM, TOP_MM = -110.0, 100.0
WIDTH_MM, HEIGHT_MM = 220.0, 230.0
SCALE = 5.0
"""Canvas pixels a millimetre."""


@dataclass(frozen=True, eq=False)
class FaceCanvas:
    """A height field on the wrapped sheet; curves add to it.

    Attributes:
        height: The field, rows downwards from TOP_MM, columns from LEFT_MM to the right side.
    """

    height: Float[np.ndarray, "rows columns"] = field(
        default_factory=lambda: np.zeros(
            (int(HEIGHT_MM * SCALE), int(WIDTH_MM * SCALE)), dtype=np.float32
        )
    )

    def with_curve(
        self, curve: Float[np.ndarray, "points 2"], width_mm: float, depth: float
    ) -> "FaceCanvas":
        """Return the canvas with a groove that is deepest in the middle and fades at its ends.

        Args:
            curve: (arc, height) of its points, mm.
            width_mm: Distance from the middle to where the groove has risen to exp(-1).
            depth: Depth in the middle; the field falls by it.
        """
        layer = np.zeros_like(self.height)
        dense = _resampled(curve, 60)
        fade = np.sin(np.linspace(0.0, np.pi, len(dense))) ** 0.7
        pixels = np.stack(((dense[:, 0] - LEFT_MM), (TOP_MM - dense[:, 1])), -1) * SCALE
        for start, end, strength in zip(pixels[:-1], pixels[1:], fade[1:], strict=True):
            cv2.line(
                layer, _fixed(start), _fixed(end), float(strength), 2, cv2.LINE_AA, _FIXED_BITS
            )
        sigma = width_mm * SCALE / np.sqrt(2.0)
        layer = cv2.GaussianBlur(layer, (0, 0), sigma)
        peak = float(layer.max())
        return FaceCanvas(self.height - depth * layer / max(peak, 1e-6))

    def at(self, points: Float[np.ndarray, "rows columns 3"]) -> Float[np.ndarray, "rows columns"]:
        """Return the field at points of the template; 0 behind the ears and off the sheet."""
        arc, height = wrapped(points)
        column = ((arc - LEFT_MM) * SCALE).astype(np.float32)
        row = ((TOP_MM - height) * SCALE).astype(np.float32)
        front = points[..., 1] > AXIS_Y_MM - 10.0
        return cv2.remap(self.height, column, row, cv2.INTER_LINEAR) * front

    def slope_at(
        self, points: Float[np.ndarray, "rows columns 3"]
    ) -> Float[np.ndarray, "rows columns 3"]:
        """Return the gradient of the field in space (head frame, per mm) at points."""
        along_row = cv2.Sobel(self.height, cv2.CV_32F, 1, 0, ksize=3) * (SCALE / 8.0)
        along_column = cv2.Sobel(self.height, cv2.CV_32F, 0, 1, ksize=3) * (SCALE / 8.0)
        across = FaceCanvas(along_row).at(points)
        up = FaceCanvas(-along_column).at(points)
        x, y = points[..., 0], points[..., 1] - AXIS_Y_MM
        radius = np.maximum(np.hypot(x, y), 1.0)
        return np.stack((across * y / radius, -across * x / radius, up), -1)


_FIXED_BITS = 4


def _fixed(point: np.ndarray) -> tuple[int, int]:
    """Return a point in OpenCV's fixed-point coordinates."""
    column, row = np.rint(point * (1 << _FIXED_BITS)).astype(int)
    return int(column), int(row)


def wrapped(points: Float[np.ndarray, "*shape 3"]) -> tuple[np.ndarray, np.ndarray]:
    """Return arc length from the midline (positive to the right side) and height, mm."""
    angle = np.arctan2(points[..., 0], points[..., 1] - AXIS_Y_MM)
    return angle * RADIUS_MM, points[..., 2]


def _resampled(curve: np.ndarray, count: int) -> Float[np.ndarray, "count 2"]:
    """Return a smooth curve (Catmull-Rom) through points."""
    points = np.concatenate([2 * curve[:1] - curve[1:2], curve, 2 * curve[-1:] - curve[-2:-1]])
    at = np.linspace(0.0, len(curve) - 1 - 1e-6, count)
    k, t = at.astype(int), (at % 1.0)[:, None]
    p0, p1, p2, p3 = (points[k + j] for j in range(4))
    return 0.5 * (
        2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
        + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )  # fmt: skip
