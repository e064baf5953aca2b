"""Points that stay fixed on the model's surface, and how coefficients and camera move them.

Concretely, point p lies at ``sum_k weights[p, k] * vertices[corners[p, k]]``.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from augment.morphable.model import FaceModel
from augment.morphable.pose import JAW
from augment.portrait.view import PortraitState

N_JAW, N_PLACE = 3, 7
DIFFERENCE_RAD = 1e-3


@dataclass(frozen=True, eq=False)
class SurfacePoints:
    """Points on the surface and their motion with each coefficient.

    Attributes:
        corners: Vertices of each point's triangle.
        weights: Barycentric weights.
        basis: Displacement (x, y, z of the first corner, then of the others) per unit of each
            identity and free expression coefficient, mm, float32.
    """

    corners: Int[np.ndarray, "points 3"]
    weights: Float[np.ndarray, "points 3"]
    basis: Float[np.ndarray, "points coefficients 9"]

    def at(self, vertices: Float[np.ndarray, "vertices 3"]) -> Float[np.ndarray, "points 3"]:
        """Return where the points are on given vertices."""
        return np.einsum("pk,pkd->pd", self.weights, vertices[self.corners])

    def moved_along(
        self, directions: Float[np.ndarray, "points 3 3"]
    ) -> Float[np.ndarray, "points coefficients"]:
        """Return the sum over corners of their motion along directions, per unit of coefficient.

        Args:
            directions: One vector in the head frame for each corner.
        """
        rows = directions.reshape(len(directions), 9, 1).astype(np.float32)
        return (self.basis @ rows)[..., 0].astype(np.float64)

    def some(self, chosen: Int[np.ndarray, " chosen"]) -> "SurfacePoints":
        """Return some of the points."""
        return SurfacePoints(self.corners[chosen], self.weights[chosen], self.basis[chosen])


def surface_points(
    model: FaceModel,
    triangles: Int[np.ndarray, " points"],
    weights: Float[np.ndarray, "points 3"],
    expressions: Int[np.ndarray, " free"],
) -> SurfacePoints:
    """Return points of triangles with the motion of their corners.

    Args:
        model: The face model.
        triangles: Triangle of each point.
        weights: Barycentric weights.
        expressions: Rows of the free expressions.
    """
    corners = model.faces.numpy()[triangles]
    moved = torch.cat([model.identity_basis, model.expression_basis[expressions]]).numpy()
    basis = moved[:, corners].transpose(1, 0, 2, 3).reshape(len(corners), len(moved), 9)
    return SurfacePoints(corners, weights.astype(np.float64), np.ascontiguousarray(basis))


def posed_head(
    model: FaceModel, identity: Float[np.ndarray, " identities"], state: PortraitState
) -> Float[np.ndarray, "vertices 3"]:
    """Return the vertices of a head with a view's expression, jaw and gaze, head frame, mm."""
    return _posed(model, identity, state, state.pose[None])[0]


def head_and_jaw(
    model: FaceModel, identity: Float[np.ndarray, " identities"], state: PortraitState
) -> tuple[Float[np.ndarray, "vertices 3"], Float[np.ndarray, "3 vertices 3"]]:
    """Return the posed head, and the motion of all vertices per radian of each jaw angle."""
    poses = np.tile(state.pose, (1 + N_JAW, 1))
    poses[np.arange(1, 1 + N_JAW), np.arange(JAW.start, JAW.stop)] += DIFFERENCE_RAD
    heads = _posed(model, identity, state, poses)
    return heads[0], (heads[1:] - heads[0]) / DIFFERENCE_RAD


def _posed(
    model: FaceModel,
    identity: Float[np.ndarray, " identities"],
    state: PortraitState,
    poses: Float[np.ndarray, "poses 21"],
) -> Float[np.ndarray, "poses vertices 3"]:
    def rows(values: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(np.atleast_2d(values), dtype=model.mean.dtype)

    rest = model.rest(rows(identity), rows(state.expression))
    count = len(poses)
    heads = model.posed(rest.expand(count, -1, -1), rows(identity).expand(count, -1), rows(poses))
    return heads.numpy().astype(np.float64)


def pixel_gradient(
    seen: Float[np.ndarray, "points 3"], state: PortraitState
) -> Float[np.ndarray, "points 2 3"]:
    """Return how pixels move per mm of motion in the camera frame."""
    depth = seen[:, 2]
    per_mm = np.zeros((len(seen), 2, 3))
    per_mm[:, 0, 0] = per_mm[:, 1, 1] = 1.0
    per_mm[:, :, 2] = -seen[:, :2] / depth[:, None]
    return per_mm * (np.exp(state.log_focal) / depth)[:, None, None]


def jacobian_rows(
    points: SurfacePoints,
    along: Float[np.ndarray, "points 3"],
    turning: Float[np.ndarray, "points 3 3"],
    jaw: Float[np.ndarray, "3 vertices 3"],
    seen: Float[np.ndarray, "points 3"],
    state: PortraitState,
) -> Float[np.ndarray, "points unknowns"]:
    """Return the change of one quantity of each point per unit of the unknowns of one view.

    Unknowns: identity, free expressions, jaw (3), turn (3, rad, in the camera frame about the head
    frame's origin), shift (3, mm), log focal length. The bases are taken as if the jaw were
    closed, which changes the way to the solution and not the solution.

    Args:
        points: The points.
        along: Change per mm of motion of the point, camera frame.
        turning: Change per mm of motion of each corner beside that, head frame (of normals); 0 for
            quantities that depend on the place alone.
        jaw: Motion of all vertices per radian of each jaw angle (`head_and_jaw`).
        seen: The points in the camera frame, mm.
        state: Head and camera.
    """
    of_corner = points.weights[:, :, None] * (along @ state.rotation)[:, None, :] + turning
    linear = points.moved_along(of_corner)
    by_jaw = np.stack([(turn[points.corners] * of_corner).sum((1, 2)) for turn in jaw], axis=1)
    turn = np.cross(seen - state.translation, along)
    # Zooming in moves what is seen as if it were larger across the axis.
    zoom = along[:, 0] * seen[:, 0] + along[:, 1] * seen[:, 1]
    return np.concatenate([linear, by_jaw, turn, along, zoom[:, None]], axis=1)
