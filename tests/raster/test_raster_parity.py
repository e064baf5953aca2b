"""Our rasterizers against programs that share nothing with them: Embree's rays and PyTorch3D."""

import importlib.util
import sys

import numpy as np
import pytest
import torch

from augment.geometry.camera import Camera, look_at
from augment.geometry.subdivision import linear_subdivision
from augment.raster.fragments import NO_TRIANGLE
from augment.raster.rasterize import rasterize

TIE_PX = 1e-4
"""A pixel centre this close to an edge may belong to either side: float32 decides there."""
FLOAT32_RELATIVE = 3e-5
"""Embree and PyTorch3D compute in float32; slanted triangles lose some digits of depth."""


def bumpy_ball(level=5, seed=0):
    """Return a closed head-sized surface with folds, an opening and a smaller ball within."""
    corners = np.array([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
    faces = np.array(
        [[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]]
    )
    for _ in range(level):
        step = linear_subdivision(faces, len(corners))
        corners, faces = step.matrix @ corners, step.faces
        corners /= np.linalg.norm(corners, axis=1, keepdims=True)
    rng = np.random.default_rng(seed)
    waves = rng.normal(scale=4.0, size=(3, 12))
    bumps = np.sin(corners @ waves + rng.uniform(0, 6, size=12)).sum(axis=1, keepdims=True)
    outer = corners * (90 + 5 * bumps) * np.array([0.8, 1.0, 1.2])
    opening = faces[(corners[faces][:, :, 1] < 0.8).any(axis=1)]
    vertices = np.concatenate((outer, corners * 40))
    return torch.tensor(vertices, dtype=torch.float32), torch.tensor(
        np.concatenate((opening, faces + len(corners)))
    )


def cameras(width=200, height=160, focal_px=420.0):
    """Return three views of the head frame's origin: from the front, the side and below."""
    position = torch.tensor([[0.0, 600, 0], [450, 300, 60], [-80, 350, -400]], dtype=torch.float64)
    up = torch.tensor([[0.0, 0, 1]], dtype=torch.float64).expand(3, 3)
    roll = torch.tensor([0.0, 0.2, -0.4], dtype=torch.float64)
    return Camera(
        torch.full((3,), focal_px, dtype=torch.float64),
        torch.tensor([[width / 2, height / 2]], dtype=torch.float64).repeat(3, 1)
        + torch.tensor([[0.0, 0], [7.3, -11.1], [0, 25.7]], dtype=torch.float64),
        look_at(position, torch.zeros(3, 3, dtype=torch.float64), up, roll),
        width,
        height,
    )


def distance_to_edges_px(pixel, triangle, corners):
    """Return how far a pixel centre lies from the nearest edge of a projected triangle."""
    if triangle == NO_TRIANGLE:
        return np.inf
    distances = []
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        side = end - start
        along = np.clip((pixel - start) @ side / (side @ side), 0, 1)
        distances.append(np.linalg.norm(pixel - start - along * side))
    return min(distances)


def assert_equal_but_for_ties(ours, theirs, camera, vertices, faces):
    """Compare triangles (n, h, w); every difference must be a pixel centre on an edge."""
    projected = camera.project(vertices)[0].numpy()
    for n, y, x in np.argwhere(ours != theirs):
        centre = np.array([x + 0.5, y + 0.5])
        nearest = min(
            distance_to_edges_px(centre, t, projected[n][faces[t].numpy()])
            for t in (ours[n, y, x], theirs[n, y, x])
        )
        assert nearest < TIE_PX, f"pixel ({x}, {y}) of image {n} is {nearest} px from any edge"


def test_numba_gives_the_bytes_of_the_reference_on_a_head_sized_mesh():
    vertices, faces = bumpy_ball()
    batch = vertices.repeat(3, 1, 1)
    fast = rasterize(batch, faces, cameras(), backend="numba")
    exact = rasterize(batch, faces, cameras(), backend="reference")
    assert fast.is_hit().sum() > 20_000
    assert torch.equal(fast.triangle, exact.triangle)
    assert torch.equal(fast.barycentric, exact.barycentric)
    assert torch.equal(fast.depth_mm, exact.depth_mm)


@pytest.mark.parametrize("backend", ["numba", "reference"])
def test_triangles_and_depth_equal_embree(backend):
    rtcore = pytest.importorskip("embreex.rtcore_scene", reason="embreex is not installed")
    construction = pytest.importorskip("embreex.mesh_construction")
    vertices, faces = bumpy_ball()
    batch, camera = vertices.repeat(3, 1, 1), cameras()
    fragments = rasterize(batch, faces, camera, backend=backend)
    triangle = np.full(fragments.triangle.shape, NO_TRIANGLE)
    for n in range(3):
        scene = rtcore.EmbreeScene()
        in_camera = camera.points_in_camera(batch)[n].float().numpy()
        construction.TriangleMesh(scene, in_camera, faces.numpy().astype(np.int32))
        grid = camera.pixel_centres()[n].reshape(-1, 2)
        rays = torch.ones((len(grid), 3), dtype=torch.float64)
        rays[:, :2] = (grid - camera.principal_px[n]) / camera.focal_px[n]
        # Directions of unit z, so that Embree's ray parameter is our depth.
        found = scene.run(np.zeros((len(grid), 3), np.float32), rays.float().numpy(), output=True)
        is_hit = found["geomID"] >= 0
        triangle[n] = np.where(is_hit, found["primID"], NO_TRIANGLE).reshape(triangle[n].shape)
        same = (triangle[n] == fragments.triangle[n].numpy()) & (triangle[n] >= 0)
        depth = found["tfar"].reshape(same.shape)[same]
        np.testing.assert_allclose(
            fragments.depth_mm[n].numpy()[same], depth, rtol=FLOAT32_RELATIVE
        )
    assert (triangle >= 0).sum() > 20_000
    assert_equal_but_for_ties(fragments.triangle.numpy(), triangle, camera, batch, faces)


needs_pytorch3d = pytest.mark.skipif(
    importlib.util.find_spec("pytorch3d") is None,
    reason="PyTorch3D is not installed (it has no wheel; it builds from source)",
)


@needs_pytorch3d
@pytest.mark.parametrize(("width", "height"), [(48, 48), (64, 40), (40, 64)])
def test_pytorch3d_equals_reference(width, height):
    vertices, faces = bumpy_ball(level=3)
    batch, camera = vertices.repeat(3, 1, 1), cameras(width, height, focal_px=110.0)
    theirs = rasterize(batch, faces, camera, backend="pytorch3d")
    ours = rasterize(batch, faces, camera, backend="reference")
    assert ours.is_hit().sum() > 1_000
    assert_equal_but_for_ties(ours.triangle.numpy(), theirs.triangle.numpy(), camera, batch, faces)
    same = ours.triangle == theirs.triangle
    torch.testing.assert_close(
        theirs.depth_mm[same], ours.depth_mm[same], rtol=FLOAT32_RELATIVE, atol=0
    )
    torch.testing.assert_close(theirs.barycentric[same], ours.barycentric[same], rtol=0, atol=2e-3)
    nothing = rasterize(batch, faces[:0], camera, backend="pytorch3d")
    assert not nothing.is_hit().any()


def test_missing_pytorch3d_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pytorch3d.renderer.mesh.rasterize_meshes", None)
    vertices, faces = bumpy_ball(level=1)
    with pytest.raises(ImportError, match=r'pip install "facies\[pytorch3d\]", or build it'):
        rasterize(vertices.repeat(3, 1, 1), faces, cameras(), backend="pytorch3d")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_reference_gives_the_same_bytes_on_a_gpu():
    vertices, faces = bumpy_ball()
    batch, camera = vertices.repeat(3, 1, 1), cameras()
    on_cpu = rasterize(batch, faces, camera, backend="reference")
    on_gpu = rasterize(batch.cuda(), faces.cuda(), camera.to("cuda")).to("cpu")
    assert torch.equal(on_gpu.triangle, on_cpu.triangle)
    assert torch.equal(on_gpu.barycentric, on_cpu.barycentric)
    assert torch.equal(on_gpu.depth_mm, on_cpu.depth_mm)
