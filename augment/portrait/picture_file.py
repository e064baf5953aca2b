"""Reading a photograph: any picture file enters, upright 8-bit RGB with bounded memory leaves."""

import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

from augment.errors import AssetError
from augment.untrusted import plain_size, short

MAX_SIDE_PX = 4096
"""Longer pictures are reduced to it: a face needs a few hundred pixels."""
MAX_DECODED_PX = 100_000_000
"""Pixels that may be in memory at once, 0.4 GB; JPEG is reduced while it is decoded."""
MAX_JPEG_PX = 400_000_000
"""Pixels of a JPEG, which is reduced while it is decoded: twice the largest sensors."""
MAX_FILE_BYTES = 1_000_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "JPEG2000", "AVIF")
"""Of what Pillow reads, the formats of photographs; one of the others would start Ghostscript."""
DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    NotImplementedError,
    struct.error,
    zlib.error,
)
"""What Pillow's decoders raise about bytes that they cannot make sense of."""
BACKDROP = 255
"""What lies behind transparent pixels."""
DEEP_WHITE = 65535.0
"""White of pictures with 16 bits a channel."""


def read_photograph(path: str | Path) -> UInt8[np.ndarray, "height width 3"]:
    """Read a photograph, turned upright.

    EXIF orientation is applied; grey, palette, 16-bit, transparent and CMYK pictures become 8-bit
    RGB, what is transparent lies before white. Of an animation the first picture counts. Pictures
    above 4096 px are reduced to that, and what is returned is then "the picture" whose pixels
    everything later is given in.

    Args:
        path: A file of one of `FORMATS`, which its content tells, not its name.

    Raises:
        AssetError: If the file is missing, a folder, no picture, damaged, or too large.
    """
    path = Path(path)
    plain_size(path, "a photograph", MAX_FILE_BYTES)
    try:
        with warnings.catch_warnings():
            # The limit below is ours, and it is an error.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            # Files from phones and old tools often hold metadata that Pillow complains about.
            warnings.simplefilter("ignore", UserWarning)
            return _decoded(path)
    except UnidentifiedImageError as error:
        raise AssetError(
            f"expected a photograph, got {str(path)!r}, which is no picture that can be read; save"
            " it as JPEG or PNG"
        ) from error
    except Image.DecompressionBombError as error:
        raise _too_large(path, "more than 178 million pixels") from error
    except DAMAGED as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise AssetError(
            f"the photograph {str(path)!r} cannot be read ({short(reason).lower()}); save it anew"
            " as JPEG or PNG"
        ) from error


def _decoded(path: Path) -> UInt8[np.ndarray, "height width 3"]:
    with _opened(path) as image:
        # JPEG alone: decodes at 1/2, 1/4 or 1/8 so that neither side falls below the target.
        size = image.size
        long = max(size)
        if long > MAX_SIDE_PX:
            share = MAX_SIDE_PX / long
            image.draft("RGB", (int(image.width * share), int(image.height * share)))
        _check_size(image, size, path)
        image.load()
        upright = ImageOps.exif_transpose(image)
        if max(upright.size) > MAX_SIDE_PX:
            upright = _eight_bit(upright)
            upright.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), Image.Resampling.BOX)
        return np.ascontiguousarray(np.asarray(_rgb(_eight_bit(upright))))


def _opened(path: Path) -> Image.Image:
    """Open a file without decoding it; Pillow's own limit of pixels is for what is decoded."""
    limit = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        Image.init()
        return Image.open(path, formats=[name for name in FORMATS if name in Image.OPEN])
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _check_size(image: Image.Image, size: tuple[int, int], path: Path) -> None:
    """Refuse more pixels than fit: those of a progressive JPEG are all kept while it is decoded."""
    is_whole = image.format not in ("JPEG", "MPO") or "progressive" in image.info
    n_decoded = size[0] * size[1] if is_whole else image.width * image.height
    if n_decoded > MAX_DECODED_PX or size[0] * size[1] > MAX_JPEG_PX:
        raise _too_large(path, f"{size[0]} x {size[1]}")


def _too_large(path: Path, size: str) -> AssetError:
    return AssetError(
        f"expected a photograph of at most {MAX_DECODED_PX // 1_000_000} million pixels (more as"
        f" JPEG), got {size} in {str(path)!r}; reduce it or save it as JPEG"
    )


def _eight_bit(image: Image.Image) -> Image.Image:
    """Return a picture with 8 bits a channel."""
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.nan_to_num(np.asarray(image, dtype=np.float32))
    top = float(values.max(initial=0.0))
    white = DEEP_WHITE if top > 255.0 else (1.0 if image.mode == "F" and top <= 1.0 else 255.0)
    return Image.fromarray(np.clip(values / white * 255.0 + 0.5, 0, 255).astype(np.uint8))


def _rgb(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        image = image.convert("RGBA")
        backdrop = Image.new("RGBA", image.size, (BACKDROP, BACKDROP, BACKDROP, 255))
        image = Image.alpha_composite(backdrop, image)
    return image.convert("RGB")
