"""What the face of a volume does: the subject's drawn expression and gaze, and a drawn rotation of
the jaw.

Facial actions that open or shift the jaw move the skin of a picture alone; in a volume the mandible
turns instead, and skin and teeth with it.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from augment.morphable import FaceModel
from augment.morphable.pose import GAZE, JAW, JAW_OPEN, POSE_NAMES
from augment.sample import Subject
from augment.volume.atlas import Atlas
from augment.volume.field.motion import Motion
from augment.volume.template import Template

JAW_ACTIONS = ("jaw", "mouthClose")
"""Actions whose names begin so are of the jaw, or make sense with an open one alone."""

JAW_OPEN_DEG = 18.4
"""Rotation about the hinge that a full `jawOpen` amounts to: least squares over 71 vertices of the
mean chin."""

LARGEST_DEG = 8.5
"""Beyond this a rotation may fold the neck; see `augment.volume.field.motion`."""


@dataclass(frozen=True)
class FacePose:
    """How a head in the scanner departs from rest.

    Attributes:
        expression: Coefficient of each facial action, none of the jaw.
        pose: The 21 pose numbers; only jaw and gaze are not 0.
    """

    expression: Float[np.ndarray, " actions"]
    pose: Float[np.ndarray, "21"]

    def posed(
        self, model: FaceModel, rest_mm: Float[np.ndarray, "vertices 3"]
    ) -> Float[np.ndarray, "vertices 3"]:
        """Return vertices of a head at rest with this expression, jaw and gaze, head frame, mm."""
        moved = torch.from_numpy(rest_mm + self._offset(model)).float()[None]
        identity = torch.zeros(1, len(model.identity_basis))
        pose = torch.from_numpy(self.pose).float()[None]
        return model.posed(moved, identity, pose)[0].double().numpy()

    def motion(self, model: FaceModel, template: Template, atlas: Atlas) -> Motion:
        """Return the same for the field of a volume."""
        chosen = template.vertex_of_model
        offset = self._offset(model)[chosen] if self.expression.any() else None
        return Motion(
            atlas,
            model.jaw_weight.numpy()[chosen].astype(float),
            offset,
            self.pose[JAW],
            self.pose[GAZE],
        )

    def _offset(self, model: FaceModel) -> Float[np.ndarray, "vertices 3"]:
        basis = model.expression_basis.numpy().astype(float)
        return np.asarray(np.tensordot(self.expression, basis, axes=1))


def face_pose(
    model: FaceModel, subject: Subject, with_expression: bool, jaw_deg: float
) -> FacePose | None:
    """Return what a face does in the scanner.

    Args:
        model: The face model.
        subject: The subject, with what was drawn for its pictures.
        with_expression: Whether the volume shows that expression and gaze.
        jaw_deg: Rotation of the jaw that was drawn for the volume.

    Returns:
        None for a face at rest.
    """
    expression, pose = np.zeros(len(model.expression_names)), np.zeros(len(POSE_NAMES))
    if with_expression:
        names = model.expression_names
        is_jaw = np.array([name.startswith(JAW_ACTIONS) for name in names])
        expression[~is_jaw] = np.asarray(subject.expression)[~is_jaw]
        pose[GAZE] = np.asarray(subject.pose)[GAZE]
        jaw_deg += JAW_OPEN_DEG * float(np.asarray(subject.expression)[names.index("jawOpen")])
    pose[JAW_OPEN] = np.deg2rad(min(jaw_deg, LARGEST_DEG))
    return FacePose(expression, pose) if expression.any() or pose.any() else None
