"""Protocols: how a scan is planned. A closed table of names, each with its posture, field of view
and scanner; `draw_scan` draws one acquisition as plain numbers.

Frames. The *head frame* is the subject's (RAS+, mm). The *scan frame* is the couch's, likewise RAS+
and mm: ``posture.head_from_scan`` takes its points to the head frame. The grid lies in the scan
frame; written to a file, the scan frame is the file's world. In an upright posture both are one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from augment.errors import RecipeError
from augment.volume.grid import Grid, grid_over, triple
from augment.volume.imaging.scanner import (
    Scanner,
    draw_cbct_scanner,
    draw_diagnostic_scanner,
    draw_radiotherapy_scanner,
    without_x_rays,
)
from augment.volume.imaging.tissue import Contrast, TissueValues, draw_tissue_values
from augment.volume.posture import UPRIGHT, Posture

Spacing = tuple[float, float, float]

HEAD_LOW_MM, HEAD_HIGH_MM = (-99.5, -129.5, -127.5), (99.5, 109.5, 127.5)
"""Field of view of a diagnostic scan: 200 x 240 x 256 voxels at 1 mm."""

FILM_MM = (0.0, 25.0, 12.0)
"""How much farther a radiograph's volume reaches to the right, forward and up."""

WIDTH_MM, DEPTH_MM, LENGTH_MM = 460.0, 310.0, 300.0
"""Field of view of a planning CT: shoulders and couch included."""

PERSON_LOW_MM, PERSON_HIGH_MM = (-240.0, -160.0, -290.0), (240.0, 150.0, 170.0)
"""Where any subject with its shoulders lies, head frame; beyond is air."""

FIELD_STEP_MM = 2.0
"""Spacing of the lattice of a tilted scan's fields."""


@dataclass(frozen=True)
class Scan:
    """A drawn acquisition of one person: plain numbers that a record holds and gives back.

    Attributes:
        protocol: Its name in `PROTOCOLS`.
        posture: How the person lies.
        grid: Scan grid, scan frame.
        scanner: Machine, settings and what lies beside the person.
        values: Value per label.
        contrast: A `Contrast`: which kind of image.
        n_sub: Super-sampling along each edge of a voxel.
        footprint_mm: Box about each voxel's centre that the image shows; None for the voxel. A
            planning CT that was thinned to a coarse grid keeps single pixels of a fine one.
    """

    protocol: str
    posture: Posture
    grid: Grid
    scanner: Scanner
    values: TissueValues
    contrast: str
    n_sub: int
    footprint_mm: Spacing | None = None

    def head_grid(self) -> Grid:
        """Return the lattice, head frame, over all that this scan sees of a person: what
        `twin_fields` takes."""
        low, high = seen_box(self.posture, self.grid)
        low, high = np.maximum(low, PERSON_LOW_MM), np.minimum(high, PERSON_HIGH_MM)
        return grid_over(low, np.maximum(high, low + FIELD_STEP_MM), FIELD_STEP_MM)


@dataclass(frozen=True)
class Protocol:
    """How scans of one kind are drawn.

    Attributes:
        spacing_mm: Draws the voxel size where none is asked for.
        posture: Draws how the person lies.
        grid: Draws the field of view for a voxel size.
        scanner: Draws the machine and its settings.
        n_sub: Super-sampling along each edge of a voxel.
        pixel_mm: Pixels of the fine grid that was thinned to this one; 0 for none.
    """

    spacing_mm: Callable[[np.random.Generator], Spacing]
    posture: Callable[[np.random.Generator], Posture]
    grid: Callable[[np.random.Generator, Spacing], Grid]
    scanner: Callable[[np.random.Generator], Scanner]
    n_sub: int
    pixel_mm: float = 0.0


def draw_scan(
    rng: np.random.Generator,
    protocol: str,
    contrast: Contrast = Contrast.CT,
    spacing_mm: Spacing | None = None,
) -> Scan:
    """Draw one acquisition.

    Args:
        rng: Generator of the sample's ``"scan"`` stage.
        protocol: A name in `PROTOCOLS`.
        contrast: Kind of image.
        spacing_mm: Voxel size; the protocol's where it is None.

    Raises:
        RecipeError: If no protocol has this name.
    """
    if protocol not in PROTOCOLS:
        raise RecipeError(
            f"expected a protocol among {sorted(PROTOCOLS)}, got {protocol!r}: choose one of them"
        )
    plan = PROTOCOLS[protocol]
    drawn = plan.spacing_mm(rng)
    spacing = spacing_mm or drawn
    posture, grid, scanner = plan.posture(rng), plan.grid(rng, spacing), plan.scanner(rng)
    if contrast is not Contrast.CT:
        scanner = without_x_rays(scanner, contrast is Contrast.T1, rng)
    footprint = None
    if plan.pixel_mm > 0.0 and spacing[0] > 2.0 * plan.pixel_mm:
        scanner, footprint = _thinned(scanner, plan.pixel_mm, spacing)
    values = draw_tissue_values(rng, contrast)
    return Scan(protocol, posture, grid, scanner, values, contrast, plan.n_sub, footprint)


def _thinned(scanner: Scanner, pixel_mm: float, spacing_mm: Spacing) -> tuple[Scanner, Spacing]:
    """Return a scanner whose blur is moved into the footprint, and that footprint.

    Pixel and kernel are one box of their common variance; the noise of pixels that lie far apart
    is white.
    """
    width = float(np.sqrt(pixel_mm**2 + 12.0 * scanner.kernel_mm**2))
    height = max(scanner.slice_mm, spacing_mm[2])
    sharp = replace(scanner, kernel_mm=0.0, edge=0.0, slice_mm=0.0, noise_peak_per_mm=0.0)
    return sharp, (width, width, height)


def cephalostat_scan(scan: Scan) -> Scan:
    """Return a scan as radiographs need it: upright, held by the ears alone, without streaks, with
    the nose and the vertex of a large head in view.

    Args:
        scan: A drawn diagnostic scan.
    """
    bare = replace(scan.scanner, table=None, head_rest=None, mask=None, metal=0.0)
    more = np.ceil(np.divide(FILM_MM, scan.grid.spacing_mm))
    nx, ny, nz = (int(n) for n in np.array(scan.grid.shape) + more)
    grid = replace(scan.grid, shape=(nx, ny, nz))
    return replace(scan, posture=UPRIGHT, scanner=bare, grid=grid)


def seen_box(posture: Posture, grid: Grid) -> tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"]]:
    """Return the corners, head frame, of the box around a posed grid, 4 mm wider."""
    ends = [np.linspace(grid.axis_mm(a)[0], grid.axis_mm(a)[-1], 17) for a in range(3)]
    points = np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, 3)
    seen = posture.head_from_scan(points)
    return seen.min(0) - 4.0, seen.max(0) + 4.0


def _tilted(rng: np.random.Generator) -> Posture:
    """A head in a head rest: it nods by some 4 degrees and leans by some 2."""
    nod, lean, turn = rng.normal(0.0, (4.0, 2.0, 2.0))
    return Posture(turn_deg=(float(nod), float(lean), float(turn)))


def _extended(rng: np.random.Generator) -> Posture:
    """A head in a mask for radiotherapy, extended by 13 ± 10 degrees as in 12 planning CT."""
    normal = rng.normal
    size = np.array((1.03, 1.0, 0.98)) * np.exp(normal(0.0, 0.035) + normal(0, 0.015, 3))
    return Posture(
        turn_deg=(float(normal(1.0, 7.5)), float(normal(0, 2.5)), float(normal(0, 2.5))),
        neck_bend_deg=float(np.clip(normal(13.0, 9.0), -12.0, 34.0)),
        scale=triple(size),
    )


def _head_box(rng: np.random.Generator, spacing_mm: Spacing) -> Grid:
    """The whole head to below the chin."""
    length = np.array(HEAD_HIGH_MM) - HEAD_LOW_MM
    nx, ny, nz = (int(n) for n in np.ceil(length / spacing_mm) + 1)
    return Grid(HEAD_LOW_MM, spacing_mm, (nx, ny, nz))


def _jaws_box(rng: np.random.Generator, spacing_mm: Spacing) -> Grid:
    """A cube of 240 to 300 voxels about the jaws, in front of the spine."""
    width = rng.integers(240, 301) * np.array(spacing_mm)
    height = rng.uniform(0.75, 1.0) * width[2]
    centre = (rng.normal(0.0, 3.0), rng.normal(42.0, 5.0), rng.normal(-38.0, 6.0))
    low = np.array(centre) - 0.5 * np.array((width[0], width[1], height))
    nx, ny, nz = (int(n) for n in np.array((width[0], width[1], height)) / spacing_mm)
    return Grid(triple(low), spacing_mm, (nx, ny, nz))


def _trunk_box(rng: np.random.Generator, spacing_mm: Spacing) -> Grid:
    """Head and shoulders; in most scans the top lies between the orbits and the hairline."""
    uniform = rng.uniform
    top = uniform(118.0, 170.0) if rng.random() < 0.15 else uniform(25.0, 118.0)
    low = (-0.5 * WIDTH_MM + uniform(-4, 4), -155.0 + uniform(-4, 4), top - LENGTH_MM)
    nx, ny, nz = (int(n) for n in np.array((WIDTH_MM, DEPTH_MM, LENGTH_MM)) / spacing_mm)
    return Grid(triple(low), spacing_mm, (nx, ny, nz))


CBCT_SPACINGS_MM = (0.3, 0.4, 0.5, 0.6)


def _fine(rng: np.random.Generator) -> Spacing:
    return 1.0, 1.0, 1.0


def _isotropic(rng: np.random.Generator) -> Spacing:
    edge = float(rng.choice(CBCT_SPACINGS_MM))
    return edge, edge, edge


def _coarse(rng: np.random.Generator) -> Spacing:
    """Voxels of OpenKBP: 2.7 to 5.4 mm in plane, mostly 4 to 5; slices of 1.5 to 3.3 mm, mostly 2.5
    or 3."""
    edge = float(np.clip(rng.normal(4.45, 0.5), 2.7, 5.4))
    between = float(rng.choice((3.0, 2.5, rng.uniform(1.5, 3.3)), p=(0.5, 0.35, 0.15)))
    return edge, edge, between


PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {
        "diagnostic": Protocol(_fine, _tilted, _head_box, draw_diagnostic_scanner, 1),
        "cbct": Protocol(_isotropic, _tilted, _jaws_box, draw_cbct_scanner, 1),
        "radiotherapy": Protocol(
            _coarse, _extended, _trunk_box, draw_radiotherapy_scanner, 2, pixel_mm=1.2
        ),
    }
)
"""The closed table: diagnostic head CT, cone-beam CT of the jaws, planning CT of radiotherapy."""
