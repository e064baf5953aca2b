"""Finds the head in a measured surface and gives its pose, without landmarks or hints.

The mean face (a :class:`Probe`: points, normals and a nose tip in the head frame) is placed at many
starts: nose tip on the most anterior skin of each level of the body, under several rotations. Each
start runs a few steps of trimmed point-to-plane ICP; the best by a bounded score go on. The score
punishes skin that faces the wrong way and points without skin alike, so that chin, shoulder or
couch cannot win by being near. What is left are a few candidates, for the full model to judge.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation

from augment.reconstruct.rigid import (
    angle_between_deg,
    placed,
    rotate_vectors,
    transform_points,
    turned_and_moved,
)
from augment.reconstruct.surface import Surface

InView = Callable[[Float[np.ndarray, "p 3"]], Bool[np.ndarray, " p"]]

LEVEL_STEP_MM = 20.0
N_COARSE_POINTS = 150
COARSE_STEPS, MIDDLE_STEPS, FINE_STEPS = 4, 12, 20
COARSE_REACH_MM, MIDDLE_REACH_MM, FINE_REACH_MM = 40.0, 20.0, 12.0
KEPT_AFTER_COARSE, KEPT_AFTER_MIDDLE = 24, 4
SAME_POSE_MM = 6.0
SCORE_CAP_MM = 12.0
# A candidate this much worse than the best is not worth a full fit.
SCORE_MARGIN = 0.05
# A pose that ICP turned further than this from every start is not one that was asked for.
MAX_TURN_DEG = 60.0
# A point outside the field of view is neither right nor wrong; most of the face must be inside.
OUT_OF_VIEW_COST = 0.5
MIN_NORMAL_COSINE = 0.5
MIN_PAIRS = 20
HUBER_MM = 3.0
# Heads differ from the mean head by this much in size (children and adults share one mean).
SIZE_SD, SIZE_RANGE, SIZE_NOISE_MM = 0.08, (0.7, 1.3), 3.0


@dataclass(frozen=True)
class Probe:
    """Points of the mean face that look for skin.

    Attributes:
        points: Head frame, mm.
        normals: Outward unit normals.
        nose_tip: Most anterior point, which is put on candidate skin.
    """

    points: Float[np.ndarray, "p 3"]
    normals: Float[np.ndarray, "p 3"]
    nose_tip: Float[np.ndarray, "3"]

    def thinned(self, count: int) -> "Probe":
        """Return about this many of the points, evenly taken."""
        rows = np.unique(np.linspace(0, len(self.points) - 1, count).astype(int))
        return Probe(self.points[rows], self.normals[rows], self.nose_tip)


@dataclass(frozen=True)
class Pose:
    """A pose and how well the probe lies on the surface there.

    Attributes:
        world_from_head: Rigid transform.
        scale: Size of the head, as a multiple of the mean head's, about the origin of its frame.
        score: Mean cost of the probe's points, from 0 (all on skin) to 1 (no skin within reach).
    """

    world_from_head: Float[np.ndarray, "4 4"]
    scale: float = 1.0
    score: float = 1.0

    def place(self, points: Float[np.ndarray, "p 3"]) -> Float[np.ndarray, "p 3"]:
        """Map points of the mean head to the world."""
        return transform_points(self.world_from_head, self.scale * points)


def upright_rotations() -> list[Float[np.ndarray, "3 3"]]:
    """Return rotations of a patient in a true RAS frame: chin down to far extended, turned or not.

    With the reach of ICP around them they cover -30 to 45 degrees of pitch and 50 of yaw.
    """
    angles = product((0.0, 35.0, -35.0), (-15.0, 10.0, 30.0))
    return [Rotation.from_euler("xz", (p, y), degrees=True).as_matrix() for y, p in angles]


def all_rotations() -> list[Float[np.ndarray, "3 3"]]:
    """Return the 60 rotations of an icosahedron: none is further than 45 degrees from one."""
    return list(Rotation.create_group("I").as_matrix())


def find_heads(
    surface: Surface,
    probe: Probe,
    rotations: Sequence[Float[np.ndarray, "3 3"]],
    in_view: InView,
) -> list[Pose]:
    """Find the poses under which the probe lies well on the surface.

    Args:
        surface: Measured skin, world mm.
        probe: Points of the mean face.
        rotations: Rotations to start from.
        in_view: Says which world points the scan could have shown.

    Returns:
        Up to four distinct poses, best first; the caller decides which, if any, is a head.
    """
    starts = [start for rotation in rotations for start in _starts(surface, probe, rotation)]
    sparse = probe.thinned(N_COARSE_POINTS)
    coarse = [
        _icp(surface, sparse, start, in_view, COARSE_STEPS, COARSE_REACH_MM) for start in starts
    ]
    middle = [
        _icp(surface, probe, pose, in_view, MIDDLE_STEPS, MIDDLE_REACH_MM)
        for pose in _best(coarse, KEPT_AFTER_COARSE)
    ]
    fine = [
        _icp(surface, probe, pose, in_view, FINE_STEPS, FINE_REACH_MM)
        for pose in _best(middle, KEPT_AFTER_MIDDLE)
    ]
    kept = [p for p in _best(fine, KEPT_AFTER_MIDDLE) if _turned(p, rotations) < MAX_TURN_DEG]
    return [pose for pose in kept if pose.score <= kept[0].score + SCORE_MARGIN]


def _turned(pose: Pose, rotations: Sequence[Float[np.ndarray, "3 3"]]) -> float:
    """Return the angle in degrees to the nearest of the starting rotations."""
    return min(angle_between_deg(pose.world_from_head[:3, :3], other) for other in rotations)


def _starts(surface: Surface, probe: Probe, rotation: Float[np.ndarray, "3 3"]) -> list[Pose]:
    """Put the nose tip on the most anterior point of each level, in the frame of a rotation."""
    across, anterior, up = (surface.vertices @ rotation[:, axis] for axis in range(3))
    level = np.floor((up - up.min()) / LEVEL_STEP_MM).astype(int)
    order = np.lexsort((-anterior, level))
    firsts = order[np.unique(level[order], return_index=True)[1]]
    starts = []
    for index in firsts:
        # The middle of all that is within 6 mm of the foremost is steadier than one vertex.
        near = (level == level[index]) & (anterior > anterior[index] - 6.0)
        tip = rotation @ np.array([np.median(across[near]), anterior[index], up[near].mean()])
        starts.append(Pose(placed(rotation, probe.nose_tip, tip)))
    return starts


def _best(poses: Sequence[Pose], count: int) -> list[Pose]:
    """Return the poses of lowest score, near duplicates left out."""
    corners = np.array([[0.0, 100.0, 0.0], [70.0, 60.0, 60.0]])
    kept: list[Pose] = []
    places: list[np.ndarray] = []
    for pose in sorted(poses, key=lambda pose: pose.score):
        here = pose.place(corners)
        if all(np.abs(here - there).max() > SAME_POSE_MM for there in places):
            kept.append(pose)
            places.append(here)
        if len(kept) == count:
            break
    return kept


def _icp(
    surface: Surface, probe: Probe, start: Pose, in_view: InView, n_steps: int, reach_mm: float
) -> Pose:
    """Run trimmed point-to-plane ICP with scale, and score the result."""
    pose = start
    for _ in range(n_steps):
        points = pose.place(probe.points)
        distance, index = surface.tree.query(points)
        normals = rotate_vectors(pose.world_from_head, probe.normals)
        cosine = (normals * surface.normals[index]).sum(1)
        usable = (cosine > MIN_NORMAL_COSINE) & ~surface.on_rim[index] & in_view(points)
        if usable.sum() < MIN_PAIRS:
            break
        usable &= distance < min(reach_mm, 2.5 * float(np.median(distance[usable])) + 1.0)
        if usable.sum() < MIN_PAIRS:
            break
        paired = index[usable]
        pose = _plane_step(pose, points[usable], surface.vertices[paired], surface.normals[paired])
    return replace(pose, score=_score(surface, probe, pose, in_view))


def _plane_step(
    pose: Pose,
    points: Float[np.ndarray, "p 3"],
    targets: Float[np.ndarray, "p 3"],
    normals: Float[np.ndarray, "p 3"],
) -> Pose:
    """Take one linearised point-to-plane step (Chen and Medioni 1992) with Huber weights."""
    centre = points.mean(0)
    arm = points - centre
    residual = ((targets - points) * normals).sum(1)
    growth = (arm * normals).sum(1, keepdims=True)
    jacobian = np.concatenate([np.cross(arm, normals), normals, growth], axis=1)
    weight = 1.0 / np.maximum(1.0, np.abs(residual) / HUBER_MM)
    hessian = (jacobian * weight[:, None]).T @ jacobian
    gradient = jacobian.T @ (weight * residual)
    # A face is nearly a sphere to its planes: a small pull keeps what they leave free.
    hessian += 1e-3 * len(points) * np.diag([1e3, 1e3, 1e3, 1.0, 1.0, 1.0, 1e3])
    size_weight = (SIZE_NOISE_MM / SIZE_SD) ** 2
    hessian[6, 6] += size_weight
    gradient[6] -= size_weight * np.log(pose.scale)
    step = np.linalg.solve(hessian, gradient)
    factor = float(np.clip(pose.scale * np.exp(step[6]), *SIZE_RANGE)) / pose.scale
    # Scaling about the pairs' centre is scaling about the frame's origin and a shift.
    origin = pose.world_from_head[:3, 3]
    shift = (1.0 - factor) * (centre - origin)
    moved = turned_and_moved(pose.world_from_head, step[:3], step[3:6] + shift, centre)
    return Pose(moved, pose.scale * factor)


def _score(surface: Surface, probe: Probe, pose: Pose, in_view: InView) -> float:
    """Return the mean capped cost of the probe's points at a pose."""
    points = pose.place(probe.points)
    distance, index = surface.tree.query(points, distance_upper_bound=SCORE_CAP_MM)
    found = np.isfinite(distance)
    index = np.where(found, index, 0)
    normals = rotate_vectors(pose.world_from_head, probe.normals)
    on_skin = found & ((normals * surface.normals[index]).sum(1) > MIN_NORMAL_COSINE)
    cost = np.where(on_skin, np.minimum(distance / SCORE_CAP_MM, 1.0), 1.0)
    return float(np.where(in_view(points), cost, OUT_OF_VIEW_COST).mean())
