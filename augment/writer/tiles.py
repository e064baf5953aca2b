"""Tiles of the contact sheet: pictures at one size, displacement as heat, labels as colours."""

import cv2
import numpy as np
from jaxtyping import Float, Shaped, UInt8

TILE_PX = 176
# Displacement that the heat picture shows in its brightest colour.
HEAT_MM = 10.0
REGION_SHARE = 0.55

Image = UInt8[np.ndarray, "_height _width 3"]


def tile(
    image: Shaped[np.ndarray, "height width *channels"], *, exact: bool = False
) -> Shaped[np.ndarray, "_height _width *channels"]:
    """Return a square picture; exact keeps values as they are, for labels."""
    method = cv2.INTER_NEAREST if exact else cv2.INTER_AREA
    return np.asarray(cv2.resize(image, (TILE_PX, TILE_PX), interpolation=method))


def heat(picture: Image, moved_mm: Float[np.ndarray, "_height _width"]) -> Image:
    """Return a grey picture with displacement in colours, brightest from `HEAT_MM`."""
    level = np.clip(moved_mm / HEAT_MM * 255, 0, 255).astype(np.uint8)
    colours = cv2.cvtColor(cv2.applyColorMap(level, cv2.COLORMAP_TURBO), cv2.COLOR_BGR2RGB)
    share = np.clip(moved_mm / 2.0, 0, 0.75)[..., None]
    grey = picture.mean(axis=-1, keepdims=True)
    return (grey * (1 - share) + colours * share).round().astype(np.uint8)


def overlay(picture: Image, labels: UInt8[np.ndarray, "_height _width"]) -> Image:
    """Return a picture with one colour a label over it."""
    hue = (labels.astype(np.uint16) * 67 % 180).astype(np.uint8)
    full = np.full_like(hue, 200)
    colours = cv2.cvtColor(np.stack((hue, full, full), axis=-1), cv2.COLOR_HSV2RGB)
    share = REGION_SHARE * (labels > 0)[..., None]
    return (picture * (1 - share) + colours * share).round().astype(np.uint8)
