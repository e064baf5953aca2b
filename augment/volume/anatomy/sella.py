"""Sella turcica: the fossa whose centre is the cephalometric point S, its floor, dorsum and clinoid
processes.

Size: length 11, depth 8 and width 13 mm, about the means of adults on lateral films (Axelsson et
al., Eur J Orthod 2004;26:597: length 10-11 mm, depth 7-8 mm).
"""

import numpy as np
from jaxtyping import Float

from augment.volume.anatomy.canvas import SOFT, Canvas
from augment.volume.anatomy.primitives import both_sides, chain, ellipsoid, join, sheet

MEAN_SELLA_MM = (0.0, 12.4, 7.0)
"""S of the mean head, template frame."""

FOSSA_MM, WALL_MM = (6.5, 5.5, 4.0), 2.2
RIM_MM = 4.0
"""Height of the walls above S."""

_BONE = ("cranium_cortical", "cranium_trabecular", "skull_base")


def paint_sella(canvas: Canvas, centre_mm: Float[np.ndarray, "3"]) -> None:
    """Paint the sella about a point.

    Args:
        canvas: A painted braincase.
        centre_mm: Where S is, in the canvas' anatomy coordinates.
    """
    x, y, z = (float(value) for value in centre_mm)

    def place(dx: float | int, dy: float | int, dz: float | int) -> tuple[float, float, float]:
        return x + dx, y + dy, z + dz

    onto = (*SOFT, *_BONE, "brain", "csf")
    box, distance = canvas.distance(ellipsoid(place(0, 0, 0), np.array(FOSSA_MM) + WALL_MM))
    below_rim = canvas.coordinates(box)[2] < z + RIM_MM
    canvas.paint_mask(box, (distance < 0.0) & below_rim, "skull_base", onto)
    cistern = join(
        ellipsoid(place(0, 1, RIM_MM + 6.5), (11.0, 11.0, 6.5)),
        ellipsoid(place(0, -8, RIM_MM + 6.5), (9.0, 8.0, 6.5)),
    )
    canvas.paint(cistern, "csf", _BONE)
    back = [[place(dx, -6.8, -3.0), place(dx, -7.4, RIM_MM + 1.5)] for dx in (-6.0, 0.0, 6.0)]
    canvas.paint(sheet(np.array(back), 1.3), "cranium_cortical", onto)
    front = chain([place(-6, 7.0, RIM_MM), place(6, 7.0, RIM_MM)], 1.6)
    clinoids = both_sides(chain([place(9, 3, RIM_MM + 3), place(10, 13, RIM_MM + 5)], 2.0))
    canvas.paint(join(front, clinoids), "cranium_cortical", onto)
    canvas.paint(ellipsoid(place(0, 0, 0), FOSSA_MM), "brain", (*_BONE, "csf"))
    canvas.paint(ellipsoid(place(0, 0, RIM_MM), (6.0, 4.6, 4.0)), "csf", (*_BONE, "brain"))
