"""Evidence that a fitted model lies on a face and not on a shoulder, a nape or a ball.

The model bends: with 99 coefficients it comes near any smooth body. Three numbers together tell:
how well the rigid mean face lay there, how many regions of the face are explained, and whether the
relief of the measured skin (nose, lips, brow, chin against a smooth surface) is the model's.
"""

import numpy as np
from jaxtyping import Float

from augment.morphable.model import FaceModel
from augment.reconstruct.surface import Surface, vertex_normals
from augment.reconstruct.zones import Zones

# A face vertex is explained when skin that faces alike is this near along its normal.
EXPLAINED_MM = 2.5
EXPLAINED_COSINE = 0.6
RELIEF_REACH_MM = 15.0
# Relief is a height along the head's y axis, so it is read where skin faces forward.
MIN_FORWARD = 0.35
LENGTH_MM = 50.0


def explained_share(
    model: FaceModel,
    zones: Zones,
    surface: Surface,
    world: Float[np.ndarray, "vertices 3"],
    seen: np.ndarray,
) -> float:
    """Return how much of the face has measured skin close and facing alike, 0 to 1.

    It is the mean over the regions in view, so that nose and lips, which make a face, count as much
    as cheeks and forehead, which any round body offers.

    Args:
        model: The face model.
        zones: Its zones.
        surface: Measured skin, world mm.
        world: Fitted vertices, world mm.
        seen: Facial vertices inside the field of view.
    """
    if not len(seen):
        return 0.0
    normals = vertex_normals(world, model.faces.numpy())[seen]
    distance, index = surface.tree.query(world[seen])
    alike = (normals * surface.normals[index]).sum(1) > EXPLAINED_COSINE
    plane = np.abs(((surface.vertices[index] - world[seen]) * surface.normals[index]).sum(1))
    is_explained = alike & (plane < EXPLAINED_MM) & (distance < 4 * EXPLAINED_MM)
    region = zones.region[seen]
    return float(np.mean([is_explained[region == number].mean() for number in np.unique(region)]))


def relief_agreement(
    model: FaceModel,
    zones: Zones,
    surface: Surface,
    head: Float[np.ndarray, "vertices 3"],
    world_from_head: Float[np.ndarray, "4 4"],
    seen: np.ndarray,
) -> float:
    """Return the correlation of the fitted face's relief with that of the skin beneath it.

    Args:
        model: The face model.
        zones: Its zones.
        surface: Measured skin, world mm.
        head: Fitted vertices in the head frame, mm.
        world_from_head: Rigid transform.
        seen: Facial vertices inside the field of view.
    """
    forward = vertex_normals(head, model.faces.numpy())[seen, 1] > MIN_FORWARD
    points = head[seen[forward]]
    rotation, origin = world_from_head[:3, :3], world_from_head[:3, 3]
    in_world = points @ rotation.T + origin
    distance, index = surface.tree.query(in_world)
    normals = surface.normals[index]
    to_plane = ((surface.vertices[index] - in_world) * normals).sum(1, keepdims=True)
    skin = (in_world + to_plane * normals - origin) @ rotation
    weight = zones.weight[seen[forward]] * (distance < RELIEF_REACH_MM)
    if weight.sum() <= 0:
        return 0.0
    first, second = _relief(points, weight), _relief(skin, weight)
    energy = (weight @ first**2) * (weight @ second**2)
    return float(weight @ (first * second) / np.sqrt(max(energy, 1e-12)))


def _relief(
    points: Float[np.ndarray, "p 3"], weight: Float[np.ndarray, " p"]
) -> Float[np.ndarray, " p"]:
    """Return the height along y over the best quadratic surface in x and z."""
    x, z = points[:, 0] / LENGTH_MM, points[:, 2] / LENGTH_MM
    terms = np.stack([np.ones_like(x), x, z, x * x, z * z, x * z], axis=1)
    root = np.sqrt(weight)
    solution = np.linalg.lstsq(terms * root[:, None], points[:, 1] * root, rcond=None)[0]
    return points[:, 1] - terms @ solution
