"""What a fit moves, and how it is laid out as one vector of unknowns.

The unknowns are, in this order: turn (3, rad, world), shift (3, mm, world), identity (99, standard
deviations), the free expressions, jaw (3, rad) and neck (3, rad).
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int

from augment.morphable.model import FaceModel
from augment.morphable.pose import JAW, NECK
from augment.reconstruct.rigid import turned_and_moved

# Mouth and cheeks: what differs between a patient at rest and the neutral template beside the jaw.
FREE_EXPRESSIONS = (
    "cheekPuff", "mouthClose", "mouthFrownLeft", "mouthFrownRight", "mouthLowerDownLeft",
    "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker", "mouthRollLower",
    "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft", "mouthSmileRight",
    "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
)  # fmt: skip
N_RIGID, N_JOINTS = 6, 6
JOINT_COLUMNS = np.r_[JAW, NECK]
EXPRESSION_SD = 0.15
# Jaw opening, lateral and rolling motion, then the neck. A mouth at rest opens; it hardly shifts.
JOINT_SD_RAD = (0.12, 0.01, 0.01, 0.2, 0.2, 0.2)
# Beyond these ends the motion is not the jaw's: teeth do not pass each other.
JAW_CLOSED_RAD, JAW_OPEN_RAD = -0.02, 0.6


@dataclass(frozen=True)
class Parameters:
    """Everything a fit moves.

    Attributes:
        world_from_head: Rigid transform from the head frame to the world of the scan, mm.
        identity: Standard deviations of the model's modes.
        expression: 0 neutral, 1 full action.
        pose: The 21 pose numbers; only jaw and neck are used.
    """

    world_from_head: Float[np.ndarray, "4 4"]
    identity: Float[np.ndarray, " identities"]
    expression: Float[np.ndarray, " expressions"]
    pose: Float[np.ndarray, "21"]

    def at_rest(self) -> "Parameters":
        """Return the same head without jaw and neck motion."""
        return replace(self, pose=np.zeros_like(self.pose))


def head_vertices(
    model: FaceModel, parameters: Parameters, offset: Float[np.ndarray, "vertices 3"] | None = None
) -> Float[np.ndarray, "vertices 3"]:
    """Return the vertices of fitted parameters in the head frame, mm."""

    def row(values: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(values, dtype=model.mean.dtype)[None]

    vertices = model.vertices(
        row(parameters.identity),
        row(parameters.expression),
        row(parameters.pose),
        None if offset is None else row(offset),
    )
    return vertices[0].numpy().astype(np.float64)


@dataclass(frozen=True)
class Unknowns:
    """The layout, prior and limits of the vector of unknowns.

    Attributes:
        expressions: Rows of the free expressions in the model's table.
        identity: Slots of the identity coefficients.
        expression: Slots of the free expressions.
        joints: Slots of jaw and neck.
        precision: One over the prior's variance; 0 for rigid motion.
        expected: Mean of the prior.
        low: Lower limits.
        high: Upper limits.
    """

    expressions: Int[np.ndarray, " free"]
    identity: slice
    expression: slice
    joints: slice
    precision: Float[np.ndarray, " unknowns"]
    expected: Float[np.ndarray, " unknowns"]
    low: Float[np.ndarray, " unknowns"]
    high: Float[np.ndarray, " unknowns"]

    def vector(self, parameters: Parameters) -> Float[np.ndarray, " unknowns"]:
        """Lay parameters out; rigid motion is 0, for a step starts where the head is."""
        expression = parameters.expression[self.expressions]
        joints = parameters.pose[JOINT_COLUMNS]
        return np.concatenate([np.zeros(N_RIGID), parameters.identity, expression, joints])

    def moved(self, parameters: Parameters, step: Float[np.ndarray, " unknowns"]) -> Parameters:
        """Return parameters after a step, kept within the limits."""
        values = np.clip(self.vector(parameters) + step, self.low, self.high)
        expression, pose = parameters.expression.copy(), parameters.pose.copy()
        expression[self.expressions] = values[self.expression]
        pose[JOINT_COLUMNS] = values[self.joints]
        transform = parameters.world_from_head
        return Parameters(
            turned_and_moved(transform, step[:3], step[3:6], transform[:3, 3]),
            values[self.identity],
            expression,
            pose,
        )


def lay_out(model: FaceModel, expected_pose: Float[np.ndarray, "21"]) -> Unknowns:
    """Lay out the unknowns of a model.

    Args:
        model: The face model.
        expected_pose: Jaw and neck that the prior expects.
    """
    known = [name for name in FREE_EXPRESSIONS if name in model.expression_names]
    n_identity, n_free = len(model.identity_basis), len(known)
    identity = slice(N_RIGID, N_RIGID + n_identity)
    expression = slice(identity.stop, identity.stop + n_free)
    joints = slice(expression.stop, expression.stop + N_JOINTS)
    precision, expected = np.zeros(joints.stop), np.zeros(joints.stop)
    precision[identity] = 1.0
    precision[expression] = EXPRESSION_SD**-2
    precision[joints] = np.array(JOINT_SD_RAD) ** -2.0
    expected[joints] = expected_pose[JOINT_COLUMNS]
    low, high = np.full(joints.stop, -np.inf), np.full(joints.stop, np.inf)
    low[expression], high[expression] = 0.0, 1.0
    low[joints.start], high[joints.start] = JAW_CLOSED_RAD, JAW_OPEN_RAD
    rows = np.array([model.expression_names.index(name) for name in known], dtype=np.int64)
    return Unknowns(rows, identity, expression, joints, precision, expected, low, high)
