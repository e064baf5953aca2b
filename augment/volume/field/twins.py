"""A case in the dense: fields of the healthy and the pathological head, and the field between the
twins.

Pathologies are the same functions that move the mesh, sampled with the depth below the template's
skin; so skin agrees with the
mesh and bone moves by its own share.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float
from numba import njit, prange
from scipy import ndimage

from augment.errors import GeometryError
from augment.pathology.deformation import Deformation
from augment.volume.anatomy.body import Body
from augment.volume.field.lattice import (
    Field,
    _at,
    _blend,
    _cell_at,
    _inverses,
    _values,
    grid_points,
    jacobian,
)
from augment.volume.field.motion import Motion, expressed, motion_shares, posed
from augment.volume.field.refinement import (
    NEAR_MM,
    Inverse,
    _exact,
    _is_marked,
    differing_cells,
    exact_inverse,
    exact_inverse_of_changed,
)
from augment.volume.field.subject import head_from_template, outer_skin, relaxed
from augment.volume.grid import Box, Grid, grid_over

STEP_MM, FINEST_MM = 2.0, 3.0
"""Spacing of the lattice that holds the fields, and of the finest splines that shape them."""

COUNTERPART_STEPS, COUNTERPART_MM = 6, 1.0e-3

SUPPORT_STEP_MM = 8.0
"""Where a pathology moves anything at all is looked for at this spacing."""

DEEP_MM = 100.0
"""A depth at which everything moves as bone does."""

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
    template_from_healthy: Inverse
    pathological_from_template: Field
    template_from_pathological: Inverse

    @cached_property
    def differing(self) -> Bool[np.ndarray, "x y z"]:
        """Cells of the inverses' grid in which the twins differ, named by their lowest corner."""
        return differing_cells(
            self.template_from_healthy.nodes, self.template_from_pathological.nodes
        )

    def healthy_from_pathological(self, grid: Grid) -> Field:
        """Return where each point of the pathological head is in the healthy one: the field that
        makes the twin. It is 0 where both twins are the same, on any grid.

        The field is solved against the inverses through which both twins pull the template, so
        that it leads to the very content that the healthy twin has.
        """
        result = np.zeros((*grid.shape, 3), np.float32)
        _between(result, *grid.geometry, self.twin_arrays())
        return Field(grid, result)

    def twin_arrays(self) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...], np.ndarray]:
        """Return what compiled kernels read of the pathological and of the healthy inverse, and
        where they differ. Both stand on one grid, and so do both forward fields."""
        back, known = self.template_from_pathological, self.template_from_healthy
        values, origin, spacing, rough, forth, *lattice = back.arrays()
        known_values, _, _, known_rough, known_forth, *_ = known.arrays()
        return (
            (values, origin, spacing, rough, forth),
            (known_values, known_rough, known_forth, *lattice),
            self.differing,
        )


def template_depth(
    body: Body, points_mm: Float[np.ndarray, "points 3"]
) -> Float[np.ndarray, " points"]:
    """Return the depth of points below the template's skin, interpolated, mm."""
    index = (points_mm - body.grid.origin_mm) / body.grid.spacing_mm
    return np.asarray(ndimage.map_coordinates(body.depth_mm, index.T, order=1, output=np.float64))


def pathology_field(
    pathologies: Sequence[tuple[Deformation, float]], body: Body, grid: Grid
) -> Field:
    """Sum pathologies, each with its solved coefficient, on a grid in template space."""
    total = np.zeros((*grid.shape, 3), np.float32)
    for deformation, coefficient in pathologies:
        box = _support(deformation, grid)
        inner = grid.box_grid(box)
        points = grid_points(inner).reshape(-1, 3)
        moved = coefficient * deformation.displacement(points, template_depth(body, points))
        total[box] += moved.reshape(*inner.shape, 3).astype(np.float32)
    return Field(grid, total)


def _support(deformation: Deformation, grid: Grid) -> Box:
    """Box of nodes outside which a deformation is zero, found on a coarse sample with a margin."""
    last = [grid.axis_mm(axis)[-1] for axis in range(3)]
    coarse = grid_over(grid.origin_mm, last, SUPPORT_STEP_MM)
    points = grid_points(coarse).reshape(-1, 3)
    # Skin and bone may move in different places: ask at the surface and far below it.
    depths = (np.zeros(len(points)), np.full(len(points), DEEP_MM))
    moved = [deformation.displacement(points, depth).any(axis=1) for depth in depths]
    moves = (moved[0] | moved[1]).reshape(coarse.shape)
    if not moves.any():
        return (slice(0, 0),) * 3
    where = np.argwhere(moves)
    low, high = where.min(axis=0), where.max(axis=0)
    corners = [coarse.origin_mm + SUPPORT_STEP_MM * (c + s) for c, s in ((low, -1), (high, 1))]
    return grid.box_around(*corners)


def twin_fields(
    template_mm: Float[np.ndarray, "vertices 3"],
    healthy_mm: Float[np.ndarray, "vertices 3"],
    pathologies: Sequence[tuple[Deformation, float]],
    body: Body,
    grid: Grid,
    motion: Motion | None = None,
) -> TwinFields:
    """Build the fields of a case.

    Args:
        template_mm: Skin of the template.
        healthy_mm: The same vertices of the healthy subject.
        pathologies: Deformation and solved coefficient of each pathology.
        body: The filled template, for depths.
        grid: Grid, head frame, on whose nodes the inverses are kept.
        motion: Expression, jaw and gaze of both twins; None at rest.

    Raises:
        GeometryError: If the field folds.
    """
    healthy, total = forward_fields(template_mm, healthy_mm, pathologies, body, grid, motion)
    back = exact_inverse(healthy, grid)
    if total is healthy:
        return TwinFields(healthy, back, healthy, back)
    return TwinFields(healthy, back, total, exact_inverse_of_changed(total, back))


def lattice_around(grid: Grid) -> Grid:
    """Return the lattice on which the fields of a scan grid are kept."""
    last = [grid.axis_mm(axis)[-1] for axis in range(3)]
    return grid_over(np.array(grid.origin_mm) - REACH_MM, np.array(last) + REACH_MM, STEP_MM)


def forward_fields(
    template_mm: Float[np.ndarray, "vertices 3"],
    healthy_mm: Float[np.ndarray, "vertices 3"],
    pathologies: Sequence[tuple[Deformation, float]],
    body: Body,
    grid: Grid,
    motion: Motion | None = None,
) -> tuple[Field, Field]:
    """Return ``healthy_from_template`` and ``pathological_from_template``; see `twin_fields`.

    Both are the very same field where there is no pathology.
    """
    lattice = lattice_around(grid)
    skin = outer_skin(template_mm, body)
    healthy = head_from_template(template_mm[skin], healthy_mm[skin], lattice, FINEST_MM)
    shares = None
    if motion is not None:
        shares = motion_shares(motion, template_mm, skin, body, lattice)
        healthy = relaxed(expressed(healthy, motion, template_mm, skin, shares))
    total = healthy
    if pathologies:
        added = pathology_field(pathologies, body, lattice)
        total = relaxed(Field(lattice, healthy.displacement_mm + added.displacement_mm))
    if motion is not None and shares is not None:
        same = total is healthy
        healthy = relaxed(posed(healthy, motion, shares))
        total = healthy if same else relaxed(posed(total, motion, shares))
    least = float(jacobian(total).min())
    if least <= 0.0:
        raise GeometryError(
            f"expected a head without folds, got a Jacobian of {least:.2f}: lower the severity of "
            "its pathologies, or its expression and jaw rotation"
        )
    return healthy, total


@njit(cache=True, nogil=True, forceinline=True)
@no_type_check
def counterpart(x, y, z, back, origin, per_mm, rough_back, forth_back, known, rough, forth,
                f_origin, f_per_mm):  # fmt: skip
    """Displacement from a point of the pathological head to the same content in the healthy one.

    The content is at x + back; the partner with partner + known(partner) = x + back is found by
    the forward field, which known inverts, and improved where known does not lead back.
    """
    a, b, c = _exact(back, origin, per_mm, rough_back, forth_back, f_origin, f_per_mm, x, y, z)
    tx, ty, tz = x + a, y + b, z + c
    u, v, w = _at(forth, f_origin, f_per_mm, tx, ty, tz)
    qx, qy, qz = tx + u, ty + v, tz + w
    i, j, k, r, s, t = _cell_at(known.shape, origin, per_mm, qx, qy, qz)
    a, b, c = _blend(known, i, j, k, r, s, t)
    # From nearby, known's own Newton step leads back to within its tolerance.
    limit = NEAR_MM if rough[i, j, k] else COUNTERPART_MM
    if max(abs(a + u), abs(b + v), abs(c + w)) < limit:
        return qx - x, qy - y, qz - z
    return _improved(x, y, z, tx, ty, tz, u, v, w, origin, per_mm, known, rough, forth,
                     f_origin, f_per_mm)  # fmt: skip


@njit(cache=True, nogil=True)
@no_type_check
def _improved(x, y, z, tx, ty, tz, u, v, w, origin, per_mm, known, rough, forth,
              f_origin, f_per_mm):  # fmt: skip
    """What `counterpart` returns, by as many steps as it takes."""
    qx, qy, qz = tx + u, ty + v, tz + w
    for _ in range(COUNTERPART_STEPS):
        a, b, c = _exact(known, origin, per_mm, rough, forth, f_origin, f_per_mm, qx, qy, qz)
        sx, sy, sz = qx + a, qy + b, qz + c
        if max(abs(sx - tx), abs(sy - ty), abs(sz - tz)) < COUNTERPART_MM:
            break
        d, e, f = _at(forth, f_origin, f_per_mm, sx, sy, sz)
        qx, qy, qz = qx + tx + u - sx - d, qy + ty + v - sy - e, qz + tz + w - sz - f
    return qx - x, qy - y, qz - z


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _between(result, to_origin, to_spacing, twins):
    back, origin, spacing, rough_back, forth_back = twins[0]
    known, rough, forth, f_origin, f_spacing = twins[1]
    differing = twins[2]
    for i in prange(result.shape[0]):
        first, per_mm = _values(origin), _inverses(spacing)
        f_first, f_per_mm = _values(f_origin), _inverses(f_spacing)
        x = to_origin[0] + to_spacing[0] * i
        for j in range(result.shape[1]):
            y = to_origin[1] + to_spacing[1] * j
            for k in range(result.shape[2]):
                z = to_origin[2] + to_spacing[2] * k
                if not _is_marked(differing, first, per_mm, x, y, z):
                    continue
                a, b, c = counterpart(
                    x, y, z, back, first, per_mm, rough_back, forth_back, known, rough, forth,
                    f_first, f_per_mm,
                )  # fmt: skip
                result[i, j, k, 0], result[i, j, k, 1], result[i, j, k, 2] = a, b, c
