"""Named points of the head that pathologies are built on and measured with: skin landmarks and bony
points beneath.

Enters: vertices of a face model in the head frame, mm. Leaves: name → position. Bony points lie
below their skin landmark along the inward normal at the published mean soft-tissue depth (Stephan
and Simpson, J Forensic Sci 2008;53:1257), and move with the bone's share of a field.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

from augment.morphable.contact import vertex_normals
from augment.morphable.landmarks import SOFT_TISSUE_DEPTH_MM
from augment.morphable.model import FaceModel
from augment.morphable.template import PARTS

# Bony point → the skin landmark above it.
BONY_POINTS = {
    "N": "nasion",
    "A": "subspinale",
    "B": "sublabiale",
    "Pog": "pogonion",
    "Me": "menton",
    "Gn": "gnathion",
    "Go_right": "gonion_right",
    "Go_left": "gonion_left",
    "Or_right": "orbitale_right",
    "Or_left": "orbitale_left",
    "Zy_right": "malare_right",
    "Zy_left": "malare_left",
}
# Dacryon, where the bony interorbital distance is taken, from the inner canthus: medially, back, up
# (mm), so that the skin's 33 mm (Farkas 1994) become the bone's 25-28 mm (AO Surgery Reference,
# hypertelorism).
DACRYON_FROM_ENDOCANTHION_MM = (-3.2, -6.0, 3.0)
# Points at a fixed place from a skin landmark in a head of the template's size: condylion ahead of
# and beneath the ear canal, medially; the lateral orbital rim where a mean adult has the norm of
# 13.9 mm to the cornea (Eye 2006;20:569).
CONDYLION_FROM_TRAGION_MM = (-19.0, 13.0, -8.0)
RIM_FROM_EXOCANTHION_MM = (6.0, -7.7, 0.0)
# Hormion, from midway between the tragia: so far ahead that a mean head of 9 years has the
# published angle of 98.1 degrees to both zygomas (Cha et al. 2018).
HORMION_MM = (0.0, 26.2, -17.0)
DEEP_MM = 30.0  # beneath the skin: any tissue there moves as bone does
TEMPLATE_FACE_DEPTH_MM = 89.0  # tragia to nasion, by which those offsets scale
# Sella lies behind N by 0.38 of the cranial length (72 of 190 mm) and 7 degrees below it: SN meets
# the Frankfort horizontal at 7 degrees (Steiner's constructed horizontal).
SELLA_LENGTH_SHARE, SELLA_ANGLE_DEG = 0.38, 7.0

OFFSET_POINTS = {
    "Co": ("tragion", CONDYLION_FROM_TRAGION_MM),
    "lateral_rim": ("exocanthion", RIM_FROM_EXOCANTHION_MM),
}
DEEP_POINTS = (
    "dacryon_right",
    "dacryon_left",
    "S",
    "hormion",
    *(f"{name}_{side}" for name in OFFSET_POINTS for side in ("right", "left")),
)


def _depth_mm(landmark: str) -> float:
    """Return the published soft-tissue depth at a landmark of either side."""
    return SOFT_TISSUE_DEPTH_MM[landmark.removesuffix("_right").removesuffix("_left")]


def _rows_of(model: FaceModel) -> dict[str, int]:
    return {name: row for row, name in enumerate(model.landmark_names)}


@dataclass(frozen=True)
class AnchorMap:
    """How points come from vertices: a linear read-out for skin, and a fixed offset per subject for
    bone.

    Attributes:
        names: Points that are read from vertices (skin landmarks, corneas) first, then bony points.
        n_skin: How many are read from vertices.
        corners: Vertices that each skin landmark reads (landmarks 3).
        weights: Their weights.
        normal_faces: The triangles around the skin landmarks, which give their normals.
    """

    names: tuple[str, ...]
    n_skin: int
    corners: np.ndarray
    weights: np.ndarray
    normal_faces: Int[np.ndarray, "triangles 3"]

    def skin(self, vertices: Float[np.ndarray, "vertices 3"]) -> Float[np.ndarray, "skin 3"]:
        """Return the skin landmarks of a mesh."""
        return np.asarray(np.einsum("lk,lkd->ld", self.weights, vertices[self.corners]))

    def named(self, points: Float[np.ndarray, "points 3"]) -> dict[str, np.ndarray]:
        """Return name → point."""
        return dict(zip(self.names, points, strict=True))


def anchor_map(model: FaceModel) -> AnchorMap:
    """Return the read-out of a model's landmarks and bony points."""
    rows = _rows_of(model)
    skin_names = tuple(name for name in model.landmark_names if not name.startswith("ibug_"))
    chosen = [rows[name] for name in skin_names]
    triangle = model.landmark_triangle.cpu().numpy()[chosen]
    corners = model.faces.cpu().numpy()[triangle]
    weights = model.landmark_weights.cpu().numpy()[chosen].astype(np.float64)
    faces = model.faces.cpu().numpy()
    normal_faces = faces[np.isin(faces, corners).any(axis=1)]
    apexes = [_corneal_apex(model, side) for side in ("right", "left")]
    return AnchorMap(
        names=(*skin_names, *CORNEAL_APEXES, *BONY_POINTS, *DEEP_POINTS),
        n_skin=len(skin_names) + len(CORNEAL_APEXES),
        corners=np.concatenate([corners, np.repeat(np.array(apexes)[:, None], 3, axis=1)]),
        weights=np.concatenate([weights, np.full((2, 3), 1 / 3)]),
        normal_faces=normal_faces,
    )


CORNEAL_APEXES = ("corneal_apex_right", "corneal_apex_left")


def _corneal_apex(model: FaceModel, side: str) -> int:
    """Return the foremost vertex of a globe of the mean head."""
    globe = model.part_vertices(f"eye_{side}").cpu().numpy()
    return int(globe[model.mean[globe, 1].cpu().numpy().argmax()])


def all_points(
    anchors: AnchorMap, model: FaceModel, vertices: Float[np.ndarray, "vertices 3"]
) -> Float[np.ndarray, "points 3"]:
    """Return skin landmarks and bony points of an undeformed head.

    Args:
        anchors: Read-out of the model.
        model: The model.
        vertices: Healthy vertices at rest, head frame, mm.
    """
    skin = anchors.skin(vertices)
    inward = -anchors.skin(vertex_normals(vertices, anchors.normal_faces))
    # Corneas have no skin normal and no bone beneath.
    inward /= np.maximum(np.linalg.norm(inward, axis=1, keepdims=True), 1e-9)
    names = anchors.names[: anchors.n_skin]
    row = {name: k for k, name in enumerate(names)}
    points = [
        skin[row[name]] + _depth_mm(name) * inward[row[name]] for name in BONY_POINTS.values()
    ]
    for side, sign in (("right", 1.0), ("left", -1.0)):
        points.append(
            skin[row[f"endocanthion_{side}"]]
            + np.array(DACRYON_FROM_ENDOCANTHION_MM) * [sign, 1, 1]
        )
    length = np.linalg.norm(skin[row["glabella"]] - skin[row["opisthocranion"]])
    angle = np.deg2rad(SELLA_ANGLE_DEG)
    nasion = points[list(BONY_POINTS).index("N")]
    sella = nasion - SELLA_LENGTH_SHARE * length * np.array([0.0, np.cos(angle), np.sin(angle)])
    middle = (skin[row["tragion_right"]] + skin[row["tragion_left"]]) / 2
    size = np.linalg.norm(skin[row["nasion"]] - middle) / TEMPLATE_FACE_DEPTH_MM
    points += [sella, middle + size * np.array(HORMION_MM)]
    for landmark, offset in OFFSET_POINTS.values():
        for side, sign in (("right", 1.0), ("left", -1.0)):
            points.append(skin[row[f"{landmark}_{side}"]] + size * np.array(offset) * [sign, 1, 1])
    return np.concatenate([skin, np.stack(points)])


def point_depths(anchors: AnchorMap) -> Float[np.ndarray, " points"]:
    """Return the depth of every point below the skin in mm: 0 for skin, deep for bone."""
    beneath = anchors.names[anchors.n_skin :]
    deep = [_depth_mm(BONY_POINTS[name]) if name in BONY_POINTS else DEEP_MM for name in beneath]
    return np.concatenate([np.zeros(anchors.n_skin), deep])


def vertex_depths(model: FaceModel) -> Float[np.ndarray, " vertices"]:
    """Return the depth of every template vertex: 0 on skin and lashes, the distance from the lips
    in the mouth's lining, deep for teeth and eyes."""
    depth = np.zeros(model.n_vertices)
    beneath = model.part_of_triangle != PARTS.index("skin")
    depth[model.faces[beneath].cpu().numpy().ravel()] = DEEP_MM
    skin = model.part_vertices("skin").cpu().numpy()
    mean = model.mean.cpu().numpy()
    uv = np.zeros((model.n_vertices, 2))
    uv[model.faces.cpu().numpy().ravel()] = model.uv.cpu().numpy()[
        model.uv_faces.cpu().numpy().ravel()
    ]
    inside = (uv[:, 0] > 0.33) & (uv[:, 0] < 0.52) & (uv[:, 1] > 0.8)
    inside[np.setdiff1d(np.arange(model.n_vertices), skin)] = False
    if inside.any():
        outside = np.setdiff1d(skin, np.flatnonzero(inside))
        depth[inside] = np.clip(cKDTree(mean[outside]).query(mean[inside])[0], 0.0, DEEP_MM)
    return depth
