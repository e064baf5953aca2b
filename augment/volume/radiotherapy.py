"""Radiotherapy-like head-and-neck CT with exact labels: what the recipe `mandible_kbp` draws and
makes."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int16, UInt8

from augment.volume.atlas import Atlas
from augment.volume.grid import Grid, triple
from augment.volume.labels import MANDIBLE
from augment.volume.lattice import Field
from augment.volume.posture import Posture
from augment.volume.sampling import draw_texture, pull_back
from augment.volume.scanner import Scanner, acquire, draw_radiotherapy_scanner
from augment.volume.tissue import TissueValues, draw_tissue_values

SPACING_MM = (4.0, 4.0, 3.0)
WIDTH_MM, DEPTH_MM, LENGTH_MM = 420.0, 300.0, 300.0


@dataclass(frozen=True)
class RadiotherapyScan:
    """A drawn acquisition of one person.

    Attributes:
        posture: How the person lies.
        grid: Scan grid; the vertex is often cut off.
        scanner: Blur, noise, streaks, couch.
        values: Value per label.
        n_sub: Super-sampling of a voxel.
    """

    posture: Posture
    grid: Grid
    scanner: Scanner
    values: TissueValues
    n_sub: int


@dataclass(frozen=True)
class ScannedVolume:
    """Image and labels on one grid.

    Attributes:
        image_hu: HU.
        labels: Most frequent label of each voxel.
        mandible: Share of each voxel that a clinician would contour as mandible.
        grid: Their grid, scan frame.
    """

    image_hu: Int16[np.ndarray, "x y z"]
    labels: UInt8[np.ndarray, "x y z"]
    mandible: Float32[np.ndarray, "x y z"]
    grid: Grid


def draw_radiotherapy_scan(
    rng: np.random.Generator, spacing_mm: tuple[float, float, float] = SPACING_MM
) -> RadiotherapyScan:
    """Draw posture, field of view, scanner and tissue values of one planning CT.

    Heads lie extended by some 20 degrees; seven in eight scans end between the orbits and the
    hairline.
    """
    uniform, normal = rng.uniform, rng.normal
    size = np.array((1.03, 0.975, 0.945)) * np.exp(normal(0.0, 0.04))
    posture = Posture(
        turn_deg=(float(normal(-3.0, 7.0)), float(normal(0, 3.5)), float(normal(0, 3.5))),
        neck_bend_deg=float(np.clip(normal(13.0, 9.0), -12.0, 34.0)),
        scale=triple(size * np.exp(normal(0, 0.025, 3))),
    )
    top = uniform(118.0, 170.0) if rng.random() < 0.15 else uniform(25.0, 118.0)
    low = (-0.5 * WIDTH_MM + uniform(-4, 4), -155.0 + uniform(-4, 4), top - LENGTH_MM)
    nx, ny, nz = (int(n) for n in np.array((WIDTH_MM, DEPTH_MM, LENGTH_MM)) / spacing_mm)
    grid = Grid(triple(low), spacing_mm, (nx, ny, nz))
    n_sub = 2 if rng.random() < 0.8 else 1
    return RadiotherapyScan(
        posture, grid, draw_radiotherapy_scanner(rng), draw_tissue_values(rng), n_sub
    )


def scan_radiotherapy(
    atlas: Atlas,
    head_from_template: Field,
    template_from_head: Field,
    scan: RadiotherapyScan,
    rng: np.random.Generator,
) -> ScannedVolume:
    """Scan a subject.

    Args:
        atlas: The subject's anatomy in template space.
        head_from_template: Field that carries the template to the subject.
        template_from_head: Its inverse.
        scan: The drawn acquisition.
        rng: Generator of the sample's ``"noise"`` stage.
    """
    texture = draw_texture(rng)
    ideal, labels, mandible = pull_back(
        atlas,
        template_from_head,
        scan.posture,
        scan.values,
        texture,
        scan.grid,
        scan.n_sub,
        MANDIBLE,
    )
    metal = head_from_template.move(atlas.metal_mm) if len(atlas.metal_mm) else atlas.metal_mm
    image = acquire(ideal, scan.grid, scan.scanner, _scan_from_head(scan.posture, metal), rng)
    return ScannedVolume(image, labels, mandible, scan.grid)


def _scan_from_head(
    posture: Posture, points_mm: Float[np.ndarray, "points 3"]
) -> Float[np.ndarray, "points 3"]:
    """Invert the posture by fixed point, for a few points."""
    points = np.array(points_mm, float)
    matrix, _ = posture.matrix()
    for _ in range(30):
        points = (
            points - np.linalg.solve(matrix, (posture.head_from_scan(points) - points_mm).T).T * 0.7
        )
    return points
