"""Shoulder girdle, ribs and lungs, sternum, the named muscles, glands and vessels of face and
neck."""

import numpy as np

from augment.volume.anatomy.canvas import SOFT, Canvas
from augment.volume.anatomy.primitives import (
    Shape,
    both_sides,
    chain,
    ellipsoid,
    join,
    mirrored,
    moved,
    sheet,
)
from augment.volume.anatomy.spec import AtlasSpec

TRUNK = (*SOFT, "lung")


def paint_trunk(canvas: Canvas, spec: AtlasSpec) -> None:
    """Paint lungs, then the bones of the shoulder girdle and the upper thorax."""
    lift = np.array((0.0, 0.0, spec.shoulder_lift_mm))

    def lifted(shape: Shape) -> Shape:
        return moved(shape, lambda points: points + lift)

    canvas.paint(lifted(both_sides(ellipsoid((46, -32, -268), (34, 46, 62)))), "lung", SOFT)
    for shape, cortex_mm in _girdle(spec.shoulder_scale):
        canvas.paint_bone(
            lifted(both_sides(shape)),
            "trunk_bone_cortical",
            "trunk_bone_trabecular",
            cortex_mm,
            TRUNK,
        )
    sternum = sheet(
        np.array(
            [[(x, 22 + 0.05 * (-225 - z), z) for x in (-16, 0, 16)] for z in (-268, -245, -228)]
        ),
        5.0,
    )
    canvas.paint_bone(lifted(sternum), "trunk_bone_cortical", "trunk_bone_trabecular", 1.6, TRUNK)


def _girdle(scale: float) -> list[tuple[Shape, float]]:
    """Right-sided bones with the thickness of their cortex."""
    clavicle = chain(
        [(12, 22, -225), (60, 20, -211), (110, -15, -199), (150, -42, -195)],
        np.array((7, 5.5, 5, 6)) * scale,
        40,
    )
    first_rib = chain(
        [(20, -58, -189), (52, -42, -199), (52, -5, -215), (22, 18, -235)], 4.5 * scale, 30
    )
    second_rib = chain(
        [(20, -70, -212), (70, -55, -227), (72, -5, -247), (30, 22, -267)], 4.5 * scale, 30
    )
    third_rib = chain([(20, -80, -237), (80, -65, -252), (85, -10, -268)], 4.5 * scale, 30)
    blade = sheet(
        np.array(
            [
                [(x, -75 - 0.1 * (x - 80), z) for z in np.linspace(-268, -202 - 0.3 * (150 - x), 5)]
                for x in (75, 100, 125, 148)
            ]
        ),
        2.5,
    )
    spine_of_scapula = chain(
        [(90, -78, -209), (130, -68, -193), (152, -48, -189)], np.array((4, 5.5, 7)) * scale, 24
    )
    coracoid = chain([(112, -52, -220), (130, -24, -209)], 6.0 * scale)
    glenoid = ellipsoid((134, -48, -227), np.array((9, 14, 19)) * scale)
    head = ellipsoid((158, -45, -225), np.array((23, 23, 25)) * scale)
    shaft = chain([(164, -45, -232), (167, -45, -275)], 12.0 * scale)
    return [
        (clavicle, 2.2),
        (first_rib, 1.5),
        (second_rib, 1.5),
        (third_rib, 1.5),
        (blade, 1.5),
        (join(spine_of_scapula, coracoid), 2.0),
        (glenoid, 2.0),
        (join(head, shaft), 2.5),
    ]


def paint_muscles_and_glands(canvas: Canvas, spec: AtlasSpec) -> None:
    """Paint chewing and neck muscles, cheek fat, salivary and thyroid glands and the carotid
    sheath."""
    cheek_fat = both_sides(
        join(ellipsoid((42, 50, -38), (9, 22, 24)), ellipsoid((40, 40, -12), (12, 10, 14)))
    )
    canvas.paint(cheek_fat, "fat", ("muscle",))
    masseter = sheet(
        np.array(
            [
                [(60, 42, -2), (62, 26, -2)],
                [(58, 34, -30), (59, 18, -30)],
                [(53, 28, -58), (53, 16, -56)],
            ]
        ),
        np.array([[3.5, 3.5], [6.5, 6.0], [4.0, 4.0]]),
    )
    temporalis = sheet(
        np.array(
            [
                [(64, 50, 40), (70, 10, 50), (68, -25, 40)],
                [(56, 50, 20), (62, 25, 18), (66, 0, 15)],
                [(50, 40, -5), (53, 33, -8), (54, 26, -5)],
            ]
        ),
        np.array([[4, 4.5, 3], [7, 7, 4], [5, 5, 4]], float),
    )
    pterygoid = sheet(
        np.array([[(18, 26, -10), (40, 16, -6)], [(20, 28, -25), (40, 22, -50)]]), 6.0
    )
    sternomastoid = chain(
        [(58, -14, -24), (54, -2, -80), (38, 12, -150), (16, 22, -215)], (9, 11, 11, 8), 30
    )
    canvas.paint(
        both_sides(join(masseter, temporalis, pterygoid, sternomastoid)), "muscle", ("fat",)
    )
    parotid = ellipsoid((56, 4, -28), (9, 13, 24))
    submandibular = ellipsoid((30, 32, -77), (9, 14, 11))
    for name, place in (("right", lambda shape: shape), ("left", mirrored)):
        canvas.paint(place(parotid), f"parotid_{name}", ("fat", "muscle"))
        canvas.paint(place(submandibular), f"submandibular_{name}", ("fat", "muscle"))
    canvas.paint(
        both_sides(ellipsoid((19, 16, -152 - spec.hyoid_drop_mm), (8, 9, 22))),
        "thyroid",
        ("fat", "muscle"),
    )
    carotid = chain(
        [(24, 4, -10), (26, 4, -60), (25, 4, -110), (21, 6, -170), (14, 0, -220)], 3.6, 24
    )
    jugular = chain(
        [(32, -4, -15), (33, 0, -60), (33, 4, -110), (29, 10, -170), (20, 8, -220)],
        (4, 5, 6, 7, 7),
        24,
    )
    canvas.paint(both_sides(join(carotid, jugular)), "vessel", ("fat", "muscle"))
