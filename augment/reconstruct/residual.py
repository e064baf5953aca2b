"""Residuals of a fitted head: exact distances between model and measured skin, both ways.

The stated number is, for each vertex of facial skin inside the field of view, the distance to the
nearest point of the measured surface. The other way, for each vertex of measured skin whose nearest
point of the model is facial skin, it is the distance to the model.
"""

from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Float

from augment.geometry.distance import closest_point
from augment.morphable.model import FaceModel
from augment.morphable.regions import REGIONS
from augment.reconstruct.fit import Target
from augment.reconstruct.surface import Surface
from augment.reconstruct.zones import Zones

# Measured surface further than this from the fitted face is couch, tube, hair or clothing, not
# skin.
NOT_SKIN_MM = 15.0


@dataclass(frozen=True)
class RegionResidual:
    """Distances from the vertices of one region to the measured skin.

    Attributes:
        median_mm: Median.
        p95_mm: 95th percentile.
        n_vertices: Vertices in the field of view.
    """

    median_mm: float
    p95_mm: float
    n_vertices: int


@dataclass(frozen=True)
class Residuals:
    """How far a fitted head is from the measured skin.

    Attributes:
        face_median_mm: Median over the vertices of facial skin in the field of view.
        face_p95_mm: 95th percentile of the same.
        skin_to_model_median_mm: Median from the measured facial skin to the model.
        skin_to_model_p95_mm: 95th percentile of the same.
        face_in_view: Share of the face's vertices in the field of view.
        n_vertices: How many these are.
        regions: The same by region of the face.
    """

    face_median_mm: float
    face_p95_mm: float
    skin_to_model_median_mm: float
    skin_to_model_p95_mm: float
    face_in_view: float
    n_vertices: int
    regions: dict[str, RegionResidual]

    def as_json(self) -> dict[str, object]:
        """Return plain numbers, rounded to micrometres."""
        values = asdict(self)
        regions = {name: _rounded(region) for name, region in values.pop("regions").items()}
        return _rounded(values) | {"regions": regions}


def measure_residuals(
    model: FaceModel,
    zones: Zones,
    target: Target,
    world: Float[np.ndarray, "vertices 3"],
) -> Residuals:
    """Measure a fitted head against the skin.

    Args:
        model: The face model.
        zones: Its zones.
        target: Measured skin.
        world: Fitted vertices in the world, mm.

    Returns:
        Residuals; NaN where nothing is in view.
    """
    surface = target.surface
    face = np.flatnonzero(zones.is_face)
    visible = face[target.in_view(world[face])]
    distance = closest_point(world[visible], surface.vertices, surface.faces).distance_mm
    regions = {}
    for number in np.unique(zones.region[visible]):
        chosen = distance[zones.region[visible] == number]
        regions[REGIONS[number]] = RegionResidual(*_median_p95(chosen), len(chosen))
    median, p95 = _median_p95(distance)
    reverse_median, reverse_p95 = _median_p95(_skin_to_model(model, zones, surface, world))
    return Residuals(
        face_median_mm=median,
        face_p95_mm=p95,
        skin_to_model_median_mm=reverse_median,
        skin_to_model_p95_mm=reverse_p95,
        face_in_view=len(visible) / len(face),
        n_vertices=len(visible),
        regions=regions,
    )


def _skin_to_model(
    model: FaceModel, zones: Zones, surface: Surface, world: Float[np.ndarray, "vertices 3"]
) -> Float[np.ndarray, " points"]:
    """Return distances to the model of the measured skin that lies at the face."""
    face = world[zones.is_face]
    low, high = face.min(0) - NOT_SKIN_MM, face.max(0) + NOT_SKIN_MM
    near = surface.vertices[((surface.vertices > low) & (surface.vertices < high)).all(1)]
    if not len(near):
        return np.zeros(0)
    faces = model.faces.numpy()
    closest = closest_point(near, world, faces)
    at_face = zones.is_face[faces[closest.triangle]].all(1)
    return closest.distance_mm[at_face & (closest.distance_mm < NOT_SKIN_MM)]


def _median_p95(values: Float[np.ndarray, " n"]) -> tuple[float, float]:
    """Return median and 95th percentile, NaN of nothing."""
    if not len(values):
        return float("nan"), float("nan")
    return float(np.median(values)), float(np.percentile(values, 95))


def _rounded(values: dict[str, object]) -> dict[str, object]:
    """Round floats to three decimals; NaN becomes None, which JSON can say."""
    return {
        key: (None if np.isnan(value) else round(value, 3)) if isinstance(value, float) else value
        for key, value in values.items()
    }
