"""A head fitted to photographs of one person: landmarks, prior and the skin's shading.

Each step solves one damped Gauss-Newton step, for all photographs at once, of

    E = sum_l c_l^2 rho(u_l - v_l) / s^2  +  sum_i rho(g_i - a_i L(n_i)) / t^2  +  prior

with landmarks v and their confidence c from the network, u the model's, rho of Geman and McClure
(1987), g the picture at points of visible skin, a the template's reflectance there and L the light
in spherical harmonics (`augment.portrait.shading`). Points of the contour count across it more
than along it, so that they slide. The prior holds identity and expression at the network's answer
as far as that is trusted, and at the mean beyond. Identity is shared, all else belongs to a view.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from augment.errors import GeometryError
from augment.geometry.rotation import rotation_from_vector
from augment.morphable.landmarks import IBUG_NAMES
from augment.morphable.model import FaceModel
from augment.morphable.pose import JAW
from augment.portrait.crop import apply_similarity
from augment.portrait.shading import ShadingTerm
from augment.portrait.surface_points import (
    N_JAW,
    N_PLACE,
    SurfacePoints,
    head_and_jaw,
    jacobian_rows,
    pixel_gradient,
    posed_head,
    surface_points,
)
from augment.portrait.view import PortraitState, PortraitView, start_state

N_LANDMARKS, N_CONTOUR = 68, 17
LANDMARK_SIGMA_PX = 1.5
"""Error of a landmark of full confidence, in pixels of the 256 x 256 crop."""
ROBUST_SIGMAS = 3.0
CONTOUR_ALONG = 5.0
"""How much less a contour point counts along the contour than across it."""
IDENTITY_TRUST_SD = 0.7
"""Error of the network's identity coefficients; the spread of heads is 1."""
EXPRESSION_SD, JAW_SD_RAD = 0.15, (0.10, 0.01, 0.01)
LOG_FOCAL_SD = 0.15
JAW_CLOSED_RAD, JAW_OPEN_RAD = -0.02, 0.6
HELD_PRECISION = 1e9
PLACE_DAMPING = 1e-3
LANDMARK_STEPS, SHADING_STEPS = 8, 5
EXPLAINED_SHARE = 0.05
"""A landmark is explained within this share of the distance between the outer corners of the
eyes: the spread between human annotators (Sagonas et al., 300 Faces In-The-Wild, 2016)."""
HELD_EXPRESSIONS = ("eyeLook", "tongueOut", "neck-platysma", "-", "mouthClose")
"""Parts of names of expressions that a fit leaves as they were estimated: gaze is fitted by the
network alone, and MakeHuman's expression units repeat what the facial actions do."""


@dataclass(frozen=True, eq=False)
class FittedView:
    """The head in one photograph.

    Attributes:
        view: The photograph and the estimate that was refined.
        state: Head and camera in the crop.
        pose: The 21 pose numbers for the whole photograph.
        vertices_mm: Posed vertices in the head frame.
        landmarks_px: The model's 68 landmarks in the photograph.
        landmark_residual_px: Confidence-weighted mean distance to the network's landmarks, in
            pixels of the 256 x 256 crop.
        shading_residual: Median difference between picture and synthesis over the visible skin, as
            a share of the skin's mean brightness; None where no shading was fitted.
    """

    view: PortraitView
    state: PortraitState
    pose: Float[np.ndarray, "21"]
    vertices_mm: Float[np.ndarray, "vertices 3"]
    landmarks_px: Float[np.ndarray, "68 2"]
    landmark_residual_px: float
    shading_residual: float | None


@dataclass(frozen=True, eq=False)
class PortraitFit:
    """A head fitted to one or several photographs.

    Attributes:
        model: The face model.
        identity: Shared identity coefficients.
        identity_sd: Posterior standard deviation of each; 1 is the prior's.
        views: What was fitted to each photograph.
        confidence: Share of the network's landmarks, weighted by its confidence, that the head
            explains within 5 % of the distance between the outer corners of the eyes, times the
            network's own score; the lowest of the views.
        is_refined: Whether a fit was made, or the network's answer stands as it was.
    """

    model: FaceModel
    identity: Float[np.ndarray, " identities"]
    identity_sd: Float[np.ndarray, " identities"]
    views: tuple[FittedView, ...]
    confidence: float
    is_refined: bool


@dataclass(frozen=True, eq=False)
class _Layout:
    """Slots of the unknowns: shared identity, then a block of each view."""

    n_identity: int
    expressions: Int[np.ndarray, " free"]
    n_views: int

    @property
    def block(self) -> int:
        return len(self.expressions) + N_JAW + N_PLACE

    @property
    def size(self) -> int:
        return self.n_identity + self.n_views * self.block

    def columns(self, view: int) -> Int[np.ndarray, " columns"]:
        start = self.n_identity + view * self.block
        return np.r_[0 : self.n_identity, start : start + self.block]


def fit_portrait(
    model: FaceModel, views: Sequence[PortraitView], *, with_shading: bool = True
) -> PortraitFit:
    """Refine the estimates of one person's face in one or several photographs.

    Args:
        model: The face model.
        views: Photographs with estimates.
        with_shading: Whether the picture itself is used beside the landmarks.

    Raises:
        GeometryError: If there is no view.
    """
    if not views:
        raise GeometryError("fit_portrait expects one photograph or more, got none; pass one")
    free = free_expressions(model)
    layout = _Layout(len(model.identity_basis), free, len(views))
    points = landmark_points(model, free)
    expected = np.mean([view.estimate.identity for view in views], axis=0)
    identity, states = expected, [start_state(view) for view in views]
    terms = [ShadingTerm.of_view(model, view, free) for view in views] if with_shading else []
    covariance = np.eye(layout.size)
    for number in range(LANDMARK_STEPS + (SHADING_STEPS if with_shading else 0)):
        shading = terms if number >= LANDMARK_STEPS else []
        hessian, gradient = _prior(layout, expected, identity, views, states)
        for k, (view, state) in enumerate(zip(views, states, strict=True)):
            columns = layout.columns(k)
            head, jaw = head_and_jaw(model, identity, state)
            rows = [_landmark_rows(points, view, state, head, jaw)]
            rows += [term.rows(state, head, jaw) for term in shading[k : k + 1]]
            for jacobian, residual, weight in rows:
                weighted = jacobian.T * weight
                hessian[np.ix_(columns, columns)] += weighted @ jacobian
                gradient[columns] += weighted @ residual
        step, covariance = _solve(layout, states, hessian, gradient)
        identity = identity + step[: layout.n_identity]
        states = [_moved(layout, k, state, step) for k, state in enumerate(states)]
    spread = np.sqrt(np.diag(covariance))[: layout.n_identity]
    return _finished(model, points, identity, spread, list(zip(views, states, strict=True)), terms)


def unrefined(model: FaceModel, view: PortraitView) -> PortraitFit:
    """Return the network's answer in the form of a fit."""
    points = landmark_points(model, free_expressions(model))
    identity = np.asarray(view.estimate.identity, dtype=np.float64)
    spread = np.full(len(identity), IDENTITY_TRUST_SD)
    fit = _finished(model, points, identity, spread, [(view, start_state(view))], [])
    return replace(fit, is_refined=False)


def free_expressions(model: FaceModel) -> Int[np.ndarray, " free"]:
    """Return the rows of the expressions that a fit moves."""
    return np.array(
        [
            row
            for row, name in enumerate(model.expression_names)
            if not any(part in name for part in HELD_EXPRESSIONS)
        ],
        dtype=np.int64,
    )


def landmark_points(model: FaceModel, expressions: Int[np.ndarray, " free"]) -> SurfacePoints:
    """Return the 68 landmarks as points of the surface."""
    rows = model.landmark_rows(IBUG_NAMES)
    triangles = model.landmark_triangle[rows].numpy()
    return surface_points(model, triangles, model.landmark_weights[rows].numpy(), expressions)


def _landmark_rows(
    points: SurfacePoints,
    view: PortraitView,
    state: PortraitState,
    head: Float[np.ndarray, "vertices 3"],
    jaw: Float[np.ndarray, "3 vertices 3"],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return Jacobian, residual and weight of the landmarks: across, then along the contour."""
    estimate = view.estimate
    pixels, seen = state.projected(points.at(head))
    per_mm = pixel_gradient(seen, state)
    target = apply_similarity(estimate.crop_from_picture, estimate.landmarks_px)
    axes = _axes(pixels)
    residual = np.einsum("lij,lj->li", axes, target - pixels)
    still = np.zeros((N_LANDMARKS, 3, 3))
    jacobian = np.stack(
        [
            jacobian_rows(points, along, still, jaw, seen, state)
            for along in (axes @ per_mm).transpose(1, 0, 2)
        ],
        axis=1,
    )
    sigma = np.full((N_LANDMARKS, 2), LANDMARK_SIGMA_PX)
    sigma[:N_CONTOUR, 0] *= CONTOUR_ALONG
    scaled = (residual / sigma / ROBUST_SIGMAS) ** 2
    robust = 1.0 / (1.0 + scaled.sum(1, keepdims=True)) ** 2
    weight = robust * estimate.landmark_confidence[:, None] ** 2 / sigma**2
    return jacobian.reshape(2 * N_LANDMARKS, -1), residual.ravel(), weight.ravel()


def _axes(pixels: Float[np.ndarray, "68 2"]) -> Float[np.ndarray, "68 2 2"]:
    """Return two directions for each landmark: along and across the contour, or x and y."""
    axes = np.tile(np.eye(2), (N_LANDMARKS, 1, 1))
    contour = pixels[:N_CONTOUR]
    along = np.gradient(contour, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    axes[:N_CONTOUR, 0] = along
    axes[:N_CONTOUR, 1] = np.stack([-along[:, 1], along[:, 0]], axis=1)
    return axes


def _prior(
    layout: _Layout,
    expected: Float[np.ndarray, " identities"],
    identity: Float[np.ndarray, " identities"],
    views: Sequence[PortraitView],
    states: Sequence[PortraitState],
) -> tuple[np.ndarray, np.ndarray]:
    """Return Hessian and negative gradient of the prior."""
    precision, pull = np.zeros(layout.size), np.zeros(layout.size)
    n = layout.n_identity
    precision[:n] = IDENTITY_TRUST_SD**-2.0
    pull[:n] = precision[:n] * (expected - identity)
    for k, (view, state) in enumerate(zip(views, states, strict=True)):
        slots = layout.columns(k)[n:]
        block = np.r_[
            np.full(len(layout.expressions), EXPRESSION_SD**-2.0),
            np.array(JAW_SD_RAD) ** -2.0,
            np.full(N_PLACE - 1, PLACE_DAMPING),
            LOG_FOCAL_SD**-2.0,
        ]
        start = start_state(view)
        away = np.zeros(layout.block)
        away[: len(layout.expressions)] = (start.expression - state.expression)[layout.expressions]
        away[len(layout.expressions) : -N_PLACE] = start.pose[JAW] - state.pose[JAW]
        away[-1] = start.log_focal - state.log_focal
        precision[slots], pull[slots] = block, block * away
    return np.diag(precision), pull


def _solve(
    layout: _Layout,
    states: Sequence[PortraitState],
    hessian: Float[np.ndarray, "u u"],
    gradient: Float[np.ndarray, " u"],
) -> tuple[Float[np.ndarray, " u"], Float[np.ndarray, "u u"]]:
    """Solve one step; unknowns at a limit that it pushes further out are held there."""
    covariance = np.linalg.inv(hessian)
    step = covariance @ gradient
    stuck = _leaves_limits(layout, states, step)
    if stuck.any():
        hessian = hessian + np.diag(stuck * HELD_PRECISION)
        covariance = np.linalg.inv(hessian)
        step = covariance @ gradient
    return step, covariance


def _leaves_limits(
    layout: _Layout, states: Sequence[PortraitState], step: Float[np.ndarray, " u"]
) -> Bool[np.ndarray, " u"]:
    """Find expressions and jaws at a limit that the step pushes further out."""
    stuck = np.zeros(layout.size, dtype=bool)
    n_free = len(layout.expressions)
    for k, state in enumerate(states):
        slots = layout.columns(k)[layout.n_identity :][: n_free + 1]
        value = np.r_[state.expression[layout.expressions], state.pose[JAW.start]]
        low = np.r_[np.zeros(n_free), JAW_CLOSED_RAD]
        high = np.r_[np.ones(n_free), JAW_OPEN_RAD]
        at_low = (value <= low + 1e-6) & (step[slots] < 0)
        stuck[slots] = at_low | ((value >= high - 1e-6) & (step[slots] > 0))
    return stuck


def _moved(
    layout: _Layout, number: int, state: PortraitState, step: Float[np.ndarray, " u"]
) -> PortraitState:
    """Return a state after a step, kept within the limits."""
    block = step[layout.columns(number)[layout.n_identity :]]
    n_free = len(layout.expressions)
    expression, pose = state.expression.copy(), state.pose.copy()
    expression[layout.expressions] += block[:n_free]
    pose[JAW] += block[n_free : n_free + N_JAW]
    pose[JAW.start] = np.clip(pose[JAW.start], JAW_CLOSED_RAD, JAW_OPEN_RAD)
    turn, shift, zoom = block[-N_PLACE:-4], block[-4:-1], block[-1]
    return replace(
        state,
        rotation=rotation_from_vector(torch.from_numpy(turn)).numpy() @ state.rotation,
        translation=state.translation + shift,
        log_focal=state.log_focal + float(zoom),
        expression=np.clip(expression, 0.0, 1.0),
        pose=pose,
    )


def _finished(
    model: FaceModel,
    points: SurfacePoints,
    identity: Float[np.ndarray, " identities"],
    identity_sd: Float[np.ndarray, " identities"],
    pairs: Sequence[tuple[PortraitView, PortraitState]],
    terms: Sequence[ShadingTerm],
) -> PortraitFit:
    """Measure what was fitted."""
    fitted, confidences = [], []
    for k, (view, state) in enumerate(pairs):
        estimate = view.estimate
        head = posed_head(model, identity, state)
        pixels, _ = state.projected(points.at(head))
        target = apply_similarity(estimate.crop_from_picture, estimate.landmarks_px)
        distance = np.linalg.norm(pixels - target, axis=1)
        trust = np.maximum(estimate.landmark_confidence, 1e-6)
        near = EXPLAINED_SHARE * np.linalg.norm(target[36] - target[45])
        confidences.append(float((trust * (distance <= near)).sum() / trust.sum()) * estimate.score)
        pose = state.picture_pose(view)
        height, width = view.image.shape[:2]
        camera = replace(estimate, pose=pose).camera(width, height)
        landmarks = camera.project(torch.from_numpy(points.at(head))[None])[0][0].numpy()
        shading = terms[k].residual(state, head) if terms else None
        fitted.append(
            FittedView(
                view, state, pose, head, landmarks, float(np.average(distance, weights=trust)),
                shading,
            )
        )  # fmt: skip
    return PortraitFit(
        model, identity, identity_sd, tuple(fitted), min(confidences), is_refined=True
    )
