"""What the camera does to light: blur, vignetting, exposure, white balance, noise, film, JPEG."""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from augment.render.light import Triple
from augment.streams import stream

_GRAIN_SIZE = 1024
SHOULDER = 0.6
"""Radiance above which film compresses."""


@dataclass(frozen=True)
class Lens:
    """What was drawn for a camera; every effect is 0 or neutral at strength 0.

    Attributes:
        exposure: Multiple of the light.
        balance: Multiple of red, green and blue.
        blur: Standard deviation of the blur, pixels of a picture 256 pixels high.
        vignette: Loss of light in the corners, share.
        read_noise: Standard deviation of the noise in the dark, levels of 255.
        shot_noise: Standard deviation of the noise at white, levels of 255.
        contrast: Slope at middle grey, 1 neutral.
        saturation: Distance from grey, 1 neutral.
        jpeg: Quality, 0 for no compression.
        grain_at: Where the sheet of grain starts.
    """

    exposure: float
    balance: Triple
    blur: float
    vignette: float
    read_noise: float
    shot_noise: float
    contrast: float
    saturation: float
    jpeg: int
    grain_at: tuple[int, int]


def draw_lens(rng: np.random.Generator, strength: float) -> Lens:
    """Draw a camera.

    Args:
        rng: Stream of the appearance.
        strength: Of every effect, 0 to 1.
    """
    warm = rng.normal(0.0, 0.05) * 2.0 * strength
    jpeg = int(rng.integers(72, 97))
    return Lens(
        exposure=float(np.exp(rng.normal(0.0, 0.16 * 2.0 * strength))),
        balance=(float(1.0 + warm), 1.0, float(1.0 - warm)),
        blur=float(rng.uniform(0.25, 0.25 + 0.9 * strength)) if strength > 0 else 0.0,
        vignette=float(rng.uniform(0.0, 0.45) * strength),
        read_noise=float(rng.uniform(0.2, 2.4) * strength),
        shot_noise=float(rng.uniform(0.5, 5.0) * strength),
        contrast=float(np.exp(rng.normal(0.06, 0.10) * min(2.0 * strength, 1.0))),
        saturation=float(np.exp(rng.normal(-0.02, 0.12) * min(2.0 * strength, 1.0))),
        jpeg=jpeg if rng.random() < 1.6 * strength else 0,
        grain_at=(int(rng.integers(_GRAIN_SIZE)), int(rng.integers(_GRAIN_SIZE))),
    )


def expose(
    lens: Lens, radiance: Float[Tensor, "images height width 3"], grain: Float[Tensor, "size size"]
) -> UInt8[Tensor, "images height width 3"]:
    """Return developed pictures, without JPEG.

    Args:
        lens: What was drawn.
        radiance: Linear RGB.
        grain: The sheet of `grain_sheet`.
    """
    height, width = radiance.shape[1:3]
    gain = radiance.new_tensor(lens.balance) * lens.exposure
    light = blurred(radiance, lens.blur * height / 256.0) * gain
    if lens.vignette:
        y = torch.linspace(-1.0, 1.0, height, device=light.device)[:, None]
        x = torch.linspace(-1.0, 1.0, width, device=light.device)[None]
        light = light * (1.0 - lens.vignette * 0.5 * (x * x + y * y))[..., None]
    grey = light.mean(-1, keepdim=True)
    light = film(grey + lens.saturation * (light - grey))
    picture = light.pow(1.0 / 2.2)
    picture = (
        picture + (lens.contrast - 1.0) * picture * (1.0 - picture) * (2.0 * picture - 1.0) * 2.0
    )
    if lens.read_noise or lens.shot_noise:
        noise = _grain_for(lens, grain, height, width)
        spread = (lens.read_noise**2 + lens.shot_noise**2 * picture).sqrt() / 255.0
        picture = picture + noise * spread
    return (picture.clamp(0.0, 1.0) * 255.0 + 0.5).to(torch.uint8)


def film(light: Tensor) -> Tensor:
    """Return light with a soft shoulder that ends at 1: a tanh above SHOULDER."""
    room = 1.0 - SHOULDER
    over = (light - SHOULDER).clamp_min(0.0)
    return torch.where(
        light < SHOULDER, light.clamp_min(0.0), SHOULDER + room * torch.tanh(over / room)
    )


def blurred(
    images: Float[Tensor, "images height width 3"], sigma_px: float
) -> Float[Tensor, "images height width 3"]:
    """Return images convolved with a Gaussian of three taps a side or more, edges mirrored."""
    if sigma_px < 0.15:
        return images
    radius = max(1, int(np.ceil(2.5 * sigma_px)))
    at = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    taps = torch.exp(-0.5 * (at / sigma_px) ** 2)
    taps = (taps / taps.sum()).tolist()
    for axis in (1, 2):
        size = images.shape[axis]
        index = torch.arange(-radius, size + radius, device=images.device).abs()
        index = torch.where(index >= size, 2 * size - 2 - index, index)
        wide = images.index_select(axis, index)
        images = sum(tap * wide.narrow(axis, k, size) for k, tap in enumerate(taps))
    return images


def grain_sheet() -> Float[Tensor, "size size"]:
    """Return tiling white noise of standard deviation 1, of a fixed stream."""
    rng = stream(0, 0, "sensor grain")
    return torch.from_numpy(rng.standard_normal((_GRAIN_SIZE, _GRAIN_SIZE), dtype=np.float32))


def _grain_for(
    lens: Lens, grain: Tensor, height: int, width: int
) -> Float[Tensor, "height width 3"]:
    """Return a part of the sheet for each colour; luminance grain is twice the colours'."""
    top, left = lens.grain_at
    rows = (torch.arange(height, device=grain.device) + top) % _GRAIN_SIZE
    parts = []
    for channel in range(4):
        columns = (torch.arange(width, device=grain.device) + left + 251 * channel) % _GRAIN_SIZE
        parts.append(grain.index_select(0, rows).index_select(1, columns))
    return 0.8 * parts[3][..., None] + 0.6 * torch.stack(parts[:3], -1)


def compressed(lens: Lens, picture: UInt8[np.ndarray, "height width 3"]) -> np.ndarray:
    """Return a picture after JPEG at the drawn quality."""
    if not lens.jpeg:
        return picture
    quality = [int(cv2.IMWRITE_JPEG_QUALITY), lens.jpeg]
    encoded = cv2.imencode(".jpg", picture[..., ::-1], quality)[1]
    return np.ascontiguousarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1])
