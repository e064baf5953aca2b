"""From a subject's vertices to the dense field between template and head."""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float
from numba import njit
from scipy import ndimage

from augment.volume.anatomy.body import Body
from augment.volume.field.extension import extended
from augment.volume.field.inversion import inverse
from augment.volume.field.lattice import Field, jacobian
from augment.volume.grid import Box, Grid, grid_over

FIELD_STEP_MM = 6.0
MARGIN_MM = 12.0
LEAST_JACOBIAN = 0.05
"""Where a field compresses space further than this it is smoothed: a fold would be worse than a
millimetre. A newborn's neck is a tenth of the template's in volume, unfolded and in place."""
RELAX_MM, RELAX_ROUNDS = 4.0, 12
OPEN_RADIUS_MM, OPEN_SHARE = 4.0, 0.25
"""A vertex belongs to the outer skin if air fills this share of the ball around it: half on flat
skin, a quarter in the deepest folds, less between lips in contact and in the inner mouth."""


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


def outer_skin(
    template_mm: Float[np.ndarray, "vertices 3"], body: Body
) -> Bool[np.ndarray, " vertices"]:
    """Tell which vertices lie on the outer skin; the others' motion says nothing about a filled
    head, and where two surfaces touch it contradicts itself.

    Args:
        template_mm: Vertices of the template, head frame.
        body: The filled template.
    """
    reach = int(OPEN_RADIUS_MM / body.grid.spacing_mm[0])
    ball = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * 3, indexing="ij"), -1)
    ball = ball.reshape(-1, 3)
    ball = ball[np.linalg.norm(ball * body.grid.spacing_mm, axis=1) <= OPEN_RADIUS_MM]
    index = np.rint((template_mm - body.grid.origin_mm) / body.grid.spacing_mm).astype(np.int64)
    return np.asarray(_open_share(index, ball, body.inside) >= OPEN_SHARE)


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
    return relaxed(extended(template_mm, subject_mm - template_mm, grid, finest_mm))


def relaxed(
    field: Field,
    least: float = LEAST_JACOBIAN,
    keep: Bool[np.ndarray, "x y z"] | None = None,
) -> Field:
    """Smooth a field where it compresses space too far, and only there.

    Args:
        field: Any field.
        least: Jacobian below which the neighbourhood is smoothed.
        keep: Nodes that stay as they are; None for none.

    Returns:
        The field itself where nothing is to be done; after some rounds what was reached.
    """
    values = field.displacement_mm
    for round_number in range(RELAX_ROUNDS):
        bad = jacobian(Field(field.grid, values)) < least
        if not bad.any():
            break
        if values is field.displacement_mm:
            values = values.copy()
        sigma = RELAX_MM * (1.0 + 0.25 * round_number) / np.array(field.grid.spacing_mm)
        box = _box_of(bad, np.ceil(5 * sigma).astype(int))
        weight = ndimage.gaussian_filter(bad[box].astype(np.float32), sigma)
        near = ndimage.binary_dilation(bad[box], iterations=2).astype(np.float32)
        weight = np.clip(np.maximum(4.0 * weight, ndimage.gaussian_filter(near, 1.5)), 0.0, 1.0)
        if keep is not None:
            weight[keep[box]] = 0.0
        smooth = ndimage.gaussian_filter(values[box], (*sigma, 0.0), mode="nearest")
        values[box] += weight[..., None] * (smooth - values[box])
    return Field(field.grid, values)


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


def _box_of(mask: np.ndarray, margin: np.ndarray) -> Box:
    """Voxels around everything that a mask holds."""
    slices = []
    for axis in range(3):
        rows = np.nonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))[0]
        slices.append(
            slice(
                int(max(rows[0] - margin[axis], 0)),
                int(min(rows[-1] + margin[axis] + 1, mask.shape[axis])),
            )
        )
    return slices[0], slices[1], slices[2]


@njit(cache=True, nogil=True)
@no_type_check
def _open_share(index, ball, inside):
    """Share of the ball around each voxel that lies outside; the body goes on below its grid."""
    result = np.zeros(len(index))
    for n in range(len(index)):
        for m in range(len(ball)):
            i, j, k = index[n, 0] + ball[m, 0], index[n, 1] + ball[m, 1], index[n, 2] + ball[m, 2]
            k = max(k, 0)
            known = i >= 0 and j >= 0 and i < inside.shape[0] and j < inside.shape[1]
            if not (known and k < inside.shape[2] and inside[i, j, k]):
                result[n] += 1.0 / len(ball)
    return result
