"""Robust fit of the face model to measured skin: pose, neck, identity and a little expression.

Each step pairs model and skin in both directions and solves one damped Gauss-Newton step of

    E = sum_r w_r rho(n_r . (q_r - x_r)) / sigma^2 + sum_k p_k (u_k - e_k)^2

with q_r - x_r from model to skin, rho of Geman and McClure (1987), sigma shrinking with the
residual down to the scan's noise, and p, e the prior of the unknowns u. This is the most probable
head under the model's own Gaussian prior, so that what the scan does not show stays near the mean.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation

from augment.morphable.model import FaceModel
from augment.morphable.pose import NECK
from augment.reconstruct.align import InView, Pose
from augment.reconstruct.pairing import CORRELATION_MM, Pairs, pairs_to_model, pairs_to_skin
from augment.reconstruct.parameters import (
    JOINT_COLUMNS,
    N_RIGID,
    Parameters,
    Unknowns,
    head_vertices,
    lay_out,
)
from augment.reconstruct.rigid import transform_points
from augment.reconstruct.surface import Surface, vertex_normals
from augment.reconstruct.zones import Zones

FIRST_SIGMA_MM = 4.0
SIGMA_SHRINK = 0.85
SIGMA_PER_SPREAD = 1.5
ROBUST_SIGMAS = 2.0
# What the model cannot express is smaller than this in healthy heads; tubes and hair are larger.
ROBUST_FLOOR_MM = 3.0
# Keeps the step finite where skin leaves a motion free (a cylinder turns about its axis).
RIGID_DAMPING = (1.0, 1.0, 1.0, 1e-3, 1e-3, 1e-3)
HELD_PRECISION = 1e9
DIFFERENCE_RAD = 1e-3


@dataclass(frozen=True)
class FitOptions:
    """What differs between CT and scan.

    Attributes:
        source: What the subject's source will say: ``ct`` or ``scan``.
        noise_mm: Floor of sigma: the accuracy of the measured skin and of the model.
        smoothing_mm: Length below which detail is taken for noise.
        trunk_is_upright: Whether the world's z axis is the trunk's, as on a CT couch; the neck then
            is expected to bend as far as the head is tilted.
    """

    source: str
    noise_mm: float
    smoothing_mm: float
    trunk_is_upright: bool


@dataclass(frozen=True)
class Target:
    """What a model is fitted to.

    Attributes:
        surface: Measured skin, world mm.
        in_view: Says which world points the scan could have shown.
    """

    surface: Surface
    in_view: InView


@dataclass(frozen=True)
class Solution:
    """The end of a fit.

    Attributes:
        parameters: Most probable parameters.
        identity_sd: Posterior standard deviation of each identity coefficient; 1 is the prior's.
        sigma_mm: Scale of the residual at the end.
    """

    parameters: Parameters
    identity_sd: Float[np.ndarray, " identities"]
    sigma_mm: float


def fit_surface(
    model: FaceModel,
    zones: Zones,
    target: Target,
    start: Pose,
    options: FitOptions,
    n_steps: int,
) -> Solution:
    """Fit the model to measured skin from a rigid start.

    Args:
        model: The face model.
        zones: Its zones and weights.
        target: Measured skin.
        start: Pose and size of the mean head, right to within some 20 degrees and 20 mm.
        options: Noise, and whether the trunk is upright.
        n_steps: Gauss-Newton steps.

    Returns:
        Parameters, their uncertainty, and the scale of the residual.
    """
    parameters = _start(model, zones, start, options)
    unknowns = lay_out(model, parameters.pose)
    faces = model.faces.numpy()
    bases = torch.cat([model.identity_basis, model.expression_basis[unknowns.expressions]])
    basis = np.ascontiguousarray(bases.numpy().transpose(1, 0, 2))
    sigma, covariance = FIRST_SIGMA_MM, np.eye(len(unknowns.low))
    for _ in range(n_steps):
        head = head_vertices(model, parameters)
        world = transform_points(parameters.world_from_head, head)
        normals = vertex_normals(world, faces)
        pairs = pairs_to_skin(zones, target.surface, world, normals, target.in_view, sigma)
        spread = pairs.spread_mm
        pairs = pairs.and_also(pairs_to_model(zones, target.surface, world, normals, sigma))
        jacobian = _jacobian(model, parameters, basis, head, pairs)
        step, covariance = _solve(unknowns, parameters, jacobian, pairs, sigma)
        parameters = unknowns.moved(parameters, step)
        sigma = max(options.noise_mm, min(sigma * SIGMA_SHRINK, SIGMA_PER_SPREAD * spread))
    return Solution(parameters, np.sqrt(np.diag(covariance))[unknowns.identity], sigma)


def identity_of_size(
    model: FaceModel, zones: Zones, scale: float
) -> Float[np.ndarray, " identities"]:
    """Return the likely identity whose head is the mean head scaled about the origin."""
    weight = zones.weight[:, None] / CORRELATION_MM**2
    basis = model.identity_basis.numpy().astype(np.float64)
    growth = (scale - 1.0) * model.mean.numpy().astype(np.float64)
    weighted = (basis * weight).reshape(len(basis), -1)
    normal_matrix = weighted @ basis.reshape(len(basis), -1).T + np.eye(len(basis))
    return np.linalg.solve(normal_matrix, weighted @ growth.ravel())


def _start(model: FaceModel, zones: Zones, start: Pose, options: FitOptions) -> Parameters:
    """Return the mean head at a pose, grown to its size, its neck bent under an upright trunk."""
    pose = np.zeros(21)
    if options.trunk_is_upright:
        pose[NECK] = Rotation.from_matrix(start.world_from_head[:3, :3].T).as_rotvec()
    return Parameters(
        start.world_from_head,
        identity_of_size(model, zones, start.scale),
        np.zeros(len(model.expression_names)),
        pose,
    )


def _jacobian(
    model: FaceModel,
    parameters: Parameters,
    basis: Float[np.ndarray, "vertices coefficients 3"],
    head: Float[np.ndarray, "vertices 3"],
    pairs: Pairs,
) -> Float[np.ndarray, "rows unknowns"]:
    """Return how far each row's vertex moves along its normal per unit of each unknown.

    Jaw and neck enter by differences; the bases are taken as if the jaw were closed, which changes
    the way to the solution and not the solution.
    """
    rotation = parameters.world_from_head[:3, :3]
    arm = head[pairs.vertex] @ rotation.T
    head_normal = pairs.normal @ rotation
    linear = np.einsum("rkd,rd->rk", basis[pairs.vertex], head_normal, optimize=True)
    joints = []
    for column in JOINT_COLUMNS:
        pose = parameters.pose.copy()
        pose[column] += DIFFERENCE_RAD
        moved = head_vertices(model, replace(parameters, pose=pose)) - head
        joints.append((moved[pairs.vertex] * head_normal).sum(1) / DIFFERENCE_RAD)
    turn = np.cross(arm, pairs.normal)
    return np.concatenate([turn, pairs.normal, linear, np.stack(joints, axis=1)], axis=1)


def _solve(
    unknowns: Unknowns,
    parameters: Parameters,
    jacobian: Float[np.ndarray, "rows unknowns"],
    pairs: Pairs,
    sigma: float,
) -> tuple[Float[np.ndarray, " unknowns"], Float[np.ndarray, "unknowns unknowns"]]:
    """Solve one step; return it with the posterior covariance."""
    tolerance = max(ROBUST_SIGMAS * sigma, ROBUST_FLOOR_MM)
    robust = 1.0 / (1.0 + (pairs.residual / tolerance) ** 2) ** 2
    weighted = jacobian * (pairs.weight * robust / sigma**2)[:, None]
    value = unknowns.vector(parameters)
    hessian = weighted.T @ jacobian + np.diag(unknowns.precision)
    hessian[np.arange(N_RIGID), np.arange(N_RIGID)] += RIGID_DAMPING
    gradient = weighted.T @ pairs.residual - unknowns.precision * (value - unknowns.expected)
    covariance = np.linalg.inv(hessian)
    step = covariance @ gradient
    stuck = _leaves_limits(unknowns, value, step)
    if stuck.any():  # hold these at their limit and let the others take over
        hessian[stuck, stuck] += HELD_PRECISION
        covariance = np.linalg.inv(hessian)
        step = covariance @ gradient
    return step, covariance


def _leaves_limits(
    unknowns: Unknowns,
    value: Float[np.ndarray, " unknowns"],
    step: Float[np.ndarray, " unknowns"],
) -> Bool[np.ndarray, " unknowns"]:
    """Find unknowns at a limit that the step pushes further out."""
    at_low = (value <= unknowns.low + 1e-6) & (step < 0)
    at_high = (value >= unknowns.high - 1e-6) & (step > 0)
    return at_low | at_high
