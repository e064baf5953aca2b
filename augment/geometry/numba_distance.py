"""The compiled walk through a tree of boxes that `distance` describes."""

from typing import no_type_check

import numpy as np
from jaxtyping import Float64, Int64
from numba import njit

STACK = 128
"""Boxes that wait at once; a binary tree of depth d needs d + 1."""


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def closest_in_tree(
    queries: Float64[np.ndarray, "points 3"],
    corners: Float64[np.ndarray, "triangles 3 3"],
    triangle: Int64[np.ndarray, " triangles"],
    low: Float64[np.ndarray, "boxes 3"],
    high: Float64[np.ndarray, "boxes 3"],
    leaf_triangles: int,
    nearest: Float64[np.ndarray, "points 3"],
    row: Int64[np.ndarray, " points"],
    barycentric: Float64[np.ndarray, "points 3"],
    distance_mm: Float64[np.ndarray, " points"],
) -> None:
    """Write the closest point of each query, its row in `corners`, weights and distance."""
    n_leaves = low.shape[0] // 2
    waiting = np.zeros(STACK, dtype=np.int64)
    bound = np.zeros(STACK)
    weights = np.zeros(3)
    for p in range(queries.shape[0]):
        px, py, pz = queries[p, 0], queries[p, 1], queries[p, 2]
        best = np.inf
        waiting[0], bound[0], n_waiting = 1, 0.0, 1
        while n_waiting > 0:
            n_waiting -= 1
            box = waiting[n_waiting]
            if bound[n_waiting] > best:
                continue
            if box < n_leaves:
                near, far = 2 * box, 2 * box + 1
                to_near = _square_to_box(px, py, pz, low, high, near)
                to_far = _square_to_box(px, py, pz, low, high, far)
                if to_far < to_near:
                    near, far, to_near, to_far = far, near, to_far, to_near
                # The nearer box goes on top, to be opened first.
                if to_far <= best:
                    waiting[n_waiting], bound[n_waiting] = far, to_far
                    n_waiting += 1
                if to_near <= best:
                    waiting[n_waiting], bound[n_waiting] = near, to_near
                    n_waiting += 1
                continue
            first = (box - n_leaves) * leaf_triangles
            for k in range(first, min(first + leaf_triangles, corners.shape[0])):
                square = _square_to_triangle(px, py, pz, corners, k, best, weights)
                if square < best or (square == best and triangle[k] < triangle[row[p]]):
                    best = square
                    row[p] = k
                    for i in range(3):
                        barycentric[p, i] = weights[i]
        distance_mm[p] = np.sqrt(best)
        for i in range(3):
            for axis in range(3):
                nearest[p, axis] += barycentric[p, i] * corners[row[p], i, axis]


@njit(inline="always")
@no_type_check
def _square_to_box(px, py, pz, low, high, box) -> float:
    """Return the squared distance to a box, 0 inside; infinite for an empty box."""
    x = max(low[box, 0] - px, px - high[box, 0], 0.0)
    y = max(low[box, 1] - py, py - high[box, 1], 0.0)
    z = max(low[box, 2] - pz, pz - high[box, 2], 0.0)
    return x * x + y * y + z * z


@njit
@no_type_check
def _square_to_triangle(px, py, pz, corners, k, limit, weights) -> float:
    """Write the weights of the closest point and return its squared distance.

    Inside, the foot of the perpendicular; else, or without area, the best of the three sides. A
    triangle whose plane is further than the limit (squared) is left unsearched: infinite.
    """
    ax, ay, az = corners[k, 0, 0], corners[k, 0, 1], corners[k, 0, 2]
    ux, uy, uz = corners[k, 1, 0] - ax, corners[k, 1, 1] - ay, corners[k, 1, 2] - az
    vx, vy, vz = corners[k, 2, 0] - ax, corners[k, 2, 1] - ay, corners[k, 2, 2] - az
    qx, qy, qz = px - ax, py - ay, pz - az
    nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    square = nx * nx + ny * ny + nz * nz
    if square > 0:
        height = nx * qx + ny * qy + nz * qz
        if height * height > limit * square:
            return np.inf
        b = (
            nx * (qy * vz - qz * vy) + ny * (qz * vx - qx * vz) + nz * (qx * vy - qy * vx)
        ) / square
        c = (
            nx * (uy * qz - uz * qy) + ny * (uz * qx - ux * qz) + nz * (ux * qy - uy * qx)
        ) / square
        if b >= 0 and c >= 0 and b + c <= 1:
            weights[0], weights[1], weights[2] = 1 - b - c, b, c
            return height * height / square
    best = np.inf
    for i in range(3):
        j = (i + 1) % 3
        sx, sy, sz = (
            corners[k, j, 0] - corners[k, i, 0],
            corners[k, j, 1] - corners[k, i, 1],
            corners[k, j, 2] - corners[k, i, 2],
        )
        qx, qy, qz = px - corners[k, i, 0], py - corners[k, i, 1], pz - corners[k, i, 2]
        length = sx * sx + sy * sy + sz * sz
        along = min(max((sx * qx + sy * qy + sz * qz) / length, 0.0), 1.0) if length > 0 else 0.0
        dx, dy, dz = qx - along * sx, qy - along * sy, qz - along * sz
        distance = dx * dx + dy * dy + dz * dz
        if distance < best:
            best = distance
            weights[i], weights[j], weights[(i + 2) % 3] = 1 - along, along, 0.0
    return best
