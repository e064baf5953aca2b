"""From a subject and its pathologies to the dense field between template and head."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from augment.volume.extension import COARSEST_MM, extended
from augment.volume.grid import Grid, grid_over
from augment.volume.lattice import Field, inverse, jacobian

FIELD_STEP_MM = 6.0
MARGIN_MM = 12.0
LEAST_JACOBIAN = 0.15
"""Where a subject compresses space further than this, finer spline lattices are left out: a fold
would be worse than a millimetre."""


@dataclass(frozen=True)
class SubjectFields:
    """The two directions of one subject's field.

    Attributes:
        head_from_template: Carries template points to the subject.
        template_from_head: Carries the subject's points to the template; what pulls the atlas.
    """

    head_from_template: Field
    template_from_head: Field


def field_grid(points_mm: Float[np.ndarray, "points 3"], step_mm: float = FIELD_STEP_MM) -> Grid:
    """Return the lattice around points on which fields are kept."""
    return grid_over(points_mm.min(0) - MARGIN_MM, points_mm.max(0) + MARGIN_MM, step_mm)


def head_from_template(
    template_mm: Float[np.ndarray, "vertices 3"],
    subject_mm: Float[np.ndarray, "vertices 3"],
    grid: Grid,
    finest_mm: float = FIELD_STEP_MM,
) -> Field:
    """Extend a subject's vertex displacements to a field without folds.

    Args:
        template_mm: Vertices of the template, head frame.
        subject_mm: The same vertices of the subject.
        grid: Lattice of the field, in the template's frame.
        finest_mm: Spacing of the finest spline lattice.
    """
    while True:
        field = extended(template_mm, subject_mm - template_mm, grid, finest_mm)
        if jacobian(field).min() > LEAST_JACOBIAN or finest_mm >= COARSEST_MM:
            return field
        finest_mm *= 2.0


def subject_fields(
    template_mm: Float[np.ndarray, "vertices 3"],
    subject_mm: Float[np.ndarray, "vertices 3"],
    step_mm: float = FIELD_STEP_MM,
) -> SubjectFields:
    """Build both directions of a subject's field; see `head_from_template`.

    Raises:
        GeometryError: If the field cannot be inverted.
    """
    forward = head_from_template(template_mm, subject_mm, field_grid(template_mm, step_mm), step_mm)
    return SubjectFields(forward, inverse(forward, field_grid(subject_mm, step_mm)))
