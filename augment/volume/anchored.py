"""CT-anchored twins: a real CT and its labels moved by a pathology's field, on their own grid, with
their own texture.

Outside the field's support every voxel is the original's, byte for byte.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float, Float32, Int16, Shaped
from numba import njit, prange
from scipy import ndimage

from augment.errors import GeometryError
from augment.pathology.deformation import Deformation, ramp
from augment.volume.anatomy.body import Body
from augment.volume.field.inversion import inverse
from augment.volume.field.lattice import Field, grid_points, jacobian
from augment.volume.field.subject import SubjectFields, relaxed, subject_fields
from augment.volume.field.twins import pathology_field
from augment.volume.files import check_affine
from augment.volume.grid import Grid, triple

STILL_MM = 0.01
"""A voxel that moves less than this keeps its bytes."""

AIR_FULL_MM, AIR_NONE_MM = 6.0, 60.0
"""Where a field fades out in the air around the head, which shows nothing of it: so slowly that 18
mm of motion compress air by no more than two thirds."""

SLAB = 16
"""Slices of which the Jacobian is taken at once, so that memory stays small."""


@dataclass(frozen=True)
class AnchoredTwin:
    """A real CT turned pathological.

    Attributes:
        image_hu: The twin's image on the original's grid.
        labels: Its labels, None where the original had none.
        displacement_mm: ``healthy_from_pathological`` on that grid, vectors in RAS world mm.
        support: Where voxels moved.
    """

    image_hu: Int16[np.ndarray, "x y z"]
    labels: Shaped[np.ndarray, "x y z"] | None
    displacement_mm: Float32[np.ndarray, "x y z 3"]
    support: Bool[np.ndarray, "x y z"]


def pathological_from_healthy(
    fields: SubjectFields,
    pathologies: Sequence[tuple[Deformation, float]],
    body: Body,
) -> Field:
    """Return where pathologies carry each point of a fitted head, head frame.

    Args:
        fields: Fields between the template and the fitted head.
        pathologies: Deformation and solved coefficient of each pathology.
        body: The filled template.

    Raises:
        GeometryError: If the pathologies fold the head.
    """
    grid = _widened(fields.template_from_head.grid)
    template_grid = _widened(fields.head_from_template.grid)
    added = pathology_field(pathologies, body, template_grid)
    fading = 1.0 - ramp(_air_mm(body, template_grid), AIR_FULL_MM, AIR_NONE_MM)
    added = Field(template_grid, added.displacement_mm * fading[..., None].astype(np.float32))
    points = grid_points(grid).reshape(-1, 3)
    moved = added.at(fields.template_from_head.move(points)).reshape(*grid.shape, 3)
    # A bent neck brings chin and throat so close that a receding chin would fold what is between.
    field = relaxed(Field(grid, moved.astype(np.float32)))
    least = float(jacobian(field).min())
    if least <= 0.0:
        raise GeometryError(
            f"expected pathologies that do not fold this CT, got a Jacobian of {least:.2f}: lower"
            " their severity"
        )
    return field


def _widened(grid: Grid) -> Grid:
    """Grid that reaches farther than any field does in air."""
    n_more = int(np.ceil(AIR_NONE_MM / min(grid.spacing_mm)))
    origin = np.array(grid.origin_mm) - n_more * np.array(grid.spacing_mm)
    nx, ny, nz = (n + 2 * n_more for n in grid.shape)
    return Grid(triple(origin), grid.spacing_mm, (nx, ny, nz))


def _air_mm(body: Body, grid: Grid) -> Float[np.ndarray, "x y z"]:
    """Distance outside the template's skin, 0 inside; the trunk goes on below."""
    index = (grid_points(grid) - body.grid.origin_mm) / body.grid.spacing_mm
    index = np.rint(index).astype(int)
    index[..., 2] = np.maximum(index[..., 2], 0)
    known = ((index >= 0) & (index < body.grid.shape)).all(axis=-1)
    inside = np.zeros(grid.shape, bool)
    inside[known] = body.inside[tuple(index[known].T)]
    return np.asarray(ndimage.distance_transform_edt(~inside, sampling=grid.spacing_mm))


def anchored_field(
    template_mm: Float[np.ndarray, "vertices 3"],
    fitted_mm: Float[np.ndarray, "vertices 3"],
    pathologies: Sequence[tuple[Deformation, float]],
    body: Body,
    step_mm: float = 3.0,
) -> Field:
    """Return ``healthy_from_pathological`` of a fitted subject, head frame.

    Args:
        template_mm: Skin of the template.
        fitted_mm: The same vertices fitted to the CT, head frame.
        pathologies: Deformation and solved coefficient of each pathology.
        body: The filled template.
        step_mm: Spacing of the lattice.
    """
    fields = subject_fields(template_mm, fitted_mm, step_mm)
    forward = pathological_from_healthy(fields, pathologies, body)
    return inverse(forward, forward.grid)


def anchored_twin(
    image_hu: Int16[np.ndarray, "x y z"],
    ras_from_voxel: Float[np.ndarray, "4 4"],
    healthy_from_pathological: Field,
    ras_from_head: Float[np.ndarray, "4 4"],
    labels: Shaped[np.ndarray, "a b c"] | None = None,
) -> AnchoredTwin:
    """Move a CT and its labels by a field.

    Args:
        image_hu: The original, HU.
        ras_from_voxel: Its affine.
        healthy_from_pathological: Field in the head frame.
        ras_from_head: Rigid placement of the head frame in the scan's world, from the fit.
        labels: Labels on the same grid.

    Raises:
        GeometryError: If labels lie on another grid or the field leaves nothing to move in the
        field of view.
    """
    check_affine(ras_from_voxel)
    if labels is not None and labels.shape != image_hu.shape:
        raise GeometryError(
            f"expected labels on the grid of the CT {image_hu.shape}, got {labels.shape}: "
            "resample them first"
        )
    head_from_voxel = np.linalg.inv(ras_from_head) @ ras_from_voxel
    rotation = np.asarray(ras_from_head, float)[:3, :3]
    field, grid = healthy_from_pathological.displacement_mm, healthy_from_pathological.grid
    image, displacement = np.array(image_hu), np.zeros((*image_hu.shape, 3), np.float32)
    support = np.zeros(image_hu.shape, bool)
    source = labels if labels is not None else np.zeros((1, 1, 1), np.uint8)
    moved_labels = np.array(source)
    _warp(
        image_hu,
        source,
        image,
        moved_labels,
        displacement,
        support,
        head_from_voxel,
        np.linalg.inv(head_from_voxel),
        rotation,
        field,
        np.array(grid.origin_mm),
        np.array(grid.spacing_mm),
        STILL_MM,
        labels is not None,
    )
    if not support.any():
        raise GeometryError(
            "expected the pathology within the CT's field of view, got no voxel that "
            "moves: choose another pathology or scan"
        )
    return AnchoredTwin(image, moved_labels if labels is not None else None, displacement, support)


def world_jacobian(
    displacement_mm: Float32[np.ndarray, "x y z 3"], ras_from_voxel: Float[np.ndarray, "4 4"]
) -> Float32[np.ndarray, "x y z"]:
    """Return the determinant of p + u(p) on a grid in any orientation.

    Args:
        displacement_mm: Vectors in RAS world mm at voxel centres.
        ras_from_voxel: Affine of the grid.
    """
    voxel_from_ras = np.linalg.inv(np.asarray(ras_from_voxel, float)[:3, :3]).astype(np.float32)
    n_slices = displacement_mm.shape[0]
    result = np.ones(displacement_mm.shape[:3], np.float32)
    for start in range(0, n_slices, SLAB):
        # One slice more on either side, so that slabs meet as if they were one.
        low, high = max(start - 1, 0), min(start + SLAB + 1, n_slices)
        by_voxel = np.stack(np.gradient(displacement_mm[low:high], axis=(0, 1, 2)), axis=-1)
        by_mm = by_voxel @ voxel_from_ras + np.eye(3, dtype=np.float32)
        stop = min(start + SLAB, n_slices)
        result[start:stop] = np.linalg.det(by_mm[start - low : stop - low])
    return result


@njit(cache=True, nogil=True, inline="always")
@no_type_check
def _mix(field, i, j, k, u, v, w, c):
    near = (field[i, j, k, c] * (1 - v) + field[i, j + 1, k, c] * v) * (1 - u) + (
        field[i + 1, j, k, c] * (1 - v) + field[i + 1, j + 1, k, c] * v
    ) * u
    far = (field[i, j, k + 1, c] * (1 - v) + field[i, j + 1, k + 1, c] * v) * (1 - u) + (
        field[i + 1, j, k + 1, c] * (1 - v) + field[i + 1, j + 1, k + 1, c] * v
    ) * u
    return near * (1 - w) + far * w


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _warp(
    source,
    source_labels,
    image,
    labels,
    displacement,
    support,
    head_from_voxel,
    voxel_from_head,
    rotation,
    field,
    origin,
    spacing,
    still,
    with_labels,
):
    shape = source.shape
    a, b = head_from_voxel, voxel_from_head
    for i in prange(shape[0]):
        for j in range(shape[1]):
            for k in range(shape[2]):
                x = (a[0, 0] * i + a[0, 1] * j + a[0, 2] * k + a[0, 3] - origin[0]) / spacing[0]
                y = (a[1, 0] * i + a[1, 1] * j + a[1, 2] * k + a[1, 3] - origin[1]) / spacing[1]
                z = (a[2, 0] * i + a[2, 1] * j + a[2, 2] * k + a[2, 3] - origin[2]) / spacing[2]
                if not (
                    0 <= x < field.shape[0] - 1
                    and 0 <= y < field.shape[1] - 1
                    and 0 <= z < field.shape[2] - 1
                ):
                    continue
                d, e, f = int(x), int(y), int(z)
                dx, dy, dz = (
                    _mix(field, d, e, f, x - d, y - e, z - f, 0),
                    _mix(field, d, e, f, x - d, y - e, z - f, 1),
                    _mix(field, d, e, f, x - d, y - e, z - f, 2),
                )
                if dx * dx + dy * dy + dz * dz < still * still:
                    continue
                support[i, j, k] = True
                for c in range(3):
                    displacement[i, j, k, c] = (
                        rotation[c, 0] * dx + rotation[c, 1] * dy + rotation[c, 2] * dz
                    )
                p = min(max(i + b[0, 0] * dx + b[0, 1] * dy + b[0, 2] * dz, 0.0), shape[0] - 1.0)
                q = min(max(j + b[1, 0] * dx + b[1, 1] * dy + b[1, 2] * dz, 0.0), shape[1] - 1.0)
                r = min(max(k + b[2, 0] * dx + b[2, 1] * dy + b[2, 2] * dz, 0.0), shape[2] - 1.0)
                if with_labels:
                    labels[i, j, k] = source_labels[
                        int(np.floor(p + 0.5)), int(np.floor(q + 0.5)), int(np.floor(r + 0.5))
                    ]
                i0, j0, k0 = (
                    min(int(p), shape[0] - 2),
                    min(int(q), shape[1] - 2),
                    min(int(r), shape[2] - 2),
                )
                u, v, w = p - i0, q - j0, r - k0
                total = 0.0
                for corner in range(8):
                    ci, cj, ck = corner & 1, (corner >> 1) & 1, (corner >> 2) & 1
                    weight = (u if ci else 1 - u) * (v if cj else 1 - v) * (w if ck else 1 - w)
                    total += weight * source[i0 + ci, j0 + cj, k0 + ck]
                image[i, j, k] = int(np.floor(total + 0.5))
