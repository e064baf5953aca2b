"""Airway: nasal cavity with turbinates and septum, ethmoid cells, nasopharynx to trachea, oral air,
tongue."""

import numpy as np

from augment.volume.anatomy.canvas import SOFT, Canvas
from augment.volume.anatomy.midface import nasal_polygon, occlusal_height_mm
from augment.volume.anatomy.primitives import (
    Shape,
    both_sides,
    chain,
    curve,
    ellipsoid,
    join,
    sheet,
)
from augment.volume.anatomy.spec import AtlasSpec

FACE_BONE = ("skull_base", "cranium_cortical", "maxilla_cortical", "maxilla_trabecular")
PHARYNX_MM = (
    (0, 20, -16),
    (0, 15, -28),
    (0, 12, -47),
    (0, 11, -72),
    (0, 12, -102),
    (0, 15, -127),
    (0, 13, -152),
    (0, 2, -207),
    (0, -10, -280),
)


def paint_airway(canvas: Canvas, spec: AtlasSpec) -> None:
    """Paint tongue and floor of the mouth, then the air from the nostrils to the trachea."""
    _paint_tongue(canvas, spec)
    _paint_nose(canvas)
    _paint_ethmoid(canvas, spec)
    _paint_pharynx(canvas, spec)
    _paint_mouth(canvas, spec)


def _paint_tongue(canvas: Canvas, spec: AtlasSpec) -> None:
    drop = 0.55 * spec.mandible.opening_deg
    tongue = (
        ellipsoid((0, 45, -48 - drop), (22, 30, 17)),
        ellipsoid((0, 32, -62 - drop), (19, 20, 22)),
        chain([(0, 62, -52 - drop), (0, 71, -51 - drop)], (12, 7)),
    )
    canvas.paint(tongue, "tongue", SOFT, blend_mm=6.0)
    floor = sheet(
        np.array(
            [
                [(x, y, -72 - drop - 0.004 * (30 - abs(x)) ** 2) for x in (-30, -15, 0, 15, 30)]
                for y in (35, 50, 66)
            ]
        ),
        2.5,
    )
    canvas.paint(floor, "muscle", ("fat",))


def _paint_nose(canvas: Canvas) -> None:
    rows = [
        [(x, y, z) for x in np.linspace(-1, 1, 5) * width]
        for y in np.arange(32, 87, 4.5)
        for z, width in ((-19, 10.5), (-13, 11), (-6, 9), (1, 6.5))
    ]
    cavity = join(*(sheet(np.array(rows[i : i + 4]), 3.0) for i in range(0, len(rows), 4)))
    roof = ((38, 8), (44, 15), (50, 21), (57, 23.5), (65, 23), (71, 19), (77, 12), (82, 5))
    upper = both_sides(
        sheet(np.array([[(2.5, y, z) for z in np.linspace(2, top, 4)] for y, top in roof]), 2.2)
    )
    vestibule = both_sides(
        chain(
            [(6, 82, -19), (7, 92, -22), (8.5, 99, -25), (9.0, 103, -33)], (4.0, 4.0, 3.6, 3.6), 14
        )
    )
    canvas.paint(join(cavity, upper, vestibule), "airway_nasal", (*SOFT, *FACE_BONE))
    inferior = both_sides(
        chain([(6.5, 78, -17), (6.5, 60, -16), (6, 38, -15)], (2.0, 3.2, 2.2), 12)
    )
    middle = both_sides(chain([(5.5, 70, -4), (5.5, 54, -4), (5, 38, -5)], (1.6, 2.4, 1.8), 12))
    canvas.paint(join(inferior, middle), "mucosa", ("airway_nasal",))
    canvas.paint(nasal_polygon(), "nasal_septum", ("airway_nasal",))


def _paint_ethmoid(canvas: Canvas, spec: AtlasSpec) -> None:
    cells = both_sides(
        sheet(
            np.array(
                [
                    [(x, y, z) for z in np.linspace(low, high, 4)]
                    for x, y, low, high in (
                        (7, 76, 9, 19),
                        (8, 68, 6, 26),
                        (9, 55, 5, 27),
                        (9, 44, 8, 23),
                    )
                ]
            ),
            3.6,
        )
    )
    canvas.paint(cells, "ethmoid_sinus", (*SOFT, *FACE_BONE, "orbit_fat_left", "orbit_fat_right"))
    rng = np.random.default_rng(spec.detail_seed + 4)
    partitions = both_sides(
        join(
            *(
                _partition(y, *rng.normal(0.0, (1.2, 2.0, 2.0)))
                for y in (45.0, 53.0, 61.0, 69.0, 77.0)
            ),
            *(_shelf(z, *rng.normal(0.0, (1.5, 1.5))) for z in (11.0, 19.0)),
        )
    )
    lamina = both_sides(
        sheet(np.array([[(13.2, y, z) for z in (2, 15, 28)] for y in (40, 58, 78)]), 0.8)
    )
    canvas.paint(join(partitions, lamina), "skull_base", ("ethmoid_sinus",))


def _partition(y: float, shift: float, lean: float, turn: float) -> Shape:
    """Return a wall between ethmoid cells, one behind the other."""
    y = y + shift
    low, high = (3, y, 3), (3, y + 2 + lean, 30)
    return sheet(np.array([[low, (14, y + turn, 3)], [high, (14, y + 2 + lean + turn, 30)]]), 0.7)


def _shelf(z: float, shift: float, lean: float) -> Shape:
    """Return a wall between ethmoid cells, one above the other."""
    z = z + shift
    return sheet(
        np.array([[(3, 40, z), (14, 40, z + lean)], [(3, 78, z), (14, 78, z - lean)]]), 0.7
    )


def _paint_pharynx(canvas: Canvas, spec: AtlasSpec) -> None:
    canvas.paint(ellipsoid((0, 22, -16), (11, 9, 13)), "airway_pharyngeal", SOFT)
    path = curve(PHARYNX_MM, 90)
    path[:, 2] -= 0.5 * spec.hyoid_drop_mm * np.exp(-(((path[:, 2] + 110) / 50) ** 2))
    radius = spec.pharynx_radius_mm
    radii = np.interp(
        path[:, 2],
        (-300, -140, -118, -100, -72, -47, -28),
        (8.5, 8.0, 5.0, 0.9 * radius, radius, 0.9 * radius, 7.0),
    )
    wall = chain(path, radii + 3.0)
    canvas.paint(wall, "muscle", ("fat",))
    tube = chain(path, radii)
    canvas.paint(tube, "airway_pharyngeal", (*SOFT, "tongue"))
    epiglottis = sheet(
        np.array(
            [
                [(-7, 18, -84), (0, 20, -84), (7, 18, -84)],
                [(-5, 21, -98), (0, 22, -98), (5, 21, -98)],
            ]
        ),
        1.0,
    )
    canvas.paint(epiglottis, "larynx_cartilage", ("airway_pharyngeal",))


def _paint_mouth(canvas: Canvas, spec: AtlasSpec) -> None:
    gap = spec.oral_air_mm
    if gap > 0.3:
        vault = sheet(
            np.array(
                [
                    [(x, y, -30.5 - gap - 0.12 * abs(x)) for x in np.linspace(-16, 16, 5)]
                    for y in (32, 46, 60, 72)
                ]
            ),
            gap,
        )
        canvas.paint(vault, "airway_oral", (*SOFT, "tongue"))
    opening = spec.mandible.opening_deg
    if opening > 3.0:
        half = 0.35 * opening
        rows = [
            [(x, y, occlusal_height_mm(y) - 0.6 * opening) for x in np.linspace(-1, 1, 5) * width]
            for y, width in ((58, 20), (72, 16), (84, 10), (96, 12))
        ]
        canvas.paint(sheet(np.array(rows), half), "airway_oral", (*SOFT, "tongue"))
