"""Cephalograms: parallel-beam lateral and postero-anterior radiographs summed through a volume,
with projected landmarks.

HU become attenuation as mu = mu_water (1 + HU / 1000), mu_water = 0.02 per mm at about 60 keV (NIST
XCOM); the film shows the line
integral. A cephalostat stands 1.5 m from the source, so that a parallel beam errs by a few per cent
of magnification.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

MU_WATER_PER_MM = 0.02


@dataclass(frozen=True)
class Cephalogram:
    """One radiograph.

    Attributes:
        attenuation: Line integral of attenuation, no unit; row 0 at the top, column 0 at the left
            of the picture.
        pixel_mm: Height and width of a pixel.
        film_from_ras: Maps homogeneous RAS mm to (column, row) pixels; the centre of pixel (0, 0)
            is (0.5, 0.5).
    """

    attenuation: Float[Tensor, "rows columns"]
    pixel_mm: tuple[float, float]
    film_from_ras: Float[Tensor, "2 4"]

    def picture(self, exposure: float = 0.35) -> Float[Tensor, "rows columns"]:
        """Return the film from 0 to 1, bone bright: 1 - exp(-exposure * attenuation)."""
        return 1.0 - torch.exp(-exposure * self.attenuation)


def attenuation_per_mm(image_hu: Float[Tensor, "x y z"]) -> Float[Tensor, "x y z"]:
    """Return linear attenuation from HU: mu_water * (1 + HU / 1000), not below 0."""
    return torch.clamp(MU_WATER_PER_MM * (1.0 + image_hu / 1000.0), min=0.0)


def cephalogram(
    image_hu: Float[Tensor, "x y z"],
    spacing_mm: tuple[float, float, float],
    origin_mm: tuple[float, float, float],
    view: str = "lateral",
) -> Cephalogram:
    """Project a volume whose axes are right, anterior, superior.

    Args:
        image_hu: HU.
        spacing_mm: Voxel size.
        origin_mm: RAS position of voxel (0, 0, 0).
        view: ``lateral`` (the patient looks to the right of the picture) or ``pa`` (the patient's
            right is on the left).

    Raises:
        ValueError: If the view is unknown.
    """
    if view not in ("lateral", "pa"):
        raise ValueError(f"expected view 'lateral' or 'pa', got {view!r}")
    along, across = (0, 1) if view == "lateral" else (1, 0)
    integral = attenuation_per_mm(image_hu.float()).sum(dim=along) * spacing_mm[along]
    film = integral.T.flip(0)
    sign = 1.0
    if view == "pa":
        film, sign = film.flip(1), -1.0
    rows, columns = film.shape
    matrix = torch.zeros(2, 4, dtype=torch.float64)
    matrix[0, across] = sign / spacing_mm[across]
    start = -origin_mm[across] / spacing_mm[across] + 0.5
    matrix[0, 3] = start if sign > 0 else columns - start
    matrix[1, 2] = -1.0 / spacing_mm[2]
    matrix[1, 3] = rows - 0.5 + origin_mm[2] / spacing_mm[2]
    return Cephalogram(film.contiguous(), (spacing_mm[2], spacing_mm[across]), matrix)


def project_landmarks(
    film: Cephalogram, landmarks_mm: Float[Tensor, "landmarks 3"]
) -> Float[Tensor, "landmarks 2"]:
    """Return (column, row) of RAS landmarks on a radiograph."""
    points = torch.cat(
        [landmarks_mm.double(), torch.ones(len(landmarks_mm), 1, dtype=torch.float64)], dim=1
    )
    return points @ film.film_from_ras.T


def angle_deg(
    first: Float[Tensor, "3"], vertex: Float[Tensor, "3"], last: Float[Tensor, "3"]
) -> Float[Tensor, ""]:
    """Return the angle at a vertex in the sagittal plane, degrees: SNA is angle_deg(sella, nasion,
    a_point)."""
    a, b = (first - vertex)[1:].double(), (last - vertex)[1:].double()
    return torch.rad2deg(torch.atan2((a[0] * b[1] - a[1] * b[0]).abs(), (a * b).sum()))
