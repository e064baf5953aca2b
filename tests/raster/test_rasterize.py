"""Rasterizers on shapes whose pictures are known in closed form, and against each other."""

import math

import numpy as np
import pytest
import torch

from augment.errors import GeometryError
from augment.geometry.camera import Camera
from augment.geometry.rotation import apply_transform, rigid_transform, rotation_from_vector
from augment.raster.fragments import NO_TRIANGLE, Fragments
from augment.raster.interpolate import interpolate
from augment.raster.rasterize import default_backend, rasterize

BACKENDS = ("numba", "reference")
FLOAT32_DEPTH_MM = 1e-4
"""Rounding of a float32 depth near 1 m is 6e-5 mm."""


def camera_at_origin(width=64, height=48, focal_px=100.0, n_images=1):
    """Return cameras whose frame is the world frame, so that points are easy to write down."""
    return Camera(
        torch.full((n_images,), focal_px, dtype=torch.float64),
        torch.tensor([[width / 2, height / 2]], dtype=torch.float64).repeat(n_images, 1),
        torch.eye(4, dtype=torch.float64).repeat(n_images, 1, 1),
        width,
        height,
    )


def pixel_grid_mesh(columns, rows, camera, depth_mm=100.0, step_px=1.0, start_px=0.5):
    """Return a fronto-parallel grid whose vertices project to start + step * k pixels."""
    x = start_px + step_px * torch.arange(columns + 1, dtype=torch.float64)
    y = start_px + step_px * torch.arange(rows + 1, dtype=torch.float64)
    pixels = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1).reshape(1, -1, 2)
    vertices = camera.unproject(pixels, torch.full(pixels.shape[:-1], depth_mm)).float()
    corner = (torch.arange(rows)[:, None] * (columns + 1) + torch.arange(columns)).reshape(-1)
    right, below, across = corner + 1, corner + columns + 1, corner + columns + 2
    faces = torch.cat(
        (torch.stack((corner, right, across), 1), torch.stack((corner, across, below), 1))
    )
    return vertices, faces


def sphere(radius_mm, centre_mm, n_rings=64):
    """Return a closed latitude-longitude sphere."""
    polar = torch.linspace(0, math.pi, n_rings + 1, dtype=torch.float64)
    around = torch.arange(2 * n_rings, dtype=torch.float64) * math.pi / n_rings
    ring = torch.sin(polar)[:, None]
    points = torch.stack(
        (
            ring * torch.cos(around),
            ring * torch.sin(around),
            torch.cos(polar)[:, None].expand(-1, len(around)),
        ),
        -1,
    )
    vertices = radius_mm * points.reshape(-1, 3) + torch.tensor(centre_mm, dtype=torch.float64)
    faces = []
    n = 2 * n_rings
    for i in range(n_rings):
        for j in range(n):
            a, b = i * n + j, i * n + (j + 1) % n
            faces += [(a, a + n, b), (b, a + n, b + n)]
    return vertices.float()[None], torch.tensor(faces)


def assert_same(first: Fragments, second: Fragments):
    assert torch.equal(first.triangle, second.triangle)
    assert torch.equal(first.barycentric, second.barycentric)
    assert torch.equal(first.depth_mm, second.depth_mm)


@pytest.mark.parametrize("backend", BACKENDS)
def test_weights_of_a_slanted_triangle_are_the_closed_form(backend):
    camera = camera_at_origin()
    vertices = torch.tensor([[[-40.0, -30.0, 150.0], [50.0, -20.0, 300.0], [-10.0, 60.0, 220.0]]])
    fragments = rasterize(vertices, torch.tensor([[0, 1, 2]]), camera, backend=backend)
    assert fragments.is_hit().sum() > 300
    a, b, c = vertices[0].double()
    for _, y, x in torch.nonzero(fragments.is_hit())[::37].tolist():
        ray = torch.tensor([(x + 0.5 - 32) / 100, (y + 0.5 - 24) / 100, 1.0], dtype=torch.float64)
        depth, u, v = torch.linalg.solve(torch.stack((ray, a - b, a - c), 1), a)
        assert fragments.depth_mm[0, y, x].item() == pytest.approx(
            depth.item(), abs=FLOAT32_DEPTH_MM
        )
        expected = torch.stack((1 - u - v, u, v)).float()
        torch.testing.assert_close(fragments.barycentric[0, y, x], expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("winding", [(0, 1, 2), (0, 2, 1)])
def test_both_sides_are_seen(backend, winding):
    camera = camera_at_origin()
    vertices = torch.tensor([[[-40.0, -30.0, 150.0], [50.0, -20.0, 300.0], [-10.0, 60.0, 220.0]]])
    fragments = rasterize(vertices, torch.tensor([winding]), camera, backend=backend)
    position = interpolate(fragments, torch.tensor([winding]), vertices)
    mirrored = rasterize(vertices, torch.tensor([winding[::-1]]), camera, backend=backend)
    assert fragments.is_hit().sum() > 300
    assert torch.equal(fragments.is_hit(), mirrored.is_hit())
    torch.testing.assert_close(position[..., 2], fragments.depth_mm, atol=FLOAT32_DEPTH_MM, rtol=0)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("step_px", "start_px"), [(1.0, 0.5), (3.0, 0.5), (2.5, 1.0), (0.25, 0.5)])
def test_grid_with_vertices_on_pixel_centres_has_no_hole_and_no_overlap(backend, step_px, start_px):
    camera = camera_at_origin(64, 64)
    columns = int(48 / step_px)
    vertices, faces = pixel_grid_mesh(columns, columns, camera, step_px=step_px, start_px=start_px)
    shuffled = faces[torch.from_numpy(np.random.default_rng(0).permutation(len(faces)))]
    fragments = rasterize(vertices, faces, camera, backend=backend)
    again = rasterize(vertices, shuffled, camera, backend=backend)
    centres = torch.arange(64) + 0.5
    covered = (centres >= start_px) & (centres < start_px + columns * step_px)
    assert torch.equal(fragments.is_hit()[0], covered[:, None] & covered[None, :])
    # Every pixel has one owner only, so the order of triangles cannot change it.
    owner = torch.where(again.is_hit(), again.triangle, 0).long()
    assert torch.equal(
        shuffled[owner][again.is_hit()],
        faces[fragments.triangle.clamp_min(0).long()][again.is_hit()],
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_diagonal_of_a_quad_through_pixel_centres_has_no_hole(backend):
    camera = camera_at_origin(64, 64)
    vertices, faces = pixel_grid_mesh(1, 1, camera, step_px=45.0, start_px=4.5)
    hit = rasterize(vertices, faces, camera, backend=backend).is_hit()
    assert int(hit.sum()) == 45 * 45


@pytest.mark.parametrize("backend", BACKENDS)
def test_sphere_silhouette_and_depth_are_the_closed_form(backend):
    camera = camera_at_origin(96, 80, focal_px=200.0)
    centre = (8.0, -5.0, 300.0)
    vertices, faces = sphere(40.0, centre)
    fragments = rasterize(vertices, faces, camera, backend=backend)
    grid = camera.pixel_centres()
    rays = torch.cat(((grid - camera.principal_px) / 200.0, torch.ones_like(grid[..., :1])), -1)
    along = (rays * torch.tensor(centre)).sum(-1)
    length = (rays**2).sum(-1)
    distance_squared = sum(x * x for x in centre) - along**2 / length
    # A sphere of chords lies within radius * (1 - cos(pi / 128)) = 0.012 mm; twice that at the rim.
    assert fragments.is_hit()[distance_squared < (40.0 - 0.03) ** 2].all()
    assert not fragments.is_hit()[distance_squared > 40.0**2].any()
    inner = distance_squared < 30.0**2
    depth = (along - torch.sqrt(length * (40.0**2 - distance_squared))) / length
    assert (fragments.depth_mm[inner] - depth[inner]).abs().max() < 0.06


@pytest.mark.parametrize("backend", BACKENDS)
def test_nearest_surface_wins_and_the_first_of_equals(backend):
    camera = camera_at_origin()
    vertices, faces = pixel_grid_mesh(1, 1, camera, step_px=20.0, start_px=10.0)
    both = torch.cat((vertices, vertices * 0.5), 1)
    stacked = torch.cat((faces, faces + 4))
    assert rasterize(both, stacked, camera, backend=backend).triangle.max() == 3
    assert rasterize(both, stacked, camera, backend=backend).hits.triangle.min() == 2
    # Once in the same winding and once turned over, before and after.
    for twice in ((faces, faces), (faces, faces.flip(1)), (faces.flip(1), faces)):
        assert rasterize(vertices, torch.cat(twice), camera, backend=backend).triangle.max() == 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_batch_equals_single(backend):
    camera = camera_at_origin(n_images=3)
    ball, faces = sphere(30.0, (0.0, 0.0, 0.0), n_rings=12)
    shifts = torch.tensor([[[0.0, 5.0, 200.0]], [[-9.0, 0.0, 250.0]], [[3.0, -4.0, 300.0]]])
    vertices = ball + shifts
    batch = rasterize(vertices, faces, camera, backend=backend)
    for n in range(3):
        single = rasterize(vertices[n : n + 1], faces, camera.image(n), backend=backend)
        part = Fragments(
            *(x[n : n + 1] for x in (batch.triangle, batch.barycentric, batch.depth_mm))
        )
        assert_same(part, single)


@pytest.mark.parametrize("backend", BACKENDS)
def test_moving_world_and_camera_together_changes_nothing(backend):
    vertices, faces = sphere(30.0, (4.0, 2.0, 250.0), n_rings=12)
    motion = rigid_transform(
        rotation_from_vector(torch.tensor([0.4, -1.1, 0.3], dtype=torch.float64)),
        torch.tensor([30.0, -70.0, 12.0], dtype=torch.float64),
    )
    still = camera_at_origin()
    moved_camera = Camera(
        still.focal_px,
        still.principal_px,
        torch.linalg.inv(motion)[None],
        still.width,
        still.height,
    )
    before = rasterize(vertices, faces, still, backend=backend)
    after = rasterize(
        apply_transform(motion, vertices.double()), faces, moved_camera, backend=backend
    )
    # Rounding of the motion (1e-13 mm) can move a vertex across a snapping boundary, no further.
    assert (before.triangle != after.triangle).sum() <= 1
    same = before.triangle == after.triangle
    torch.testing.assert_close(before.depth_mm[same], after.depth_mm[same], atol=1e-3, rtol=0)


@pytest.mark.parametrize("seed", range(6))
def test_numba_gives_the_bytes_of_the_reference(seed):
    rng = np.random.default_rng(seed)
    camera = camera_at_origin(70, 51, n_images=2)
    centre = rng.uniform((-60, -60, 90), (60, 60, 400), size=(2, 150, 1, 3))
    size = rng.choice((0.5, 5.0, 60.0), size=(2, 150, 1, 1))
    vertices = (centre + size * rng.uniform(-1, 1, size=(2, 150, 3, 3))).reshape(2, -1, 3)
    vertices[..., 2] = np.maximum(vertices[..., 2], 20)
    vertices = torch.from_numpy(vertices.astype(np.float32))
    faces = torch.arange(450).reshape(-1, 3)
    assert_same(
        rasterize(vertices, faces, camera, backend="numba"),
        rasterize(vertices, faces, camera, backend="reference"),
    )


def test_reference_in_small_chunks_gives_the_same_bytes(monkeypatch):
    camera = camera_at_origin()
    vertices, faces = sphere(30.0, (4.0, 2.0, 250.0), n_rings=12)
    whole = rasterize(vertices, faces, camera, backend="reference")
    monkeypatch.setattr("augment.raster.reference.MAX_CANDIDATES", 100)
    assert_same(whole, rasterize(vertices, faces, camera, backend="reference"))


def test_empty_mesh_and_mesh_out_of_view_are_background():
    camera = camera_at_origin()
    vertices, faces = sphere(3.0, (500.0, 0.0, 250.0), n_rings=6)
    for triangles in (faces, faces[:0]):
        for backend in BACKENDS:
            fragments = rasterize(vertices, triangles, camera, backend=backend)
            assert (fragments.triangle == NO_TRIANGLE).all()
            assert not fragments.barycentric.any()
            assert not fragments.depth_mm.any()


@pytest.mark.parametrize("z", [0.5, 0.0, -100.0, math.nan])
def test_vertices_behind_the_near_plane_are_refused_and_counted(z):
    vertices = torch.tensor([[[0.0, 0.0, 100.0], [1.0, 0.0, z], [0.0, 1.0, 100.0]]])
    with pytest.raises(GeometryError, match=r"1\.0 mm or more in front of the camera, got 1 of 3"):
        rasterize(vertices, torch.tensor([[0, 1, 2]]), camera_at_origin())


def test_vertices_where_integer_edges_would_overflow_are_refused():
    vertices = torch.tensor([[[0.0, 0.0, 100.0], [1e5, 0.0, 100.0], [0.0, 1.0, 100.0]]])
    with pytest.raises(GeometryError, match="within 16000 px of the image, got 1 of 3"):
        rasterize(vertices, torch.tensor([[0, 1, 2]]), camera_at_origin())


def test_largest_accepted_triangle_does_not_overflow():
    camera = camera_at_origin()
    edge = 15_900.0
    vertices = torch.tensor([[[-edge, -edge, 100.0], [edge, -edge, 100.0], [0.0, edge, 100.0]]])
    for backend in BACKENDS:
        fragments = rasterize(vertices, torch.tensor([[0, 1, 2]]), camera, backend=backend)
        assert fragments.is_hit().all()
        torch.testing.assert_close(
            fragments.depth_mm, torch.full_like(fragments.depth_mm, 100.0), atol=1e-4, rtol=0
        )


def test_arguments_that_do_not_fit_are_refused():
    camera = camera_at_origin()
    vertices, faces = sphere(3.0, (0.0, 0.0, 250.0), n_rings=6)
    with pytest.raises(
        ValueError, match="one of numba, reference, pytorch3d or None, got 'opengl'"
    ):
        rasterize(vertices, faces, camera, backend="opengl")
    with pytest.raises(GeometryError, match="one camera a mesh, got 2 meshes and 1 cameras"):
        rasterize(vertices.repeat(2, 1, 1), faces, camera)
    with pytest.raises(GeometryError, match=r"vertices 0 to 83, got 0 to 84"):
        rasterize(vertices, faces.clone().index_fill_(0, torch.tensor([0]), 84), camera)


def test_default_backend_follows_the_device():
    assert default_backend(torch.device("cpu")) == "numba"
    assert default_backend(torch.device("cuda", 0)) == "reference"
