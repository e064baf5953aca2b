"""A head of two labels, its twins and ways to lie in the scanner: small enough to check by hand."""

import numpy as np

from augment.volume.atlas import Atlas
from augment.volume.case_scan import scan_twins
from augment.volume.field.lattice import Field, grid_points, identity_field
from augment.volume.field.refinement import exact_inverse
from augment.volume.field.twins import TwinFields
from augment.volume.grid import grid_over
from augment.volume.imaging.protocol import Scan
from augment.volume.imaging.scanner import Scanner
from augment.volume.imaging.tissue import Contrast, TissueValues
from augment.volume.labels import LABELS, NUMBER
from augment.volume.posture import UPRIGHT, Posture

GRID = grid_over((-30, -30, -30), (30, 30, 30), 1.0)
NO_METAL = np.zeros((0, 3))
QUIET = Scanner(kernel_mm=0.0, noise_hu=0.0, metal=0.0)


def plain_values():
    numbers = range(len(LABELS))
    return TissueValues(tuple(10.0 * n for n in numbers), (0.0,) * len(LABELS))


def toy_atlas():
    labels = np.zeros(GRID.shape, np.uint8)
    points = grid_points(GRID)
    labels[np.linalg.norm(points, axis=-1) < 20] = NUMBER["brain"]
    labels[np.linalg.norm(points - (5, 0, 0), axis=-1) < 8] = NUMBER["mandible_cortical"]
    return Atlas(labels, GRID, NO_METAL, None)


STILL = identity_field(grid_over((-60, -60, -60), (60, 60, 60), 6.0))
REST = exact_inverse(STILL, STILL.grid)


def toy_scan(posture=UPRIGHT, grid=GRID, n_sub=1):
    return Scan("diagnostic", posture, grid, QUIET, plain_values(), Contrast.CT, n_sub)


def toy_twins(scan, bulge=None, structure=()):
    """Twins whose pathological head is the healthy one moved by a field."""
    if bulge is None:
        fields = TwinFields(STILL, REST, STILL, REST)
    else:
        rest = exact_inverse(identity_field(bulge.grid), bulge.grid)
        fields = TwinFields(STILL, rest, bulge, exact_inverse(bulge, bulge.grid))
    return scan_twins(toy_atlas(), fields, scan, np.random.default_rng(0), structure)


def bulge():
    """A smooth push of up to 4 mm, another along each axis."""
    lattice = grid_over((-60, -60, -60), (60, 60, 60), 2.0)
    points = grid_points(lattice)
    hill = np.exp(-np.square(points / 18.0).sum(-1))[..., None]
    return Field(lattice, (hill * (4.0, -2.0, 3.0)).astype(np.float32))


TILTED = Posture((6.0, -4.0, 8.0), 0.0, (1.05, 0.97, 1.0), (0.0, -5.0, -10.0))
BENT = Posture((5.0, -3.0, 4.0), 25.0, (1.1, 0.9, 1.0), (0.0, -5.0, -10.0), -40.0, 5.0)
