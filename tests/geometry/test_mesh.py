"""Meshes: areas and volumes in closed form, boundaries, files that come back as they were."""

import math

import numpy as np
import pytest
import torch
import trimesh

from augment.errors import AssetError, GeometryError
from augment.geometry.mesh import (
    boundary_loops,
    face_normals,
    signed_volume_mm3,
    triangle_areas,
    vertex_normals,
    write_obj,
    write_ply,
)
from augment.geometry.mesh_file import read_mesh
from augment.geometry.rotation import rotation_from_vector

CUBE = torch.tensor([[x, y, z] for x in (0.0, 2) for y in (0.0, 2) for z in (0.0, 2)])
CUBE_FACES = torch.tensor(
    [
        0,
        1,
        3,
        0,
        3,
        2,
        4,
        6,
        7,
        4,
        7,
        5,
        0,
        4,
        5,
        0,
        5,
        1,
        2,
        3,
        7,
        2,
        7,
        6,
        0,
        2,
        6,
        0,
        6,
        4,
        1,
        5,
        7,
        1,
        7,
        3,
    ]
).reshape(-1, 3)


def test_cube_in_closed_form():
    assert triangle_areas(CUBE, CUBE_FACES).tolist() == [2.0] * 12
    assert signed_volume_mm3(CUBE, CUBE_FACES).item() == pytest.approx(8, abs=1e-6)
    assert signed_volume_mm3(CUBE, CUBE_FACES.flip(1)).item() == pytest.approx(-8, abs=1e-6)
    middles = CUBE[CUBE_FACES].mean(1) - 1
    assert ((face_normals(CUBE, CUBE_FACES) * middles).sum(1) > 0.9).all()


def test_volume_far_from_the_origin_keeps_its_digits():
    far = CUBE.double() + 1e6
    assert signed_volume_mm3(far, CUBE_FACES).item() == pytest.approx(8, abs=1e-8)


def test_normals_of_a_fan_are_the_area_weighted_mean():
    vertices = torch.tensor([[0.0, 0, 0], [3, 0, 0], [0, 2, 0], [0, 0, 5]])
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
    expected = torch.tensor([10.0, 0, 6]) / math.hypot(10, 6)
    torch.testing.assert_close(vertex_normals(vertices, faces)[0], expected)


def test_batch_equals_single_and_a_lone_vertex_has_no_normal():
    vertices = torch.cat((CUBE, torch.zeros(1, 3)))
    batch = torch.stack((vertices, vertices * torch.tensor([1.0, 2, 3])))
    together = vertex_normals(batch, CUBE_FACES)
    for n in range(2):
        assert torch.equal(together[n], vertex_normals(batch[n], CUBE_FACES))
    assert together[:, -1].tolist() == [[0.0] * 3] * 2
    torch.testing.assert_close(together[:, :-1].norm(dim=-1), torch.ones(2, 8))


def test_rotation_turns_normals_and_keeps_area_and_volume():
    rotation = rotation_from_vector(torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64))
    cube = CUBE.double()
    turned = cube @ rotation.T
    torch.testing.assert_close(
        vertex_normals(turned, CUBE_FACES), vertex_normals(cube, CUBE_FACES) @ rotation.T
    )
    torch.testing.assert_close(triangle_areas(turned, CUBE_FACES), triangle_areas(cube, CUBE_FACES))
    torch.testing.assert_close(
        signed_volume_mm3(turned, CUBE_FACES), signed_volume_mm3(cube, CUBE_FACES)
    )


def test_boundaries_of_closed_and_open_meshes():
    assert boundary_loops(CUBE_FACES) == []
    top_off = boundary_loops(CUBE_FACES[:10])
    assert [loop.tolist() for loop in top_off] == [[1, 3, 7, 5]]
    both_off = boundary_loops(torch.cat((CUBE_FACES[:8], CUBE_FACES[8:9])))
    assert [len(loop) for loop in both_off] == [4, 3]


def test_boundary_follows_the_winding():
    loop = boundary_loops(torch.tensor([[5, 7, 6]]))[0].tolist()
    assert loop == [5, 7, 6]


def test_holes_that_touch_are_refused():
    with pytest.raises(GeometryError, match="each boundary vertex once, got 1 that repeat"):
        boundary_loops(torch.tensor([[0, 1, 2], [2, 3, 4]]))


@pytest.mark.parametrize("suffix", [".ply", ".obj", ".stl"])
def test_files_come_back_as_they_were(tmp_path, suffix):
    vertices, faces = CUBE.double().numpy() * 1.1, CUBE_FACES.numpy()
    path = tmp_path / f"cube{suffix}"
    if suffix == ".ply":
        write_ply(path, vertices, faces)
    elif suffix == ".obj":
        write_obj(path, vertices, faces)
    else:
        trimesh.Trimesh(vertices, faces, process=False).export(path)
    read_vertices, read_faces = read_mesh(path)
    assert read_vertices.shape == (8, 3)
    np.testing.assert_allclose(read_vertices[read_faces], vertices[faces], atol=1e-6)
    if suffix != ".stl":
        np.testing.assert_array_equal(read_faces, faces)


def test_ply_is_little_endian_float32_and_int32(tmp_path):
    path = tmp_path / "cube.ply"
    write_ply(path, CUBE.numpy(), CUBE_FACES.numpy())
    header, _, body = path.read_bytes().partition(b"end_header\n")
    assert header.startswith(b"ply\nformat binary_little_endian 1.0\n")
    assert len(body) == 8 * 12 + 12 * 13
    np.testing.assert_array_equal(np.frombuffer(body[:96], "<f4").reshape(-1, 3), CUBE.numpy())
    loaded = trimesh.load_mesh(path, process=False)
    np.testing.assert_array_equal(loaded.faces, CUBE_FACES.numpy())


def test_quads_are_split(tmp_path):
    path = tmp_path / "quad.obj"
    path.write_text("v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf 1 2 3 4\n", encoding="ascii")
    vertices, faces = read_mesh(path)
    assert vertices.shape == (4, 3)
    assert faces.shape == (2, 3)


def test_unusable_files_are_refused(tmp_path):
    with pytest.raises(AssetError, match="no such file or directory"):
        read_mesh(tmp_path / "missing.ply")
    (tmp_path / "mesh.docx").write_bytes(b"PK")
    with pytest.raises(AssetError, match=r"ends in \.obj, \.ply, \.stl, got 'mesh\.docx'"):
        read_mesh(tmp_path / "mesh.docx")
    (tmp_path / "broken.ply").write_bytes(b"ply\nformat binary_little_endian 1.0\n")
    with pytest.raises(AssetError, match="cannot be read"):
        read_mesh(tmp_path / "broken.ply")
    (tmp_path / "points.obj").write_text("v 0 0 0\nv 1 0 0\n", encoding="ascii")
    with pytest.raises(AssetError, match=r"hold triangles|cannot be read"):
        read_mesh(tmp_path / "points.obj")
    (tmp_path / "nan.obj").write_text("v nan 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", encoding="ascii")
    with pytest.raises(AssetError, match="finite coordinates"):
        read_mesh(tmp_path / "nan.obj")


def test_a_texture_beside_a_mesh_is_never_opened(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("PIL.Image.open", lambda *given, **named: opened.append(given))
    path = tmp_path / "a.ply"
    write_ply(path, np.eye(3), np.array([[0, 1, 2]]))
    content = path.read_bytes().replace(b"comment", b"comment TextureFile ../b.png\ncomment", 1)
    path.write_bytes(content)
    (tmp_path.parent / "b.png").write_bytes(b"")
    assert len(read_mesh(path)[1]) == 1
    assert opened == []


def test_polygons_become_fans_of_triangles(tmp_path):
    corners = "".join(f"v {x} {y} 0\n" for x, y in ((0, 0), (2, 0), (3, 1), (2, 2), (0, 2)))
    (tmp_path / "a.obj").write_text(corners + "f 1 2 3 4 5\n", encoding="utf-8")
    vertices, faces = read_mesh(tmp_path / "a.obj")
    assert len(faces) == 3
    doubled = np.cross(
        vertices[faces[:, 1]] - vertices[faces[:, 0]], vertices[faces[:, 2]] - vertices[faces[:, 0]]
    )
    assert doubled[:, 2].sum() / 2 == pytest.approx(5.0)
