"""The default template: the mean head of the morphable model, filled, with the skeleton seated in
it."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from jaxtyping import Float, Int

from augment.morphable import FaceModel, load_face_model
from augment.morphable.pose import JAW_OPEN, POSE_NAMES
from augment.volume.anatomy.body import Body
from augment.volume.anatomy.seating import Seat, seat_skeleton
from augment.volume.atlas import fill_template


@dataclass(frozen=True)
class Template:
    """What all atlases of one head model share.

    Attributes:
        vertices: Outer skin of the mean head, mm, head frame.
        faces: Its triangles.
        vertex_of_model: Concretely, template vertex i is vertex ``vertex_of_model[i]`` of the head
            model.
        seat: Placement of the average skeleton.
        body: The filled skin.
    """

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "triangles 3"]
    vertex_of_model: Int[np.ndarray, " vertices"]
    seat: Seat
    body: Body


@cache
def load_template(spacing_mm: float = 1.0, opening_deg: float = 0.0) -> Template:
    """Return the template of the default head model.

    Args:
        spacing_mm: Edge length of a voxel, 0.5 to 3 mm.
        opening_deg: How far the jaw of its skin is open; a subject's vertices are then taken in the
            same pose (`with_open_jaw`), and its atlas with this opening.
    """
    return template_of(load_face_model(), spacing_mm, opening_deg)


def with_open_jaw(
    model: FaceModel, vertices_mm: Float[np.ndarray, "vertices 3"], opening_deg: float
) -> Float[np.ndarray, "vertices 3"]:
    """Return vertices of a head at rest with its jaw opened, head frame, mm."""
    if opening_deg == 0.0:
        return vertices_mm
    pose = torch.zeros(1, len(POSE_NAMES))
    pose[0, JAW_OPEN] = float(np.deg2rad(opening_deg))
    rest = torch.as_tensor(vertices_mm, dtype=torch.float32)[None]
    # The hinge of the jaw is the same for every identity.
    identity = torch.zeros(1, len(model.identity_basis))
    return model.posed(rest, identity, pose)[0].double().numpy()


def template_of(model: FaceModel, spacing_mm: float, opening_deg: float = 0.0) -> Template:
    """Fill the mean head of a model and seat the skeleton in it; see `load_template`."""
    mean = model.mean.double().numpy()
    parts = np.asarray(model.part_of_triangle)
    chosen = np.asarray(model.faces)[parts == model_part("skin")]
    used = np.unique(chosen)
    number = np.zeros(len(mean), np.int64)
    number[used] = np.arange(len(used))
    positions = model.landmarks(model.mean[None], model.landmark_names)[0].double().numpy()
    skin = dict(zip(model.landmark_names, positions, strict=True))
    globe = mean[np.asarray(model.part_vertices("eye_right"))].mean(0)
    seat = seat_skeleton(skin, globe)
    vertices = with_open_jaw(model, mean, opening_deg)[used]
    faces = number[chosen]
    return Template(vertices, faces, used, seat, fill_template(vertices, faces, spacing_mm, seat))


def model_part(name: str) -> int:
    """Return the number of a part of the head model."""
    from augment.morphable.template import PARTS

    return PARTS.index(name)
