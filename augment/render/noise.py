"""Texture noise on sheets that tile: several kinds in one look-up.

A sheet is read with a drawn offset and mirroring, so that no two subjects share a pattern. Values
are bytes; each pattern has mean 0 and standard deviation 1 before it is stored.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from augment.streams import stream

TILE_TEXELS = 1024
N_LEVELS = 5
STORED_SD = 40.0
"""Levels per standard deviation; 0 is stored as 128, so 3.2 deviations fit."""

SKIN_TILE_UV = 0.25
"""Share of the texture sheet that one tile covers: some 155 mm on the face."""
SKIN_CHANNELS = ("blotch", "patch", "grain", "pore", "bump_x", "bump_y", "bump_z", "speck")

# Wavelengths of the patterns in mm, shortest and longest.
_SKIN_BANDS = {
    "blotch": (18.0, 70.0), "patch": (5.0, 16.0), "grain": (1.4, 4.0), "pore": (0.6, 1.4),
    "bump_x": (0.9, 2.6), "bump_y": (0.9, 2.6), "bump_z": (0.9, 2.6), "speck": (2.0, 5.0),
}  # fmt: skip
_SKIN_TILE_MM = 155.0


@dataclass(frozen=True, eq=False)
class NoiseTile:
    """A tile of several patterns with its coarser versions, each the mean of four finer texels.

    Attributes:
        texels: Stored patterns, one row a texel, the finest version first.
        size: Texels along each side of the finest version.
    """

    texels: UInt8[Tensor, "texels channels"]
    size: int

    def at(
        self,
        coordinates: Float[Tensor, "2 points"],
        offset: tuple[float, float],
        mirrored: bool = False,
        footprint: float = 0.0,
    ) -> Float[Tensor, "channels points"]:
        """Return the patterns at coordinates, standard deviation 1 before averaging.

        Args:
            coordinates: In tiles: 1 is a whole tile.
            offset: Added to the coordinates.
            mirrored: Whether the first coordinate runs backwards.
            footprint: Size of a pixel in tiles; decides which version is read.
        """
        size, start = self.size, 0
        for _ in range(mip_level(footprint, size, N_LEVELS)):
            start, size = start + size * size, size // 2
        u, v = coordinates
        column = torch.mul(u, -size if mirrored else size).add_((offset[0] + 64.0) * size).int()
        row = torch.mul(v, size).add_((offset[1] + 64.0) * size).int()
        texel = row.bitwise_and_(size - 1).mul_(size).add_(column.bitwise_and_(size - 1))
        found = self.texels.index_select(0, texel.add_(start)).T.to(
            torch.float32, memory_format=torch.contiguous_format
        )
        return found.sub_(128.0).mul_(1.0 / STORED_SD)


def mip_level(footprint: float, size: int, n_levels: int) -> int:
    """Return which version of a sheet has texels of about the size of a pixel.

    Args:
        footprint: Size of a pixel as a share of the sheet.
        size: Texels along each side of the finest version.
        n_levels: How many versions there are.
    """
    return int(np.clip(np.floor(np.log2(max(footprint * size, 1.0)) + 0.4), 0, n_levels - 1))


def halved(
    sheet: Float[np.ndarray, "size size channels"],
) -> Float[np.ndarray, "half half channels"]:
    """Return a sheet of half the size: each texel the mean of four."""
    return (sheet[::2, ::2] + sheet[1::2, ::2] + sheet[::2, 1::2] + sheet[1::2, 1::2]) / 4


def band_noise(
    rng: np.random.Generator, size: int, shortest: float, longest: float, stretch: float = 1.0
) -> Float[np.ndarray, "size size"]:
    """Return tiling Gaussian noise of a band of wavelengths, mean 0, standard deviation 1.

    Args:
        rng: Stream of the pattern.
        size: Texels along each side.
        shortest: Shortest wavelength in texels.
        longest: Longest wavelength in texels.
        stretch: How much longer wavelengths are along columns than along rows.
    """
    frequency = np.hypot(np.fft.fftfreq(size)[:, None] * stretch, np.fft.rfftfreq(size)[None])
    wavelength = 1.0 / np.maximum(frequency, 1e-9)
    logs = np.log(wavelength)
    inside = 1.0 / (1.0 + np.exp(-8.0 * (logs - np.log(shortest))))
    inside *= 1.0 / (1.0 + np.exp(8.0 * (logs - np.log(longest))))
    spectrum = np.fft.rfft2(rng.standard_normal((size, size))) * inside
    spectrum *= np.minimum(wavelength, longest)  # each octave as strong as the next
    pattern = np.fft.irfft2(spectrum, s=(size, size))
    return (pattern - pattern.mean()) / pattern.std()


def stored(patterns: list[np.ndarray]) -> NoiseTile:
    """Return patterns of mean 0 and standard deviation 1 as a tile."""
    sheet = np.stack(patterns, -1)
    size, levels = len(sheet), []
    for _ in range(N_LEVELS):
        levels.append(
            np.clip(np.rint(sheet * STORED_SD + 128.0), 0, 255).reshape(-1, sheet.shape[-1])
        )
        sheet = halved(sheet)
    return NoiseTile(torch.from_numpy(np.concatenate(levels).astype(np.uint8)), size)


def skin_tile() -> NoiseTile:
    """Return the patterns of skin, in the order of SKIN_CHANNELS."""
    scale = TILE_TEXELS / _SKIN_TILE_MM
    return stored(
        [
            band_noise(stream(0, k, "skin tile"), TILE_TEXELS, low * scale, high * scale)
            for k, (low, high) in enumerate(_SKIN_BANDS[name] for name in SKIN_CHANNELS)
        ]
    )


def strand_tile() -> NoiseTile:
    """Return patterns of hair: fine, middle and coarse streaks along columns, and a grain."""
    size = TILE_TEXELS // 2
    bands = ((2.0, 5.0, 14.0), (4.0, 14.0, 10.0), (12.0, 48.0, 6.0), (8.0, 64.0, 1.0))
    return stored(
        [
            band_noise(stream(0, k, "strand tile"), size, low, high, stretch)
            for k, (low, high, stretch) in enumerate(bands)
        ]
    )
