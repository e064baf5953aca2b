"""One person's expression on another: a subject, another head model, or a mesh with ARKit shapes.

The common language is the 52 facial actions of Apple's ARKit, which the default model's first 52
expressions are named after. What a subject does beside them (MakeHuman's expression units, the
jaw's joint) is expressed by them: bounded least squares on the surface of the mean head.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import overload

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import lsq_linear

from augment.errors import GeometryError
from augment.morphable import load_face_model
from augment.morphable.model import FaceModel
from augment.morphable.pose import GAZE, JAW, NECK
from augment.sample import Subject

N_ACTIONS = 52
NOISE_WEIGHT = 0.01
"""Smaller weights are noise of the least squares."""
RIDGE = 1e-3
MAX_WEIGHT = 1.0


@dataclass(frozen=True, eq=False)
class BlendShapeMesh:
    """A mesh with named shapes, in any unit and frame.

    Attributes:
        neutral: Vertices at rest.
        shapes: Name to the displacement of every vertex at full weight; names as ARKit's
            ("mouthSmileLeft"), as ICT-FaceKit's ("mouthSmile_L") or in any case and with or
            without underscores.
    """

    neutral: Float[np.ndarray, "vertices 3"]
    shapes: Mapping[str, Float[np.ndarray, "vertices 3"]]


@overload
def transfer_expression(source: Subject, target: Subject) -> Subject: ...
@overload
def transfer_expression(
    source: Subject, target: FaceModel | BlendShapeMesh
) -> Float[np.ndarray, "vertices 3"]: ...
def transfer_expression(
    source: Subject, target: Subject | FaceModel | BlendShapeMesh
) -> Subject | Float[np.ndarray, "vertices 3"]:
    """Put a subject's expression on another head.

    Args:
        source: Whose expression it is.
        target: A subject of the default model; another model (`augment.morphable.ict`), whose mean
            head is moved; or a mesh with named ARKit shapes.

    Returns:
        The target subject with the source's expression, jaw and gaze and its own identity; for a
        model or mesh its moved vertices, in its own frame and unit.

    Raises:
        GeometryError: If the target has none of the shapes that the expression needs.
    """
    if isinstance(target, Subject):
        pose = target.pose.copy()
        pose[JAW], pose[GAZE] = source.pose[JAW], source.pose[GAZE]
        return replace(target, expression=source.expression.copy(), pose=pose)
    if isinstance(target, FaceModel):
        basis = target.expression_basis.cpu().numpy().astype(np.float64)
        shapes = dict(zip(target.expression_names, basis, strict=True))
        target = BlendShapeMesh(target.mean.cpu().numpy().astype(np.float64), shapes)
    weights = action_weights(source)
    known = {_plain_name(name): name for name in target.shapes}
    wanted = {name: weight for name, weight in weights.items() if weight > NOISE_WEIGHT}
    moves = [
        (weight, known[shape])
        for name, weight in wanted.items()
        for shape in _shapes_of(_plain_name(name), known)
    ]
    if wanted and not moves:
        raise GeometryError(
            f"the expression needs shapes such as {max(wanted, key=lambda n: wanted[n])!r}, the"
            f" target has none of them ({len(known)} shapes); name its shapes as ARKit does"
        )
    moved = np.asarray(target.neutral, dtype=np.float64).copy()
    for weight, shape in moves:
        moved += weight * target.shapes[shape]
    return moved


def action_weights(subject: Subject, model: FaceModel | None = None) -> dict[str, float]:
    """Return a subject's expression in ARKit's 52 facial actions.

    Args:
        subject: A subject of the default model.
        model: The default model, where it is at hand already.

    Returns:
        Name to weight, 0 to 1.
    """
    model = load_face_model() if model is None else model
    names = model.expression_names[:N_ACTIONS]
    direct = np.asarray(subject.expression[:N_ACTIONS], dtype=np.float64)
    beside = bool(subject.expression[N_ACTIONS:].any() or subject.pose[JAW].any())
    weights = _least_squares(model, subject) if beside else direct
    return dict(zip(names, np.clip(weights, 0.0, MAX_WEIGHT).tolist(), strict=True))


def _least_squares(model: FaceModel, subject: Subject) -> Float[np.ndarray, "52"]:
    """Return the weights of actions whose sum moves the mean head as the subject's expression."""
    pose = np.asarray(subject.pose, dtype=np.float64).copy()
    pose[NECK], pose[GAZE] = 0.0, 0.0

    def row(values: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(values, dtype=torch.float32)[None]

    nobody = torch.zeros((1, len(model.identity_basis)))
    moved = model.vertices(nobody, row(subject.expression), row(pose))[0] - model.mean
    skin = model.part_vertices("skin")
    basis = model.expression_basis[:N_ACTIONS, skin].flatten(1).numpy().astype(np.float64)
    target = moved[skin].flatten().numpy().astype(np.float64)
    # Weights are penalised a little, so that actions that do the same share the work.
    scale = RIDGE * float((basis**2).sum(1).mean())
    square = basis @ basis.T + scale * np.eye(N_ACTIONS)
    root = np.linalg.cholesky(square)
    found = lsq_linear(root.T, np.linalg.solve(root, basis @ target), bounds=(0.0, MAX_WEIGHT))
    return np.asarray(found.x)


def _shapes_of(name: str, known: Mapping[str, str]) -> list[str]:
    """Return the target's shapes of an action: its own, or one for each side, as ICT-FaceKit's."""
    sided = [name + side for side in ("left", "right")]
    return [shape for shape in ([name] if name in known else sided) if shape in known]


def _plain_name(name: str) -> str:
    """Return a shape's name without case and underscores, with its side written out."""
    plain = name.replace("-", "_")
    for short, side in (("_L", "Left"), ("_R", "Right")):
        if plain.endswith(short):
            plain = plain.removesuffix(short) + side
    return plain.replace("_", "").lower()
