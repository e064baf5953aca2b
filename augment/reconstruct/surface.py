"""A triangle surface measured on a patient: vertices (world mm), outward normals, its rim.

A vertex on the rim of the surface (where the scan or the field of view ends) has no skin beyond it:
whatever is closest to a rim vertex has no true counterpart, so pairs with it are dropped.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import sparse
from scipy.spatial import cKDTree

# Marching cubes terraces the skin of thick-voxel scans; averaging normals over this many rings
# undoes it.
NORMAL_RINGS = 2


@dataclass(frozen=True)
class Surface:
    """A measured skin surface.

    Attributes:
        vertices: World mm.
        faces: Concretely, ``faces[t]`` are the three vertices of triangle t, counter-clockwise from
            outside.
        normals: Outward unit normals at the vertices.
        on_rim: Whether a vertex lies on an open edge of the surface.
    """

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "triangles 3"]
    normals: Float[np.ndarray, "vertices 3"]
    on_rim: Bool[np.ndarray, " vertices"]

    @cached_property
    def tree(self) -> cKDTree:
        """Nearest-neighbour index of the vertices."""
        return cKDTree(self.vertices)


def surface_from_mesh(
    vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "triangles 3"]
) -> Surface:
    """Complete a mesh with vertex normals (smoothed over ``NORMAL_RINGS`` rings) and its rim.

    Args:
        vertices: World mm.
        faces: Vertex indices, counter-clockwise from outside.

    Returns:
        The surface; vertices of no triangle are removed.
    """
    used, faces = np.unique(faces, return_inverse=True)
    vertices, faces = vertices[used], faces.reshape(-1, 3).astype(np.int64)
    vertex_from_face = _incidence(faces, len(vertices))
    normals = vertex_normals(vertices, faces)
    for _ in range(NORMAL_RINGS):
        normals = _unit(vertex_from_face @ normals[faces].sum(1))
    return Surface(vertices, faces, normals, _on_rim(faces, len(vertices)))


def vertex_normals(
    vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "triangles 3"]
) -> Float[np.ndarray, "vertices 3"]:
    """Return outward unit normals, the area-weighted mean of the triangles around each vertex."""
    return _unit(_incidence(faces, len(vertices)) @ _area_vectors(vertices, faces))


def vertex_areas(
    vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "triangles 3"]
) -> Float[np.ndarray, " vertices"]:
    """Return a third of the area of the triangles around each vertex, mm^2."""
    doubled = np.linalg.norm(_area_vectors(vertices, faces), axis=1)
    return np.asarray(_incidence(faces, len(vertices)) @ doubled / 6.0)


def _area_vectors(
    vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "triangles 3"]
) -> Float[np.ndarray, "triangles 3"]:
    """Return triangle normals of length twice the area."""
    corners = vertices[faces]
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])


def _incidence(faces: Int[np.ndarray, "triangles 3"], n_vertices: int) -> sparse.csr_matrix:
    """Return the matrix that sums values of triangles at their vertices."""
    rows, columns = faces.ravel(), np.repeat(np.arange(len(faces)), 3)
    return sparse.csr_matrix((np.ones(faces.size), (rows, columns)), shape=(n_vertices, len(faces)))


def _unit(vectors: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """Scale to unit length; a zero vector stays zero."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def _on_rim(
    faces: Int[np.ndarray, "triangles 3"], n_vertices: int
) -> Bool[np.ndarray, " vertices"]:
    """Mark the vertices of edges that belong to one triangle only."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    keys, counts = np.unique(edges[:, 0] * n_vertices + edges[:, 1], return_counts=True)
    open_keys = keys[counts == 1]
    rim = np.zeros(n_vertices, dtype=bool)
    rim[open_keys // n_vertices] = True
    rim[open_keys % n_vertices] = True
    return rim
