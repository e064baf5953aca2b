"""A head as a binary glTF 2.0 file: texture, and every expression as a named morph target.

glTF's frame: metres, y up, the face towards +z, so the person's right is at -x. Texture coordinates
start at the upper left. Vertices are repeated where the texture has a seam.
"""

from dataclasses import dataclass

import numpy as np
import pygltflib as gltf
import torch
from jaxtyping import Float, Int, UInt8

from augment.geometry.mesh import vertex_normals
from augment.morphable.model import FaceModel
from augment.portrait.texture import png_bytes

GLTF_FROM_HEAD = np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]) * 1e-3
"""From the head frame (RAS+, mm) to glTF's frame (m)."""
ROUGHNESS = 0.6
MOVED_MM = 1e-3
"""A target lists the vertices that it moves by more."""


@dataclass(frozen=True, eq=False)
class _Seamed:
    """Vertices repeated so that each has one texture coordinate: rows of vertices and of uv."""

    vertex: Int[np.ndarray, " points"]
    uv: Int[np.ndarray, " points"]
    faces: Int[np.ndarray, "triangles 3"]


def split_at_seams(
    faces: Int[np.ndarray, "triangles 3"], uv_faces: Int[np.ndarray, "triangles 3"]
) -> _Seamed:
    """Return one point for each pair of vertex and texture coordinate."""
    pairs = np.stack([faces.ravel(), uv_faces.ravel()], axis=1)
    unique, inverse = np.unique(pairs, axis=0, return_inverse=True)
    return _Seamed(unique[:, 0], unique[:, 1], inverse.reshape(-1, 3))


def head_glb(
    model: FaceModel,
    rest_mm: Float[np.ndarray, "vertices 3"],
    expression: Float[np.ndarray, " expressions"],
    texture: UInt8[np.ndarray, "texels texels 3"] | None,
) -> bytes:
    """Return the bytes of a GLB file of a head.

    Args:
        model: The face model.
        rest_mm: Its neutral vertices, head frame.
        expression: Weights that the targets start with, 0 to 1.
        texture: Its texture, sRGB, row 0 at v = 1; None for plain skin.
    """
    split = split_at_seams(model.faces.numpy(), model.uv_faces.numpy())
    writer = _Buffer()
    positions = (rest_mm @ GLTF_FROM_HEAD.T)[split.vertex].astype(np.float32)
    normal = vertex_normals(torch.from_numpy(np.asarray(rest_mm, np.float64)), model.faces)
    turned = (normal.numpy() @ GLTF_FROM_HEAD.T)[split.vertex]
    turned /= np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-12)
    uv = model.uv.numpy()[split.uv].astype(np.float32)
    attributes = gltf.Attributes(
        POSITION=writer.points(positions, bounded=True),
        NORMAL=writer.points(turned.astype(np.float32)),
        TEXCOORD_0=writer.points(np.stack([uv[:, 0], 1.0 - uv[:, 1]], axis=1)),
    )
    basis = model.expression_basis.numpy() @ GLTF_FROM_HEAD.T
    targets = [
        {"POSITION": writer.sparse_points(moved[split.vertex].astype(np.float32))}
        for moved in basis
    ]
    primitive = gltf.Primitive(
        attributes=attributes,
        indices=writer.indices(split.faces),
        targets=targets,
        material=0,
    )
    mesh = gltf.Mesh(
        name="head",
        primitives=[primitive],
        weights=[float(weight) for weight in expression],
        extras={"targetNames": list(model.expression_names)},
    )
    image = None if texture is None else writer.raw(png_bytes(texture))
    return writer.file(mesh, image)


class _Buffer:
    """Bytes of a GLB file and the accessors that read them."""

    def __init__(self) -> None:
        """Start empty."""
        self.content = bytearray()
        self.views: list[gltf.BufferView] = []
        self.accessors: list[gltf.Accessor] = []

    def raw(self, content: bytes, target: int | None = None) -> int:
        """Append bytes as a view of their own, aligned to four."""
        self.content.extend(bytes(-len(self.content) % 4))
        view = gltf.BufferView(
            buffer=0, byteOffset=len(self.content), byteLength=len(content), target=target
        )
        self.content.extend(content)
        self.views.append(view)
        return len(self.views) - 1

    def points(self, values: np.ndarray, *, bounded: bool = False) -> int:
        """Append float vectors."""
        view = self.raw(np.ascontiguousarray(values, "<f4").tobytes(), gltf.ARRAY_BUFFER)
        accessor = gltf.Accessor(
            bufferView=view,
            componentType=gltf.FLOAT,
            count=len(values),
            type="VEC3" if values.shape[1] == 3 else "VEC2",
        )
        if bounded:
            accessor.min, accessor.max = values.min(0).tolist(), values.max(0).tolist()
        return self._add(accessor)

    def sparse_points(self, values: Float[np.ndarray, "points 3"]) -> int:
        """Append vectors of which most are 0 as the list of the others."""
        moved = np.flatnonzero(np.abs(values).max(1) > MOVED_MM * 1e-3)
        moved = moved if len(moved) else np.zeros(1, dtype=np.int64)
        kept = np.zeros_like(values)
        kept[moved] = values[moved]
        accessor = gltf.Accessor(
            # Without a view of its own an accessor may not have an offset in it.
            byteOffset=None,
            componentType=gltf.FLOAT,
            count=len(values),
            type="VEC3",
            min=kept.min(0).tolist(),
            max=kept.max(0).tolist(),
            sparse=gltf.Sparse(
                count=len(moved),
                indices=gltf.AccessorSparseIndices(
                    bufferView=self.raw(moved.astype("<u4").tobytes()),
                    componentType=gltf.UNSIGNED_INT,
                ),
                values=gltf.AccessorSparseValues(
                    bufferView=self.raw(np.ascontiguousarray(kept[moved], "<f4").tobytes())
                ),
            ),
        )
        return self._add(accessor)

    def indices(self, faces: Int[np.ndarray, "triangles 3"]) -> int:
        """Append triangles."""
        view = self.raw(faces.astype("<u4").tobytes(), gltf.ELEMENT_ARRAY_BUFFER)
        return self._add(
            gltf.Accessor(
                bufferView=view,
                componentType=gltf.UNSIGNED_INT,
                count=int(faces.size),
                type="SCALAR",
            )
        )

    def _add(self, accessor: gltf.Accessor) -> int:
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def file(self, mesh: gltf.Mesh, image: int | None) -> bytes:
        """Return the file with one mesh and, where there is an image, its texture."""
        surface = gltf.PbrMetallicRoughness(metallicFactor=0.0, roughnessFactor=ROUGHNESS)
        document = gltf.GLTF2(
            asset=gltf.Asset(version="2.0", generator="facies"),
            scene=0,
            scenes=[gltf.Scene(nodes=[0])],
            nodes=[gltf.Node(mesh=0, name="head")],
            meshes=[mesh],
            materials=[gltf.Material(name="skin", pbrMetallicRoughness=surface, alphaCutoff=None)],
            accessors=self.accessors,
            bufferViews=self.views,
            buffers=[gltf.Buffer(byteLength=len(self.content))],
        )
        if image is None:
            surface.baseColorFactor = [0.8, 0.6, 0.5, 1.0]
        else:
            surface.baseColorTexture = gltf.TextureInfo(index=0)
            document.images = [gltf.Image(bufferView=image, mimeType="image/png", name="texture")]
            document.samplers = [gltf.Sampler(magFilter=gltf.LINEAR, minFilter=gltf.LINEAR)]
            document.textures = [gltf.Texture(source=0, sampler=0)]
        document.set_binary_blob(bytes(self.content))
        return b"".join(document.save_to_bytes())
