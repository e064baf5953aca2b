"""The default template: the mean head of the morphable model, filled, with the skeleton seated in
it."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float, Int

from augment.morphable import FaceModel, load_face_model
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
def load_template(spacing_mm: float = 1.0) -> Template:
    """Return the template of the default head model at a spacing of 0.5 to 3 mm."""
    return template_of(load_face_model(), spacing_mm)


def template_of(model: FaceModel, spacing_mm: float) -> Template:
    """Fill the mean head of a model and seat the skeleton in it."""
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
    vertices, faces = mean[used], number[chosen]
    return Template(vertices, faces, used, seat, fill_template(vertices, faces, spacing_mm, seat))


def model_part(name: str) -> int:
    """Return the number of a part of the head model."""
    from augment.morphable.template import PARTS

    return PARTS.index(name)
