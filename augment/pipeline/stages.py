"""The stages of one sample, each with its own stream: subject, pathology, cameras, appearances."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from augment.geometry.camera import Camera
from augment.morphable import FaceModel
from augment.morphable.pose import GAZE
from augment.morphable.prior import PriorSpec, draw_subject
from augment.pipeline.expression import draw_expression, draw_gaze, draw_lids
from augment.recipe import RecipeSpec
from augment.render.appearance import Appearance, draw_appearance
from augment.render.framing import draw_camera, head_extent
from augment.sample import Subject
from augment.streams import stream

# Stream index of what all samples share; sample numbers start at 0 under other stage names.
SHARED = 0


@dataclass(frozen=True)
class Shot:
    """How one view is taken.

    Attributes:
        camera: A camera of one image.
        appearance: How subject and picture look.
    """

    camera: Camera
    appearance: Appearance


def sample_subject(
    spec: RecipeSpec, model: FaceModel, fitted: Subject | None, index: int, attempt: int = 0
) -> Subject:
    """Return the healthy subject of a sample, with its expression and gaze.

    Args:
        spec: A checked recipe.
        model: The face model.
        fitted: The subject that every sample has, or None to draw one from the prior.
        index: Number of the sample.
        attempt: How many subjects of this sample were drawn before.
    """
    wanted = spec.subject
    if fitted is not None:
        subject = fitted
    else:
        prior = PriorSpec(
            age_years=wanted.age_years,
            sex=wanted.sex,
            ancestry=wanted.ancestry,
            asymmetry=wanted.asymmetry,
        )
        # One head for all samples has a stage of its own, so it is no sample's head by accident.
        stage = "one subject" if wanted.one else attempt_stage("subject", attempt)
        number = SHARED if wanted.one else index
        subject = draw_subject(model, stream(spec.seed, number, stage), prior)
    rng = stream(spec.seed, index, "expression")
    drawn = draw_expression(rng, model.expression_names, wanted.expression)
    pose = subject.pose.copy()
    if not wanted.one:
        pose[GAZE] = draw_gaze(rng)
    lids = stream(spec.seed, SHARED if wanted.one else index, "lids")
    drawn = drawn + draw_lids(lids, model.expression_names)
    return replace(subject, expression=np.clip(subject.expression + drawn, 0.0, 1.0), pose=pose)


def attempt_stage(stage: str, attempt: int) -> str:
    """Return the name of a stage's stream at its first or a later attempt."""
    return stage if attempt == 0 else f"{stage} {attempt}"


def sample_shots(
    spec: RecipeSpec,
    model: FaceModel,
    subject: Subject,
    healthy: Float32[Tensor, "1 vertices 3"],
    index: int,
) -> list[Shot]:
    """Draw the cameras and appearances of a sample's views; twins share them.

    Args:
        spec: A checked recipe.
        model: The face model.
        subject: The healthy subject.
        healthy: Its posed vertices.
        index: Number of the sample.
    """
    extent = head_extent(model.landmarks(healthy, ("menton", "vertex"))[0])
    number = SHARED if spec.subject.one else index
    shots = []
    for view in range(spec.render.views):
        camera = draw_camera(
            stream(spec.seed, number, f"camera {view}"), spec.render, head_mm=extent
        )
        rng = stream(spec.seed, number, f"appearance {view}")
        shots.append(Shot(camera, draw_appearance(rng, subject, spec.render)))
    return shots


def rest_vertices(model: FaceModel, subject: Subject) -> Float32[np.ndarray, "vertices 3"]:
    """Return the healthy head at rest with its expression, in the head frame, mm."""
    identity, expression = (
        torch.from_numpy(values)[None].to(model.device, torch.float32)
        for values in (subject.identity, subject.expression)
    )
    offset = None
    if subject.detail_mm is not None:
        offset = torch.from_numpy(subject.detail_mm)[None].to(model.device, torch.float32)
    return model.rest(identity, expression, offset)[0].cpu().numpy()


def posed_vertices(
    model: FaceModel, subject: Subject, rest_mm: Sequence[np.ndarray]
) -> Float32[Tensor, "twins vertices 3"]:
    """Return the vertices that are photographed: rest vertices with jaw, neck and eyes turned.

    Args:
        model: The face model.
        subject: Whose pose it is.
        rest_mm: Rest vertices (vertices 3) of each twin in the head frame.
    """
    n_twins = len(rest_mm)
    rest = torch.from_numpy(np.stack(rest_mm)).to(model.device, torch.float32)
    identity = torch.from_numpy(subject.identity).to(model.device, torch.float32)
    pose = torch.from_numpy(subject.pose).to(model.device, torch.float32)
    return model.posed(rest, identity.expand(n_twins, -1), pose.expand(n_twins, -1))
