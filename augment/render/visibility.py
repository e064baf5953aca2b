"""Which directions each point of the template sees, so that shadows cost a table look-up.

The head casts shadows on itself: the nose on the cheek, the lids on the eyes, the chin on the neck.
They are found once, on the template, for directions all around; a lamp then blends the directions
next to its own, which also gives its shadow a soft border some ten degrees wide.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from augment.geometry.camera import Camera, look_at
from augment.raster.rasterize import rasterize

N_DIRECTIONS = 192
"""Directions on the sphere: some 15 degrees apart."""
LAMP_WIDTH = 60.0
"""Sharpness of a lamp's blend over directions, exp(LAMP_WIDTH * (cos - 1)): 10 degrees wide."""
N_BLENDED = 8
_MAP_SIZE = 512
_FAR_MM = 6000.0
_LIFT_MM = 1.2
"""Points are tested this far off the surface, against shadows of a facet on itself."""
_BIAS_MM = 1.2


@dataclass(frozen=True, eq=False)
class Visibility:
    """What each vertex of the refined template sees.

    Attributes:
        directions: Unit vectors in the head frame.
        unhidden: Share of light that arrives from each direction; 1 for directions below the
            vertex's horizon, where the cosine decides.
        openness: Mean over the upper half space, weighted by the cosine: ambient occlusion.
    """

    directions: Float[Tensor, "directions 3"]
    unhidden: Float[Tensor, "directions vertices"]
    openness: Float[Tensor, " vertices"]

    def towards(self, lamps: Float[Tensor, "lamps 3"]) -> Float[Tensor, "vertices lamps"]:
        """Return the share of each lamp's light that arrives at the vertices.

        Args:
            lamps: Unit vectors towards the lamps, head frame.
        """
        cosine = lamps.to(self.directions.dtype) @ self.directions.T
        nearest = cosine.topk(N_BLENDED, dim=1)
        weights = torch.exp(LAMP_WIDTH * (nearest.values - 1.0))
        weights = weights / weights.sum(1, keepdim=True)
        columns = [
            (self.unhidden[rows] * weight[:, None]).sum(0)
            for rows, weight in zip(nearest.indices, weights, strict=True)
        ]
        return torch.stack(columns, 1)


def spiral_directions(count: int) -> Float[np.ndarray, "count 3"]:
    """Return points spread evenly on the sphere (Fibonacci spiral)."""
    k = np.arange(count) + 0.5
    height = 1.0 - 2.0 * k / count
    angle = np.pi * (1.0 + np.sqrt(5.0)) * k
    radius = np.sqrt(1.0 - height**2)
    return np.stack((radius * np.cos(angle), radius * np.sin(angle), height), -1)


def find_visibility(
    vertices: Float[Tensor, "vertices 3"],
    normals: Float[Tensor, "vertices 3"],
    faces: Int64[Tensor, "triangles 3"],
) -> Visibility:
    """Return what the vertices of a mesh see, by one depth map a direction.

    Args:
        vertices: Positions, mm.
        normals: Unit vectors.
        faces: Triangles, both of whose sides cast shadows.
    """
    directions = torch.from_numpy(spiral_directions(N_DIRECTIONS)).float()
    rows = [_unhidden(vertices, normals, faces, direction) for direction in directions]
    cosine = directions @ normals.T
    unhidden = torch.where(cosine > 0.02, torch.stack(rows), 1.0)
    weight = cosine.clamp_min(0.0)
    openness = (unhidden * weight).sum(0) / weight.sum(0).clamp_min(1e-6)
    return Visibility(directions, unhidden, openness)


def _unhidden(vertices: Tensor, normals: Tensor, faces: Tensor, direction: Tensor) -> Tensor:
    """Return the share of each vertex's surroundings that a far eye in one direction sees."""
    low, high = vertices.amin(0), vertices.amax(0)
    middle = ((low + high) / 2).double()
    radius = float((high - low).norm()) / 2
    up = torch.tensor((0.0, 0.0, 1.0) if abs(float(direction[2])) < 0.9 else (0.0, 1.0, 0.0))
    eye = middle + _FAR_MM * direction.double()
    camera = Camera(
        torch.tensor([_MAP_SIZE / 2 * _FAR_MM / radius], dtype=torch.float64),
        torch.full((1, 2), _MAP_SIZE / 2, dtype=torch.float64),
        look_at(eye[None], middle[None], up[None].double()),
        _MAP_SIZE,
        _MAP_SIZE,
    )
    depth = rasterize(vertices[None], faces, camera).depth_mm[0]
    depth = torch.where(depth > 0, depth, torch.inf)
    pixels, own = camera.project((vertices + _LIFT_MM * normals)[None])
    corner = (pixels[0] - 0.5).floor()
    part = (pixels[0] - 0.5 - corner).float()
    column, row = corner.long().clamp_(0, _MAP_SIZE - 2).unbind(-1)
    lit = [
        (own[0] < depth[row + down, column + right] + _BIAS_MM).float()
        for down in (0, 1)
        for right in (0, 1)
    ]
    upper = lit[0] * (1 - part[:, 0]) + lit[1] * part[:, 0]
    lower = lit[2] * (1 - part[:, 0]) + lit[3] * part[:, 0]
    return upper * (1 - part[:, 1]) + lower * part[:, 1]
