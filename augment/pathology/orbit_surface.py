"""The orbit as a closed surface, whose volume is measured: bone that moves with the orbital walls.

Enters: eye landmarks of a head, mm. Leaves: vertices of both orbits, in the head's frame.
"""

from functools import cache

import numpy as np
from jaxtyping import Float, Int

# Rings from the rim to the apex, relative to the middle of the globe: medially, anterior, superior,
# radius, mm, in a head of the template's size. Together they hold 21.3 cm³ (PMC5437323).
_RINGS_MM = (
    (0.0, 11.0, 0.5, 17.4),
    (0.5, 6.0, 0.5, 18.4),
    (1.5, 0.0, 0.5, 18.2),
    (3.5, -6.0, 0.5, 16.6),
    (6.0, -12.0, 0.5, 14.0),
    (9.0, -18.0, 0.7, 10.8),
    (12.0, -24.0, 0.9, 7.2),
    (14.0, -29.0, 1.0, 4.2),
)
N_AROUND = 16


def orbit_points(
    globe_mm: Float[np.ndarray, "3"], side: str, size: float
) -> Float[np.ndarray, "points 3"]:
    """Return the vertices of an orbit: rings from rim to apex.

    Args:
        globe_mm: Middle of the globe.
        side: ``left`` or ``right``.
        size: Size of the head over the template's.
    """
    angle = 2 * np.pi * np.arange(N_AROUND) / N_AROUND
    sign = 1.0 if side == "right" else -1.0
    rings = []
    for medial, y, z, radius in _RINGS_MM:
        x = -medial + radius * np.cos(angle)
        rings.append(np.stack([sign * x, np.full(N_AROUND, y), z + radius * np.sin(angle)], 1))
    return np.asarray(globe_mm + size * np.concatenate(rings))


@cache
def orbit_faces() -> Int[np.ndarray, "triangles 3"]:
    """Return the triangles of an orbit's closed surface."""
    n, rings = N_AROUND, len(_RINGS_MM)
    around = np.arange(n)
    after = (around + 1) % n
    faces = []
    for ring in range(rings - 1):
        a, b = ring * n + around, ring * n + after
        faces += [np.stack([a, a + n, b], 1), np.stack([b, a + n, b + n], 1)]
    fan = around[1:-1]
    last = (rings - 1) * n
    faces.append(np.stack([np.zeros(n - 2, dtype=int), fan, fan + 1], 1))
    faces.append(np.stack([np.full(n - 2, last), last + fan + 1, last + fan], 1))
    return np.concatenate(faces)
