"""A NIfTI file of a stranger: what its header promises is checked before a voxel is read.

A few bytes can promise terabytes, and a short gzip stream can inflate to as many. Enters: a path.
Leaves: a header whose promise is possible, then voxels, some slices at a time, never more than
promised.
"""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite, prod
from pathlib import Path
from typing import IO, Any, cast

import nibabel as nib
import numpy as np
from isal import igzip, isal_zlib
from jaxtyping import Shaped
from nibabel.arrayproxy import ArrayProxy
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from augment.errors import AssetError, GeometryError
from augment.untrusted import plain_size, shown

MAX_VOXELS = 3 << 26
"""586 along each edge; a head in voxels of 0.3 mm is as large. So many zeros, which inflate from
almost nothing, are read and refused in less than 10 s and 2 GB."""
VOXEL_BYTES = 4
MAX_FILE_BYTES = 2_000_000_000
MAX_EXTENSION_BYTES = 1 << 26
"""What may lie between header and voxels."""
SLAB_BYTES = 1 << 25

GZIP_MAGIC = b"\x1f\x8b"
# Size of the header, by which NIfTI-1 and NIfTI-2 tell themselves apart: class and magic.
KINDS: dict[int, tuple[type[Any], bytes]] = {
    348: (nib.Nifti1Header, b"n+1\0"),
    540: (nib.Nifti2Header, b"n+2\0"),
}
DAMAGED: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    ValueError,
    zlib.error,
    cast("type[Exception]", isal_zlib.error),
)

NO_HEADER: tuple[type[Exception], ...] = (
    *DAMAGED,
    HeaderDataError,
    WrapStructError,
    KeyError,
    TypeError,
)


@dataclass(frozen=True)
class NiftiFile:
    """A file whose header makes a promise that can be kept.

    Attributes:
        path: The file.
        header: Its header, as it is stored.
        shape: Voxels along each axis, all above 0.
        dtype: Type of a stored voxel.
        offset: Where the voxels begin, in bytes of the inflated file.
    """

    path: Path
    header: nib.Nifti1Header
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int

    @property
    def sides(self) -> tuple[int, ...]:
        """Voxels along each axis, without axes of length 1 behind the third."""
        sides = list(self.shape)
        while len(sides) > 3 and sides[-1] == 1:
            sides.pop()
        return tuple(sides)

    def slabs(self, dtype: type[Any] | None = None) -> Iterator[Shaped[np.ndarray, "..."]]:
        """Yield the voxels, scaled as the header says, some slices of the last axis at a time.

        Args:
            dtype: Type to calculate and return in; None leaves it to nibabel, as `np.asarray` of
                an image does.

        Raises:
            AssetError: If the file is truncated or damaged.
        """
        slope, inter = self._scaling()
        sides = self.sides
        slice_bytes = prod(sides[:-1]) * self.dtype.itemsize
        n_slices = max(1, SLAB_BYTES // slice_bytes)
        with _inflated(self.path) as stream:
            for first in range(0, sides[-1], n_slices):
                shape = (*sides[:-1], min(n_slices, sides[-1] - first))
                offset = self.offset + first * slice_bytes
                try:
                    proxy = ArrayProxy(
                        stream, (shape, self.dtype, offset, slope, inter), mmap=False
                    )
                    with np.errstate(all="ignore"):  # infinities are refused by who reads them
                        yield np.asarray(proxy, dtype=dtype)
                except DAMAGED as error:
                    raise self._damaged(error) from error
            try:
                stream.read(1)  # at the end of a stream its checksum is compared
            except DAMAGED as error:
                raise self._damaged(error) from error

    def values(self) -> Shaped[np.ndarray, "..."]:
        """Return all voxels of `sides`, as `np.asarray` of a nibabel image's data does.

        Raises:
            AssetError: If the file is truncated or damaged.
        """
        return np.concatenate(list(self.slabs()), axis=-1)

    def _scaling(self) -> tuple[float, float]:
        try:
            slope, inter = self.header.get_slope_inter()
        except HeaderDataError as error:
            raise GeometryError(
                f"expected slope and intercept as numbers, got {shown(error)} in"
                f" {str(self.path)!r}: convert the scan again, for example with dcm2niix"
            ) from error
        return (1.0 if slope is None else slope), (0.0 if inter is None else inter)

    def _damaged(self, error: Exception) -> AssetError:
        return AssetError(
            f"expected {self.shape} voxels, got a truncated or damaged file {str(self.path)!r} "
            f"({type(error).__name__}): copy it again"
        )


def open_nifti(path: Path, max_voxels: int = MAX_VOXELS) -> NiftiFile:
    """Read the header of a single-file NIfTI-1 or NIfTI-2 volume, compressed by gzip or not.

    Args:
        path: The file.
        max_voxels: The most numbers that it may hold, each of four bytes on average.

    Raises:
        AssetError: If it is missing, no such file, or truncated.
        GeometryError: If it promises voxels that cannot be.
    """
    path = Path(path)
    size = plain_size(path, "a NIfTI file", MAX_FILE_BYTES)
    try:
        with _inflated(path) as stream:
            start = stream.read(max(KINDS))
            is_plain = not isinstance(stream, gzip.GzipFile)
        header = _header(start)
        shape = tuple(int(n) for n in header.get_data_shape())
        dtype = _stored_type(header)
        offset = float(header["vox_offset"])
    except NO_HEADER as error:
        reason = str(error) if isinstance(error, _NoNiftiError) else type(error).__name__
        raise AssetError(
            f"expected a NIfTI file (.nii or .nii.gz), got {str(path)!r}, which is not one or is "
            f"damaged ({reason}): convert it, for example with dcm2niix"
        ) from error
    _check_promise(shape, dtype, path, max_voxels)
    begin = header.sizeof_hdr + 4
    if not isfinite(offset) or (offset and not begin - 4 <= offset <= begin + MAX_EXTENSION_BYTES):
        raise AssetError(
            f"expected voxels right after the header, got a vox_offset of {offset:g} in"
            f" {str(path)!r}: convert it, for example with dcm2niix"
        )
    file = NiftiFile(path, header, shape, dtype, int(offset) or begin)
    missing = file.offset + prod(shape) * dtype.itemsize - size
    if is_plain and missing > 0:
        raise AssetError(
            f"expected {shape} voxels, got a truncated or damaged file {str(path)!r} "
            f"({missing} bytes are missing): copy it again"
        )
    return file


class _NoNiftiError(ValueError):
    """The start of a file is not that of a NIfTI file."""


def _header(start: bytes) -> nib.Nifti1Header:
    for order in ("little", "big"):
        n_bytes = int.from_bytes(start[:4], cast(Any, order))
        if n_bytes in KINDS and len(start) >= n_bytes:
            kind, magic = KINDS[n_bytes]
            header = kind(start[:n_bytes], check=False)
            if bytes(header["magic"]).ljust(len(magic), b"\0") != magic:
                raise _NoNiftiError(f"magic {bytes(header['magic'])!r}")
            return header
    raise _NoNiftiError("no header of 348 or 540 bytes")


def _stored_type(header: nib.Nifti1Header) -> np.dtype[Any]:
    try:
        return np.dtype(header.get_data_dtype())
    except (KeyError, HeaderDataError) as error:
        code = int(header["datatype"])
        raise _NoNiftiError(f"voxels of the unknown type {code}") from error


def _check_promise(
    shape: tuple[int, ...], dtype: np.dtype[Any], path: Path, max_voxels: int
) -> None:
    if not 1 <= len(shape) <= 7 or min(shape) < 1:
        raise GeometryError(
            f"expected voxels along every axis, got shape {shape} in {str(path)!r}: convert the"
            " scan again, for example with dcm2niix"
        )
    max_bytes = VOXEL_BYTES * max_voxels
    if prod(shape) > max_voxels or prod(shape) * dtype.itemsize > max_bytes:
        raise GeometryError(
            f"expected at most {max_voxels / 1e6:.0f} million voxels in"
            f" {max_bytes / 1e9:.1f} GB, got a header that promises"
            f" {' x '.join(str(n) for n in shape)} of {dtype.name} in {str(path)!r}: crop the scan"
            " to the head or resample it"
        )


@contextmanager
def _inflated(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        is_gzip = file.read(2) == GZIP_MAGIC
        file.seek(0)
        if not is_gzip:
            yield file
            return
        with igzip.IGzipFile(fileobj=file, mode="rb") as stream:
            yield cast("IO[bytes]", stream)
