"""Scans a case: images, labels and shares of both twins and the field between them, on one grid."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int16, UInt8
from scipy import ndimage

from augment.errors import GeometryError
from augment.volume.atlas import Atlas
from augment.volume.field.lattice import Field, jacobian
from augment.volume.field.refinement import Inverse
from augment.volume.field.twins import TwinFields
from augment.volume.files import write_volume
from augment.volume.grid import Grid
from augment.volume.imaging.protocol import PERSON_HIGH_MM, PERSON_LOW_MM, Scan, seen_box
from augment.volume.imaging.scanner import Exposure, acquire, expose
from augment.volume.label_table import itksnap_table, label_json, slicer_table
from augment.volume.sampling import Pulled, Twin, draw_texture, pull_back
from augment.volume.scan_frame import scan_displacement

N_WRITERS = 2

STRETCHED_MM = 4.0
"""No voxel of the anatomy is larger than this in any head."""


@dataclass(frozen=True)
class HeadVolume:
    """One twin.

    Attributes:
        image_hu: HU, or arbitrary units for random contrast and T1.
        labels: Most frequent label of each voxel.
        share: Share of each voxel that the asked structure fills, 0 to 255; None if none was asked.
    """

    image_hu: Int16[np.ndarray, "x y z"]
    labels: UInt8[np.ndarray, "x y z"]
    share: UInt8[np.ndarray, "x y z"] | None


@dataclass(frozen=True)
class CaseVolumes:
    """Both twins on one grid, scan frame.

    Attributes:
        healthy: The healthy twin.
        pathological: The pathological twin.
        displacement_mm: Concretely, what lies at the centre p of voxel (i, j, k) of the
            pathological twin lies at ``p + displacement_mm[i, j, k]`` in the healthy one, both
            points in the scan frame, mm.
        jacobian: Local ratio of volumes of that map.
        grid: The grid, scan frame.
    """

    healthy: HeadVolume
    pathological: HeadVolume
    displacement_mm: Float32[np.ndarray, "x y z 3"]
    jacobian: Float32[np.ndarray, "x y z"]
    grid: Grid


def scan_twins(
    atlas: Atlas,
    fields: TwinFields,
    scan: Scan,
    rng: np.random.Generator,
    structure: tuple[int, ...] = (),
    opened: Atlas | None = None,
) -> CaseVolumes:
    """Scan both twins in the same posture with the same tissue, texture and noise.

    Args:
        atlas: Anatomy in template space.
        fields: Fields of the case in the head frame, on ``scan.head_grid()``.
        scan: The acquisition, of any protocol and posture.
        rng: Generator of the sample's ``"noise"`` stage.
        structure: Labels whose share of each voxel is wanted, for example `labels.MANDIBLE`.
        opened: Anatomy of the pathological twin where bone was cut; None for the same anatomy.

    Raises:
        GeometryError: If the fields do not cover what the scan sees.
    """
    _check_cover(fields.template_from_healthy.grid, scan)
    texture = draw_texture(rng)
    healthy = _pulled(atlas, fields.template_from_healthy, scan, texture, structure)
    exposure = expose(healthy[0], scan.grid, scan.scanner, scan.n_sub, rng)
    anatomy, differing = atlas, fields.differing
    if opened is not None:
        anatomy, differing = opened, differing | _cells_of_change(atlas, opened, fields)
    pathological = _pulled(
        anatomy,
        fields.template_from_pathological,
        scan,
        texture,
        structure,
        Twin(healthy, differing),
    )
    between = scan_displacement(fields, scan.posture, scan.grid)
    return CaseVolumes(
        _scanned(healthy, atlas, fields.healthy_from_template, scan, exposure),
        _scanned(pathological, atlas, fields.pathological_from_template, scan, exposure),
        between.displacement_mm,
        jacobian(between),
        scan.grid,
    )


def scan_head(
    atlas: Atlas,
    template_from_head: Field | Inverse,
    head_from_template: Field,
    scan: Scan,
    rng: np.random.Generator,
    structure: tuple[int, ...] = (),
) -> HeadVolume:
    """Scan one head alone; with the same generator the same bytes as a twin of `scan_twins`.

    Args:
        atlas: Anatomy in template space.
        template_from_head: Field that pulls the atlas, head frame.
        head_from_template: Its inverse.
        scan: The acquisition.
        rng: As in `scan_twins`.
        structure: As in `scan_twins`.
    """
    pulled = _pulled(atlas, template_from_head, scan, draw_texture(rng), structure)
    exposure = expose(pulled[0], scan.grid, scan.scanner, scan.n_sub, rng)
    return _scanned(pulled, atlas, head_from_template, scan, exposure)


def _pulled(
    atlas: Atlas,
    template_from_head: Field | Inverse,
    scan: Scan,
    texture: np.ndarray,
    structure: tuple[int, ...],
    twin: Twin | None = None,
) -> Pulled:
    """What a scanner without faults would show."""
    return pull_back(
        atlas,
        template_from_head,
        scan.posture,
        scan.values,
        texture,
        scan.grid,
        scan.n_sub,
        structure,
        scan.footprint_mm,
        twin,
    )


def _cells_of_change(atlas: Atlas, opened: Atlas, fields: TwinFields) -> np.ndarray:
    """Cells of the pathological inverse's grid that may show a voxel whose label was changed."""
    grid = fields.template_from_pathological.grid
    changed = np.argwhere(atlas.labels != opened.labels)
    points = changed * np.array(atlas.grid.spacing_mm) + atlas.grid.origin_mm
    placed = fields.pathological_from_template.move(points)
    index = np.floor((placed - grid.origin_mm) / grid.spacing_mm).astype(int)
    cells = np.zeros(grid.shape, bool)
    known = ((index >= 0) & (index < grid.shape)).all(axis=1)
    cells[tuple(index[known].T)] = True
    # A voxel's corners, stretched, reach into neighbouring cells.
    reach = [int(np.ceil(STRETCHED_MM / s)) for s in grid.spacing_mm]
    return np.asarray(ndimage.maximum_filter(cells, [2 * n + 1 for n in reach]))


def _scanned(
    pulled: Pulled, atlas: Atlas, head_from_template: Field, scan: Scan, exposure: Exposure
) -> HeadVolume:
    """What this scanner shows; the ideal image is overwritten."""
    image, labels, share = pulled
    metal_mm = scan.posture.scan_from_head(head_from_template.move(atlas.metal_mm))
    taken = acquire(image, scan.grid, scan.scanner, scan.n_sub, metal_mm, exposure)
    return HeadVolume(taken, labels, share)


def _check_cover(grid: Grid, scan: Scan) -> None:
    """Refuse fields that end within what the scan sees of a person."""
    low, high = seen_box(scan.posture, scan.grid)
    low = np.maximum(low + 4.0, PERSON_LOW_MM)
    high = np.minimum(high - 4.0, PERSON_HIGH_MM)
    first, last = np.array(grid.origin_mm), np.array([grid.axis_mm(a)[-1] for a in range(3)])
    short = float(max((first - low).max(), (high - last).max()))
    if short > max(grid.spacing_mm):
        raise GeometryError(
            f"expected fields that cover what the scan sees, got fields that end {short:.0f} mm "
            "before it: build them on scan.head_grid()"
        )


def write_case(folder: Path, case: CaseVolumes) -> None:
    """Write a case's volumes and label tables into a folder, each read back after writing.

    Args:
        folder: Existing folder.
        case: Both twins.
    """
    affine = case.grid.head_from_voxel
    wanted: list[tuple[str, np.ndarray, str]] = [
        ("displacement_mm", case.displacement_mm, "displacement_mm"),
        ("jacobian", case.jacobian, "jacobian"),
    ]
    for twin, volume in (("healthy", case.healthy), ("pathological", case.pathological)):
        wanted.append((f"{twin}_ct", volume.image_hu, "ct"))
        wanted.append((f"{twin}_labels", volume.labels, "labels"))
    with ThreadPoolExecutor(N_WRITERS) as pool:
        tasks = [
            pool.submit(write_volume, folder / f"{name}.nii.gz", values, affine, kind)
            for name, values, kind in wanted
        ]
    for task in tasks:
        task.result()
    for name, text in (
        ("labels.json", label_json()),
        ("labels_itksnap.txt", itksnap_table()),
        ("labels_slicer.ctbl", slicer_table()),
    ):
        (folder / name).write_text(text, encoding="utf-8")
