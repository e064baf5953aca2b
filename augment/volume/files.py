"""NIfTI files of volumes: int16 HU, uint8 labels, float32 displacement and Jacobian, compressed
with isal and read back.

Frame: every file carries one affine to RAS+ millimetres as sform and as qform. Displacement vectors
are RAS millimetres, shape
(X, Y, Z, 1, 3), intent code 1006 (displacement vector), and point from where a voxel of the
*pathological* volume is to where its
content is in the *healthy* one, as resamplers need it. ITK, SimpleITK and 3D Slicer flip them to
LPS when they read intent 1006.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import no_type_check

import nibabel as nib
import numpy as np
from isal import igzip, isal_zlib
from jaxtyping import Float, Shaped
from nibabel.spatialimages import HeaderDataError
from numba import njit

from augment.errors import AssetError, GeometryError
from augment.reconstruct.nifti_file import MAX_VOXELS, NiftiFile, open_nifti

COMPRESSION_LEVEL = 1
DISPLACEMENT_INTENT = 1006
ORTHOGONAL_TOLERANCE = 1e-4
DATA_OFFSET = 352
BLOCK = 32
PIECE = 16_384
"""Compressed bytes that are unpacked at a time: what they hold stays in the cache."""

MAX_NUMBERS = 3 * MAX_VOXELS
"""Of the largest volume that is read, the displacement field."""
UNIT_MM = 2
UNITS = {0: "unknown", 1: "meter", 3: "micron"}
GZIP_WINDOW = 31
"""zlib's number for its largest window with the header of a gzip file."""


@dataclass(frozen=True)
class VolumeKind:
    """How one kind of volume is stored.

    Attributes:
        dtype: Type of a voxel.
        intent: NIfTI intent code.
        description: Text of the header, at most 79 characters.
    """

    dtype: str
    intent: int
    description: str


KINDS = {
    "ct": VolumeKind("int16", 0, "CT-like image, HU"),
    "signal": VolumeKind("int16", 0, "image of random or T1 contrast, arbitrary units"),
    "labels": VolumeKind("uint8", 1002, "labels, table in volume_labels.json"),
    "mandible_share": VolumeKind("uint8", 0, "share of a voxel that is mandible, 255 is all"),
    "fracture": VolumeKind("uint8", 1002, "1 fragment, 2 gap without a counterpart"),
    "displacement_mm": VolumeKind(
        "float32", DISPLACEMENT_INTENT, "healthy_from_pathological, RAS mm"
    ),
    "jacobian": VolumeKind("float32", 0, "Jacobian determinant of healthy_from_pathological"),
}


FILE_NAMES = {
    "image": "volume.nii.gz",
    "labels": "volume_labels.nii.gz",
    "displacement_mm": "volume_displacement_mm.nii.gz",
    "jacobian": "volume_jacobian.nii.gz",
    "mandible_share": "mandible_share.nii.gz",
    "fracture": "volume_fracture.nii.gz",
}
"""What a data set calls the files of a volume."""


def encode_volume(
    values: Shaped[np.ndarray, "..."], ras_from_voxel: Float[np.ndarray, "4 4"], kind: str
) -> bytes:
    """Return the bytes of a compressed NIfTI-1 file; the same input gives the same bytes.

    Args:
        values: Voxels (x, y, z), for ``displacement_mm`` vectors (x, y, z, 3) in RAS mm.
        ras_from_voxel: Affine from voxel centres to RAS mm.
        kind: One of `KINDS`.

    Raises:
        ValueError: If the kind is unknown or the values do not fit its type.
        GeometryError: If the affine is singular or sheared: a qform cannot hold it.
    """
    return _compressed(_file_content(values, ras_from_voxel, kind))


def _compressed(content: np.ndarray) -> bytes:
    return igzip.compress(content, COMPRESSION_LEVEL, mtime=0)


def _file_content(values: np.ndarray, ras_from_voxel: np.ndarray, kind: str) -> np.ndarray:
    """Bytes of a file before compression; see `encode_volume`."""
    if kind not in KINDS:
        raise ValueError(f"expected a kind of volume among {sorted(KINDS)}, got {kind!r}")
    check_affine(ras_from_voxel)
    stored = np.asarray(values)
    is_vector = kind == "displacement_mm"
    if is_vector and (stored.ndim != 4 or stored.shape[3] != 3):
        raise ValueError(f"expected vectors of shape (x, y, z, 3), got {stored.shape}")
    header = nib.Nifti1Header()
    header.set_data_dtype(KINDS[kind].dtype)
    header.set_data_shape((*stored.shape[:3], 1, 3) if is_vector else stored.shape)
    header.set_xyzt_units("mm", "unknown")
    header.set_sform(ras_from_voxel, code="scanner")
    header.set_qform(ras_from_voxel, code="scanner")
    header.set_slope_inter(1.0, 0.0)
    header["intent_code"] = KINDS[kind].intent
    header["descrip"] = KINDS[kind].description.encode()
    header["vox_offset"] = DATA_OFFSET
    content = _in_file_order(_cast(stored, KINDS[kind].dtype))
    content[: header.sizeof_hdr] = np.frombuffer(header.binaryblock, np.uint8)
    return content


def _in_file_order(voxels: np.ndarray) -> np.ndarray:
    """Bytes of a file without its header: x runs fastest, components of vectors last."""
    little = np.ascontiguousarray(voxels, voxels.dtype.newbyteorder("<"))
    bits = little.view(f"<u{little.itemsize}").reshape(*little.shape[:3], -1)
    content = np.zeros(DATA_OFFSET + little.nbytes, np.uint8)
    _turn_round(bits, content[DATA_OFFSET:].view(bits.dtype).reshape(bits.shape[::-1]))
    return content


@njit(cache=True, nogil=True)
@no_type_check
def _turn_round(values, turned):
    """Reverse the order of axes, some rows of x at a time so that both sides stay in the cache."""
    n_x, n_y, n_z, n_c = values.shape
    for j in range(n_y):
        for first in range(0, n_x, BLOCK):
            last = min(first + BLOCK, n_x)
            for k in range(n_z):
                for c in range(n_c):
                    for i in range(first, last):
                        turned[c, k, j, i] = values[i, j, k, c]


def check_affine(ras_from_voxel: Float[np.ndarray, "4 4"]) -> None:
    """Refuse affines that are not rotation, reflection and positive scale.

    Raises:
        GeometryError: If the affine is singular, sheared or not finite.
    """
    axes = np.asarray(ras_from_voxel, float)[:3, :3]
    size = np.linalg.norm(axes, axis=0)
    if not np.isfinite(ras_from_voxel).all() or size.min() < 1e-6:
        raise GeometryError(
            "expected an affine with three axes of positive length, got axes of "
            f"{size.tolist()} mm: repair the header"
        )
    unit = axes / size
    shear = float(np.abs(unit.T @ unit - np.eye(3)).max())
    if shear > ORTHOGONAL_TOLERANCE:
        raise GeometryError(
            f"expected axes at right angles, got a shear of {shear:.4f}: resample the "
            "volume to an orthogonal grid first"
        )


def _cast(values: np.ndarray, dtype: str) -> np.ndarray:
    if values.dtype == dtype:
        return values
    if not np.isfinite(values).all():
        raise ValueError(
            f"expected finite values to store as {dtype}, got "
            f"{int((~np.isfinite(values)).sum())} that are not"
        )
    if dtype.startswith("float"):
        return values.astype(dtype)
    limits = np.iinfo(dtype)
    if (
        values.min() < limits.min
        or values.max() > limits.max
        or (values.dtype.kind == "f" and (values != np.rint(values)).any())
    ):
        raise ValueError(
            f"expected whole numbers from {limits.min} to {limits.max} to store as {dtype}, "
            f"got {values.min()} to {values.max()} of {values.dtype}"
        )
    return values.astype(dtype)


def write_volume(
    path: Path,
    values: Shaped[np.ndarray, "..."],
    ras_from_voxel: Float[np.ndarray, "4 4"],
    kind: str,
) -> None:
    """Write one volume atomically and compare what is on disk with what was asked for.

    Args:
        path: Target, ``.nii.gz``.
        values: As in `encode_volume`.
        ras_from_voxel: As in `encode_volume`.
        kind: As in `encode_volume`.

    Raises:
        AssetError: If the file on disk differs.
    """
    content = _file_content(values, ras_from_voxel, kind)
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(_compressed(content))
    partial.replace(path)
    if not _holds(path, content):
        raise _written_wrongly(path)


def check_written(
    path: Path, values: Shaped[np.ndarray, "..."], ras_from_voxel: Float[np.ndarray, "4 4"]
) -> None:
    """Compare a file on disk with what was to be written.

    Args:
        path: The file.
        values: As in `encode_volume`.
        ras_from_voxel: As in `encode_volume`.

    Raises:
        AssetError: If the file on disk differs.
    """
    header = nib.Nifti1Header(_first_bytes(path))
    wanted = _in_file_order(_cast(np.asarray(values), header.get_data_dtype().name))
    wanted[: header.sizeof_hdr] = np.frombuffer(header.binaryblock, np.uint8)
    affines = (header.get_sform(), header.get_qform())
    if not (
        all(np.allclose(affine, ras_from_voxel, atol=1e-4) for affine in affines)
        and _holds(path, wanted)
    ):
        raise _written_wrongly(path)


def _written_wrongly(path: Path) -> AssetError:
    return AssetError(
        f"expected {path} to hold what was written, got other voxels or another affine back: "
        "check the disk"
    )


def _first_bytes(path: Path) -> bytes:
    """The header of a compressed file."""
    with igzip.open(path) as file:
        return bytes(file.read(nib.Nifti1Header.sizeof_hdr))


def _holds(path: Path, content: np.ndarray) -> bool:
    """Whether a compressed file holds these bytes, compared piece by piece."""
    packed, unpacker = path.read_bytes(), isal_zlib.decompressobj(wbits=GZIP_WINDOW)
    place = 0
    for start in range(0, len(packed), PIECE):
        if unpacker.eof:
            return False
        part = unpacker.decompress(memoryview(packed)[start : start + PIECE])
        if part != content[place : place + len(part)].tobytes():
            return False
        place += len(part)
    return place == len(content) and unpacker.eof and not unpacker.unused_data


def read_written(path: Path) -> tuple[Shaped[np.ndarray, "..."], Float[np.ndarray, "4 4"]]:
    """Read a volume of `write_volume` back: voxels, vectors as (x, y, z, 3), and affine."""
    file = open_nifti(path, MAX_NUMBERS)
    sform, qform = _affines(file)
    if not np.allclose(sform, qform, atol=1e-4):
        raise AssetError(f"expected sform and qform of {path} to agree, got two different affines")
    values = file.values()
    if int(file.header["intent_code"]) == DISPLACEMENT_INTENT and values.ndim == 5:
        values = values[:, :, :, 0, :]
    return values, sform


def _affines(file: NiftiFile) -> tuple[Float[np.ndarray, "4 4"], Float[np.ndarray, "4 4"]]:
    """Return sform and qform; a qform that is none as zeros."""
    try:
        qform = np.asarray(file.header.get_qform(), dtype=np.float64)
    except (ValueError, HeaderDataError):
        qform = np.zeros((4, 4))
    return np.asarray(file.header.get_sform(), dtype=np.float64), qform


def convention_mistakes(path: Path, key: str) -> list[str]:
    """Read a header and say what does not follow the conventions of these files.

    Args:
        path: A file of a data set.
        key: What it holds, a key of `FILE_NAMES`.

    Returns:
        One sentence for each mistake: sform = qform, millimetres, type and intent of its kind.
    """
    file = open_nifti(path, MAX_NUMBERS)
    header = file.header
    kind = KINDS["ct" if key == "image" else key]
    found = []
    if not np.allclose(*_affines(file), atol=1e-4):
        found.append(f"{path} has an sform that is not its qform")
    unit = int(header["xyzt_units"]) & 7
    if unit != UNIT_MM:
        found.append(f"{path} has spatial units of {UNITS.get(unit, f'code {unit}')}, not mm")
    if file.dtype != kind.dtype:
        found.append(f"{path} holds {file.dtype}, not {kind.dtype}")
    if int(header["intent_code"]) != kind.intent:
        found.append(f"{path} has intent {int(header['intent_code'])}, not {kind.intent}")
    return found
