"""Reading a photograph: any picture file enters, upright 8-bit RGB with bounded memory leaves."""

import warnings
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

from augment.errors import AssetError

MAX_SIDE_PX = 4096
"""Longer pictures are reduced to it: a face needs a few hundred pixels."""
MAX_DECODED_PX = 100_000_000
"""Pixels that may be in memory at once, 0.4 GB; JPEG is reduced while it is decoded."""
MAX_FILE_BYTES = 1 << 30
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
        path: Any format that Pillow reads: JPEG, PNG, WebP, TIFF, BMP, GIF and others.

    Raises:
        AssetError: If the file is missing, a folder, no picture, damaged, or too large.
    """
    path = Path(path)
    try:
        if path.is_dir():
            raise AssetError(f"expected a photograph, got the folder {str(path)!r}; name its files")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise AssetError(f"expected a photograph below 1 GB, got {str(path)!r}; reduce it")
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
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise AssetError(
            f"the photograph {str(path)!r} cannot be read ({reason.lower()}); check the path or"
            " save it anew as JPEG or PNG"
        ) from error


def _decoded(path: Path) -> UInt8[np.ndarray, "height width 3"]:
    with _opened(path) as image:
        # JPEG alone: decodes at 1/2, 1/4 or 1/8 so that neither side falls below the target.
        long = max(image.size)
        if long > MAX_SIDE_PX:
            share = MAX_SIDE_PX / long
            image.draft("RGB", (int(image.width * share), int(image.height * share)))
        if image.width * image.height > MAX_DECODED_PX:
            raise _too_large(path, f"{image.width} x {image.height}")
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
        return Image.open(path)
    finally:
        Image.MAX_IMAGE_PIXELS = limit


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
