"""Head-shape maps: how far the scalp lies from the middle of the head, along rays over the vault.

The convention is that of craniosynostosis screening from surface scans with 2D distance maps
(Schaufelberger et al., Diagnostics 2022;12:1516, and the authors' ``halfsphere`` maps):

- centre: midway between both tragia;
- axes: x from the centre to nasion, y from the right to the left tragion, z = x × y upwards;
- map[row, column] is the distance in mm to the nearest skin along the ray of elevation
  ``90° · (1 - (row + 1) / rows)`` and azimuth ``360° · column / columns``;
- azimuth 0 looks forwards, 90° to the patient's left; the first row surrounds the vertex, the last
  one lies in the plane of tragia and nasion.

A ray that meets nothing holds 0.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float, Float32, Int
from numba import njit

from augment.errors import GeometryError
from augment.pathology.measures.frame import Named, require

MAP_SIZE = 28


def map_axes(points: Named) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]:
    """Return the axes of a map as columns x, y, z, and its centre.

    The axes are unit vectors; x and y meet at a right angle only in a symmetric head, as in the
    published maps.

    Raises:
        GeometryError: If a landmark is missing.
    """
    require(points, "tragion_right", "tragion_left", "nasion")
    centre = (points["tragion_right"] + points["tragion_left"]) / 2
    x = points["nasion"] - centre
    y = points["tragion_left"] - points["tragion_right"]
    x, y = x / np.linalg.norm(x), y / np.linalg.norm(y)
    z = np.cross(x, y)
    return np.stack([x, y, z / np.linalg.norm(z)], axis=1), centre


def ray_directions(size: int = MAP_SIZE) -> Float[np.ndarray, "size size 3"]:
    """Return the unit directions of a map's rays in its own axes."""
    elevation = np.pi / 2 * (1.0 - (np.arange(size) + 1.0) / size)
    azimuth = 2 * np.pi * np.arange(size) / size
    e, a = np.meshgrid(elevation, azimuth, indexing="ij")
    return np.stack([np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)], axis=-1)


def head_shape_map(
    points: Named,
    vertices: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "triangles 3"],
    size: int = MAP_SIZE,
) -> Float32[np.ndarray, "size size"]:
    """Return the distance map of a head in mm.

    Args:
        points: Both tragia and nasion, in the frame of the mesh.
        vertices: The outer skin, mm; surfaces inside the head would be met first.
        faces: Its triangles.
        size: Rows and columns of the map.

    Raises:
        GeometryError: If a landmark is missing or no ray meets the mesh.
    """
    axes, centre = map_axes(points)
    directions = ray_directions(size).reshape(-1, 3) @ axes.T
    corners = np.ascontiguousarray((vertices - centre)[faces], dtype=np.float64)
    # A ray of the upper half can only meet triangles that reach above the plane of tragia and x.
    corners = corners[(corners @ axes[:, 2] > -1.0).any(axis=1)]
    distance = nearest_hits(corners, np.ascontiguousarray(directions))
    if not distance.any():
        raise GeometryError(
            "no ray from midway between the tragia meets the mesh: check that landmarks and mesh "
            "share one frame and unit"
        )
    return distance.reshape(size, size).astype(np.float32)


@njit(cache=True, nogil=True)
@no_type_check
def nearest_hits(corners, directions):
    """Return the distance to the nearest triangle along rays from the origin, 0 where none is met.

    Args:
        corners: Triangles (triangles 3 3), relative to the rays' origin.
        directions: Unit directions (rays 3).
    """
    found = np.zeros(len(directions))
    for r in range(len(directions)):
        dx, dy, dz = directions[r]
        best = np.inf
        for t in range(len(corners)):
            # Möller and Trumbore, J Graph Tools 1997;2:21.
            ax, ay, az = corners[t, 0]
            ux, uy, uz = corners[t, 1, 0] - ax, corners[t, 1, 1] - ay, corners[t, 1, 2] - az
            vx, vy, vz = corners[t, 2, 0] - ax, corners[t, 2, 1] - ay, corners[t, 2, 2] - az
            px, py, pz = dy * vz - dz * vy, dz * vx - dx * vz, dx * vy - dy * vx
            determinant = ux * px + uy * py + uz * pz
            if abs(determinant) < 1e-12:
                continue
            u = -(ax * px + ay * py + az * pz) / determinant
            if u < -1e-9 or u > 1 + 1e-9:
                continue
            qx, qy, qz = -(ay * uz - az * uy), -(az * ux - ax * uz), -(ax * uy - ay * ux)
            v = (dx * qx + dy * qy + dz * qz) / determinant
            if v < -1e-9 or u + v > 1 + 1e-9:
                continue
            along = (vx * qx + vy * qy + vz * qz) / determinant
            if 0 < along < best:
                best = along
        if best < np.inf:
            found[r] = best
    return found
