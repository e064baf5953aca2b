"""Midface: orbits with globes, maxilla with its sinus, zygomas with their arches, nasal bones,
palate, pterygoid plates."""

import numpy as np

from augment.volume.anatomy.canvas import SOFT, Canvas
from augment.volume.anatomy.primitives import (
    Shape,
    both_sides,
    chain,
    curve,
    ellipsoid,
    join,
    mirrored,
    moved,
    polygon,
    sheet,
)
from augment.volume.anatomy.spec import AtlasSpec

GLOBE_MM = np.array((31.4, 72.0, 23.0))
GLOBE_RADIUS_MM = 13.3
ORBIT_APEX_MM = np.array((15.0, 36.0, 24.0))
BONE = (
    "skull_base",
    "cranium_cortical",
    "cranium_trabecular",
    "maxilla_cortical",
    "maxilla_trabecular",
)
ORBIT_MOUTH_MM = 70.0
OCCLUSAL_SLOPE = 0.15
"""The occlusal plane falls forwards by this much per mm."""


def occlusal_height_mm(anterior_mm: float | int) -> float:
    """Return the height of the occlusal plane at an antero-posterior position."""
    return -48.0 + OCCLUSAL_SLOPE * (82.0 - anterior_mm)


def paint_midface(canvas: Canvas, spec: AtlasSpec) -> None:
    """Paint the facial skeleton above the mandible, the sinuses and the orbits' contents."""
    _paint_maxilla(canvas, spec)
    _paint_orbital_walls(canvas)
    _paint_zygomas(canvas)
    _paint_nasal_skeleton(canvas)
    _paint_orbits(canvas)
    _paint_pterygoids(canvas)


def _orbit_cone() -> tuple[np.ndarray, np.ndarray]:
    axis = curve([(32.5, 79, 23), (29.5, 66, 23), (22, 50, 23.5), ORBIT_APEX_MM], 36)
    return axis, np.interp(np.linspace(0, 1, 36), (0, 0.25, 0.6, 1), (18.5, 18.0, 12.0, 4.0))


def _paint_orbital_walls(canvas: Canvas) -> None:
    axis, radius = _orbit_cone()
    walls = both_sides(chain(axis[5:], radius[5:] + 1.7))
    box, distance = canvas.distance(walls)
    # The cone's first ball bulges out of the orbit's mouth: walls end at the rim.
    behind_rim = canvas.coordinates(box)[1] < ORBIT_MOUTH_MM
    onto = (*SOFT, "brain", "csf", "maxillary_sinus", "maxilla_cortical")
    canvas.paint_mask(box, (distance < 0) & behind_rim, "skull_base", onto)
    angle = np.linspace(0, 2 * np.pi, 48)
    lateral = np.maximum(0, np.cos(angle))
    rim = np.c_[
        31.8 + 20.0 * np.cos(angle),
        75.0 - 10.0 * lateral + 2.5 * np.maximum(0, np.sin(angle)),
        23 + 19.0 * np.sin(angle),
    ]
    thickness = 2.4 + 1.2 * np.maximum(0, np.sin(angle)) + 0.9 * lateral
    canvas.paint(
        both_sides(chain(rim, thickness)),
        "cranium_cortical",
        (*SOFT, "skull_base", "maxilla_cortical"),
    )


def _paint_orbits(canvas: Canvas) -> None:
    axis, radius = _orbit_cone()
    content = chain(axis[4:], radius[4:])
    for name, place in (("right", lambda shape: shape), ("left", mirrored)):
        bone = (*SOFT, *BONE, "brain", "csf", "zygoma_left_cortical", "zygoma_right_cortical")
        canvas.paint(place(content), f"orbit_fat_{name}", bone)
        fat = (f"orbit_fat_{name}",)
        for dx, dz in ((11, 0), (-10, 0), (0, 10), (0, -10)):
            belly = curve([(31 + dx, 70, 23 + dz), (27 + dx, 58, 23 + dz), ORBIT_APEX_MM], 14)
            canvas.paint(place(chain(belly, (0.8, 2.2, 1.2))), "eye_muscle", fat)
        canvas.paint(
            place(chain([(30, 60, 23), (24, 48, 23), ORBIT_APEX_MM], 1.9, 12)), "optic_nerve", fat
        )
        canvas.paint(
            place(ellipsoid(GLOBE_MM, GLOBE_RADIUS_MM)),
            f"globe_{name}",
            (*SOFT, *fat, "eye_muscle", "optic_nerve", "mucosa"),
        )
        lens = GLOBE_MM + np.array((0, 7.5, 0))
        canvas.paint(place(ellipsoid(lens, (4.6, 2.0, 4.6))), f"lens_{name}", (f"globe_{name}",))


def _alveolar_arch() -> np.ndarray:
    return curve(
        [
            (30, 34, 0),
            (29, 42, 0),
            (26, 54, 0),
            (21, 66, 0),
            (14, 77.5, 0),
            (6, 83.5, 0),
            (0, 85, 0),
        ],
        40,
    )


def _paint_maxilla(canvas: Canvas, spec: AtlasSpec) -> None:
    loss = (
        0.5 * spec.mandible.crest_loss_mm
        if spec.teeth_upper.count(spec.teeth_upper[0]) == len(spec.teeth_upper)
        else 0.0
    )
    arch = _alveolar_arch()
    low = np.c_[
        arch[:, 0], arch[:, 1] - 1.0, [occlusal_height_mm(y) + 10.0 + loss for y in arch[:, 1]]
    ]
    high = np.c_[
        arch[:, 0] * 0.88, arch[:, 1] - 3.0, [occlusal_height_mm(y) + 22.0 for y in arch[:, 1]]
    ]
    ridge = both_sides(
        sheet(
            np.stack([low, 0.5 * (low + high), high]),
            np.array([[3.6], [4.4], [4.6]]) * np.ones((1, 40)),
        )
    )
    canvas.paint_bone(ridge, "maxilla_cortical", "maxilla_trabecular", 1.4)
    body = np.array((27.0, 58.0, -9.0))
    semi = np.array((11.5, 16.0, 15.5)) * spec.maxillary_sinus
    walls = join(
        both_sides(ellipsoid(body, semi + 1.7)),
        both_sides(chain([(17, 74, -22), (16, 79, 0), (11, 82, 18)], (3.5, 2.2, 2.4), 20)),
    )
    canvas.paint(walls, "maxilla_cortical", SOFT)
    canvas.paint(
        both_sides(ellipsoid(body, semi)),
        "mucosa" if spec.opacified_sinus else "maxillary_sinus",
        (*SOFT, "maxilla_cortical", "maxilla_trabecular"),
    )
    palate = sheet(
        np.array(
            [
                [
                    (x, y, -25.0 - 0.10 * abs(x))
                    for x in np.linspace(-1, 1, 7) * min(23.0, 5 + (86 - y) * 0.55)
                ]
                for y in np.linspace(37, 84, 10)
            ]
        ),
        1.5,
    )
    canvas.paint(palate, "maxilla_cortical", SOFT)
    spine = chain([(0, 81, -24), (0, 84, -24)], (2.2, 1.0))
    canvas.paint(spine, "maxilla_cortical", SOFT)


def _zygoma() -> Shape:
    """Right zygoma with its processes, arch included."""
    body = chain([(33, 70, -3), (42, 69, 0), (50, 62, 2), (55, 55, 4)], (4.0, 5.2, 5.2, 4.0), 16)
    lateral_rim = chain([(53, 60, 4), (53.5, 61, 20), (51, 64, 36)], (4.0, 3.2, 3.4), 16)
    arch = chain(
        [(55, 55, 3), (61, 43, 3), (65, 30, 4), (65, 17, 5), (61, 10, 7)],
        (3.4, 2.4, 2.2, 2.4, 3.0),
        24,
    )
    buttress = chain([(42, 66, -3), (37, 60, -18), (34, 57, -26)], (3.6, 2.4, 2.4), 12)
    return join(body, lateral_rim, arch, buttress)


def _paint_zygomas(canvas: Canvas) -> None:
    for name, shape in (("right", _zygoma()), ("left", mirrored(_zygoma()))):
        canvas.paint_bone(
            shape,
            f"zygoma_{name}_cortical",
            f"zygoma_{name}_trabecular",
            2.0,
            (*SOFT, "skull_base", "maxilla_cortical", "mucosa"),
        )


def _paint_nasal_skeleton(canvas: Canvas) -> None:
    bones = both_sides(
        sheet(
            np.array(
                [
                    [(0.5, 85.0, 27), (5.5, 80.5, 26)],
                    [(0.5, 87.5, 17), (7, 83, 16)],
                    [(0.5, 95.5, 6), (8, 88, 4)],
                ]
            ),
            1.4,
        )
    )
    canvas.paint(bones, "nasal_bone", SOFT)
    process = both_sides(
        sheet(
            np.array(
                [
                    [(8, 84, 26), (11, 79, 26)],
                    [(10, 84, 8), (14, 77, 8)],
                    [(13, 82, -10), (18, 75, -10)],
                ]
            ),
            1.5,
        )
    )
    canvas.paint(process, "maxilla_cortical", SOFT)


def _paint_pterygoids(canvas: Canvas) -> None:
    lateral = sheet(np.array([[(17, 32, z), (21, 24, z)] for z in np.linspace(-27, -4, 5)]), 1.2)
    medial = sheet(np.array([[(14, 32, z), (13, 24, z)] for z in np.linspace(-30, -4, 5)]), 1.2)
    root = chain([(15, 32, -8), (18, 30, 4)], 4.0)
    canvas.paint(both_sides(join(lateral, medial, root)), "skull_base", SOFT)


def nasal_polygon() -> Shape:
    """Return the midline septum as a thin plate."""
    outline = [
        (0, 33, -22),
        (0, 60, -23),
        (0, 84, -22),
        (0, 96, -14),
        (0, 92, 2),
        (0, 84, 24),
        (0, 60, 27),
        (0, 40, 20),
    ]
    return polygon(outline, 1.0)


def shifted(shape: Shape, offset_mm: tuple[float, float, float]) -> Shape:
    """Return the shape moved by an offset in mm."""
    return moved(shape, lambda points: points + np.asarray(offset_mm))
