"""Zones of the template for fitting and reporting: which vertices are facial skin, and their share.

A zone is a region of the model's region map. Skin that no scanner sees (the mouth's cavity, the
lining of the eye sockets) belongs to no zone and has no weight.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from augment.morphable.model import FaceModel
from augment.morphable.regions import REGION_ID, REGIONS
from augment.morphable.template import PARTS
from augment.reconstruct.surface import vertex_areas, vertex_normals

# Regions of facial skin, without their sides.
FACE_REGIONS = (
    "forehead", "glabella", "temple", "brow", "upper_lid", "lower_lid", "infraorbital", "malar",
    "buccal", "masseteric", "mandibular_border", "nasal_dorsum", "nasal_sidewall", "nasal_ala",
    "nasal_tip", "upper_lip_skin", "upper_lip", "lower_lip", "lower_lip_skin", "chin",
)  # fmt: skip
# Lids and lips move between a scan and the neutral template, and their creases are below voxel
# size.
MOBILE_WEIGHTS = {"upper_lid": 0.4, "lower_lid": 0.4, "upper_lip": 0.7, "lower_lip": 0.7}
# Hair lies on the scalp, and the neck bends: both guide the fit and decide nothing.
SCALP_WEIGHT = 0.3
THROAT_WEIGHT = 0.15
NAPE_WEIGHT = 0.03
NECK_REACH_MM = 60.0


@dataclass(frozen=True)
class Zones:
    """Vertices by region, and their weights in the fit.

    Attributes:
        region: Concretely, ``region[v] = k`` means that vertex v lies in ``REGIONS[k]``; 0 is none.
        is_face: Whether a vertex is facial skin.
        weight: Skin area of each vertex in mm^2 times the weight of its region.
        face_area_mm2: Area of facial skin.
    """

    region: Int[np.ndarray, " vertices"]
    is_face: Bool[np.ndarray, " vertices"]
    weight: Float[np.ndarray, " vertices"]
    face_area_mm2: float


def face_zones(model: FaceModel) -> Zones:
    """Find the zones of a model on its mean head."""
    mean = model.mean.numpy().astype(np.float64)
    part, faces = model.part_of_triangle.numpy(), model.faces.numpy()
    skin = faces[part == PARTS.index("skin")]
    normals, areas = vertex_normals(mean, skin), vertex_areas(mean, skin)
    region = np.where(areas > 0, _region_of_vertex(model), 0)
    region[_lines_a_socket(mean, normals, model)] = 0
    names = np.array([name.removesuffix("_left").removesuffix("_right") for name in REGIONS])
    is_face = np.isin(names, FACE_REGIONS)[region]
    weight = np.where(is_face, 1.0, 0.0)
    for name, value in MOBILE_WEIGHTS.items():
        weight[names[region] == name] = value
    weight[region == REGION_ID["scalp"]] = SCALP_WEIGHT
    chin_z = mean[region == REGION_ID["chin"], 2].min()
    neck = (region == REGION_ID["neck"]) & (mean[:, 2] > chin_z - NECK_REACH_MM)
    weight[neck] = np.where(mean[neck, 1] > 0, THROAT_WEIGHT, NAPE_WEIGHT)
    return Zones(region, is_face, weight * areas, float(areas[is_face].sum()))


def _region_of_vertex(model: FaceModel) -> Int[np.ndarray, " vertices"]:
    """Look each vertex up in the region map at its texture coordinate (one of them at a seam)."""
    sheet = model.region_map.numpy()
    row_of_vertex = np.zeros(model.n_vertices, dtype=np.int64)
    row_of_vertex[model.faces.numpy().ravel()] = model.uv_faces.numpy().ravel()
    u, v = model.uv.numpy()[row_of_vertex].T
    size = len(sheet)
    rows = np.clip(((1.0 - v) * size).astype(int), 0, size - 1)
    columns = np.clip((u * size).astype(int), 0, size - 1)
    return sheet[rows, columns].astype(np.int64)


def _lines_a_socket(
    mean: Float[np.ndarray, "vertices 3"],
    normals: Float[np.ndarray, "vertices 3"],
    model: FaceModel,
) -> Bool[np.ndarray, " vertices"]:
    """Find skin within 25 mm of a globe's centre that faces the globe."""
    inside = np.zeros(len(mean), dtype=bool)
    for eye in ("eye_left", "eye_right"):
        to_centre = mean[model.part_vertices(eye).numpy()].mean(0) - mean
        distance = np.linalg.norm(to_centre, axis=1)
        inside |= (distance < 25.0) & ((to_centre * normals).sum(1) > 0.1 * distance)
    return inside
