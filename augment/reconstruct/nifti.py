"""Reads a NIfTI volume and refuses, in one sentence, what cannot be a head in millimetres.

A :class:`Volume` is float32 values on a lattice with an affine to RAS world millimetres; its axes
are reordered so that i, j, k run closest to right, anterior, superior. Nothing is resampled,
cropped or rescaled here.
"""

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from jaxtyping import Bool, Float
from nibabel.spatialimages import HeaderDataError

from augment.errors import GeometryError
from augment.reconstruct.nifti_file import NiftiFile, open_nifti

MIN_EXTENT_MM = 80.0
MAX_EXTENT_MM = 2600.0
MIN_VOXELS_PER_AXIS = 8
# A smallest-to-largest singular value ratio below this is a flattened lattice, not thick slices.
SINGULAR_RATIO = 1e-4
# sform and qform differ by rounding in many files; by more than this one of them is wrong.
MAX_DISAGREEMENT_MM = 1.0
STRAIGHT = np.array([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]])
"""nibabel's orientation of axes that stay as they are."""


@dataclass(frozen=True)
class Volume:
    """A scalar volume on a lattice in RAS world millimetres.

    Attributes:
        values: Values at voxel centres; axes closest to right, anterior, superior.
        world_from_voxel: Affine from voxel indices (centre of the first voxel is 0, 0, 0) to RAS
            world mm.
    """

    values: Float[np.ndarray, "i j k"]
    world_from_voxel: Float[np.ndarray, "4 4"]

    @property
    def spacing_mm(self) -> Float[np.ndarray, "3"]:
        """Distances between neighbouring voxel centres along i, j, k."""
        return np.linalg.norm(self.world_from_voxel[:3, :3], axis=0)

    def world(self, voxels: Float[np.ndarray, "p 3"]) -> Float[np.ndarray, "p 3"]:
        """Map voxel coordinates to world millimetres."""
        return voxels @ self.world_from_voxel[:3, :3].T + self.world_from_voxel[:3, 3]

    def voxel(self, points_mm: Float[np.ndarray, "p 3"]) -> Float[np.ndarray, "p 3"]:
        """Map world millimetres to voxel coordinates."""
        voxel_from_world = np.linalg.inv(self.world_from_voxel)
        return points_mm @ voxel_from_world[:3, :3].T + voxel_from_world[:3, 3]

    def contains(
        self, points_mm: Float[np.ndarray, "p 3"], margin: float
    ) -> Bool[np.ndarray, " p"]:
        """Say which points lie at least ``margin`` voxels inside the outermost voxel centres."""
        voxels = self.voxel(points_mm)
        last = np.array(self.values.shape) - 1.0
        return np.all((voxels >= margin) & (voxels <= last - margin), axis=1)


def read_volume(path: str | Path, *, keep_axes: bool = False) -> Volume:
    """Read a 3D NIfTI file in millimetres.

    A header without a spatial unit is read as millimetres, as the NIfTI tools do, and held to the
    same limits of size.

    Args:
        path: A ``.nii`` or ``.nii.gz`` file.
        keep_axes: Leave the axes in the order of the file.

    Returns:
        The volume with its axes turned (never resampled) to closest right, anterior, superior.

    Raises:
        AssetError: If the file is missing or is not a readable NIfTI file.
        GeometryError: If it is not 3D, not real-valued, not finite, not in millimetres, or its
        affine is missing, contradicts itself or is singular.
    """
    file = open_nifti(Path(path))
    _check_header(file)
    affine = np.asarray(file.header.get_best_affine(), dtype=np.float64)
    turn = nib.io_orientation(affine)
    if keep_axes or np.array_equal(turn, STRAIGHT):
        return Volume(_values(file, STRAIGHT, np.float32), affine)
    moved = affine @ nib.orientations.inv_ornt_aff(turn, file.sides)
    return Volume(_values(file, turn, None), moved)


def _check_header(file: NiftiFile) -> None:
    """Refuse wrong dimensions, types, units and affines before any voxel is read."""
    shape, path = file.sides, file.path
    if len(shape) != 3 or min(shape) < MIN_VOXELS_PER_AXIS:
        raise GeometryError(
            f"expected a 3D volume of at least {MIN_VOXELS_PER_AXIS} voxels along each axis, got "
            f"shape {file.shape} in {str(path)!r}: pass one 3D volume"
        )
    if file.dtype.kind not in "iuf":
        raise GeometryError(
            f"expected real numbers, got voxels of type {file.dtype} in {str(path)!r}: "
            "pass a scalar volume"
        )
    _check_unit(file.header, path)
    with np.errstate(all="ignore"):  # NaN and overflow are what is looked for
        _check_codes(file)
        _check_affine(np.asarray(file.header.get_best_affine(), dtype=np.float64), shape, path)


def _check_unit(header: nib.Nifti1Header, path: Path) -> None:
    try:
        unit = header.get_xyzt_units()[0]
    except KeyError:
        unit = f"code {int(header['xyzt_units'])}"
    if unit not in ("mm", "unknown"):
        raise GeometryError(
            f"expected spatial units of mm, got {unit!r} in the header of {str(path)!r}: "
            "rewrite the file in millimetres"
        )


def _check_codes(file: NiftiFile) -> None:
    """Refuse a header that says nowhere, or in two ways, where the voxels are."""
    header, path = file.header, file.path
    if not (header["sform_code"] or header["qform_code"]):
        raise GeometryError(
            f"expected an affine, got sform_code and qform_code of 0 in {str(path)!r}, which "
            "leave left and right open: convert the scan again, for example with dcm2niix"
        )
    if not header["qform_code"]:
        return
    _check_qform(header, path)
    sform, qform = header.get_sform(), header.get_qform()
    if not (header["sform_code"] and np.isfinite(sform).all()):
        return
    last = np.array([*np.array(file.sides) - 1.0, 1.0])
    corners = np.array([[0.0, 0.0, 0.0, 1.0], last])
    apart = float(np.linalg.norm(corners @ (sform - qform).T, axis=1).max())
    if not apart <= MAX_DISAGREEMENT_MM:
        raise GeometryError(
            f"expected sform and qform to agree, got affines that place voxels {apart:.1f} mm apart"
            f" in {str(path)!r}: repair the header, for example with nibabel's set_qform(sform)"
        )


def _check_qform(header: nib.Nifti1Header, path: Path) -> None:
    """Refuse a rotation or voxel sizes that nibabel would fill in."""
    sizes = np.asarray(header["pixdim"][1:4], dtype=np.float64)
    if not (np.isfinite(sizes).all() and sizes.min() > 0):
        raise GeometryError(
            f"expected voxel sizes above 0 mm, got {' x '.join(f'{n:g}' for n in sizes)} in"
            f" {str(path)!r}: repair the header (pixdim)"
        )
    try:
        is_rotation = bool(np.isfinite(header.get_qform()).all())
    except (ValueError, HeaderDataError):
        is_rotation = False
    if not is_rotation:
        raise GeometryError(
            f"expected a qform that is a rotation, got another quaternion or qfac in {str(path)!r}:"
            " repair the header, for example with nibabel's set_qform(sform)"
        )


def _check_affine(affine: Float[np.ndarray, "4 4"], shape: tuple[int, ...], path: Path) -> None:
    """Refuse an affine that is not finite, is singular, or makes a volume no head in mm fits."""
    sizes = (
        np.linalg.svd(affine[:3, :3], compute_uv=False)
        if np.isfinite(affine).all()
        else np.zeros(3)
    )
    if sizes[2] <= SINGULAR_RATIO * sizes[0]:
        rows = np.array2string(affine[:3], separator=", ", precision=4).replace("\n", "")
        raise GeometryError(
            f"expected an invertible affine, got the singular {rows} in {str(path)!r}: "
            "repair the header (sform, qform)"
        )
    extent = np.linalg.norm(affine[:3, :3], axis=0) * np.array(shape)
    if extent.min() < MIN_EXTENT_MM or extent.max() > MAX_EXTENT_MM:
        listed = " x ".join(f"{side:.4g}" for side in extent)
        raise GeometryError(
            f"expected a volume of {MIN_EXTENT_MM:.0f} to {MAX_EXTENT_MM:.0f} mm along each axis, "
            f"got {listed} in {str(path)!r}: check that its voxel sizes are in mm"
        )


def _values(
    file: NiftiFile, turn: Float[np.ndarray, "3 2"], dtype: type[np.float32] | None
) -> Float[np.ndarray, "i j k"]:
    """Read the voxels as float32 into turned axes, refusing damaged and non-finite data."""
    sides = np.array(file.sides)
    turned = sides[np.argsort(turn[:, 0])]
    values = np.zeros(turned, dtype=np.float32)
    # The same memory with the axes of the file.
    stored = nib.apply_orientation(values, nib.orientations.ornt_transform(STRAIGHT, turn))
    first, n_bad = 0, 0
    for slab in file.slabs(dtype):
        last = first + slab.shape[2]
        with np.errstate(over="ignore", invalid="ignore"):
            stored[:, :, first:last] = slab
        n_bad += int(slab.size - np.isfinite(stored[:, :, first:last]).sum())
        first = last
    if n_bad:
        raise GeometryError(
            f"expected finite voxels, got {n_bad} NaN or infinite ones in {str(file.path)!r}: "
            "replace them by the value of air"
        )
    return values
