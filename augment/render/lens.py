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
TABLE_SIZE, TABLE_ROOT = 8192, 1.8
"""Entries of the tone table, and the square root of the brightest light that it holds."""
FACE_RADIANCE = 0.235
"""Linear radiance that a camera aims at for a face."""
METERING = 0.7
"""How far the camera corrects towards it: dark skin stays darker than light skin."""
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


def draw_lens(rng: np.random.Generator, strength: float, brightness: float) -> Lens:
    """Draw a camera that exposes for the face, as portrait cameras do.

    Args:
        rng: Stream of the appearance.
        strength: Of every effect, 0 to 1.
        brightness: Radiance of the face towards the camera, linear.
    """
    metered = (FACE_RADIANCE / max(brightness, 0.02)) ** METERING
    warm = rng.normal(0.0, 0.05) * 2.0 * strength
    jpeg = int(rng.integers(72, 97))
    return Lens(
        exposure=float(metered * np.exp(rng.normal(0.0, 0.12 * 2.0 * strength))),
        balance=(float(1.0 + warm), 1.0, float(1.0 - warm)),
        blur=float(rng.uniform(0.2, 0.2 + 0.6 * strength)) if strength > 0 else 0.0,
        vignette=float(rng.uniform(0.0, 0.45) * strength),
        read_noise=float(rng.uniform(0.2, 2.4) * strength),
        shot_noise=float(rng.uniform(0.5, 5.0) * strength),
        contrast=float(np.exp(rng.normal(0.22, 0.10) * min(2.0 * strength, 1.0))),
        saturation=float(np.exp(rng.normal(-0.05, 0.08) * min(2.0 * strength, 1.0))),
        jpeg=jpeg if rng.random() < 1.6 * strength else 0,
        grain_at=(int(rng.integers(_GRAIN_SIZE)), int(rng.integers(_GRAIN_SIZE))),
    )


def expose(
    lens: Lens, radiance: Float[Tensor, "images 3 height width"], grain: Float[Tensor, "size size"]
) -> UInt8[Tensor, "images height width 3"]:
    """Return developed pictures, without JPEG.

    Args:
        lens: What was drawn.
        radiance: Linear RGB.
        grain: The sheet of `grain_sheet`.
    """
    height, width = radiance.shape[2:]
    gain = radiance.new_tensor(lens.balance)[:, None, None] * lens.exposure
    if lens.vignette:
        y = torch.linspace(-1.0, 1.0, height, device=radiance.device)[:, None]
        x = torch.linspace(-1.0, 1.0, width, device=radiance.device)[None]
        gain = gain * (1.0 - lens.vignette * 0.5 * (x * x + y * y))
    light = blurred(radiance, lens.blur * height / 256.0) * gain
    grey = light.mean(1, keepdim=True)
    light = light.sub_(grey).mul_(lens.saturation).add_(grey)
    picture = _developed(lens, light)
    if lens.read_noise or lens.shot_noise:
        spread = (lens.shot_noise**2 * picture).add_(lens.read_noise**2).sqrt_()
        picture.addcmul_(_grain_for(lens, grain, height, width), spread, value=1.0 / 255.0)
    levels = picture.mul_(255.0).add_(0.5).clamp_(0.0, 255.0).to(torch.uint8)
    return levels.permute(0, 2, 3, 1).contiguous()


def _developed(lens: Lens, light: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Return light on film with its contrast, 0 to 1, by a table over its square root."""
    root = torch.linspace(0.0, TABLE_ROOT, TABLE_SIZE, dtype=torch.float64)
    tone = film(root.square()).pow(1.0 / 2.2)
    tone = tone + (lens.contrast - 1.0) * 2.0 * tone * (1.0 - tone) * (2.0 * tone - 1.0)
    table = tone.float().to(light.device)
    index = light.clamp_(0.0, TABLE_ROOT**2).sqrt_().mul_((TABLE_SIZE - 1) / TABLE_ROOT)
    return table.index_select(0, index.add_(0.5).int().reshape(-1)).reshape(light.shape)


def film(light: Tensor) -> Tensor:
    """Return light with a soft shoulder that ends at 1: a tanh above SHOULDER."""
    room = 1.0 - SHOULDER
    over = (light - SHOULDER).clamp_min(0.0)
    return torch.where(
        light < SHOULDER, light.clamp_min(0.0), SHOULDER + room * torch.tanh(over / room)
    )


def blurred(
    images: Float[Tensor, "images 3 height width"], sigma_px: float
) -> Float[Tensor, "images 3 height width"]:
    """Return images convolved with a Gaussian of three taps a side or more, edges repeated."""
    if sigma_px < 0.15:
        return images
    radius = max(1, int(np.ceil(2.2 * sigma_px)))
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma_px) ** 2)
    weights = (taps / taps.sum()).tolist()
    for axis in (2, 3):
        size = images.shape[axis]
        index = torch.arange(-radius, size + radius, device=images.device).clamp_(0, size - 1)
        wide = images.index_select(axis, index)
        images = weights[0] * wide.narrow(axis, 0, size)
        for k, tap in enumerate(weights[1:], 1):
            images.add_(wide.narrow(axis, k, size), alpha=tap)
    return images


def grain_sheet() -> Float[Tensor, "size size"]:
    """Return tiling white noise of standard deviation 1, of a fixed stream."""
    rng = stream(0, 0, "sensor grain")
    return torch.from_numpy(rng.standard_normal((_GRAIN_SIZE, _GRAIN_SIZE), dtype=np.float32))


def _grain_for(
    lens: Lens, grain: Tensor, height: int, width: int
) -> Float[Tensor, "3 height width"]:
    """Return a part of the sheet for each colour, and one more that all share."""
    rows = (torch.arange(height, device=grain.device) + lens.grain_at[0]) % _GRAIN_SIZE
    columns = torch.arange(width, device=grain.device) + lens.grain_at[1]
    strip = grain.index_select(0, rows)
    parts = torch.stack(
        [strip.index_select(1, (columns + 251 * k) % _GRAIN_SIZE) for k in range(4)]
    )
    return parts[:3].mul_(0.6).add_(parts[3], alpha=0.8)


def compressed(lens: Lens, picture: UInt8[np.ndarray, "height width 3"]) -> np.ndarray:
    """Return a picture after JPEG at the drawn quality."""
    if not lens.jpeg:
        return picture
    quality = [int(cv2.IMWRITE_JPEG_QUALITY), lens.jpeg]
    encoded = cv2.imencode(".jpg", picture[..., ::-1], quality)[1]
    return np.ascontiguousarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1])
