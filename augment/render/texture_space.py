"""The template unrolled: which surface point each texel of a texture sheet shows.

Sheets are square, row 0 at v = 1, and painted once per model; texels between the islands take the
nearest painted one, so that a look-up on a seam is safe.
"""

from dataclasses import dataclass

import numpy as np
import scipy.ndimage
import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from augment.geometry.camera import Camera
from augment.geometry.mesh import vertex_normals
from augment.morphable.model import FaceModel
from augment.raster.fragments import Fragments
from augment.raster.interpolate import interpolate
from augment.raster.rasterize import rasterize

_PLANE_MM = 1000.0


@dataclass(frozen=True, eq=False)
class Unrolled:
    """Where the texels of a sheet lie on the template.

    Attributes:
        is_painted: Whether a texel lies inside a triangle.
        position: Template position of each texel, mm, head frame.
        normal: Unit normal of the template there.
        region: Number in REGIONS.
    """

    is_painted: Bool[np.ndarray, "size size"]
    position: Float[np.ndarray, "size size 3"]
    normal: Float[np.ndarray, "size size 3"]
    region: Shaped[np.ndarray, "size size"]

    @property
    def size(self) -> int:
        """Texels along each side."""
        return len(self.is_painted)


def sheet_fragments(model: FaceModel, size: int) -> Fragments:
    """Return the triangle of each texel of a sheet, and the place on it, as if it were a picture.

    The texture triangles lie on a plane before a camera that sees one texel a pixel, so the
    rasterizer of the pictures answers this too.

    Args:
        model: The face model, on the CPU.
        size: Texels along each side.
    """
    flat = torch.stack(
        (
            model.uv[:, 0] * size,
            (1.0 - model.uv[:, 1]) * size,
            torch.full((len(model.uv),), _PLANE_MM),
        ),
        dim=-1,
    )
    camera = Camera(
        torch.tensor([_PLANE_MM], dtype=torch.float64),
        torch.zeros((1, 2), dtype=torch.float64),
        torch.eye(4, dtype=torch.float64)[None],
        size,
        size,
    )
    return rasterize(flat[None], model.uv_faces, camera)


def unroll(model: FaceModel, size: int) -> Unrolled:
    """Return the surface points of a sheet of `size` x `size` texels.

    Args:
        model: The face model, on the CPU.
        size: Texels along each side, a divisor of the region sheet's.
    """
    fragments = sheet_fragments(model, size)
    normals = vertex_normals(model.mean, model.faces)
    values = interpolate(fragments, model.faces, torch.cat((model.mean, normals), 1))[0].numpy()
    painted = fragments.is_hit()[0].numpy()
    nearest = nearest_painted(painted)
    values = values[nearest]
    step = len(model.region_map) // size
    region = model.region_map.numpy()[step // 2 :: step, step // 2 :: step]
    length = np.linalg.norm(values[..., 3:], axis=-1, keepdims=True)
    return Unrolled(painted, values[..., :3], values[..., 3:] / np.maximum(length, 1e-6), region)


def nearest_painted(painted: Bool[np.ndarray, "size size"]) -> tuple[np.ndarray, np.ndarray]:
    """Return row and column of the painted texel nearest to each texel."""
    indices = scipy.ndimage.distance_transform_edt(
        ~painted, return_distances=False, return_indices=True
    )
    return indices[0], indices[1]


def texel_size_mm(position: Tensor | np.ndarray) -> float:
    """Return the median distance on the face between texels side by side, mm."""
    points = np.asarray(position)
    gap = np.linalg.norm(np.diff(points, axis=1), axis=-1)
    return float(np.median(gap[gap > 0]))
