"""Cranium: vault, skull base, petrous and mastoid bone, frontal and sphenoid sinus."""

import numpy as np
from jaxtyping import Bool, Float32
from scipy import ndimage

from augment.volume.anatomy.body import Body, resampled
from augment.volume.anatomy.brain import paint_brain
from augment.volume.anatomy.canvas import SOFT, Canvas
from augment.volume.anatomy.distance_transform import depth_inside
from augment.volume.anatomy.primitives import (
    Shape,
    both_sides,
    chain,
    ellipsoid,
    join,
    sheet,
)
from augment.volume.anatomy.spec import AtlasSpec
from augment.volume.grid import Box

BASE_MM = 4.0
"""Thickness of the skull base."""

CAVITY_LOW_MM, CAVITY_HIGH_MM = (-95.0, -130.0, -45.0), (95.0, 110.0, 150.0)
CONTENTS = ("brain", "csf")
SKULL = ("cranium_cortical", "cranium_trabecular", "skull_base")


def paint_cranium(canvas: Canvas, body: Body, spec: AtlasSpec) -> None:
    """Paint the braincase with its contents and the bones that hang on it."""
    _paint_vault(canvas, body, spec)
    _paint_base(canvas, spec)
    _paint_ear(canvas, spec)
    _paint_frontal_bone(canvas, spec)
    paint_brain(canvas, canvas.box(CAVITY_LOW_MM, CAVITY_HIGH_MM), spec)


def _paint_vault(canvas: Canvas, body: Body, spec: AtlasSpec) -> None:
    box = canvas.box(CAVITY_LOW_MM, CAVITY_HIGH_MM)
    spacing = canvas.grid.spacing_mm[0]
    thickness = _vault_thickness(canvas, box, spec)
    temporal = _temporal_weight(canvas, box)
    floor = _cavity_floor(canvas, box)
    z = canvas.coordinates(box)[2]
    depth = spec.scalp_mm + 8.0 * temporal
    cavity = ((body.deep_mm[box] > depth + thickness) & (z > floor)).astype(np.float32)
    cavity = ndimage.gaussian_filter(cavity, 2.0 / spacing) > 0.5
    local = np.where(z < floor + 6.0, np.float32(BASE_MM), thickness)
    outward = depth_inside(~cavity, spacing, float(local.max()))
    shell = (outward > 0) & (outward < local) & body.inside[box]
    canvas.paint_mask(box, shell, "cranium_cortical")
    inner, outer = 0.5 - 0.5 * spec.diploe_fraction, 0.5 + 0.5 * spec.diploe_fraction
    diploe = shell & (local > 4.0) & (outward > inner * local) & (outward < outer * local)
    canvas.paint_mask(box, diploe, "cranium_trabecular", ("cranium_cortical",))
    canvas.paint_mask(box, cavity, "brain")


def _temporal_weight(canvas: Canvas, box: Box) -> Float32[np.ndarray, "x y z"]:
    """Weight of the temporal fossa, where muscle covers the bone."""
    x, y, z = canvas.coordinates(box)
    return np.exp(-(((y - 25) / 40) ** 2) - ((z - 36) / 34) ** 2) * np.clip(
        (np.abs(x) - 40) / 20, 0, 1
    )


def _vault_thickness(canvas: Canvas, box: Box, spec: AtlasSpec) -> Float32[np.ndarray, "x y z"]:
    """Thickness of the vault: thin at the temples, thick at the inion, uneven by a millimetre."""
    _, y, z = canvas.coordinates(box)
    inion = np.exp(-(((y + 80) / 30) ** 2) - ((z - 23) / 40) ** 2)
    shape = tuple(s.stop - s.start for s in box)
    factor = 38.0 / canvas.grid.spacing_mm[0]
    rng = np.random.default_rng(spec.detail_seed + 1)
    uneven = resampled(
        rng.standard_normal([int(n / factor) + 3 for n in shape]).astype(np.float32), shape, factor
    )
    thickness = (
        spec.skull_thickness_mm
        - 2.0 * _temporal_weight(canvas, box)
        + spec.occipital_thickness_mm * inion
        + uneven
    )
    return np.clip(thickness, 2.5, None).astype(np.float32)


def _cavity_floor(canvas: Canvas, box: Box) -> Float32[np.ndarray, "x y 1"]:
    """Height of the skull base: anterior fossa, middle fossa with the sella, posterior fossa."""
    x, y = (np.squeeze(c, axis=2) for c in canvas.coordinates(box)[:2])
    x = np.abs(x)
    anterior = 37.0 - 6.0 * np.exp(-((x / 8.0) ** 2))
    middle = np.where(x > 13, 11.0 + 0.016 * (x - 38) ** 2, 25.0) + 0.0 * y
    posterior = -17.0 + 22.0 * ((y + 45) / 48) ** 2 + 18.0 * (x / 50) ** 2
    floor = np.where(y > 42, anterior, np.where(y > -2, middle, posterior))
    floor = ndimage.gaussian_filter(floor, 4.5 / canvas.grid.spacing_mm[0], mode="nearest")
    return floor.astype(np.float32)[:, :, None]


def _paint_base(canvas: Canvas, spec: AtlasSpec) -> None:
    petrous = both_sides(chain([(50, -11, 2), (14, 20, 3)], (5.0, 7.0), 20))
    canvas.paint(petrous, "petrous", (*SOFT, *SKULL, *CONTENTS))
    sphenoid = join(ellipsoid((0, 25, 6), (16, 14, 13)), chain([(0, 12, 3), (0, -6, -17)], 5.5, 12))
    canvas.paint(sphenoid, "skull_base", (*SOFT, *SKULL, *CONTENTS))
    wing = both_sides(chain([(12, 44, 26), (30, 46, 30), (46, 48, 33)], (3.0, 2.5, 3.0), 14))
    canvas.paint(wing, "cranium_cortical", (*SOFT, *CONTENTS, "skull_base"))
    if spec.sphenoid_sinus > 0:
        halves = both_sides(ellipsoid((5, 34, 10), np.array((6.0, 8.5, 7.5)) * spec.sphenoid_sinus))
        canvas.paint(halves, "sphenoid_sinus", ("skull_base", "cranium_cortical"))
    foramen = ellipsoid((0, -22, -17), (14, 16, 14))
    canvas.paint(foramen, "csf", (*SKULL, "petrous"))


def _paint_ear(canvas: Canvas, spec: AtlasSpec) -> None:
    rng = np.random.default_rng(spec.detail_seed + 2)
    size = spec.mastoid_scale
    mastoid = both_sides(ellipsoid((56, -15, -15), (9 * size, 12 * size, 16 * size)))
    canvas.paint_bone(mastoid, "cranium_cortical", "cranium_trabecular", 2.2, (*SOFT, *SKULL))
    nuchal = both_sides(chain([(57, -30, -9), (58, -45, 1), (54, -65, 5)], 3.5, 14))
    canvas.paint(nuchal, "cranium_cortical", SOFT)
    for _ in range(spec.mastoid_cells):
        centre = np.array((56, -14, -13)) + rng.normal(0, (3, 5, 6))
        canvas.paint(
            both_sides(ellipsoid(centre, rng.uniform((2, 2, 2), (5, 6, 7)))), "ear_air", SKULL
        )
    fossa = both_sides(_glenoid_roof(spec))
    canvas.paint(fossa, "cranium_cortical", (*SOFT, *SKULL, "petrous", "ear_air"))
    tympanic = both_sides(chain([(60, -2, 0), (44, -2, 0)], 4.4))
    canvas.paint(tympanic, "cranium_cortical", (*SOFT, *SKULL))
    canal = both_sides(
        join(chain([(72, -2, 0), (40, -3, 0)], 2.7), ellipsoid((38, -4, 1), (4, 5, 6)))
    )
    canvas.paint(canal, "ear_air", None)
    styloid = both_sides(chain([(46, -4, -10), (42, 6, -34)], (2.0, 1.0)))
    canvas.paint(styloid, "cranium_cortical", SOFT)


def _glenoid_roof(spec: AtlasSpec) -> Shape:
    """Roof of the joint: an arch from the ear canal over the condyle to the articular eminence."""
    gap = spec.mandible.joint_space_mm + spec.mandible.condyle_radius_mm
    profile = np.array(
        [
            (3.0, gap - 1.0),
            (7.0, gap + 1.6),
            (11.0, gap + 2.4),
            (15.5, gap + 1.0),
            (19.5, gap - 3.5),
            (23.5, gap - 2.0),
        ]
    )
    lateral = np.linspace(43.0, 62.0, 5)
    rows = [[(x, y, z + 0.5) for y, z in profile] for x in lateral]
    radius = np.broadcast_to(np.array([1.5, 1.3, 1.3, 1.8, 3.0, 2.2]), (5, 6))
    return sheet(np.array(rows), radius)


def _paint_frontal_bone(canvas: Canvas, spec: AtlasSpec) -> None:
    brow = chain([(-24, 81, 36), (-12, 86, 32), (0, 88, 30), (12, 86, 32), (24, 81, 36)], 4.5, 24)
    canvas.paint(brow, "cranium_cortical", SOFT)
    if spec.frontal_sinus > 0:
        size = spec.frontal_sinus
        lobes = both_sides(
            join(
                ellipsoid((8, 84, 35), (6.5 * size, 3.2, 8.0 * size)),
                ellipsoid((15, 82, 38), (5 * size, 2.8, 5 * size)),
            )
        )
        canvas.paint(lobes, "frontal_sinus", (*SKULL, *CONTENTS))


def skull_mask(canvas: Canvas, box: Box) -> Bool[np.ndarray, "x y z"]:
    """Tell where a box holds any bone of the braincase."""
    return canvas.holds(box, (*SKULL, "petrous"))
