"""Closest points of a triangle mesh, exact, in float64.

A tree of boxes narrows the search, triangles decide.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int64

from augment.errors import GeometryError

LEAF_TRIANGLES = 4
"""Triangles in a leaf of the tree; 2 to 8 are equally fast."""


class ClosestPoints(NamedTuple):
    """Closest points of a mesh, one a query.

    Attributes:
        points: Positions on the mesh, mm.
        triangle: Concretely, triangle[p] = t means that the closest point of query p lies on
            triangle t (the lowest of several equally close).
        barycentric: Weights of the triangle's corners 0, 1, 2, from 0 to 1.
        distance_mm: Distance from the query, 0 or greater.
    """

    points: Float64[np.ndarray, "points 3"]
    triangle: Int64[np.ndarray, " points"]
    barycentric: Float64[np.ndarray, "points 3"]
    distance_mm: Float64[np.ndarray, " points"]


@dataclass(frozen=True, eq=False)
class TriangleTree:
    """A mesh ready for many queries: its triangles in the leaves of a tree of boxes.

    Attributes:
        corners: Triangles, LEAF_TRIANGLES after each other in a leaf.
        triangle: Concretely, triangle[k] = t means that row k of `corners` is triangle t.
        low: Lower corner of each box; box 1 is the root, boxes 2 i and 2 i + 1 are in box i.
        high: Upper corner of each box; below `low` where a box is empty.
    """

    corners: Float64[np.ndarray, "triangles 3 3"]
    triangle: Int64[np.ndarray, " triangles"]
    low: Float64[np.ndarray, "boxes 3"]
    high: Float64[np.ndarray, "boxes 3"]

    def closest(self, points: Float[np.ndarray, "points 3"]) -> ClosestPoints:
        """Return the closest point of the mesh to each query.

        Args:
            points: Queries, mm, in the frame of the mesh.

        Returns:
            One row a query.

        Raises:
            GeometryError: If a query is not finite.
        """
        if not np.isfinite(points).all():
            raise GeometryError(
                f"closest points expect finite queries, got NaN or infinity in "
                f"{int((~np.isfinite(points)).any(axis=1).sum())} of {len(points)}; remove them"
            )
        from augment.geometry.numba_distance import closest_in_tree

        n_points = len(points)
        nearest = np.zeros((n_points, 3))
        row = np.zeros(n_points, dtype=np.int64)
        barycentric = np.zeros((n_points, 3))
        distance_mm = np.zeros(n_points)
        queries = np.ascontiguousarray(points, dtype=np.float64)
        closest_in_tree(
            queries,
            self.corners,
            self.triangle,
            self.low,
            self.high,
            LEAF_TRIANGLES,
            nearest,
            row,
            barycentric,
            distance_mm,
        )
        return ClosestPoints(nearest, self.triangle[row], barycentric, distance_mm)


def triangle_tree(
    vertices: Float[np.ndarray, "vertices 3"], faces: Int64[np.ndarray, "triangles 3"]
) -> TriangleTree:
    """Return the tree of a mesh: halved across the longest axis until leaves are small.

    Args:
        vertices: Positions, mm.
        faces: Triangles, at least one.

    Returns:
        The tree.

    Raises:
        GeometryError: If there is no triangle, an index is out of range or a corner is not finite.
    """
    if not len(faces) or faces.min() < 0 or faces.max() >= len(vertices):
        raise GeometryError(
            f"closest points expect triangles of vertices 0 to {len(vertices) - 1}, got "
            f"{len(faces)} triangles with other indices; check that they belong together"
        )
    corners = np.asarray(vertices, dtype=np.float64)[faces]
    if not np.isfinite(corners).all():
        raise GeometryError(
            "closest points expect finite vertices, got NaN or infinity; repair the mesh"
        )
    n_leaves = 1 << int(np.ceil(np.log2(max(1, -(-len(faces) // LEAF_TRIANGLES)))))
    order = _leaf_order(corners.mean(axis=1), n_leaves)
    corners = corners[order]
    low = np.full((2 * n_leaves, 3), np.inf)
    high = np.full((2 * n_leaves, 3), -np.inf)
    first = np.arange(0, len(faces), LEAF_TRIANGLES)
    filled = slice(n_leaves, n_leaves + len(first))
    low[filled] = np.minimum.reduceat(corners.min(axis=1), first)
    high[filled] = np.maximum.reduceat(corners.max(axis=1), first)
    level = n_leaves
    while level > 1:
        parents, children = slice(level // 2, level), slice(level, 2 * level)
        low[parents] = low[children].reshape(-1, 2, 3).min(axis=1)
        high[parents] = high[children].reshape(-1, 2, 3).max(axis=1)
        level //= 2
    return TriangleTree(corners, order, low, high)


def closest_point(
    points: Float[np.ndarray, "points 3"],
    vertices: Float[np.ndarray, "vertices 3"],
    faces: Int64[np.ndarray, "triangles 3"],
) -> ClosestPoints:
    """Return the closest point of a mesh to each query; for many calls keep a `triangle_tree`.

    Args:
        points: Queries, mm.
        vertices: Positions, mm, in the same frame.
        faces: Triangles, at least one.

    Returns:
        Points, triangle, barycentric weights and distance of each query.

    Raises:
        GeometryError: If the mesh or a query is unusable.
    """
    return triangle_tree(vertices, faces).closest(points)


def _leaf_order(
    centres: Float64[np.ndarray, "triangles 3"], n_leaves: int
) -> Int64[np.ndarray, " triangles"]:
    """Return triangles in such an order that each box was halved across its longest axis."""
    order = np.arange(len(centres))
    size = n_leaves * LEAF_TRIANGLES
    while size > LEAF_TRIANGLES:
        sorted_centres = centres[order]
        block = np.arange(len(order)) // size
        first = np.arange(0, len(order), size)
        low = np.minimum.reduceat(sorted_centres, first)
        extent = np.maximum.reduceat(sorted_centres, first) - low
        axis = extent.argmax(axis=1)
        start, length = (x[np.arange(len(axis)), axis][block] for x in (low, extent))
        along = sorted_centres[np.arange(len(order)), axis[block]] - start
        # One sort orders every block: block number before the point, position in it after.
        key = block + 0.5 * along / np.maximum(length, 1e-300)
        order = order[np.argsort(key, kind="stable")]
        size //= 2
    return order
