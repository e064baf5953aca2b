"""Geometry: pure functions on meshes and cameras, in the head frame (RAS+, mm).

Enters: vertices (mm), triangles, rotations (radians), camera parameters (pixels). Leaves: normals,
areas, projections, finer meshes, closest points, mesh files. Cameras follow OpenCV: x right, y
down, z forward, pixel centres at .5.
"""

from augment.geometry.camera import Camera, look_at
from augment.geometry.distance import closest_point
from augment.geometry.mesh import vertex_normals, write_ply
from augment.geometry.mesh_file import read_mesh
from augment.geometry.subdivision import loop_subdivision

__all__ = [
    "Camera",
    "closest_point",
    "look_at",
    "loop_subdivision",
    "read_mesh",
    "vertex_normals",
    "write_ply",
]
