"""From a measured surface to a fitted head: candidates, model fit, detail, residuals, or a refusal.

Enters a skin surface in world mm; leaves a :class:`Fit` whose subject is canonical (head frame) and
whose pose in the world is kept apart, so that pathologies and rendering treat it like any other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from augment.errors import GeometryError
from augment.morphable.model import FaceModel
from augment.reconstruct.align import Pose, Probe, find_heads
from augment.reconstruct.detail import fit_detail
from augment.reconstruct.evidence import explained_share, relief_agreement
from augment.reconstruct.fit import FitOptions, Solution, Target, fit_surface
from augment.reconstruct.nifti import Volume
from augment.reconstruct.parameters import Parameters, head_vertices
from augment.reconstruct.residual import Residuals, measure_residuals
from augment.reconstruct.rigid import transform_points
from augment.reconstruct.surface import Surface, vertex_normals
from augment.reconstruct.zones import Zones, face_zones
from augment.sample import Subject

PROBE_SPACING_MM = 7.0
TRIAL_STEPS, FULL_STEPS = 12, 30
# Score of the mean face (0 is best) + share left unexplained + 1 - relief agreement: 32 real heads
# stay below 0.59; torsos, backs of heads, heads upside down and simple solids are above 0.71.
MAX_DOUBT = 0.65
MIN_FACE_IN_VIEW = 0.5
# Far below what a scan shows, far above what the number of threads changes in a sum.
COEFFICIENT_DECIMALS, DETAIL_DECIMALS = 6, 4


@dataclass(frozen=True)
class Fit:
    """A head fitted to a scan.

    Attributes:
        model: The face model.
        subject: Coefficients and detail in the head frame; its head rotation and translation are 0.
        world_from_head: Rigid transform from the head frame to the world of the scan (RAS mm for
            CT).
        head_mm: Fitted vertices in the head frame, with detail.
        residuals: Distances to the skin, with detail.
        coefficient_residuals: Distances of the coefficients alone, without detail.
        confidence: Share of the face that measured skin explains before detail, 0 to 1; a face cut
            by the field of view counts as far as it is seen.
        identity_sd: Posterior standard deviation of each identity coefficient; 1 is the prior.
        surface: The measured skin.
        volume: The volume that it was taken from, or None.
    """

    model: FaceModel
    subject: Subject
    world_from_head: Float[np.ndarray, "4 4"]
    head_mm: Float[np.ndarray, "vertices 3"]
    residuals: Residuals
    coefficient_residuals: Residuals
    confidence: float
    identity_sd: Float[np.ndarray, " identities"]
    surface: Surface
    volume: Volume | None = None

    @property
    def world_mm(self) -> Float[np.ndarray, "vertices 3"]:
        """Fitted vertices in the world of the scan."""
        return transform_points(self.world_from_head, self.head_mm)


def fit_head(
    model: FaceModel,
    target: Target,
    rotations: Sequence[Float[np.ndarray, "3 3"]],
    options: FitOptions,
    refusal: Callable[[str], str],
) -> Fit:
    """Fit the model to a measured surface.

    Args:
        model: The face model.
        target: Measured skin.
        rotations: Rotations of the head to start from.
        options: Noise, expressions and smoothing.
        refusal: Turns the reason why there is no head into the sentence of the error.

    Returns:
        The fit.

    Raises:
        GeometryError: If no head is found.
    """
    zones = face_zones(model)
    candidates = find_heads(target.surface, face_probe(model, zones), rotations, target.in_view)
    if not candidates:
        raise GeometryError(refusal("nothing in it resembles a face"))
    trial = _best_trial(model, zones, target, candidates, options)
    parameters, explained = _rounded(trial.solution.parameters), trial.explained
    world = transform_points(parameters.world_from_head, head_vertices(model, parameters))
    without = measure_residuals(model, zones, target, world)
    if without.face_in_view < MIN_FACE_IN_VIEW:
        raise GeometryError(
            refusal(f"{without.face_in_view:.0%} of a face is in its field of view")
        )
    if trial.doubt > MAX_DOUBT:
        raise GeometryError(refusal(f"the best place for a face explains {explained:.0%} of it"))
    detail = fit_detail(model, zones, target, parameters, options.smoothing_mm)
    detail = detail.round(DETAIL_DECIMALS)
    head = head_vertices(model, parameters, detail)
    world = transform_points(parameters.world_from_head, head)
    return Fit(
        model=model,
        subject=Subject(
            identity=parameters.identity,
            expression=parameters.expression,
            pose=parameters.pose,
            source=options.source,
            detail_mm=detail,
        ),
        world_from_head=parameters.world_from_head,
        head_mm=head,
        residuals=measure_residuals(model, zones, target, world),
        coefficient_residuals=without,
        confidence=explained * without.face_in_view,
        identity_sd=trial.solution.identity_sd,
        surface=target.surface,
    )


def face_probe(model: FaceModel, zones: Zones) -> Probe:
    """Take points of the mean face, one in each cube of 7 mm, and the nose tip."""
    mean = model.mean.numpy().astype(np.float64)
    normals = vertex_normals(mean, model.faces.numpy())
    face = np.flatnonzero(zones.is_face)
    cubes = np.floor(mean[face] / PROBE_SPACING_MM).astype(int)
    chosen = face[np.unique(cubes, axis=0, return_index=True)[1]]
    return Probe(mean[chosen], normals[chosen], mean[face[mean[face, 1].argmax()]])


@dataclass(frozen=True)
class _Trial:
    """A candidate after the model's fit: the share of the face it explains, and its doubt."""

    pose: Pose
    solution: Solution
    explained: float
    doubt: float


def _best_trial(
    model: FaceModel,
    zones: Zones,
    target: Target,
    candidates: Sequence[Pose],
    options: FitOptions,
) -> _Trial:
    """Try the model on each candidate and finish the least doubtful one."""
    face = np.flatnonzero(zones.is_face)

    def trial(pose: Pose, n_steps: int) -> _Trial:
        solution = fit_surface(model, zones, target, pose, options, n_steps)
        transform = solution.parameters.world_from_head
        head = head_vertices(model, solution.parameters)
        world = transform_points(transform, head)
        seen = face[target.in_view(world[face])]
        explained = explained_share(model, zones, target.surface, world, seen)
        agreement = relief_agreement(model, zones, target.surface, head, transform, seen)
        return _Trial(pose, solution, explained, pose.score + (1 - explained) + (1 - agreement))

    pose = candidates[0]
    if len(candidates) > 1:
        trials = [trial(candidate, TRIAL_STEPS) for candidate in candidates]
        pose = min(trials, key=lambda each: each.doubt).pose
    return trial(pose, FULL_STEPS)


def _rounded(parameters: Parameters) -> Parameters:
    """Drop the digits that mean nothing."""
    return Parameters(
        parameters.world_from_head,
        parameters.identity.round(COEFFICIENT_DECIMALS),
        parameters.expression.round(COEFFICIENT_DECIMALS),
        parameters.pose.round(COEFFICIENT_DECIMALS),
    )
