"""Teeth: crowns and roots of both arches, each present, filled, crowned or missing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from augment.volume.anatomy.canvas import SOFT, Canvas
from augment.volume.anatomy.mandible import mandible_pose
from augment.volume.anatomy.midface import occlusal_height_mm
from augment.volume.anatomy.primitives import Shape, chain, join, sheet
from augment.volume.anatomy.spec import TEETH_PER_SIDE, AtlasSpec, ToothState

CROWN_RADIUS_MM = (4.6, 4.8, 5.0, 3.5, 3.5, 3.3, 2.7, 2.6)
"""Half width of the crowns, third molar to central incisor."""

CROWN_MM, ROOT_MM = 7.5, (9.0, 11.0, 12.0, 12.5, 13.0, 15.0, 12.0, 11.5)
PROCLINED_MM = 3.5
"""How far the edge of an incisor stands before its neck."""

LOWER_ARCH_MM = (
    (29.5, 39),
    (26.5, 47.5),
    (24, 56.5),
    (21.5, 64),
    (19, 71.5),
    (14.5, 77.5),
    (9, 82),
    (3, 84.5),
)
UPPER_ARCH_MM = (
    (31, 39.5),
    (29, 48),
    (26.5, 57),
    (23.5, 65),
    (20, 72),
    (15.5, 78.5),
    (10, 84),
    (4.2, 86.2),
)


@dataclass(frozen=True)
class Tooth:
    """One tooth in anatomy coordinates.

    Attributes:
        crown: Shape above the gum.
        root: Shape within the bone.
        centre_mm: Middle of the crown.
        state: What became of it.
    """

    crown: Shape
    root: Shape
    centre_mm: np.ndarray
    state: ToothState


def teeth(spec: AtlasSpec) -> tuple[tuple[Tooth, ...], tuple[Tooth, ...]]:
    """Return the lower and the upper teeth that are present, posed with the jaw."""
    lower = _arch(spec.teeth_lower, LOWER_ARCH_MM, -1.0, mandible_pose(spec.mandible))
    upper = _arch(spec.teeth_upper, UPPER_ARCH_MM, 1.0, lambda points: points)
    return lower, upper


def _arch(
    states: tuple[ToothState, ...],
    arch_mm: Sequence[tuple[int | float, int | float]],
    towards_root: float,
    pose: Callable[[np.ndarray], np.ndarray],
) -> tuple[Tooth, ...]:
    found = []
    for index, state in enumerate(states):
        if state is ToothState.MISSING:
            continue
        side, order = (
            (1.0, index) if index < TEETH_PER_SIDE else (-1.0, 2 * TEETH_PER_SIDE - 1 - index)
        )
        found.append(_tooth(side, order, state, arch_mm[order], towards_root, pose))
    return tuple(found)


def _tooth(
    side: float,
    order: int,
    state: ToothState,
    place_mm: tuple[int | float, int | float],
    towards_root: float,
    pose: Callable[[np.ndarray], np.ndarray],
) -> Tooth:
    x, y = place_mm
    radius = CROWN_RADIUS_MM[order]
    occlusal = occlusal_height_mm(y) + 0.8 * towards_root

    def at(height: float | int, lateral: float | int, back: float | int) -> np.ndarray:
        return pose(np.array((side * (x + lateral), y - back, occlusal + towards_root * height)))

    incisor = order >= 5
    start = at(1.2 if incisor else 0.75 * radius, 0, -PROCLINED_MM * incisor)
    neck = at(CROWN_MM, 0.5, 0)
    crown = chain([start, neck], (1.2 if incisor else radius, 0.92 * radius))
    length = ROOT_MM[order]
    spread = (0.0,) if order > 2 else (-0.5 * radius, 0.5 * radius)
    roots = [
        chain(
            [at(CROWN_MM, 0.5, 0), at(CROWN_MM + length, 1.5, s + 0.8)],
            (0.75 * radius if len(spread) == 1 else 0.6 * radius, 1.3),
        )
        for s in spread
    ]
    return Tooth(crown, join(*roots), 0.5 * (start + neck), state)


def paint_bite_block(canvas: Canvas, spec: AtlasSpec) -> None:
    """Paint a mouthpiece between the jaws, from before the lips back onto the tongue."""
    opening = spec.mandible.opening_deg
    has_teeth = any(state is not ToothState.MISSING for state in spec.teeth_lower)
    # 1.6 mm between the incisors for each degree; ridges without teeth stand farther apart.
    half = 1.0 + 0.8 * opening + (0.0 if has_teeth else 6.0)
    rng = np.random.default_rng(spec.detail_seed + 3)
    width, back = rng.uniform(9.0, 17.0), rng.uniform(58.0, 74.0)
    rows = [
        [(x, y, occlusal_height_mm(80.0) - 0.8 * opening) for x in np.linspace(-width, width, 5)]
        for y in (back, 80.0, 108.0)
    ]
    canvas.paint(
        sheet(np.array(rows), half), "bite_block", (*SOFT, "tongue", "mucosa", "airway_oral")
    )


def paint_teeth(canvas: Canvas, spec: AtlasSpec) -> None:
    """Paint roots, crowns and metal of both arches."""
    air = ("airway_oral", "tongue", "mucosa")
    for name, arch, bone in (("lower", 0, "mandible"), ("upper", 1, "maxilla")):
        for tooth in teeth(spec)[arch]:
            sockets = (
                (f"{bone}_cortical", f"{bone}_trabecular", "maxillary_sinus")
                if arch
                else (f"{bone}_cortical", f"{bone}_trabecular")
            )
            canvas.paint(tooth.root, f"teeth_{name}_root", (*SOFT, *sockets) if arch else sockets)
            canvas.paint(tooth.crown, f"teeth_{name}_crown", (*SOFT, *air, *sockets, "periosteum"))
            if tooth.state is ToothState.CROWNED:
                canvas.paint(tooth.crown, "dental_metal", (f"teeth_{name}_crown",))
            elif tooth.state is ToothState.FILLED:
                filling = chain([tooth.centre_mm - 0.8, tooth.centre_mm + 0.8], 1.8)
                canvas.paint(filling, "dental_metal", (f"teeth_{name}_crown",))
