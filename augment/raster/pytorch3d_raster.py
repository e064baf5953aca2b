"""PyTorch3D's rasterizer behind our interface: an optional extra, for parity and for its users.

PyTorch3D's screen frame: x left, y up, and the shorter side of the image spans -1 to 1. A pixel
centre exactly on a shared edge may belong to no triangle there, unlike in our own backends.
"""

import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from augment.geometry.camera import Camera
from augment.raster.fragments import NO_TRIANGLE, Fragments
from augment.raster.screen import check_bounds


def rasterize_pytorch3d(
    vertices: Float[Tensor, "images vertices 3"],
    faces: Int64[Tensor, "triangles 3"],
    camera: Camera,
    near_mm: float,
) -> Fragments:
    """Return the fragments of all images, on the device of the vertices.

    Args:
        vertices: Positions in the head frame, mm.
        faces: Triangles, indices in range.
        camera: One camera an image.
        near_mm: Smallest depth that is accepted.

    Returns:
        Fragments; PyTorch3D computes them in float32.

    Raises:
        ImportError: If PyTorch3D is not installed.
        GeometryError: As `project_to_screen`.
    """
    try:
        from pytorch3d.renderer.mesh.rasterize_meshes import rasterize_meshes
        from pytorch3d.structures import Meshes
    except ImportError as error:
        raise ImportError(
            "backend 'pytorch3d' expects PyTorch3D, which is not installed; "
            'pip install "facies[pytorch3d]", or build it from source where no wheel exists '
            '(pip install --no-build-isolation "git+https://github.com/facebookresearch/pytorch3d")'
        ) from error
    n_images, n_triangles = camera.n_images, len(faces)
    if n_triangles == 0:
        return _background(camera)
    meshes = Meshes(
        verts=list(screen_from_world(vertices, camera, near_mm)), faces=[faces] * n_images
    )
    packed, depth_mm, barycentric, _ = rasterize_meshes(
        meshes,
        image_size=(camera.height, camera.width),
        blur_radius=0.0,
        faces_per_pixel=1,
        bin_size=0,
        perspective_correct=True,
        clip_barycentric_coords=False,
        cull_backfaces=False,
    )
    # Triangles are numbered through the batch there, image by image.
    offset = torch.arange(n_images, device=packed.device)[:, None, None] * n_triangles
    is_hit = packed[..., 0] >= 0
    return Fragments(
        torch.where(is_hit, packed[..., 0] - offset, NO_TRIANGLE).int(),
        torch.where(is_hit[..., None], barycentric[..., 0, :], 0.0),
        torch.where(is_hit, depth_mm[..., 0], 0.0),
    )


def screen_from_world(
    vertices: Float[Tensor, "images vertices 3"], camera: Camera, near_mm: float
) -> Float32[Tensor, "images vertices 3"]:
    """Return vertices in PyTorch3D's screen frame: x left and y up of the middle, depth in mm.

    Args:
        vertices: Positions in the head frame, mm.
        camera: One camera an image.
        near_mm: Smallest depth that is accepted.

    Returns:
        (x, y, z): pixels from the middle of the image in units of half its shorter side, and z of
        the camera frame.

    Raises:
        GeometryError: As `project_to_screen`.
    """
    pixels, depth_mm = camera.project(vertices)
    check_bounds(pixels, depth_mm, near_mm)
    middle = torch.tensor((camera.width, camera.height), device=pixels.device) / 2
    screen = (middle - pixels) / (min(camera.width, camera.height) / 2)
    return torch.cat((screen, depth_mm[..., None]), -1).float()


def _background(camera: Camera) -> Fragments:
    """Fragments of images that show nothing."""
    shape, device = (camera.n_images, camera.height, camera.width), camera.focal_px.device
    return Fragments(
        torch.full(shape, NO_TRIANGLE, dtype=torch.int32, device=device),
        torch.zeros((*shape, 3), device=device),
        torch.zeros(shape, device=device),
    )
