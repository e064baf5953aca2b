"""Subdivision of triangle meshes as a sparse matrix: finer vertices = matrix @ vertices."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int64
from scipy import sparse

from augment.errors import GeometryError


class Subdivision(NamedTuple):
    """One step of subdivision.

    Attributes:
        matrix: Sparse rows (v', v) that sum to 1; rows 0 to v - 1 are the old vertices, then one
            row an edge.
        faces: The 4 t finer triangles. Concretely, children 4 t to 4 t + 3 come from triangle t:
            its corners 0, 1, 2 and last the middle, all wound as t is.
    """

    matrix: sparse.csr_array
    faces: Int64[np.ndarray, "finer 3"]


class _Edges(NamedTuple):
    """Unique edges: their ends, the edge of each face side (01, 12, 20), their number of faces."""

    ends: Int64[np.ndarray, "edges 2"]
    of_side: Int64[np.ndarray, "triangles 3"]
    n_faces: Int64[np.ndarray, " edges"]


def loop_subdivision(faces: Int64[np.ndarray, "triangles 3"], n_vertices: int) -> Subdivision:
    """Return one step of Loop's smooth subdivision (Loop 1987), with Hoppe's rule on boundaries.

    Inside: a new edge vertex takes 3/8 of its ends and 1/8 of the two opposite corners; an old
        vertex of valence k keeps
    1 - k b, its neighbours weigh b = (5/8 - (3/8 + cos(2 pi / k) / 4)^2) / k. On a boundary (or an
    edge of more than two faces): midpoints, and old vertices 3/4 with 1/8 of each neighbour along
    it, so that a boundary is a curve of its own. A vertex where such edges do not pair (a corner),
    or without faces, stays.

    Args:
        faces: Triangles; faces[t, i] = v means that corner i of triangle t is vertex v.
        n_vertices: Number of vertices, more than the largest index.

    Returns:
        The matrix and the finer faces.

    Raises:
        GeometryError: If an index is outside 0 to n_vertices - 1.
    """
    edges = _edges(faces, n_vertices)
    odd = _odd_rows(faces, edges, n_vertices)
    even = _even_rows(edges, n_vertices)
    return Subdivision(
        sparse.csr_array(sparse.vstack((even, odd), format="csr")),
        _finer_faces(faces, edges, n_vertices),
    )


def linear_subdivision(faces: Int64[np.ndarray, "triangles 3"], n_vertices: int) -> Subdivision:
    """Return one step that keeps old vertices and puts new ones at edge midpoints, as texture
    coordinates need.

    Args:
        faces: Triangles, as in `loop_subdivision`.
        n_vertices: Number of vertices.

    Returns:
        The matrix and the finer faces, numbered as `loop_subdivision` numbers them.
    """
    edges = _edges(faces, n_vertices)
    odd = _midpoint_rows(edges.ends, n_vertices)
    even = sparse.eye_array(n_vertices, format="csr")
    return Subdivision(
        sparse.csr_array(sparse.vstack((even, odd), format="csr")),
        _finer_faces(faces, edges, n_vertices),
    )


def _edges(faces: Int64[np.ndarray, "triangles 3"], n_vertices: int) -> _Edges:
    if faces.size and (faces.min() < 0 or faces.max() >= n_vertices):
        raise GeometryError(
            f"faces expect vertices 0 to {n_vertices - 1}, got {faces.min()} to {faces.max()}; "
            "check n_vertices"
        )
    sides = np.sort(np.stack((faces, np.roll(faces, -1, axis=1)), axis=-1).reshape(-1, 2), axis=1)
    keys, of_side, n_faces = np.unique(
        sides[:, 0] * n_vertices + sides[:, 1], return_inverse=True, return_counts=True
    )
    ends = np.stack((keys // n_vertices, keys % n_vertices), axis=1)
    return _Edges(ends, of_side.reshape(-1, 3), n_faces.astype(np.int64))


def _finer_faces(
    faces: Int64[np.ndarray, "triangles 3"], edges: _Edges, n_vertices: int
) -> Int64[np.ndarray, "finer 3"]:
    a, b, c = faces.T
    ab, bc, ca = n_vertices + edges.of_side.T
    children = np.stack((a, ab, ca, ab, b, bc, ca, bc, c, ab, bc, ca), axis=1)
    return children.reshape(-1, 3)


def _midpoint_rows(ends: Int64[np.ndarray, "edges 2"], n_vertices: int) -> sparse.csr_array:
    rows = np.repeat(np.arange(len(ends)), 2)
    return sparse.csr_array(
        (np.full(2 * len(ends), 0.5), (rows, ends.ravel())), shape=(len(ends), n_vertices)
    )


def _odd_rows(
    faces: Int64[np.ndarray, "triangles 3"], edges: _Edges, n_vertices: int
) -> sparse.csr_array:
    """Rows of the vertices born on edges."""
    n_edges = len(edges.ends)
    is_smooth = edges.n_faces == 2
    opposite = np.roll(faces, 1, axis=1)
    side_is_smooth = is_smooth[edges.of_side]
    rows = np.concatenate((np.repeat(np.arange(n_edges), 2), edges.of_side[side_is_smooth]))
    columns = np.concatenate((edges.ends.ravel(), opposite[side_is_smooth]))
    end_weight = np.where(is_smooth, 0.375, 0.5)
    weights = np.concatenate((np.repeat(end_weight, 2), np.full(int(side_is_smooth.sum()), 0.125)))
    return sparse.csr_array((weights, (rows, columns)), shape=(n_edges, n_vertices))


def _even_rows(edges: _Edges, n_vertices: int) -> sparse.csr_array:
    """Rows of the vertices that were there before."""
    is_crease = edges.n_faces != 2
    n_creases = np.bincount(edges.ends[is_crease].ravel(), minlength=n_vertices)
    valence = np.bincount(edges.ends.ravel(), minlength=n_vertices)
    ring = np.maximum(valence, 1)
    beta = (0.625 - (0.375 + 0.25 * np.cos(2 * np.pi / ring)) ** 2) / ring
    neighbour_weight = np.where(n_creases == 0, beta, np.where(n_creases == 2, 0.125, 0.0))
    # A vertex on a crease listens to its neighbours along the crease alone.
    speaks = is_crease[:, None] | (n_creases[edges.ends] == 0)
    weights = np.where(speaks, neighbour_weight[edges.ends], 0.0)
    own = 1 - np.bincount(edges.ends.ravel(), weights=weights.ravel(), minlength=n_vertices)
    every = np.arange(n_vertices)
    rows = np.concatenate((every, edges.ends[:, 0], edges.ends[:, 1]))
    columns = np.concatenate((every, edges.ends[:, 1], edges.ends[:, 0]))
    values = np.concatenate((own, weights[:, 0], weights[:, 1]))
    matrix = sparse.csr_array((values, (rows, columns)), shape=(n_vertices, n_vertices))
    matrix.eliminate_zeros()
    return matrix
