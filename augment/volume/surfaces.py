"""Surfaces of bone: meshes taken once from the atlas, or from a real CT, and carried by fields.

Both twins get the same triangles, so that their vertices correspond one to one.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float, Int64
from scipy import ndimage
from skimage.measure import marching_cubes

from augment.volume.labels import LABELS, MANDIBLE, NUMBER

MESH_STEP_MM = 1.5
"""Vertices stand about this far apart; finer steps add triangles, not shape, to 1 mm labels."""

SMOOTHING_MM = 0.8
BONE_HU = 300.0

_FACE_BONES = ("cranium", "petrous", "skull_base", "maxilla", "zygoma", "nasal_bone", "teeth_upper")

SKULL: tuple[int, ...] = tuple(
    label.number for label in LABELS if label.name.startswith(_FACE_BONES)
)
"""Cranium and midface with the upper teeth, without the mandible."""

MANDIBLE_AND_TEETH: tuple[int, ...] = (*MANDIBLE, NUMBER["teeth_lower_crown"])

BONES: Mapping[str, tuple[int, ...]] = {
    "mesh_skull": SKULL,
    "mesh_mandible": MANDIBLE_AND_TEETH,
}

Mesh = tuple[Float[np.ndarray, "vertices 3"], Int64[np.ndarray, "triangles 3"]]


def mask_surface(
    mask: Bool[np.ndarray, "x y z"], ras_from_voxel: Float[np.ndarray, "4 4"]
) -> Mesh | None:
    """Return the outer and inner surface of a structure.

    Args:
        mask: Which voxels belong to it.
        ras_from_voxel: Affine from voxel centres to mm.

    Returns:
        Vertices in mm and triangles wound outwards; None where nothing belongs to it.
    """
    places = ndimage.find_objects(mask.astype(np.uint8))
    if not places:
        return None
    spacing = np.linalg.norm(ras_from_voxel[:3, :3], axis=0)
    box = places[0]
    # Two voxels of air around it keep the surface closed where the field of view cuts.
    inside = np.pad(mask[box], 2).astype(np.float32)
    smooth = ndimage.gaussian_filter(inside, SMOOTHING_MM / spacing)
    step = max(1, int(MESH_STEP_MM / spacing.max() + 0.5))
    if smooth.max() <= 0.5:
        return None
    voxels, faces, _, _ = marching_cubes(smooth, 0.5, step_size=step)
    voxels = voxels.astype(float) + [edge.start - 2 for edge in box]
    vertices = voxels @ ras_from_voxel[:3, :3].T + ras_from_voxel[:3, 3]
    # scikit-image winds inwards where the axes are right-handed.
    if np.linalg.det(ras_from_voxel[:3, :3]) > 0:
        faces = faces[:, ::-1]
    return vertices, np.ascontiguousarray(faces, np.int64)
