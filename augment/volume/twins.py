"""A case in the dense: fields of the healthy and the pathological head, and the field between the
twins.

Pathologies are the same functions that move the mesh, sampled with the depth below the template's
skin; so skin agrees with the
mesh and bone moves by its own share.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from augment.errors import GeometryError
from augment.pathology.deformation import Deformation
from augment.volume.anatomy.body import Body
from augment.volume.grid import Grid, grid_over
from augment.volume.lattice import Field, composed, grid_points, identity_field, inverse, jacobian
from augment.volume.subject import head_from_template

STEP_MM, FINEST_MM = 2.0, 3.0
"""Spacing of the lattice that holds the fields, and of the finest splines that shape them."""

REACH_MM = 24.0
"""How far the fields go beyond the scan: farther than any subject's skin lies from the
template's."""


@dataclass(frozen=True)
class TwinFields:
    """All fields of one case, head frame.

    Attributes:
        healthy_from_template: Carries the template to the healthy head.
        template_from_healthy: Its inverse.
        pathological_from_template: Carries the template to the pathological head.
        template_from_pathological: Its inverse.
    """

    healthy_from_template: Field
    template_from_healthy: Field
    pathological_from_template: Field
    template_from_pathological: Field

    def healthy_from_pathological(self, grid: Grid) -> Field:
        """Return where each point of the pathological head is in the healthy one: the field that
        makes the twin."""
        return composed(self.template_from_pathological, self.healthy_from_template, grid)


def template_depth(body: Body, grid: Grid) -> Float32[np.ndarray, "x y z"]:
    """Return the depth below the template's skin at the nodes of a grid, mm."""
    points = grid_points(grid).reshape(-1, 3)
    index = np.rint((points - body.grid.origin_mm) / body.grid.spacing_mm).astype(int)
    inside = ((index >= 0) & (index < body.grid.shape)).all(axis=1)
    depth = np.zeros(len(points), np.float32)
    depth[inside] = body.depth_mm[tuple(index[inside].T)]
    return depth.reshape(grid.shape)


def pathology_field(
    pathologies: Sequence[tuple[Deformation, float]], body: Body, grid: Grid
) -> Field:
    """Sum pathologies, each with its solved coefficient, on a grid in template space."""
    if not pathologies:
        return identity_field(grid)
    points = grid_points(grid).reshape(-1, 3)
    depth = template_depth(body, grid).reshape(-1).astype(float)
    total = sum(
        coefficient * deformation.displacement(points, depth)
        for deformation, coefficient in pathologies
    )
    return Field(grid, np.asarray(total).reshape(*grid.shape, 3).astype(np.float32))


def twin_fields(
    template_mm: Float[np.ndarray, "vertices 3"],
    healthy_mm: Float[np.ndarray, "vertices 3"],
    pathologies: Sequence[tuple[Deformation, float]],
    body: Body,
    grid: Grid,
) -> TwinFields:
    """Build the fields of a case.

    Args:
        template_mm: Skin of the template.
        healthy_mm: The same vertices of the healthy subject.
        pathologies: Deformation and solved coefficient of each pathology.
        body: The filled template, for depths.
        grid: Scan grid, head frame, on which the inverses are kept: between its nodes they are
            good to some hundredths of a millimetre.

    Raises:
        GeometryError: If the pathological field folds.
    """
    last = [grid.axis_mm(axis)[-1] for axis in range(3)]
    lattice = grid_over(np.array(grid.origin_mm) - REACH_MM, np.array(last) + REACH_MM, STEP_MM)
    healthy = head_from_template(template_mm, healthy_mm, lattice, FINEST_MM)
    added = pathology_field(pathologies, body, healthy.grid)
    total = Field(healthy.grid, healthy.displacement_mm + added.displacement_mm)
    least = float(jacobian(total).min())
    if least <= 0.0:
        raise GeometryError(
            f"expected a pathology without folds, got a Jacobian of {least:.2f}: lower its severity"
        )
    return TwinFields(healthy, inverse(healthy, grid), total, inverse(total, grid))
