"""Looking into a file before it is decoded or copied: what its header promises must be possible.

A few bytes can promise gigabytes. Nothing here decompresses more than a header and what that header
says follows it.
"""

import struct
import tokenize
import zlib
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import cv2
import nibabel as nib
import numpy as np
from jaxtyping import Float, Shaped
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from augment.errors import AssetError
from augment.untrusted import read_bounded, short

PNG_START = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
# The largest picture that a recipe can ask for is 4096 x 4096.
MAX_PIXELS = 1 << 26
# 768 voxels along each edge: 0.3 mm over a head and more.
MAX_VOXELS = 768**3
MAX_PICTURE_BYTES = 500_000_000
# Three numbers of four bytes for each pixel.
MAX_ARRAY_BYTES = 12 * MAX_PIXELS
READ_HEADER = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
BROKEN_ARCHIVE = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    EOFError,
    RuntimeError,  # an encrypted archive
    SyntaxError,
    OverflowError,
    MemoryError,
    BadZipFile,
    zlib.error,
    struct.error,
    tokenize.TokenError,
)
NIFTI_HEADER_BYTES = 352
GZIP = 31
VOLUME_SUFFIX = "nii.gz"


def read_picture(path: Path) -> Shaped[np.ndarray, "height width *channels"]:
    """Return a picture of a data set as it is stored, colours as RGB.

    Args:
        path: The file.

    Raises:
        AssetError: If it is missing, no plain file, no PNG, damaged or has too many pixels.
    """
    return decode_png(read_bounded(path, "a PNG picture", MAX_PICTURE_BYTES), path)


def read_npz(path: Path, name: str) -> Shaped[np.ndarray, "..."]:
    """Return one array of an archive; a pickled object in it is never loaded.

    Args:
        path: A `.npz` file.
        name: Name of the array.

    Raises:
        AssetError: If it is missing, damaged, holds objects or promises too much.
    """
    content = read_bounded(path, f"an archive of {name}", MAX_PICTURE_BYTES)
    try:
        with ZipFile(BytesIO(content)) as archive, archive.open(f"{name}.npy") as stream:
            version = np.lib.format.read_magic(stream)
            reader = READ_HEADER[version]
            shape, is_fortran, dtype = reader(stream)
            n_bytes = prod(shape) * dtype.itemsize
            if dtype.hasobject or n_bytes > MAX_ARRAY_BYTES or min(shape, default=0) < 0:
                raise ValueError(f"{dtype} of shape {shape}")
            body = stream.read(n_bytes + 1)
    except BROKEN_ARCHIVE as error:
        raise AssetError(
            f"expected {name} as numbers at '{path}', got {short(str(error))}: `facies verify`"
            " lists what is broken"
        ) from error
    if len(body) != n_bytes:
        raise AssetError(f"'{path}' is a truncated or damaged archive: copy it again")
    return np.frombuffer(body, dtype).reshape(shape, order="F" if is_fortran else "C")


def check_content(content: bytes, suffix: str, path: Path) -> None:
    """Refuse a picture or volume that is truncated or promises more than a head can fill.

    Args:
        content: The file's bytes.
        suffix: What its name ends in.
        path: Its path, for the message.

    Raises:
        AssetError: If it is not what its name says.
    """
    if suffix == "png":
        decode_png(content, path)
    elif suffix == VOLUME_SUFFIX:
        decode_volume(content, path)


def decode_png(content: bytes, path: Path) -> Shaped[np.ndarray, "height width *channels"]:
    """Return a picture as it is stored, colours as RGB.

    Args:
        content: The file's bytes.
        path: Its path, for the message.

    Raises:
        AssetError: If it is no PNG file, is damaged or has too many pixels.
    """
    if not content.startswith(PNG_START) or len(content) < 24:
        raise AssetError(f"expected a PNG picture at '{path}', got something else")
    width, height = struct.unpack(">II", content[16:24])
    if width * height > MAX_PIXELS:
        raise AssetError(
            f"expected at most {MAX_PIXELS} pixels at '{path}', got a header that promises"
            f" {width} x {height}"
        )
    _check_chunks(content, path)
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        image = None
    if image is None:
        raise AssetError(f"expected a PNG picture at '{path}', got a damaged one")
    return np.asarray(image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def decode_volume(
    content: bytes, path: Path
) -> tuple[Shaped[np.ndarray, "..."], Float[np.ndarray, "4 4"]]:
    """Return a volume as it is stored, and its affine to RAS mm.

    Args:
        content: The bytes of a `.nii.gz` file.
        path: Its path, for the message.

    Raises:
        AssetError: If it is damaged, truncated, without finite affine, or promises too many voxels.
    """
    inflate = zlib.decompressobj(GZIP)
    broken = (zlib.error, HeaderDataError, WrapStructError, ValueError, KeyError, OverflowError)
    try:
        head = inflate.decompress(content, NIFTI_HEADER_BYTES)
        header = nib.Nifti1Header(head[:348], check=True)
        shape, dtype = header.get_data_shape(), header.get_data_dtype()
        affine = np.asarray(header.get_best_affine(), np.float64)
        offset = int(header["vox_offset"])
    except broken as error:
        raise AssetError(
            f"expected a compressed NIfTI volume at '{path}', got {type(error).__name__}: {error}"
        ) from error
    n_voxels = int(np.prod([max(int(n), 0) for n in shape], dtype=object))
    if not (3 <= len(shape) <= 5 and min(shape) > 0 and n_voxels <= 3 * MAX_VOXELS):
        raise AssetError(
            f"expected at most {MAX_VOXELS} voxels at '{path}', got a header that promises {shape}"
        )
    if not np.isfinite(affine).all() or dtype.kind not in "iuf" or offset != NIFTI_HEADER_BYTES:
        raise AssetError(f"expected numbers with a finite affine at '{path}', got another header")
    body = _inflate_body(inflate, n_voxels * dtype.itemsize, path)
    return np.frombuffer(body, dtype).reshape(shape, order="F"), affine


def _inflate_body(inflate: Any, n_bytes: int, path: Path) -> bytes:
    try:
        body: bytes = inflate.decompress(inflate.unconsumed_tail, n_bytes + 1)
    except zlib.error as error:
        raise AssetError(f"'{path}' is truncated or damaged ({error}): copy it again") from error
    if len(body) != n_bytes or not inflate.eof:
        raise AssetError(
            f"expected {n_bytes} bytes of voxels at '{path}', got a truncated or damaged file:"
            " copy it again"
        )
    return body


def _check_chunks(content: bytes, path: Path) -> None:
    """Walk over the chunks: OpenCV fills in what a truncated picture lacks and says nothing."""
    place = len(PNG_START) - 8
    while place + 12 <= len(content):
        (n_bytes,) = struct.unpack(">I", content[place : place + 4])
        end = place + 12 + n_bytes
        name = content[place + 4 : place + 8]
        if end > len(content):
            break
        (check,) = struct.unpack(">I", content[end - 4 : end])
        if zlib.crc32(content[place + 4 : end - 4]) != check:
            break
        if name == b"IEND":
            return
        place = end
    raise AssetError(f"'{path}' is a truncated or damaged picture: copy it again")
