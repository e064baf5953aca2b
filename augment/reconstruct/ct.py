"""Healthy subject from a CT or MR volume: NIfTI in, fitted head out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from augment.errors import GeometryError
from augment.morphable.model import FaceModel
from augment.reconstruct.align import upright_rotations
from augment.reconstruct.fit import FitOptions, Target
from augment.reconstruct.head import Fit, fit_head
from augment.reconstruct.nifti import Volume, read_volume
from augment.reconstruct.skin import Modality, extract_skin, no_head

# Marching cubes on partial volumes is good to about a quarter of a voxel; the model to about 1 mm.
NOISE_PER_VOXEL = 0.25
NOISE_RANGE_MM = (0.6, 1.5)
SMOOTHING_PER_VOXEL = 1.2
SMOOTHING_RANGE_MM = (2.5, 8.0)
VIEW_MARGIN_VOXELS = 0.5


def fit_ct(path: str | Path, model: FaceModel, modality: Modality | None = None) -> Fit:
    """Fit the face model to the skin of a head CT or MR.

    Args:
        path: A 3D NIfTI file in RAS-convertible world mm: CT in HU, or MR magnitude.
        model: The face model.
        modality: ``"ct"`` or ``"mr"``; None tells by the air at -1000 HU, which only CT has.

    Returns:
        The fit; its world is the RAS world of the file.

    Raises:
        AssetError: If the file is missing or not a NIfTI file.
        GeometryError: If the volume is not usable or shows no head.
    """
    volume = read_volume(path)
    try:
        return fit_volume(volume, model, modality)
    except GeometryError as error:
        raise GeometryError(f"{path}: {error}") from error


def fit_volume(volume: Volume, model: FaceModel, modality: Modality | None = None) -> Fit:
    """Fit the face model to the skin of a volume; see :func:`fit_ct`."""
    surface = extract_skin(volume, modality)

    def in_view(points_mm: Float[np.ndarray, "p 3"]) -> Bool[np.ndarray, " p"]:
        return volume.contains(points_mm, VIEW_MARGIN_VOXELS)

    voxel_mm = float(volume.spacing_mm.max())
    options = FitOptions(
        source="ct",
        noise_mm=float(np.clip(NOISE_PER_VOXEL * voxel_mm, *NOISE_RANGE_MM)),
        smoothing_mm=float(np.clip(SMOOTHING_PER_VOXEL * voxel_mm, *SMOOTHING_RANGE_MM)),
        trunk_is_upright=True,
    )
    target = Target(surface, in_view)
    return replace(fit_head(model, target, upright_rotations(), options, no_head), volume=volume)
