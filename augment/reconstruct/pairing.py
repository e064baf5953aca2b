"""Pairs between model and measured skin, in both directions, as rows of a linear system."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

from augment.reconstruct.align import InView
from augment.reconstruct.surface import Surface
from augment.reconstruct.zones import Zones

MIN_NORMAL_COSINE = 0.6
REACH_SIGMAS, REACH_MM = 4.0, 4.0
# Skin closer together than this does not count as a second measurement of the same coefficients.
CORRELATION_MM = 12.0
# The pairs from skin to model together, as a share of those from model to skin.
BACKWARD_SHARE = 0.5
BOX_MARGIN_MM = 10.0
# A fine scan has more vertices than the fit has use for; every n-th of them is taken.
MAX_BACKWARD = 6000
# Median absolute deviation to standard deviation of a normal distribution.
SD_PER_MAD = 1.4826


@dataclass(frozen=True)
class Pairs:
    """Rows of the linear system.

    Concretely, row r says that model vertex ``vertex[r]`` should move by ``residual[r]`` mm along
    the unit vector ``normal[r]`` (world), with ``weight[r]`` in units of independent measurements.
    """

    vertex: Int[np.ndarray, " rows"]
    normal: Float[np.ndarray, "rows 3"]
    residual: Float[np.ndarray, " rows"]
    weight: Float[np.ndarray, " rows"]

    @property
    def spread_mm(self) -> float:
        """Robust standard deviation of the residual; infinite without pairs."""
        return SD_PER_MAD * float(np.median(np.abs(self.residual))) if len(self.vertex) else np.inf

    def and_also(self, other: "Pairs") -> "Pairs":
        """Return the rows of both."""
        return Pairs(
            np.concatenate([self.vertex, other.vertex]),
            np.concatenate([self.normal, other.normal]),
            np.concatenate([self.residual, other.residual]),
            np.concatenate([self.weight, other.weight]),
        )


def pairs_to_skin(
    zones: Zones,
    surface: Surface,
    world: Float[np.ndarray, "vertices 3"],
    normals: Float[np.ndarray, "vertices 3"],
    in_view: InView,
    sigma_mm: float,
) -> Pairs:
    """Pair each weighted model vertex with its nearest skin.

    Pairs that face apart, lie too far, end on the rim or fall out of view are dropped.

    Args:
        zones: Zones and weights of the model.
        surface: Measured skin.
        world: Model vertices, world mm.
        normals: Their normals.
        in_view: Says which world points the scan could have shown.
        sigma_mm: Present scale of the residual.
    """
    used = np.flatnonzero(zones.weight > 0)
    points = world[used]
    reach = REACH_SIGMAS * sigma_mm + REACH_MM
    distance, index = surface.tree.query(points, distance_upper_bound=reach)
    found = np.isfinite(distance)
    index = np.where(found, index, 0)
    normal = surface.normals[index]
    alike = (normals[used] * normal).sum(1) > MIN_NORMAL_COSINE
    valid = found & alike & ~surface.on_rim[index] & in_view(points)
    residual = ((surface.vertices[index] - points) * normal).sum(1)
    weight = zones.weight[used] / CORRELATION_MM**2
    return Pairs(used[valid], normal[valid], residual[valid], weight[valid])


def pairs_to_model(
    zones: Zones,
    surface: Surface,
    world: Float[np.ndarray, "vertices 3"],
    normals: Float[np.ndarray, "vertices 3"],
    sigma_mm: float,
) -> Pairs:
    """Pair skin near the model's face with the nearest vertex of the face; see `pairs_to_skin`."""
    face = np.flatnonzero(zones.is_face)
    low, high = world[face].min(0) - BOX_MARGIN_MM, world[face].max(0) + BOX_MARGIN_MM
    in_box = ((surface.vertices > low) & (surface.vertices < high)).all(1) & ~surface.on_rim
    skin = np.flatnonzero(in_box)
    skin = skin[:: 1 + len(skin) // MAX_BACKWARD]
    reach = REACH_SIGMAS * sigma_mm + REACH_MM
    tree = cKDTree(world[face])
    distance, nearest = tree.query(surface.vertices[skin], distance_upper_bound=reach)
    found = np.isfinite(distance)
    skin, vertex = skin[found], face[nearest[found]]
    alike = (normals[vertex] * surface.normals[skin]).sum(1) > MIN_NORMAL_COSINE
    skin, vertex = skin[alike], vertex[alike]
    normal = surface.normals[skin]
    residual = ((surface.vertices[skin] - world[vertex]) * normal).sum(1)
    total = BACKWARD_SHARE * zones.face_area_mm2 / CORRELATION_MM**2
    weight = np.full(len(skin), total / max(len(skin), 1))
    return Pairs(vertex, normal, residual, weight)
