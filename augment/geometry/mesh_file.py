"""Reading OBJ, PLY and STL files, also those of strangers: what a header promises must be possible.

Enters: a path. Leaves: finite vertices in the file's own unit and frame, and triangles that name
them. Files beside the mesh (materials, textures) are never opened.
"""

import logging
from io import BytesIO
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int64

from augment.errors import AssetError
from augment.untrusted import MEGABYTE, read_bounded, short, shown

MESH_SUFFIXES = (".obj", ".ply", ".stl")
"""File kinds that `read_mesh` reads."""

MAX_MESH_BYTES = {".obj": 200 * MEGABYTE, ".ply": 500 * MEGABYTE, ".stl": 500 * MEGABYTE}
"""Text takes several times its size while it is read."""
MAX_COORDINATE = 1e9
MAX_HEADER_BYTES = 1 << 16


def read_mesh(
    path: Path,
) -> tuple[Float[np.ndarray, "vertices 3"], Int64[np.ndarray, "triangles 3"]]:
    """Return vertices and triangles of an OBJ, PLY or STL file, in its own unit and frame.

    Polygons are split; vertices that coincide exactly are merged (STL repeats each), the others
    keep their order.

    Args:
        path: The file.

    Returns:
        Vertices (float64) and faces; nothing is scaled or turned, for a file does not say its unit.

    Raises:
        AssetError: If the file is missing, of another kind, too large, unreadable, or holds no
            triangles of finite vertices.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in MESH_SUFFIXES:
        raise AssetError(
            f"a mesh file ends in {', '.join(MESH_SUFFIXES)}, got {path.name!r}; convert it first"
        )
    content = read_bounded(path, "a mesh", MAX_MESH_BYTES[suffix])
    if suffix == ".ply":
        _check_ply(content, path)
    vertices, faces = _parsed(content, suffix, path)
    if not len(vertices) or not len(faces):
        raise AssetError(
            f"{path} was expected to hold triangles, got none; export the surface, not its points"
        )
    if not np.isfinite(vertices).all():
        raise AssetError(
            f"{path} was expected to hold finite coordinates, got NaN or infinity; export it again"
        )
    if np.abs(vertices).max() > MAX_COORDINATE:
        raise AssetError(
            f"{path} was expected to hold coordinates up to {MAX_COORDINATE:g}, got"
            f" {np.abs(vertices).max():.3g}; export it again in mm"
        )
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise AssetError(
            f"{path} was expected to hold triangles of its {len(vertices)} vertices, got one of"
            f" vertex {faces.min() if faces.min() < 0 else faces.max()}; export it again"
        )
    return _merge_vertices(vertices, faces)


def _parsed(content: bytes, suffix: str, path: Path) -> tuple[np.ndarray, np.ndarray]:
    import trimesh

    # Its warnings are not for the user, and without a handler they would go to the screen.
    logging.getLogger("trimesh").addHandler(logging.NullHandler())
    try:
        with np.errstate(all="ignore"):
            # A stream has no folder: nothing beside the mesh can be opened.
            mesh = trimesh.load_mesh(
                BytesIO(content),
                file_type=suffix[1:],
                process=False,
                maintain_order=True,
                skip_materials=True,
            )
            if isinstance(mesh, trimesh.Scene):
                mesh = mesh.to_mesh()
            vertices = np.asarray(getattr(mesh, "vertices", ()), dtype=np.float64).reshape(-1, 3)
            faces = np.asarray(getattr(mesh, "faces", ()), dtype=np.int64).reshape(-1, 3)
    except Exception as error:
        raise AssetError(
            f"{path} was expected to hold a mesh but cannot be read: {shown(error)}; export it"
            " again"
        ) from error
    return vertices, faces


def _check_ply(content: bytes, path: Path) -> None:
    """Refuse a header that promises more elements than the file has room for."""
    header, found, body = content[:MAX_HEADER_BYTES].partition(b"end_header")
    lines = header.decode("latin-1").splitlines()
    room = len(content) - len(header) - len(found) if body or found else 0
    n_bytes = 0
    for words in (line.split() for line in lines):
        if len(words) == 3 and words[0] == "element":
            n_rows = int(words[2]) if words[2].isdecimal() and len(words[2]) < 19 else room + 1
            # The shortest row: one digit and its end, or one byte.
            n_bytes += n_rows
            if n_bytes > room:
                raise AssetError(
                    f"{path} was expected to hold what its header promises, got {room} bytes for"
                    f" {short(words[2])} rows of {short(words[1])}; copy it again"
                )


def _merge_vertices(
    vertices: Float[np.ndarray, "vertices 3"], faces: Int64[np.ndarray, "triangles 3"]
) -> tuple[Float[np.ndarray, "merged 3"], Int64[np.ndarray, "triangles 3"]]:
    """Merge vertices that are equal in every bit; each keeps the place of its first appearance."""
    _, first, inverse = np.unique(vertices, axis=0, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    return vertices[np.sort(first)], rank[inverse.ravel()][faces].astype(np.int64)
