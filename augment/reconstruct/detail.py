"""Smooth detail per vertex: what the measured skin shows and the coefficients cannot express.

Detail is a displacement along the normals of the head at rest. Its height s minimises

    sum_i a_i w_i (s_i - r_i)^2 + a_i e_i s_i^2 + l^4 |laplacian s|^2

with a_i the vertex's area, r_i the distance to the skin, w_i its trust, e_i a pull to zero at lids,
cavities and trunk, and l the length below which differences are noise: waves shorter than 2 pi l
are damped by more than half.
"""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import sparse
from scipy.sparse.linalg import splu

from augment.morphable.model import FaceModel
from augment.morphable.regions import REGION_ID
from augment.morphable.template import PARTS
from augment.reconstruct.fit import Target
from augment.reconstruct.parameters import Parameters, head_vertices
from augment.reconstruct.rigid import transform_points
from augment.reconstruct.surface import vertex_areas, vertex_normals
from augment.reconstruct.zones import Zones

N_ROUNDS = 3
MAX_DETAIL_MM = 8.0
# Detail much larger than this is a tube, a dressing or hair (weights of Geman and McClure 1987).
TOLERANCE_MM = 3.0
MIN_NORMAL_COSINE = 0.6
# Vertices without skin to follow return to the model over a few centimetres.
LOOSE_PULL = 0.02
# Lids lie on the globes, which have no detail and must not come through; ears fold, so that motion
# along their normals would crumple them.
STIFF_PULL = 2.0
STIFF_REGIONS = ("upper_lid", "lower_lid", "ear")


def fit_detail(
    model: FaceModel,
    zones: Zones,
    target: Target,
    parameters: Parameters,
    smoothing_mm: float,
) -> Float[np.ndarray, "vertices 3"]:
    """Fit detail on top of a fitted head.

    Args:
        model: The face model.
        zones: Its zones and weights.
        target: Measured skin.
        parameters: The fitted head, which stays as it is.
        smoothing_mm: Length l of the formula.

    Returns:
        Displacement of each vertex at rest in mm; zero on eyes, teeth and tongue.
    """
    rest = head_vertices(model, parameters.at_rest())
    skin_faces = model.faces.numpy()[model.part_of_triangle.numpy() == PARTS.index("skin")]
    normals, areas = vertex_normals(rest, skin_faces), vertex_areas(rest, skin_faces)
    skin = np.flatnonzero(areas > 0)
    stiffness = _bilaplacian(rest, skin_faces, areas, skin) * smoothing_mm**4
    pull = np.full(len(rest), LOOSE_PULL)
    stiff = [REGION_ID[f"{name}_{side}"] for name in STIFF_REGIONS for side in ("left", "right")]
    pull[np.isin(zones.region, stiff)] = STIFF_PULL
    trust = zones.weight / np.maximum(areas, 1e-9)
    height = np.zeros(len(rest))
    for _ in range(N_ROUNDS):
        offset = height[:, None] * normals
        residual, is_paired = _residual(model, target, parameters, offset)
        wanted = np.clip(height + residual, -MAX_DETAIL_MM, MAX_DETAIL_MM)
        weight = is_paired * trust / (1.0 + (wanted / TOLERANCE_MM) ** 2) ** 2
        system = stiffness + sparse.diags((areas * (weight + pull))[skin])
        height[skin] = splu(system.tocsc()).solve((areas * weight * wanted)[skin])
    return height[:, None] * normals


def _residual(
    model: FaceModel,
    target: Target,
    parameters: Parameters,
    offset: Float[np.ndarray, "vertices 3"],
) -> tuple[Float[np.ndarray, " vertices"], Bool[np.ndarray, " vertices"]]:
    """Return each vertex's signed distance to the skin along its normal, and if it has any."""
    surface = target.surface
    world = transform_points(parameters.world_from_head, head_vertices(model, parameters, offset))
    normals = vertex_normals(world, model.faces.numpy())
    distance, index = surface.tree.query(world, distance_upper_bound=2.0 * MAX_DETAIL_MM)
    found = np.isfinite(distance)
    index = np.where(found, index, 0)
    cosine = (normals * surface.normals[index]).sum(1)
    along = ((surface.vertices[index] - world) * surface.normals[index]).sum(1) * cosine
    valid = found & (cosine > MIN_NORMAL_COSINE) & ~surface.on_rim[index] & target.in_view(world)
    return along, valid


def _bilaplacian(
    vertices: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "triangles 3"],
    areas: Float[np.ndarray, " vertices"],
    kept: Int[np.ndarray, " kept"],
) -> sparse.csr_matrix:
    """Return L A^-1 L with the cotangent Laplacian L (Meyer et al. 2003) of the kept vertices."""
    rows, columns, values = [], [], []
    for corner in range(3):
        i, j, k = (faces[:, (corner + step) % 3] for step in range(3))
        u, v = vertices[j] - vertices[i], vertices[k] - vertices[i]
        cotangent = (u * v).sum(1) / np.maximum(np.linalg.norm(np.cross(u, v), axis=1), 1e-9)
        half = 0.5 * np.clip(cotangent, 0.02, 20.0)  # slivers would make L indefinite or stiff
        rows += [j, k, j, k]
        columns += [k, j, j, k]
        values += [-half, -half, half, half]
    laplacian = sparse.coo_matrix(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))),
        shape=(len(vertices), len(vertices)),
    ).tocsr()[kept][:, kept]
    return laplacian @ sparse.diags(1.0 / areas[kept]) @ laplacian
