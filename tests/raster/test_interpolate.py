"""Interpolation: what is linear on a triangle comes back exactly, at the pixel it belongs to."""

import pytest
import torch

from augment.errors import GeometryError
from augment.geometry.camera import Camera
from augment.geometry.distance import closest_point
from augment.raster.interpolate import interpolate, interpolate_torch
from augment.raster.rasterize import rasterize

REPROJECTION_PX = 0.01
ON_MESH_MM = 0.01


def scene(n_images=2, dtype=torch.float32):
    """Return a crumpled sheet, other in each image, before cameras at the origin."""
    camera = Camera(
        torch.full((n_images,), 90.0, dtype=torch.float64),
        torch.tensor([[31.0, 22.5]], dtype=torch.float64).repeat(n_images, 1),
        torch.eye(4, dtype=torch.float64).repeat(n_images, 1, 1),
        64,
        48,
    )
    k = torch.arange(12, dtype=torch.float64)
    x, y = torch.meshgrid(k * 9 - 50, k * 8 - 44, indexing="xy")
    image = torch.arange(n_images, dtype=torch.float64)[:, None, None]
    z = 220 + 25 * torch.sin(x / 11 + image) * torch.cos(y / 13)
    sheet = torch.stack((x.expand_as(z), y.expand_as(z), z), -1).reshape(n_images, -1, 3).to(dtype)
    corner = (torch.arange(11)[:, None] * 12 + torch.arange(11)).reshape(-1)
    faces = torch.cat(
        (
            torch.stack((corner, corner + 1, corner + 13), 1),
            torch.stack((corner, corner + 13, corner + 12), 1),
        )
    )
    return sheet, faces, camera


def test_positions_project_back_to_their_pixel_centres():
    vertices, faces, camera = scene()
    fragments = rasterize(vertices, faces, camera)
    position = interpolate(fragments, faces, vertices)
    pixels, depth_mm = camera.project(position.reshape(2, -1, 3))
    is_hit = fragments.is_hit()
    error = (pixels.reshape(2, 48, 64, 2) - camera.pixel_centres())[is_hit].abs()
    assert is_hit.sum() > 2_000
    assert error.max() < REPROJECTION_PX
    gap = depth_mm.reshape(2, 48, 64)[is_hit] - fragments.depth_mm[is_hit]
    assert gap.abs().max() < ON_MESH_MM


def test_depth_unprojects_onto_the_mesh():
    vertices, faces, camera = scene()
    fragments = rasterize(vertices, faces, camera)
    points = camera.unproject(camera.pixel_centres(), fragments.depth_mm)
    for n in range(2):
        seen = points[n][fragments.is_hit()[n]].numpy()
        distance_mm = closest_point(seen, vertices[n].double().numpy(), faces.numpy()).distance_mm
        assert distance_mm.max() < ON_MESH_MM


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("per_image", [True, False])
def test_compiled_path_gives_the_bytes_of_torch(dtype, per_image):
    vertices, faces, camera = scene()
    fragments = rasterize(vertices, faces, camera)
    generator = torch.Generator().manual_seed(0)
    shape = (2 if per_image else 1, vertices.shape[1], 5)
    values = torch.rand(shape, generator=generator, dtype=dtype)
    fast = interpolate(fragments, faces, values if per_image else values[0])
    assert fast.dtype == dtype
    assert torch.equal(fast, interpolate_torch(fragments, faces, values))


def test_constants_stay_and_background_is_zero():
    vertices, faces, camera = scene()
    fragments = rasterize(vertices, faces[:100], camera)
    image = interpolate(fragments, faces[:100], torch.full((vertices.shape[1], 1), 7.0))
    is_hit = fragments.is_hit()
    torch.testing.assert_close(
        image[is_hit], torch.full_like(image[is_hit], 7.0), atol=2e-6, rtol=0
    )
    assert 0 < is_hit.sum() < is_hit.numel()
    assert not image[~is_hit].any()


def test_texture_coordinates_have_triangles_of_their_own():
    vertices, faces, camera = scene()
    fragments = rasterize(vertices, faces, camera)
    corners = vertices[0][faces].reshape(-1, 3)
    own = torch.arange(len(corners)).reshape(-1, 3)
    shared = interpolate(fragments, faces, vertices[0])
    assert torch.equal(interpolate(fragments, own, corners), shared)


def test_gradient_of_a_pixel_is_its_barycentric_weights():
    vertices, faces, camera = scene(1)
    fragments = rasterize(vertices, faces, camera)
    values = torch.zeros(vertices.shape[1], 1, requires_grad=True)
    interpolate(fragments, faces, values)[0, 20, 30, 0].backward()
    corners = faces[int(fragments.triangle[0, 20, 30])]
    assert torch.equal(values.grad[corners, 0], fragments.barycentric[0, 20, 30])
    assert int((values.grad != 0).sum()) == 3


def test_values_of_triangles_reach_their_pixels():
    vertices, faces, camera = scene()
    fragments = rasterize(vertices, faces[:100], camera)
    labels = torch.arange(1, 101, dtype=torch.uint8)
    image = fragments.of_triangle(labels)
    assert image.dtype == torch.uint8
    assert torch.equal(image.int(), fragments.triangle + 1)
    assert torch.equal(fragments.of_triangle(labels, background=255) == 255, ~fragments.is_hit())


def test_values_that_do_not_fit_are_refused():
    vertices, faces, camera = scene()
    fragments = rasterize(vertices, faces, camera)
    with pytest.raises(GeometryError, match="of 2 images or of one, got 3"):
        interpolate(fragments, faces, torch.zeros(3, vertices.shape[1], 1))
    with pytest.raises(GeometryError, match="rows 0 to 99 of vertex values, got 0 to 143"):
        interpolate(fragments, faces, torch.zeros(100, 1))
