"""Triangle meshes: faces[t, i] = v means that corner i of triangle t is vertex v.

Triangles are wound counter-clockwise seen from outside. Vertices are millimetres.
"""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from augment.errors import GeometryError


def face_vectors(
    vertices: Float[Tensor, "*batch vertices 3"], faces: Int64[Tensor, "triangles 3"]
) -> Float[Tensor, "*batch triangles 3"]:
    """Return each triangle's normal times twice its area (mm^2), ``cross(b - a, c - a)``."""
    a, b, c = (vertices.index_select(-2, faces[:, i]) for i in range(3))
    normals: Tensor = torch.linalg.cross(b - a, c - a)
    return normals


def face_normals(
    vertices: Float[Tensor, "*batch vertices 3"], faces: Int64[Tensor, "triangles 3"]
) -> Float[Tensor, "*batch triangles 3"]:
    """Return unit normals, outward where the winding is; zero for a triangle without area."""
    return _unit(face_vectors(vertices, faces))


def triangle_areas(
    vertices: Float[Tensor, "*batch vertices 3"], faces: Int64[Tensor, "triangles 3"]
) -> Float[Tensor, "*batch triangles"]:
    """Return areas in mm^2."""
    doubled: Tensor = torch.linalg.vector_norm(face_vectors(vertices, faces), dim=-1)
    return 0.5 * doubled


def vertex_normals(
    vertices: Float[Tensor, "*batch vertices 3"], faces: Int64[Tensor, "triangles 3"]
) -> Float[Tensor, "*batch vertices 3"]:
    """Return unit normals at vertices: the area-weighted mean of the triangles around.

    Args:
        vertices: Positions, mm.
        faces: Triangles.

    Returns:
        Unit vectors; zero at a vertex without triangles.
    """
    normals = face_vectors(vertices, faces)
    summed = torch.zeros_like(vertices)
    for corner in range(3):
        summed.index_add_(-2, faces[:, corner], normals)
    return _unit(summed)


def _unit(vectors: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3"]:
    """Return vectors of length 1; a zero vector stays zero."""
    lengths: Tensor = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    return vectors / lengths.clamp_min(1e-30)


def signed_volume_mm3(
    vertices: Float[Tensor, "*batch vertices 3"], faces: Int64[Tensor, "triangles 3"]
) -> Float[Tensor, "*batch"]:
    """Return the volume enclosed by a closed mesh, negative where the winding points inward.

    The sum of ``dot(a, cross(b, c)) / 6`` (divergence theorem) about the mesh's own mean, in
    float64, so an offset loses no digits. Of an open mesh it is the volume of the cone to that
    mean; the caller closes the mesh.
    """
    centred = vertices.double() - vertices.double().mean(-2, keepdim=True)
    a, b, c = (centred.index_select(-2, faces[:, i]) for i in range(3))
    volume: Tensor = (a * torch.linalg.cross(b, c)).sum((-1, -2)) / 6
    return volume.to(vertices.dtype)


def boundary_loops(faces: Int64[Tensor, "triangles 3"]) -> list[Int64[Tensor, " loop"]]:
    """Return the closed loops of edges that have one triangle only, longest first.

    Args:
        faces: Triangles of an edge-manifold mesh.

    Returns:
        One vector of vertices a hole, in the direction of the triangles' winding; empty for a
        closed mesh.

    Raises:
        GeometryError: If the boundary crosses itself, so that loops are not defined.
    """
    sides = torch.cat((faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]])).cpu().numpy()
    _, first, count = np.unique(
        np.sort(sides, axis=1), axis=0, return_index=True, return_counts=True
    )
    boundary = sides[first[count == 1]]
    following = dict(boundary.tolist())
    if len(following) != len(boundary) or set(following) != set(following.values()):
        raise GeometryError(
            "boundary_loops expects each boundary vertex once, got "
            f"{len(boundary) - len(following)} that repeat; split the mesh where two holes touch"
        )
    loops: list[list[int]] = []
    while following:
        start = min(following)
        loop = [start]
        while (vertex := following.pop(loop[-1], start)) != start:
            loop.append(vertex)
        loops.append(loop)
    loops.sort(key=lambda loop: (-len(loop), loop[0]))
    return [torch.tensor(loop, dtype=torch.int64, device=faces.device) for loop in loops]


def write_ply(
    path: Path, vertices: Float[np.ndarray, "vertices 3"], faces: Int64[np.ndarray, "triangles 3"]
) -> None:
    """Write a binary little-endian PLY: float32 vertices and int32 triangles; the same mesh gives
    the same bytes.

    Args:
        path: Where to write; an existing file is replaced.
        vertices: Positions, mm, in the head frame.
        faces: Triangles.
    """
    Path(path).write_bytes(ply_bytes(vertices, faces))


def ply_bytes(
    vertices: Float[np.ndarray, "vertices 3"],
    faces: Int64[np.ndarray, "triangles 3"],
    frame: str = "head frame RAS+",
) -> bytes:
    """Return the content of the file that `write_ply` writes.

    Args:
        vertices: Positions, mm.
        faces: Triangles.
        frame: What the comment of the header says of the frame.
    """
    header = (
        f"ply\nformat binary_little_endian 1.0\ncomment {frame}, millimetres\n"
        f"element vertex {len(vertices)}\nproperty float x\nproperty float y\nproperty float z\n"
        f"element face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    records = np.zeros(len(faces), dtype=np.dtype([("count", "u1"), ("corners", "<i4", (3,))]))
    records["count"] = 3
    records["corners"] = faces
    return (
        header.encode("ascii")
        + np.ascontiguousarray(vertices, dtype="<f4").tobytes()
        + records.tobytes()
    )


def write_obj(
    path: Path, vertices: Float[np.ndarray, "vertices 3"], faces: Int64[np.ndarray, "triangles 3"]
) -> None:
    """Write a Wavefront OBJ text file with six decimals (nanometres); the same mesh gives the same
    bytes.

    Args:
        path: Where to write; an existing file is replaced.
        vertices: Positions, mm, in the head frame.
        faces: Triangles.
    """
    lines = ["# head frame RAS+, millimetres"]
    lines += ["v %.6f %.6f %.6f" % tuple(vertex) for vertex in np.asarray(vertices).tolist()]  # noqa: UP031
    lines += [f"f {a} {b} {c}" for a, b, c in (np.asarray(faces) + 1).tolist()]
    Path(path).write_text("\n".join(lines) + "\n", encoding="ascii", newline="\n")
