"""Landmarks of the template: the 68 iBUG points and the craniometric points that the measures need.

Each landmark is a barycentric point on the template's skin, found once by a ray through a position
given in the
coordinates of the MakeHuman base mesh (mm; x right, y anterior, z up). Positions are given for the
midline and the
right side; the left side is the mirror image. Definitions of craniometric points follow Farkas,
Anthropometry of the
Head and Face (2nd ed., 1994), and Kolar and Salter, Craniofacial Anthropometry (1997).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from augment.errors import GeometryError
from augment.morphable.template import Template

# Direction that each view looks from, and the two base-mesh axes that its coordinates mean.
VIEWS = {
    "front": (1, 0, 2),
    "side": (0, 1, 2),
    "above": (2, 0, 1),
    "below": (-2, 0, 1),
    "back": (-1, 0, 2),
}

# iBUG number → (view, first, second coordinate in mm), right side and midline (Sagonas et al.,
# 300-W, 2013).
IBUG_RIGHT = {
    0: ("side", 63.0, 714.0),
    1: ("side", 63.0, 699.0),
    2: ("side", 64.5, 685.0),
    3: ("side", 68.0, 670.0),
    4: ("side", 76.0, 655.0),
    5: ("side", 92.0, 643.0),
    6: ("side", 110.0, 632.0),
    7: ("front", 17.0, 621.5),
    17: ("front", 55.0, 741.5),
    18: ("front", 47.5, 747.5),
    19: ("front", 38.0, 750.5),
    20: ("front", 28.0, 749.5),
    21: ("front", 17.5, 745.5),
    31: ("front", 13.2, 683.3),
    32: ("front", 6.5, 681.4),
    36: ("front", 44.3, 727.9),
    37: ("front", 37.8, 733.4),
    38: ("front", 26.6, 733.1),
    39: ("front", 17.4, 727.4),
    40: ("front", 27.0, 723.9),
    41: ("front", 37.8, 724.6),
    48: ("front", 25.8, 661.0),
    49: ("front", 17.6, 667.3),
    50: ("front", 7.6, 671.4),
    58: ("front", 8.5, 650.2),
    59: ("front", 17.5, 654.2),
    60: ("front", 23.6, 661.2),
    61: ("front", 9.5, 661.7),
    67: ("front", 9.5, 659.4),
}
IBUG_MIDLINE = {
    8: ("front", 0.0, 618.3),
    27: ("front", 0.0, 727.5),
    28: ("front", 0.0, 715.8),
    29: ("front", 0.0, 704.0),
    30: ("front", 0.0, 691.5),
    33: ("front", 0.0, 679.6),
    51: ("front", 0.0, 669.8),
    57: ("front", 0.0, 649.5),
    62: ("front", 0.0, 661.2),
    66: ("front", 0.0, 659.6),
}
IBUG_MIRROR = (
    {k: 16 - k for k in range(8)}
    | {k: 43 - k for k in range(17, 22)}
    | {31: 35, 32: 34, 36: 45, 37: 44, 38: 43, 39: 42, 40: 47, 41: 46}
    | {48: 54, 49: 53, 50: 52, 59: 55, 58: 56, 60: 64, 61: 63, 67: 65}
)

CRANIOMETRIC_MIDLINE = {
    "trichion": ("front", 0.0, 795.0),
    "glabella": ("front", 0.0, 752.0),
    "nasion": ("front", 0.0, 732.0),  # deepest point of the nasal root
    "rhinion": ("front", 0.0, 709.0),
    "pronasale": ("front", 0.0, 692.3),
    "subnasale": ("front", 0.0, 679.0),
    "subspinale": ("front", 0.0, 675.5),  # soft-tissue point over A
    "labiale_superius": ("front", 0.0, 669.8),
    "stomion": ("front", 0.0, 661.2),
    "labiale_inferius": ("front", 0.0, 650.5),
    "sublabiale": ("front", 0.0, 643.0),  # mentolabial sulcus, soft-tissue point over B
    "pogonion": ("front", 0.0, 633.5),
    "gnathion": ("front", 0.0, 622.7),
    "menton": ("below", 0.0, 137.0),
    "vertex": ("above", 0.0, 70.0),
    "opisthocranion": ("back", 0.0, 762.0),
}
CRANIOMETRIC_RIGHT = {
    "exocanthion": ("front", 44.3, 727.9),
    "endocanthion": ("front", 17.4, 727.4),
    "palpebrale_superius": ("front", 32.5, 733.9),
    "palpebrale_inferius": ("front", 32.5, 723.5),
    "orbitale": ("front", 34.0, 711.5),
    "superciliare": ("front", 34.0, 746.0),
    "frontotemporale": ("front", 55.0, 757.0),
    "alare": ("front", 17.3, 689.5),
    "subalare": ("front", 11.5, 681.6),
    "crista_philtri": ("front", 7.6, 671.4),
    "cheilion": ("front", 25.8, 661.0),
    "zygion": ("side", 84.0, 706.0),
    "malare": ("front", 50.0, 700.0),  # malar eminence
    "gonion": ("side", 73.5, 657.0),
    "tragion": ("side", 61.0, 716.0),
    "euryon": ("side", 45.0, 778.0),
    "buccale": ("front", 46.0, 664.0),  # middle of the cheek, over the buccal fat
}

# Mean depth of bone beneath skin, mm: Stephan and Simpson, J Forensic Sci 2008;53:1257-1272,
# weighted means of adults.
SOFT_TISSUE_DEPTH_MM = {
    "glabella": 5.5,
    "nasion": 6.5,
    "rhinion": 3.0,
    "subnasale": 13.0,
    "subspinale": 13.0,
    "labiale_superius": 11.5,
    "labiale_inferius": 13.0,
    "sublabiale": 11.0,
    "pogonion": 11.0,
    "gnathion": 8.5,
    "menton": 7.0,
    "orbitale": 7.0,
    "superciliare": 6.0,
    "zygion": 6.0,
    "gonion": 10.0,
    "malare": 9.0,
}


@dataclass(frozen=True)
class LandmarkTable:
    """Named points on the template's surface.

    Concretely, landmark k lies at ``sum_j weights[k, j] * vertices[faces[triangle[k], j]]``.
    """

    names: tuple[str, ...]
    triangle: Int[np.ndarray, " landmarks"]
    weights: Float[np.ndarray, "landmarks 3"]


def cast_ray(
    vertices: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "triangles 3"],
    view: str,
    first_mm: float,
    second_mm: float,
) -> tuple[int, np.ndarray]:
    """Return the first triangle that a ray of a view meets, and the barycentric weights there.

    Args:
        vertices: Points in the coordinates of the base mesh, mm.
        faces: Triangles.
        view: A key of :data:`VIEWS`.
        first_mm: First in-plane coordinate.
        second_mm: Second in-plane coordinate.

    Raises:
        GeometryError: If the ray meets no triangle.
    """
    towards, a, b = VIEWS[view]
    axis, sign = abs(towards), -1.0 if towards < 0 else 1.0
    corners = vertices[faces]
    p = corners[:, :, [a, b]] - [first_mm, second_mm]
    cross = p[:, [1, 2, 0], 0] * p[:, [2, 0, 1], 1] - p[:, [1, 2, 0], 1] * p[:, [2, 0, 1], 0]
    area = cross.sum(axis=1)
    weights = cross / np.where(np.abs(area) < 1e-9, np.inf, area)[:, None]
    hit = (weights >= -1e-9).all(axis=1) & (np.abs(area) >= 1e-9)
    if not hit.any():
        raise GeometryError(
            f"no skin at ({first_mm}, {second_mm}) mm in the {view} view of the template"
        )
    depth = np.where(hit, sign * (weights * corners[:, :, axis]).sum(axis=1), -np.inf)
    triangle = int(depth.argmax())
    return triangle, np.clip(weights[triangle], 0.0, 1.0)


def _mirrored(
    template: Template, lookup: dict[tuple[int, ...], int], triangle: int, weights: np.ndarray
) -> tuple[int, np.ndarray] | None:
    """Return the mirror image of a barycentric point, or None where the triangulation is not
    symmetric."""
    corners = template.mirror_vertex[template.faces[triangle]]
    partner = lookup.get(tuple(sorted(corners.tolist())))
    if partner is None:
        return None
    order = [int(np.flatnonzero(corners == vertex)[0]) for vertex in template.faces[partner]]
    return partner, weights[order]


def build_landmarks(template: Template, vertices: Float[np.ndarray, "vertices 3"]) -> LandmarkTable:
    """Place all landmarks on a template whose vertices are given in base-mesh coordinates (mm)."""
    skin = np.flatnonzero(template.part_of_triangle == 1)
    lookup = {tuple(sorted(template.faces[t].tolist())): int(t) for t in skin}
    found: dict[str, tuple[int, np.ndarray]] = {}

    def place(name: str, view: str, first: float, second: float) -> None:
        local, weights = cast_ray(vertices, template.faces[skin], view, first, second)
        found[name] = (int(skin[local]), weights)

    def place_mirrored(name: str, source: str, view: str, first: float, second: float) -> None:
        partner = _mirrored(template, lookup, *found[source])
        if partner is not None:
            found[name] = partner
            return
        mirrored = vertices * [-1.0, 1.0, 1.0]
        local, weights = cast_ray(mirrored, template.faces[skin], view, first, second)
        found[name] = (int(skin[local]), weights)

    for number, where in IBUG_MIDLINE.items():
        place(f"ibug_{number:02d}", *where)
    for number, where in IBUG_RIGHT.items():
        place(f"ibug_{number:02d}", *where)
        place_mirrored(f"ibug_{IBUG_MIRROR[number]:02d}", f"ibug_{number:02d}", *where)
    for name, where in CRANIOMETRIC_MIDLINE.items():
        place(name, *where)
    for name, where in CRANIOMETRIC_RIGHT.items():
        place(f"{name}_right", *where)
        place_mirrored(f"{name}_left", f"{name}_right", *where)
    names = tuple(sorted(found))
    return LandmarkTable(
        names=names,
        triangle=np.array([found[name][0] for name in names]),
        weights=np.array([found[name][1] for name in names], dtype=np.float32),
    )


IBUG_NAMES = tuple(f"ibug_{k:02d}" for k in range(68))
