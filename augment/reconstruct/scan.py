"""Healthy subject from a 3D photograph or scan: OBJ, PLY or STL in, fitted head out.

A mesh file does not say its unit; none is guessed. A mesh whose size is not that of a head or body
in the stated unit is refused, with the units that would fit.
"""

from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from augment.errors import AssetError, GeometryError
from augment.geometry.mesh_file import read_mesh
from augment.morphable.model import FaceModel
from augment.reconstruct.align import all_rotations
from augment.reconstruct.fit import FitOptions, Target
from augment.reconstruct.head import Fit, fit_head
from augment.reconstruct.surface import Surface, surface_from_mesh

Unit = Literal["mm", "cm", "m", "inch"]
UNIT_MM: dict[str, float] = {"mm": 1.0, "cm": 10.0, "m": 1000.0, "inch": 25.4}

# A face alone is some 150 mm high, a standing person 2 m.
MIN_EXTENT_MM, MAX_EXTENT_MM = 120.0, 2500.0
MIN_TRIANGLES = 500
NOISE_MM = 1.0
SMOOTHING_MM = 2.5


def fit_scan(path: str | Path, model: FaceModel, unit: str = "mm") -> Fit:
    """Fit the face model to a 3D scan of a head, with or without trunk, in any orientation.

    Args:
        path: An OBJ, PLY or STL file, triangles counter-clockwise from outside or all reversed.
        model: The face model.
        unit: Unit of the file's coordinates: ``mm``, ``cm``, ``m`` or ``inch``.

    Returns:
        The fit; its world is the frame of the file in mm.

    Raises:
        ValueError: If the unit is unknown.
        AssetError: If the file is missing, unreadable or holds no surface.
        GeometryError: If its size is not that of a head in this unit, or no face is found.
    """
    if unit not in UNIT_MM:
        known = ", ".join(UNIT_MM)
        raise ValueError(f"unit expects one of {known}, got {unit!r}; pass the unit of the file")
    surface = read_scan(Path(path), unit)

    def everywhere(points_mm: Float[np.ndarray, "p 3"]) -> Bool[np.ndarray, " p"]:
        return np.ones(len(points_mm), dtype=bool)

    def refusal(reason: str) -> str:
        return (
            f"{path}: expected a scan that shows a face, found none ({reason}): "
            f"check the surface, and that its unit is {unit}"
        )

    options = FitOptions(
        source="scan", noise_mm=NOISE_MM, smoothing_mm=SMOOTHING_MM, trunk_is_upright=False
    )
    return fit_head(model, Target(surface, everywhere), all_rotations(), options, refusal)


def read_scan(path: Path, unit: str) -> Surface:
    """Read a scan as an outward surface in mm.

    Raises:
        AssetError: If the file is missing, unreadable or holds almost no triangles.
        GeometryError: If its size is not that of a head in this unit.
    """
    vertices, faces = read_mesh(path)
    if len(faces) < MIN_TRIANGLES:
        raise AssetError(
            f"expected a surface of at least {MIN_TRIANGLES} triangles, got {len(faces)} "
            f"in {str(path)!r}: export the scan's full mesh"
        )
    extent = float(np.ptp(vertices[np.unique(faces)], axis=0).max())
    if not MIN_EXTENT_MM <= extent * UNIT_MM[unit] <= MAX_EXTENT_MM:
        raise GeometryError(_size_message(path, extent, unit))
    return surface_from_mesh(vertices * UNIT_MM[unit], _outward(vertices, faces))


def _size_message(path: Path, extent: float, unit: str) -> str:
    """Say the size that was found and the units in which it would be a head."""
    fitting = [
        name for name, mm in UNIT_MM.items() if MIN_EXTENT_MM <= extent * mm <= MAX_EXTENT_MM
    ]
    hint = " or ".join(f"unit={name}" for name in fitting)
    return (
        f"expected a head or body of {MIN_EXTENT_MM:.0f} to {MAX_EXTENT_MM:.0f} mm, got one of "
        f"{extent * UNIT_MM[unit]:.4g} mm in {str(path)!r} when read in {unit}: "
        + (f"pass {hint} if that is its unit" if hint else "rescale the mesh to mm")
    )


def _outward(
    vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "triangles 3"]
) -> Int[np.ndarray, "triangles 3"]:
    """Reverse all triangles if most of the area faces the middle of the surface."""
    corners = vertices[faces]
    doubled = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    from_middle = corners.mean(1) - corners.mean((0, 1))
    return faces if (from_middle * doubled).sum() >= 0 else faces[:, ::-1].copy()
