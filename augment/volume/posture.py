"""How a head lies in the scanner: tilt of the whole person and bend of the neck.

The scan frame is the trunk's; ``head_from_scan`` first bends what lies above the neck, then turns
and shifts everything.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

INVERSE_STEPS, INVERSE_DAMPING = 60, 0.7


@dataclass(frozen=True)
class Posture:
    """Pose of a person on the couch.

    Attributes:
        turn_deg: Rotation about the (right, anterior, superior) axes, the first being nodding.
        neck_bend_deg: Extension of the head on the trunk; positive lifts the chin.
        scale: Size of the person along (right, anterior, superior).
        pivot_mm: Centre of the bend and of the turn, head frame.
        bend_from_mm: Height below which the trunk stays.
        bend_to_mm: Height above which the head turns as a body.
    """

    turn_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    neck_bend_deg: float = 0.0
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    pivot_mm: tuple[float, float, float] = (0.0, -17.0, -50.0)
    bend_from_mm: float = -165.0
    bend_to_mm: float = -48.0

    def matrix(self) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]:
        """Return rotation with scale, and shift, of the map from the bent scan frame to the head
        frame."""
        turn = np.eye(3)
        for angle, (a, b) in zip(np.deg2rad(self.turn_deg), ((1, 2), (2, 0), (0, 1)), strict=True):
            step = np.eye(3)
            step[a, a] = step[b, b] = np.cos(angle)
            step[a, b], step[b, a] = np.sin(angle), -np.sin(angle)
            turn = turn @ step
        matrix = turn / np.asarray(self.scale)
        pivot = np.asarray(self.pivot_mm)
        return matrix, pivot - matrix @ pivot

    def head_from_scan(
        self, points_mm: Float[np.ndarray, "points 3"]
    ) -> Float[np.ndarray, "points 3"]:
        """Return head-frame coordinates of points given in the scan frame."""
        points = np.asarray(points_mm, float)
        angle = self._bend_rad(points[:, 2])
        y, z = points[:, 1] - self.pivot_mm[1], points[:, 2] - self.pivot_mm[2]
        bent = np.c_[
            points[:, 0],
            np.cos(angle) * y + np.sin(angle) * z + self.pivot_mm[1],
            np.cos(angle) * z - np.sin(angle) * y + self.pivot_mm[2],
        ]
        matrix, shift = self.matrix()
        return bent @ matrix.T + shift

    def is_upright(self) -> bool:
        """Say whether the scan frame is the head frame."""
        return not any(self.turn_deg) and not self.neck_bend_deg and self.scale == (1.0, 1.0, 1.0)

    def scan_from_head(
        self, points_mm: Float[np.ndarray, "points 3"]
    ) -> Float[np.ndarray, "points 3"]:
        """Return scan-frame coordinates of points given in the head frame, to 1e-6 mm where the
        neck bends by less than 40 degrees (damped Newton steps with the bend's own rotation)."""
        target = np.asarray(points_mm, float)
        matrix, shift = self.matrix()
        back = np.linalg.inv(matrix)
        if not self.neck_bend_deg:
            return (target - shift) @ back.T
        points = target.copy()
        for _ in range(INVERSE_STEPS):
            step = (target - self.head_from_scan(points)) @ back.T
            angle = self._bend_rad(points[:, 2])
            cosine, sine = np.cos(angle), np.sin(angle)
            y, z = step[:, 1].copy(), step[:, 2].copy()
            step[:, 1], step[:, 2] = cosine * y - sine * z, sine * y + cosine * z
            points += INVERSE_DAMPING * step
        return points

    def _bend_rad(self, z_mm: Float[np.ndarray, " points"]) -> Float[np.ndarray, " points"]:
        """Bend of the neck at a height of the scan frame, radians."""
        share = np.clip((z_mm - self.bend_from_mm) / (self.bend_to_mm - self.bend_from_mm), 0, 1)
        return np.deg2rad(self.neck_bend_deg) * share * share * (3.0 - 2.0 * share)

    def parameters(self) -> Float[np.ndarray, " numbers"]:
        """Return the numbers that the sampling kernel reads: matrix (9), shift (3), pivot (2), bend
        angle, its range (2)."""
        matrix, shift = self.matrix()
        bend = (np.deg2rad(self.neck_bend_deg), self.bend_from_mm, self.bend_to_mm)
        return np.r_[matrix.ravel(), shift, self.pivot_mm[1:], bend]


UPRIGHT = Posture()
