"""Loop refinement of a face model's topology: finer triangles with the same landmarks, parts and
texture.

Labels and pictures are made from the refined mesh, so that silhouettes are round and labels stay
exact on it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from augment.geometry.subdivision import linear_subdivision, loop_subdivision

if TYPE_CHECKING:
    from augment.morphable.model import FaceModel


@dataclass(frozen=True, eq=False)
class RowSums:
    """A sparse matrix as lists of rows to add: a product takes a fifteenth of the time that a
    coordinate list takes on a CPU.

    Attributes:
        columns: Rows of the operand, those of the first result first.
        starts: Where each result's list starts.
        weights: What each row is multiplied by.
    """

    columns: Int[Tensor, " entries"]
    starts: Int[Tensor, " results"]
    weights: Float[Tensor, " entries"]

    def times(self, rows: Float[Tensor, "rows channels"]) -> Float[Tensor, "results channels"]:
        """Return the product with a table."""
        return torch.nn.functional.embedding_bag(
            self.columns, rows, self.starts, mode="sum", per_sample_weights=self.weights
        )


@dataclass(frozen=True, eq=False)
class Refinement:
    """A finer topology and the sums that carry vertices to it.

    Attributes:
        level: How many times each triangle was split in four.
        sums: What each finer vertex adds up, (finer, v); its weights sum to 1.
        faces: Finer triangles.
        part_of_triangle: Part of each finer triangle.
        uv: Finer texture coordinates.
        uv_faces: Rows of uv at the corners of the finer triangles.
        landmark_triangle: Finer triangle of each landmark.
        landmark_weights: Barycentric weights of each landmark in it.
    """

    level: int
    sums: RowSums
    faces: Int[Tensor, "finer 3"]
    part_of_triangle: UInt8[Tensor, " finer"]
    uv: Float[Tensor, "uv_vertices 2"]
    uv_faces: Int[Tensor, "finer 3"]
    landmark_triangle: Int[Tensor, " landmarks"]
    landmark_weights: Float[Tensor, "landmarks 3"]

    def apply(
        self, values: Float[Tensor, "batch vertices channels"]
    ) -> Float[Tensor, "batch finer channels"]:
        """Carry per-vertex values of the model to the finer vertices."""
        if self.level == 0:
            return values
        n, v, c = values.shape
        flat = values.permute(1, 0, 2).reshape(v, n * c)
        return self.sums.times(flat).reshape(-1, n, c).permute(1, 0, 2).contiguous()

    def landmarks(
        self, vertices: Float[Tensor, "batch finer 3"]
    ) -> Float[Tensor, "batch landmarks 3"]:
        """Return all landmarks on finer vertices, in the order of the model's `landmark_names`."""
        corners = vertices[:, self.faces[self.landmark_triangle]]
        return (corners * self.landmark_weights[..., None]).sum(dim=2)


def _child_weights(triangle: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Follow barycentric points into the child triangles of one split (children 4t to 4t + 3)."""
    corner = np.where((weights > 0.5).any(axis=1), weights.argmax(axis=1), 3)
    finer = np.empty_like(weights)
    for row, (child, w) in enumerate(zip(corner, weights, strict=True)):
        if child == 3:
            finer[row] = [1 - 2 * w[2], 1 - 2 * w[0], 1 - 2 * w[1]]
        else:
            finer[row] = 2 * w
            finer[row, child] = 2 * w[child] - 1
    return 4 * triangle + corner, finer


def refine(model: "FaceModel", level: int) -> Refinement:
    """Return the refinement of a model's topology.

    Args:
        model: The face model.
        level: 0 (as it is), 1 (four times the triangles) or 2 (sixteen times).

    Raises:
        ValueError: If level is not 0, 1 or 2.
    """
    if level not in (0, 1, 2):
        raise ValueError(f"level must be 0, 1 or 2, got {level!r}")
    device = model.device
    faces, uv_faces = model.faces.cpu().numpy(), model.uv_faces.cpu().numpy()
    part, uv = model.part_of_triangle.cpu().numpy(), model.uv.cpu().numpy()
    triangle = model.landmark_triangle.cpu().numpy()
    weights = model.landmark_weights.cpu().numpy().astype(np.float64)
    matrix = None
    n_vertices = model.n_vertices
    for _ in range(level):
        step = loop_subdivision(faces, n_vertices)
        uv_step = linear_subdivision(uv_faces, len(uv))
        matrix = step.matrix if matrix is None else step.matrix @ matrix
        uv = (uv_step.matrix @ uv).astype(np.float32)
        triangle, weights = _child_weights(triangle, weights)
        faces, uv_faces, part = step.faces, uv_step.faces, np.repeat(part, 4)
        n_vertices = step.matrix.shape[0]
    return Refinement(
        level=level,
        sums=_row_sums(matrix, device),
        faces=torch.as_tensor(faces, device=device),
        part_of_triangle=torch.as_tensor(part, device=device),
        uv=torch.as_tensor(uv, device=device),
        uv_faces=torch.as_tensor(uv_faces, device=device),
        landmark_triangle=torch.as_tensor(triangle, device=device),
        landmark_weights=torch.as_tensor(weights.astype(np.float32), device=device),
    )


def _row_sums(matrix: scipy.sparse.csr_array | None, device: torch.device) -> RowSums:
    csr = scipy.sparse.csr_array((0, 0)) if matrix is None else matrix.tocsr()
    return RowSums(
        columns=torch.as_tensor(csr.indices.astype(np.int64), device=device),
        starts=torch.as_tensor(csr.indptr[:-1].astype(np.int64), device=device),
        weights=torch.as_tensor(csr.data.astype(np.float32), device=device),
    )
