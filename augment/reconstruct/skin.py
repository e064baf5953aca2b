"""Skin surface of a CT or MR volume: the outer border of the body, without airways or couch.

The level of skin is -300 HU in CT (between air at -1000 and skin near 0, above foam and masks) and
Otsu's threshold on square-rooted signal in MR. Only air that reaches the sides of the volume
through openings wider than ``2 * AIRWAY_RADIUS_MM`` is outside: nostrils, mouth, sinuses and lungs
are filled before marching cubes.
"""

from typing import Literal

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.measure import marching_cubes

from augment.errors import GeometryError
from augment.reconstruct.nifti import Volume
from augment.reconstruct.surface import Surface, surface_from_mesh

Modality = Literal["ct", "mr"]

SKIN_LEVEL_HU = -300.0
AIR_BELOW_HU = -800.0
MIN_AIR_SHARE = 0.02
AIRWAY_RADIUS_MM = 5.0
MIN_BODY_ML = 300.0
# Finer voxels than this add time and noise, not shape, to a fit whose model has vertices 3-8 mm
# apart.
FINEST_VOXEL_MM = 2.0
# Bone and metal beside the skin would pull the interpolated surface outwards; skin itself is below
# this.
TISSUE_CAP_HU = 100.0
# How far, in radii, outside air reaches back into creases (nose and cheek, inner eye corner) after
# the erosion.
CREASE_REACH = 1.6


def modality_of(volume: Volume) -> Modality:
    """Tell CT from MR: air is near -1000 HU in every CT, and an MR signal is never negative.

    Raises:
        GeometryError: If values are negative but no air at -1000 HU is present.
    """
    if float((volume.values < AIR_BELOW_HU).mean()) >= MIN_AIR_SHARE:
        return "ct"
    if volume.values.min() >= 0:
        return "mr"
    raise GeometryError(
        f"expected CT values in HU (air near -1000) or a non-negative MR signal, got values from "
        f"{volume.values.min():.4g} to {volume.values.max():.4g}: rescale the volume to HU"
    )


def skin_level(volume: Volume, modality: Modality) -> float:
    """Return the value that separates air from skin, in the volume's own units."""
    if modality == "ct":
        return SKIN_LEVEL_HU
    root = np.sqrt(np.clip(volume.values, 0, np.percentile(volume.values, 99.5)))
    if root.max() <= root.min():
        raise GeometryError(no_head("every voxel has the same value"))
    return float(threshold_otsu(root) ** 2)


def extract_skin(volume: Volume, modality: Modality | None = None) -> Surface:
    """Extract the outer skin surface with sub-voxel accuracy.

    Args:
        volume: A volume with air around the body.
        modality: ``"ct"``, ``"mr"``, or None to tell by :func:`modality_of`.

    Returns:
        The surface of the largest body in RAS world mm; it is open where the body leaves the
        volume.

    Raises:
        GeometryError: If there is no body in the volume.
    """
    modality = modality or modality_of(volume)
    volume = coarsened(volume, FINEST_VOXEL_MM)
    level = skin_level(volume, modality)
    body = _body(volume, level)
    filled = _filled(volume.values, body, level, TISSUE_CAP_HU if modality == "ct" else np.inf)
    vertices, faces, _, _ = marching_cubes(filled, level)
    if np.linalg.det(volume.world_from_voxel[:3, :3]) > 0:  # skimage winds clockwise from outside
        faces = faces[:, ::-1]
    return surface_from_mesh(volume.world(vertices.astype(np.float64)), faces.astype(np.int64))


def coarsened(volume: Volume, finest_mm: float) -> Volume:
    """Average blocks of voxels so that no spacing is finer than about ``finest_mm``."""
    factor = np.maximum(1, np.floor(finest_mm / volume.spacing_mm + 1e-6).astype(int))
    if factor.max() == 1:
        return volume
    shape = np.array(volume.values.shape) // factor
    crop = volume.values[tuple(slice(0, n) for n in shape * factor)]
    blocks = crop.reshape(shape[0], factor[0], shape[1], factor[1], shape[2], factor[2])
    affine = volume.world_from_voxel.copy()
    affine[:3, 3] += affine[:3, :3] @ ((factor - 1) / 2.0)
    affine[:3, :3] *= factor
    return Volume(np.ascontiguousarray(blocks.mean((1, 3, 5), dtype=np.float32)), affine)


def _body(volume: Volume, level: float) -> Bool[np.ndarray, "i j k"]:
    """Solid body: everything that is not outside air, largest connected piece."""
    air = volume.values < level
    if not air.any() or air.all():
        raise GeometryError(no_head("air and body do not both appear in it"))
    depth = ndimage.distance_transform_edt(air, sampling=volume.spacing_mm)
    radius = max(AIRWAY_RADIUS_MM, float(volume.spacing_mm.max()))
    pieces, n_pieces = ndimage.label(depth > radius)
    # Sides only: lungs and trachea leave through the bottom, a cut nasal cavity through the top.
    sides = [pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]]
    outside_labels = np.unique(np.concatenate([side.ravel() for side in sides]))
    is_outside = np.zeros(n_pieces + 1, dtype=bool)
    is_outside[outside_labels] = True
    is_outside[0] = False
    core = is_outside[pieces]
    if not core.any():
        raise GeometryError(no_head("no air surrounds the body"))
    outside = air & (
        ndimage.distance_transform_edt(~core, sampling=volume.spacing_mm) <= CREASE_REACH * radius
    )
    solids, n_solids = ndimage.label(~outside)
    sizes = np.bincount(solids.ravel(), minlength=n_solids + 1)
    sizes[0] = 0
    body = solids == int(sizes.argmax())
    volume_ml = float(sizes.max()) * abs(np.linalg.det(volume.world_from_voxel[:3, :3])) / 1000.0
    if volume_ml < MIN_BODY_ML:
        raise GeometryError(no_head(f"the largest body measures {volume_ml:.0f} ml"))
    return np.asarray(body)


def _filled(
    values: Float[np.ndarray, "i j k"], body: Bool[np.ndarray, "i j k"], level: float, cap: float
) -> Float[np.ndarray, "i j k"]:
    """Make the body alone exceed the level: cavities become tissue, other solids air."""
    tissue = min(float(np.median(values[body & (values > level)])), cap)
    filled = np.minimum(values, cap)
    filled[body & (values <= level)] = tissue
    filled[~body & (values >= level)] = level - 1e-3
    return filled


def no_head(reason: str) -> str:
    """Say in one sentence that a volume shows no head."""
    return (
        f"expected a volume that shows a head in air, found no head ({reason}): "
        "check that it is a head CT in HU or a head MR"
    )
