"""Brain: a braincase full of one tissue enters; grey and white matter, sulci, fissures, ventricles
and cisterns leave."""

import numpy as np
from jaxtyping import Bool, Float32

from augment.volume.anatomy.body import resampled
from augment.volume.anatomy.canvas import Canvas
from augment.volume.anatomy.distance_transform import depth_inside
from augment.volume.anatomy.primitives import both_sides, chain, curve, ellipsoid, join, sheet
from augment.volume.anatomy.spec import AtlasSpec
from augment.volume.grid import Box

RIM_MM = 2.0
"""Fluid between brain and skull."""

CORTEX_MM = 3.0
"""Thickness of the cortex, 1 to 4.5 mm with a mean of 2.5 (Fischl and Dale, PNAS 2000;97:11050),
and a part of a voxel."""

SULCUS_DEPTH_MM, SULCUS_EVERY_MM, SULCUS_SHARE = 17.0, 9.0, 0.22
"""How deep sulci reach below the skull, the wavelength of their pattern, and its share of fluid
at the surface."""

FISSURE_HALF_MM = 1.0


def paint_brain(canvas: Canvas, box: Box, spec: AtlasSpec) -> None:
    """Paint what the braincase holds.

    Args:
        canvas: A painted braincase, its cavity all `brain`.
        box: Box of the grid around the cavity.
        spec: Its ``detail_seed`` draws the sulci.
    """
    spacing = canvas.grid.spacing_mm[0]
    cavity = canvas.holds(box, ("brain",))
    depth = depth_inside(cavity, spacing, SULCUS_DEPTH_MM)
    fluid = (depth < RIM_MM) | _sulci(canvas, box, depth, spec) | _fissure(canvas, box)
    canvas.paint_mask(box, cavity & fluid, "csf", ("brain",))
    _paint_ventricles(canvas)
    from_fluid = depth_inside(canvas.holds(box, ("brain",)), spacing, CORTEX_MM)
    canvas.paint_mask(box, from_fluid > CORTEX_MM, "white_matter", ("brain",))
    thalamus, striatum = ellipsoid((9, -4, 45), (7, 14, 9)), ellipsoid((21, 14, 44), (7, 17, 10))
    canvas.paint(both_sides(join(thalamus, striatum)), "brain", ("white_matter",))


def _sulci(
    canvas: Canvas, box: Box, depth: Float32[np.ndarray, "x y z"], spec: AtlasSpec
) -> Bool[np.ndarray, "x y z"]:
    """Winding clefts that narrow with depth: where a smooth random field is near 0. The cerebellum
    has none."""
    factor = SULCUS_EVERY_MM / canvas.grid.spacing_mm[0]
    rng = np.random.default_rng(spec.detail_seed + 3)
    shape = depth.shape
    lattice = [int(n / factor) + 3 for n in shape]
    pattern = resampled(rng.standard_normal(lattice).astype(np.float32), shape, factor)
    _, y, z = canvas.coordinates(box)
    is_cerebrum = (z > 34.0) | (y > 0.0)
    return (np.abs(pattern) < SULCUS_SHARE * (1.0 - depth / SULCUS_DEPTH_MM)) & is_cerebrum


def _fissure(canvas: Canvas, box: Box) -> Bool[np.ndarray, "x y z"]:
    """Cleft between the hemispheres, above the corpus callosum and before and behind it."""
    x, y, z = canvas.coordinates(box)
    callosum = 78.0 - 30.0 * ((y - 5.0) / 50.0) ** 2
    return (np.abs(x) < FISSURE_HALF_MM) & (z > np.maximum(callosum, 34.0))


def _paint_ventricles(canvas: Canvas) -> None:
    lateral = both_sides(
        chain(
            curve([(6, 45, 58), (9, 20, 68), (14, -15, 70), (20, -40, 58), (26, -20, 38)], 24),
            (3, 4.5, 4.5, 5, 3),
        )
    )
    third = chain([(0, 20, 48), (0, 0, 50), (0, -18, 22)], (2.0, 1.6, 3.0), 10)
    canvas.paint(join(lateral, third), "csf", ("brain",))
    tentorium = both_sides(
        sheet(np.array([[(4, -80, 28), (4, -30, 40)], [(45, -60, 24), (40, -12, 26)]]), 0.9)
    )
    canvas.paint(tentorium, "csf", ("brain",))
    sylvian = both_sides(
        sheet(np.array([[(34, 36, 34), (66, 36, 26)], [(34, -4, 46), (70, -4, 46)]]), 1.3)
    )
    canvas.paint(sylvian, "csf", ("brain",))
    cisterns = join(
        chain([(0, 8, 14), (0, -8, -14)], (5.0, 4.0), 8), chain([(-12, 18, 24), (12, 18, 24)], 4.0)
    )
    canvas.paint(cisterns, "csf", ("brain",))
    stem = chain([(0, 0, 30), (0, -8, 10), (0, -18, -16), (0, -20, -24)], (13, 12, 7, 6), 20)
    canvas.paint(stem, "brain", ("csf",))
