"""Reads a NIfTI volume and refuses, in one sentence, what cannot be a head in millimetres.

A :class:`Volume` is float32 values on a lattice with an affine to RAS world millimetres; its axes
are reordered so that i, j, k run closest to right, anterior, superior. Nothing is resampled,
cropped or rescaled here.
"""

import zlib
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from jaxtyping import Bool, Float
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from augment.errors import AssetError, GeometryError

MIN_EXTENT_MM = 80.0
MAX_EXTENT_MM = 2600.0
MIN_VOXELS_PER_AXIS = 8
# A smallest-to-largest singular value ratio below this is a flattened lattice, not thick slices.
SINGULAR_RATIO = 1e-4
# sform and qform differ by rounding in many files; by more than this one of them is wrong.
MAX_DISAGREEMENT_MM = 1.0


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
    path = Path(path)
    if not path.is_file():
        raise AssetError(
            f"expected a NIfTI file, got {str(path)!r}, which does not exist: check the path"
        )
    image = _load(path)
    _check_header(image, path)
    image = image if keep_axes else nib.as_closest_canonical(image)
    values = _values(image, path)
    return Volume(values=values, world_from_voxel=np.array(image.affine, dtype=np.float64))


def _load(path: Path) -> nib.Nifti1Image:
    """Open the header; anything nibabel cannot open as NIfTI-1 or NIfTI-2 is an AssetError."""
    try:
        image = nib.load(path)
    except (ImageFileError, HeaderDataError, OSError, EOFError, ValueError, zlib.error) as error:
        raise AssetError(
            f"expected a NIfTI file (.nii or .nii.gz), got {str(path)!r}, which is not one or is "
            f"damaged ({type(error).__name__}): convert it, for example with dcm2niix"
        ) from error
    if not isinstance(image, nib.Nifti1Image):  # Nifti2Image is a subclass
        raise AssetError(
            f"expected a NIfTI file (.nii or .nii.gz), got {str(path)!r} of type "
            f"{type(image).__name__}: convert it"
        )
    return image


def _check_header(image: nib.Nifti1Image, path: Path) -> None:
    """Refuse wrong dimensions, types, units and affines before any voxel is read."""
    shape = tuple(n for axis, n in enumerate(image.shape) if axis < 3 or n != 1)
    if len(shape) != 3 or min(shape) < MIN_VOXELS_PER_AXIS:
        raise GeometryError(
            f"expected a 3D volume of at least {MIN_VOXELS_PER_AXIS} voxels along each axis, got "
            f"shape {image.shape} in {str(path)!r}: pass one 3D volume"
        )
    kind = image.get_data_dtype()
    if kind.kind not in "iuf":
        raise GeometryError(
            f"expected real numbers, got voxels of type {kind} in {str(path)!r}: "
            "pass a scalar volume"
        )
    unit = image.header.get_xyzt_units()[0]
    if unit not in ("mm", "unknown"):
        raise GeometryError(
            f"expected spatial units of mm, got {unit!r} in the header of {str(path)!r}: "
            "rewrite the file in millimetres"
        )
    _check_codes(image, path)
    _check_affine(np.asarray(image.affine, dtype=np.float64), shape, path)


def _check_codes(image: nib.Nifti1Image, path: Path) -> None:
    """Refuse a header that says nowhere, or in two ways, where the voxels are."""
    sform, qform = image.get_sform(coded=True), image.get_qform(coded=True)
    if not (sform[1] or qform[1]):
        raise GeometryError(
            f"expected an affine, got sform_code and qform_code of 0 in {str(path)!r}, which "
            "leave left and right open: convert the scan again, for example with dcm2niix"
        )
    if not (sform[1] and qform[1] and np.isfinite(sform[0]).all()):
        return
    last = np.array([*np.array(image.shape[:3]) - 1.0, 1.0])
    corners = np.array([[0.0, 0.0, 0.0, 1.0], last])
    apart = float(np.linalg.norm(corners @ (sform[0] - qform[0]).T, axis=1).max())
    if apart > MAX_DISAGREEMENT_MM:
        raise GeometryError(
            f"expected sform and qform to agree, got affines that place voxels {apart:.1f} mm apart"
            f" in {str(path)!r}: repair the header, for example with nibabel's set_qform(sform)"
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


def _values(image: nib.Nifti1Image, path: Path) -> Float[np.ndarray, "i j k"]:
    """Read the voxels as float32, refusing damaged and non-finite data."""
    try:
        values = np.asarray(image.dataobj, dtype=np.float32)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise AssetError(
            f"expected {image.shape} voxels, got a truncated or damaged file {str(path)!r} "
            f"({type(error).__name__}): copy it again"
        ) from error
    values = values.reshape(values.shape[:3])
    n_bad = int(np.size(values) - np.isfinite(values).sum())
    if n_bad:
        raise GeometryError(
            f"expected finite voxels, got {n_bad} NaN or infinite ones in {str(path)!r}: "
            "replace them by the value of air"
        )
    return np.ascontiguousarray(values)
