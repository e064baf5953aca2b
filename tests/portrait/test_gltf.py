import numpy as np
import pygltflib
import pytest

from augment.portrait.gltf import GLTF_FROM_HEAD, head_glb, split_at_seams

COMPONENTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3}


@pytest.fixture(scope="module")
def document(model, mean_head):
    weights = np.linspace(0, 1, 79)
    texture = np.full((8, 8, 3), 200, np.uint8)
    return pygltflib.GLTF2.load_from_bytes(head_glb(model, mean_head, weights, texture))


def view_bytes(document, number):
    view = document.bufferViews[number]
    return document.binary_blob()[view.byteOffset : view.byteOffset + view.byteLength]


def values(document, number):
    """Read an accessor as any reader does: zeros or a view, then the sparse entries."""
    accessor = document.accessors[number]
    width = COMPONENTS[accessor.type]
    dtype = "<u4" if accessor.componentType == pygltflib.UNSIGNED_INT else "<f4"
    if accessor.bufferView is None:
        found = np.zeros((accessor.count, width), np.float32)
    else:
        found = np.frombuffer(view_bytes(document, accessor.bufferView), dtype)
        found = found.reshape(-1, width).copy()
    if accessor.sparse is not None:
        rows = np.frombuffer(view_bytes(document, accessor.sparse.indices.bufferView), "<u4")
        moved = np.frombuffer(view_bytes(document, accessor.sparse.values.bufferView), "<f4")
        found[rows] = moved.reshape(-1, width)
    return found


def test_the_mesh_is_the_head_in_metres_with_y_up(document, model, mean_head):
    primitive = document.meshes[0].primitives[0]
    split = split_at_seams(model.faces.numpy(), model.uv_faces.numpy())
    points = values(document, primitive.attributes.POSITION)
    head = mean_head[split.vertex]
    assert points == pytest.approx(np.stack([-head[:, 0], head[:, 2], head[:, 1]], 1) / 1000)
    assert np.linalg.det(GLTF_FROM_HEAD) > 0
    faces = values(document, primitive.indices).reshape(-1, 3)
    assert (split.vertex[faces] == model.faces.numpy()).all()
    uv = values(document, primitive.attributes.TEXCOORD_0)
    wanted = model.uv.numpy()[model.uv_faces.numpy()]
    assert uv[faces] * (1, -1) + (0, 1) == pytest.approx(wanted, abs=1e-6)
    normals = values(document, primitive.attributes.NORMAL)
    assert np.linalg.norm(normals, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_every_expression_is_a_named_target(document, model):
    mesh = document.meshes[0]
    assert mesh.extras["targetNames"] == list(model.expression_names)
    assert len(mesh.primitives[0].targets) == 79
    assert mesh.weights == pytest.approx(np.linspace(0, 1, 79))
    split = split_at_seams(model.faces.numpy(), model.uv_faces.numpy())
    row = model.expression_names.index("mouthSmileLeft")
    target = mesh.primitives[0].targets[row]
    moved = values(document, (target if isinstance(target, dict) else vars(target))["POSITION"])
    expected = model.expression_basis[row].numpy()[split.vertex] @ GLTF_FROM_HEAD.T
    assert moved == pytest.approx(expected, abs=2e-6)
    # The person's left is at +x: that corner of the mouth moves.
    largest = np.linalg.norm(moved, axis=1).argmax()
    place = values(document, mesh.primitives[0].attributes.POSITION)[largest]
    assert place[0] > 0


def test_the_texture_lies_in_the_file(document):
    assert document.images[0].mimeType == "image/png"
    content = view_bytes(document, document.images[0].bufferView)
    assert content.startswith(b"\x89PNG")
    assert document.materials[0].pbrMetallicRoughness.baseColorTexture.index == 0


def test_a_head_without_texture_is_plain(model, mean_head):
    plain = pygltflib.GLTF2.load_from_bytes(head_glb(model, mean_head, np.zeros(79), None))
    assert plain.images == []
    assert len(plain.materials[0].pbrMetallicRoughness.baseColorFactor) == 4
