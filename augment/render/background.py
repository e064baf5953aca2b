"""What is behind the subject: studio gradients, walls, blurred rooms, or a user's pictures.

Enters: drawn parameters. Leaves: a linear RGB image, or the same as for any other sample.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from augment.errors import AssetError
from augment.render.light import Triple
from augment.render.noise import NoiseTile
from augment.render.picture_file import decode_picture

KINDS = ("studio", "wall", "room", "outdoor")
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
_COARSE = 48
"""Side of the sheet that blurred rooms are painted on."""


@dataclass(frozen=True)
class Blob:
    """One blurred thing in a room: a rectangle in shares of the picture.

    Attributes:
        centre: (x, y).
        size: (width, height).
        colour: Linear RGB.
        softness: Width of its border, share of the picture.
    """

    centre: tuple[float, float]
    size: tuple[float, float]
    colour: Triple
    softness: float


@dataclass(frozen=True)
class Background:
    """What was drawn for a background.

    Attributes:
        kind: One of KINDS, or `picture`.
        upper: Linear RGB at the top.
        lower: Linear RGB at the bottom.
        glow: Brightness of a spot behind the head, as a multiple.
        glow_at: Its place, (x, y) in shares of the picture.
        texture: Strength of the wall's texture.
        blobs: Things in a room.
        picture: Path of the user's picture, or None.
        crop: Left, top and size of the part that is shown, shares of the shorter side.
        offset: Where the noise starts.
    """

    kind: str
    upper: Triple
    lower: Triple
    glow: float
    glow_at: tuple[float, float]
    texture: float
    blobs: tuple[Blob, ...]
    picture: str | None
    crop: tuple[float, float, float]
    offset: tuple[float, float]


def draw_background(rng: np.random.Generator, source: str) -> Background:
    """Draw a background.

    Args:
        rng: Stream of the appearance.
        source: `procedural` for any kind, one of KINDS, or a folder of pictures.

    Raises:
        AssetError: If the folder holds no picture.
    """
    is_drawn = source in ("procedural", *KINDS)
    picture = None if is_drawn else str(rng.choice(pictures_in(source)))
    kind = str(rng.choice(KINDS, p=(0.34, 0.26, 0.28, 0.12))) if is_drawn else "picture"
    kind = source if source in KINDS else kind
    level = float(np.exp(rng.uniform(np.log(0.06), np.log(0.75))))
    if kind == "outdoor":
        upper, lower = np.array([0.55, 0.66, 0.8]) * rng.uniform(0.6, 1.2), _tinted(rng, 0.12, 0.5)
    else:
        upper = _tinted(rng, level, 0.2 if kind == "room" else 0.13)
        lower = upper * rng.uniform(0.55, 1.05)
    n_blobs = {"room": int(rng.integers(5, 12)), "outdoor": int(rng.integers(6, 14))}.get(kind, 0)
    return Background(
        kind=kind,
        upper=_triple(upper),
        lower=_triple(lower),
        glow=float(rng.uniform(0.0, 0.8)) if kind == "studio" else float(rng.uniform(0.0, 0.25)),
        glow_at=(float(rng.uniform(0.3, 0.7)), float(rng.uniform(0.25, 0.7))),
        texture=float(rng.uniform(0.2, 1.0)) if kind == "wall" else 0.0,
        blobs=tuple(_blob(rng, kind, level) for _ in range(n_blobs)),
        picture=picture,
        crop=(float(rng.uniform()), float(rng.uniform()), float(rng.uniform(0.6, 1.0))),
        offset=(float(rng.uniform()), float(rng.uniform())),
    )


def _tinted(rng: np.random.Generator, level: float, chroma: float) -> np.ndarray:
    hue = rng.uniform(0.0, 2.0 * np.pi)
    tint = 1.0 + chroma * rng.uniform(0.0, 1.0) * np.cos(hue - np.array([0.0, 2.094, 4.189]))
    return np.clip(level * tint, 0.01, 0.95)


def _blob(rng: np.random.Generator, kind: str, level: float) -> Blob:
    """Draw a window, a shelf, a door, a lamp; or foliage."""
    if kind == "outdoor":
        colour = np.array([0.11, 0.14, 0.05]) * rng.uniform(0.2, 2.2, 3) * rng.uniform(0.5, 1.5)
        size = (rng.uniform(0.08, 0.4), rng.uniform(0.08, 0.3))
        centre = (rng.uniform(0, 1), rng.uniform(0.35, 1.0))
    else:
        bright = rng.random() < 0.25
        colour = _tinted(
            rng, rng.uniform(0.6, 1.2) if bright else level * rng.uniform(0.2, 1.6), 0.2
        )
        size = (rng.uniform(0.04, 0.35), rng.uniform(0.1, 0.9))
        centre = (rng.uniform(0, 1), rng.uniform(0, 1))
    return Blob(
        (float(centre[0]), float(centre[1])),
        (float(size[0]), float(size[1])),
        _triple(colour),
        float(rng.uniform(0.15, 0.5) if kind == "outdoor" else rng.uniform(0.03, 0.12)),
    )


def _triple(values: np.ndarray) -> Triple:
    return float(values[0]), float(values[1]), float(values[2])


def pictures_in(folder: str) -> list[str]:
    """Return the pictures of a folder, sorted.

    Raises:
        AssetError: If there is none.
    """
    path = Path(folder)
    found = sorted(str(p) for p in path.glob("*") if p.suffix.lower() in PICTURE_SUFFIXES)
    if not found:
        raise AssetError(
            f"render.background expects `procedural` or a folder of pictures, got {folder!r} with "
            f"none of {', '.join(PICTURE_SUFFIXES)}; check the path"
        )
    return found


def background_image(
    background: Background, tile: NoiseTile, height: int, width: int, device: torch.device
) -> Float[Tensor, "3 height width"]:
    """Return the background, linear RGB.

    Args:
        background: What was drawn.
        tile: Noise of the skin, whose coarse patterns also make plaster.
        height: Pixels in a column.
        width: Pixels in a row.
        device: Where the image lives.
    """
    if background.picture is not None:
        return _user_picture(background, height, width).permute(2, 0, 1).to(device)
    rows = torch.linspace(0.0, 1.0, _COARSE, device=device)[:, None]
    columns = torch.linspace(0.0, 1.0, _COARSE, device=device)[None]
    upper, lower = torch.tensor(background.upper), torch.tensor(background.lower)
    coarse = upper + rows[..., None].cpu() * (lower - upper)
    coarse = coarse.expand(_COARSE, _COARSE, 3).to(device)
    for blob in background.blobs:
        cover = _ramp(columns, blob.centre[0], blob.size[0], blob.softness)
        cover = cover * _ramp(rows, blob.centre[1], blob.size[1], blob.softness)
        coarse = coarse + cover[..., None] * (coarse.new_tensor(blob.colour) - coarse)
    x, y = background.glow_at
    glow = torch.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 0.12)
    coarse = coarse * (1.0 + background.glow * glow)[..., None]
    image = torch.nn.functional.interpolate(
        coarse.permute(2, 0, 1)[None], (height, width), mode="bilinear", align_corners=False
    )[0]
    if background.texture:
        image = image * (1.0 + _plaster(background, tile, height, width, device))
    return image


def _ramp(at: Tensor, centre: float, size: float, softness: float) -> Tensor:
    """Return 1 inside an interval with soft ends."""
    return torch.sigmoid(((size / 2.0) - (at - centre).abs()) / softness * 4.0)


def _plaster(
    background: Background, tile: NoiseTile, height: int, width: int, device: torch.device
) -> Float[Tensor, "height width"]:
    v = torch.arange(height, device=device)[:, None].expand(height, width) / height
    u = torch.arange(width, device=device)[None].expand(height, width) / height
    place = torch.stack((u, v)).reshape(2, -1) * 1.3
    noise = tile.at(place, background.offset, footprint=1.3 / height)
    relief = 0.02 * noise[1] + 0.015 * noise[2] + 0.02 * noise[0]
    return background.texture * relief.reshape(height, width)


@lru_cache(maxsize=64)
def _linear_picture(path: str) -> Float[Tensor, "rows columns 3"]:
    """Return a user's picture in linear RGB, at most 1024 pixels a side."""
    image = decode_picture(Path(path), cv2.IMREAD_COLOR)
    scale = 1024.0 / max(image.shape[:2])
    if scale < 1.0:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return torch.from_numpy((image[..., ::-1].astype(np.float32) / 255.0) ** 2.2)


def _user_picture(
    background: Background, height: int, width: int
) -> Float[Tensor, "height width 3"]:
    picture = _linear_picture(str(background.picture))
    rows, columns = picture.shape[:2]
    scale = min(rows / height, columns / width) * background.crop[2]
    size = max(int(height * scale), 1), max(int(width * scale), 1)
    top = int(background.crop[1] * (rows - size[0]))
    left = int(background.crop[0] * (columns - size[1]))
    part = picture[top : top + size[0], left : left + size[1]].permute(2, 0, 1)[None]
    mode = "area" if scale > 1.0 else "bilinear"
    return torch.nn.functional.interpolate(part, (height, width), mode=mode)[0].permute(1, 2, 0)
