"""Cephalograms: lateral and postero-anterior radiographs summed through a volume in the head frame,
with projected landmarks.

HU become attenuation as mu = mu_water (1 + HU / 1000), mu_water = 0.02 per mm at about 60 keV (NIST
XCOM); the film shows the line integral. In a cephalostat the source stands 5 feet (1524 mm) from
the mid-sagittal plane and the central ray runs through both ear rods, the origin of the head frame.
The right gonion, 50 mm nearer to the source than the left and 80 mm off the central ray, appears
5 mm away from it: the double contours of a real film need the diverging beam.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

MU_WATER_PER_MM = 0.02
SLAB = 32
"""Slices that are projected at once, so that memory stays small."""


@dataclass(frozen=True)
class Beam:
    """Where source and film stand.

    Attributes:
        source_mm: From the source to the plane through the head's origin, which faces it.
        film_mm: From that plane to the film.
    """

    source_mm: float = 1524.0
    film_mm: float = 115.0

    @property
    def magnification(self) -> float:
        """Size on the film of what lies in the plane through the origin."""
        return (self.source_mm + self.film_mm) / self.source_mm


CEPHALOSTAT = Beam()


@dataclass(frozen=True)
class Cephalogram:
    """One radiograph.

    Attributes:
        attenuation: Line integral of attenuation, no unit; row 0 at the top, column 0 at the left
            of the picture.
        pixel_mm: Height and width of a pixel on the film.
        film_from_ras: Maps homogeneous RAS mm to homogeneous (column, row) pixels; the centre of
            pixel (0, 0) is (0.5, 0.5).
    """

    attenuation: Float[Tensor, "rows columns"]
    pixel_mm: tuple[float, float]
    film_from_ras: Float[Tensor, "3 4"]

    def picture(
        self, soft: float = 0.35, edge: float = 0.6, edge_mm: float = 7.0
    ) -> Float[Tensor, "rows columns"]:
        """Return the film from 0 to 1, bone bright, background dark, the soft profile visible.

        The curve log(1 + a / soft) lifts thin tissue, as the wedge filter of a cephalostat does; an
        unsharp mask brings out edges.

        Args:
            soft: Attenuation at which the curve bends.
            edge: Strength of the unsharp mask.
            edge_mm: Its width.
        """
        curve = torch.log1p(self.attenuation / soft)
        top = torch.quantile(curve.flatten()[:: max(1, curve.numel() // 200_000)], 0.998)
        curve = curve / torch.clamp(top, min=1e-6)
        blurred = _blurred(curve, [edge_mm / size for size in self.pixel_mm])
        return torch.clamp(0.92 * curve + edge * (curve - blurred), 0.0, 1.0)


def attenuation_per_mm(image_hu: Float[Tensor, "x y z"]) -> Float[Tensor, "x y z"]:
    """Return linear attenuation from HU: mu_water * (1 + HU / 1000), not below 0."""
    return torch.clamp(MU_WATER_PER_MM * (1.0 + image_hu / 1000.0), min=0.0)


def cephalogram(
    image_hu: Float[Tensor, "x y z"],
    spacing_mm: tuple[float, float, float],
    origin_mm: tuple[float, float, float],
    view: str = "lateral",
    beam: Beam | None = CEPHALOSTAT,
) -> Cephalogram:
    """Project a volume whose axes are right, anterior, superior.

    The film has one pixel for each voxel of the plane through the origin.

    Args:
        image_hu: HU, in an upright posture.
        spacing_mm: Voxel size.
        origin_mm: RAS position of voxel (0, 0, 0).
        view: ``lateral`` (the patient looks to the right of the picture, the left side at the film)
            or ``pa`` (the source behind, the patient's right on the left).
        beam: Source and film; None for parallel rays.

    Raises:
        ValueError: If the view is unknown or the source stands in the volume.
    """
    if view not in ("lateral", "pa"):
        raise ValueError(f"expected view 'lateral' or 'pa', got {view!r}")
    along, across = (0, 1) if view == "lateral" else (1, 0)
    density = attenuation_per_mm(image_hu.float()).movedim(along, 0)
    depth = _towards_source(image_hu.shape[along], spacing_mm[along], origin_mm[along], view)
    if beam is not None and float(depth.max()) > 0.8 * beam.source_mm:
        raise ValueError(
            f"expected a source outside the volume, got one at {beam.source_mm:.0f} mm and voxels "
            f"as near as {float(depth.max()):.0f} mm: move the source away"
        )
    step, start = (spacing_mm[across], spacing_mm[2]), (origin_mm[across], origin_mm[2])
    if beam is None:
        integral, scale = density.sum(dim=0) * spacing_mm[along], 1.0
    else:
        integral = _diverging(density, depth, step, start, beam) * spacing_mm[along]
        scale = beam.magnification
    film = integral.T.flip(0)
    film = film.flip(1) if view == "pa" else film
    matrix = _film_from_ras(film.shape, step, start, view, beam)
    return Cephalogram(film.contiguous(), (step[1] * scale, step[0] * scale), matrix)


def project_landmarks(
    film: Cephalogram, landmarks_mm: Float[Tensor, "landmarks 3"]
) -> Float[Tensor, "landmarks 2"]:
    """Return (column, row) of RAS landmarks on a radiograph."""
    ones = torch.ones(len(landmarks_mm), 1, dtype=torch.float64)
    points = torch.cat([landmarks_mm.double(), ones], dim=1) @ film.film_from_ras.T
    return points[:, :2] / points[:, 2:]


def on_film(film: Cephalogram, pixels: Float[Tensor, "landmarks 2"]) -> Bool[Tensor, " landmarks"]:
    """Say which projected landmarks lie on the film; rays pass through everything else."""
    rows, columns = film.attenuation.shape
    x, y = pixels[:, 0], pixels[:, 1]
    return (x >= 0) & (x < columns) & (y >= 0) & (y < rows)


def angle_deg(
    first: Float[Tensor, "3"], vertex: Float[Tensor, "3"], last: Float[Tensor, "3"]
) -> Float[Tensor, ""]:
    """Return the angle at a vertex in the sagittal plane, degrees: SNA is angle_deg(sella, nasion,
    a_point)."""
    a, b = (first - vertex)[1:].double(), (last - vertex)[1:].double()
    return torch.rad2deg(torch.atan2((a[0] * b[1] - a[1] * b[0]).abs(), (a * b).sum()))


def _towards_source(n: int, spacing: float, origin: float, view: str) -> Tensor:
    """Distance of each slice from the plane through the origin, towards the source."""
    place = origin + spacing * torch.arange(n, dtype=torch.float64)
    # Lateral: the source is on the right; PA: behind.
    return place if view == "lateral" else -place


def _diverging(
    density: Tensor,
    depth: Tensor,
    step: tuple[float, float],
    start: tuple[float, float],
    beam: Beam,
) -> Tensor:
    """Sum slices, each scaled about the central ray as the beam scales it, times the rays' slant.

    A film pixel stands for the point q of the plane through the origin that its ray meets; at a
    depth d towards the source the ray is at q (source - d) / source.
    """
    sizes = density.shape[1:]
    places = [
        torch.tensor(start[a]) + step[a] * torch.arange(sizes[a], dtype=torch.float32)
        for a in range(2)
    ]
    slant = torch.sqrt(
        1.0 + (places[0][:, None] ** 2 + places[1][None, :] ** 2) / beam.source_mm**2
    ).to(density)
    total = torch.zeros(sizes, dtype=density.dtype, device=density.device)
    for first in range(0, len(density), SLAB):
        part = density[first : first + SLAB]
        share = (1.0 - depth[first : first + SLAB] / beam.source_mm).to(density)
        # Voxel coordinates of the ray in the slice, as grid_sample counts them (-1 to 1).
        rays = [
            2.0 * (share[:, None] * places[a].to(density) - start[a]) / (step[a] * (sizes[a] - 1))
            - 1.0
            for a in range(2)
        ]
        across = rays[0][:, :, None].expand(-1, -1, sizes[1])
        up = rays[1][:, None, :].expand(-1, sizes[0], -1)
        sampled = functional.grid_sample(
            part[:, None], torch.stack((up, across), dim=-1), align_corners=True
        )
        total += sampled[:, 0].sum(dim=0)
    return total * slant


def _film_from_ras(
    shape: torch.Size,
    step: tuple[float, float],
    start: tuple[float, float],
    view: str,
    beam: Beam | None,
) -> Float[Tensor, "3 4"]:
    """Homogeneous map from RAS mm to (column, row)."""
    rows, columns = shape
    along, across = (0, 1) if view == "lateral" else (1, 0)
    sign = 1.0 if view == "lateral" else -1.0
    # Point of the plane through the origin, times w = 1 - depth / source.
    matrix = torch.zeros(3, 4, dtype=torch.float64)
    matrix[2, 3] = 1.0
    if beam is not None:
        matrix[2, along] = -sign / beam.source_mm
    column = -start[0] / step[0] + 0.5
    matrix[0] = matrix[2] * (column if sign > 0 else columns - column)
    matrix[0, across] += sign / step[0]
    matrix[1] = matrix[2] * (rows - 0.5 + start[1] / step[1])
    matrix[1, 2] -= 1.0 / step[1]
    return matrix


def _blurred(image: Tensor, sigma: list[float]) -> Tensor:
    """Gaussian blur with repeated borders."""
    result = image[None, None]
    for axis, width in enumerate(sigma):
        reach = int(3 * width + 1)
        place = torch.arange(-reach, reach + 1, dtype=image.dtype)
        kernel = torch.exp(-0.5 * (place / max(width, 1e-3)) ** 2)
        kernel = (kernel / kernel.sum()).reshape((1, 1, -1, 1) if axis == 0 else (1, 1, 1, -1))
        padding = (0, 0, reach, reach) if axis == 0 else (reach, reach, 0, 0)
        result = functional.conv2d(functional.pad(result, padding, mode="replicate"), kernel)
    return result[0, 0]
