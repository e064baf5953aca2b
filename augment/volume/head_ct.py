"""A complete head CT case: images and labels of both twins, the field between them, one grid, one
folder."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int16, UInt8

from augment.volume.atlas import Atlas
from augment.volume.files import write_volume
from augment.volume.grid import Grid, grid_over
from augment.volume.label_table import itksnap_table, label_json, slicer_table
from augment.volume.lattice import Field, jacobian
from augment.volume.posture import UPRIGHT
from augment.volume.sampling import draw_texture, pull_back
from augment.volume.scanner import Scanner, acquire
from augment.volume.tissue import Contrast, TissueValues, draw_tissue_values
from augment.volume.twins import TwinFields

HEAD_LOW_MM, HEAD_HIGH_MM = (-99.5, -129.5, -127.5), (99.5, 109.5, 127.5)
"""Field of view of a head scan: 200 x 240 x 256 voxels at 1 mm."""


@dataclass(frozen=True)
class HeadScan:
    """A drawn acquisition of a head.

    Attributes:
        grid: Grid, head frame.
        values: Value per label.
        scanner: Blur, noise, streaks.
        contrast: Kind of image.
        n_sub: Super-sampling of a voxel.
    """

    grid: Grid
    values: TissueValues
    scanner: Scanner
    contrast: Contrast
    n_sub: int


@dataclass(frozen=True)
class HeadVolume:
    """One twin.

    Attributes:
        image_hu: HU, or arbitrary units for random contrast and T1.
        labels: Label per voxel.
    """

    image_hu: Int16[np.ndarray, "x y z"]
    labels: UInt8[np.ndarray, "x y z"]


@dataclass(frozen=True)
class CaseVolumes:
    """Both twins on one grid.

    Attributes:
        healthy: The healthy twin.
        pathological: The pathological twin.
        displacement_mm: Where each voxel of the pathological twin is in the healthy one, RAS mm.
        jacobian: Local ratio of volumes of that map.
        grid: The grid, head frame.
    """

    healthy: HeadVolume
    pathological: HeadVolume
    displacement_mm: Float32[np.ndarray, "x y z 3"]
    jacobian: Float32[np.ndarray, "x y z"]
    grid: Grid


def draw_head_scan(
    rng: np.random.Generator, spacing_mm: float = 1.0, contrast: Contrast = Contrast.CT
) -> HeadScan:
    """Draw the acquisition of a diagnostic head scan.

    Args:
        rng: Generator of the sample's ``"scan"`` stage.
        spacing_mm: Edge length of a voxel.
        contrast: Kind of image.
    """
    scanner = Scanner(
        blur_mm=(float(rng.uniform(0.3, 0.7)), float(rng.uniform(0.3, 0.7))),
        noise_hu=float(rng.uniform(4.0, 25.0)),
        noise_grain_mm=float(rng.uniform(0.4, 1.2)),
        streak_hu=float(rng.uniform(100.0, 800.0)) if contrast is Contrast.CT else 0.0,
        n_streaks=int(rng.integers(3, 9)),
        couch=False,
    )
    grid = grid_over(HEAD_LOW_MM, HEAD_HIGH_MM, spacing_mm)
    return HeadScan(grid, draw_tissue_values(rng, contrast), scanner, contrast, 1)


def scan_twins(
    atlas: Atlas, fields: TwinFields, scan: HeadScan, rng: np.random.Generator
) -> CaseVolumes:
    """Scan both twins with the same tissue, texture and noise.

    Args:
        atlas: Anatomy in template space.
        fields: Fields of the case.
        scan: The acquisition.
        rng: Generator of the sample's ``"noise"`` stage.
    """
    texture, seed = draw_texture(rng), int(rng.integers(2**62))
    sides = (
        (fields.template_from_healthy, fields.healthy_from_template),
        (fields.template_from_pathological, fields.pathological_from_template),
    )
    healthy, pathological = (_scan(atlas, *side, scan, texture, seed) for side in sides)
    between = fields.healthy_from_pathological(scan.grid)
    return CaseVolumes(healthy, pathological, between.displacement_mm, jacobian(between), scan.grid)


def _scan(
    atlas: Atlas,
    template_from_head: Field,
    head_from_template: Field,
    scan: HeadScan,
    texture: np.ndarray,
    seed: int,
) -> HeadVolume:
    ideal, labels, _ = pull_back(
        atlas, template_from_head, UPRIGHT, scan.values, texture, scan.grid, scan.n_sub
    )
    metal = head_from_template.move(atlas.metal_mm)
    return HeadVolume(
        acquire(ideal, scan.grid, scan.scanner, metal, np.random.default_rng(seed)), labels
    )


def write_case(folder: Path, case: CaseVolumes) -> None:
    """Write a case's volumes and label tables into a folder, each read back after writing.

    Args:
        folder: Existing folder.
        case: Both twins.
    """
    affine = case.grid.head_from_voxel
    for twin, volume in (("healthy", case.healthy), ("pathological", case.pathological)):
        write_volume(folder / f"{twin}_ct.nii.gz", volume.image_hu, affine, "ct")
        write_volume(folder / f"{twin}_labels.nii.gz", volume.labels, affine, "labels")
    write_volume(folder / "displacement_mm.nii.gz", case.displacement_mm, affine, "displacement_mm")
    write_volume(folder / "jacobian.nii.gz", case.jacobian, affine, "jacobian")
    for name, text in (
        ("labels.json", label_json()),
        ("labels_itksnap.txt", itksnap_table()),
        ("labels_slicer.ctbl", slicer_table()),
    ):
        (folder / name).write_text(text, encoding="utf-8")
