"""One entry to every rasterizer: a mesh and a camera in, Fragments out."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from augment.errors import GeometryError
from augment.geometry.camera import Camera
from augment.raster.fragments import Fragments

BACKENDS = ("numba", "reference", "pytorch3d")
"""Names that `rasterize` accepts."""
NEAR_MM = 1.0


def rasterize(
    vertices: Float[Tensor, "images vertices 3"],
    faces: Int64[Tensor, "triangles 3"],
    camera: Camera,
    backend: str | None = None,
    near_mm: float = NEAR_MM,
) -> Fragments:
    """Return the first triangle along the ray through each pixel centre, seen from both sides.

    A centre exactly on an edge that two triangles share belongs to one of them (the top-left rule
    on integer edges); of equally distant triangles the first one wins. The bytes depend neither on
    the batch nor on threads.

    Args:
        vertices: Positions in the head frame, mm.
        faces: Triangles of every image.
        camera: One camera an image, on the device of `vertices`.
        backend: "numba" (CPU, fast), "reference" (any device, exact) or "pytorch3d" (optional
            extra); None takes numba for CPU tensors and reference for others.
        near_mm: Smallest depth that is accepted.

    Returns:
        Fragments on the device of `vertices`.

    Raises:
        ValueError: If the backend is unknown or does not run on the device.
        GeometryError: If counts or indices do not fit together, or a vertex is nearer than near_mm.
        ImportError: If the backend's optional package is missing.
    """
    backend = default_backend(vertices.device) if backend is None else backend
    _check(vertices, faces, camera, backend)
    if backend == "pytorch3d":
        from augment.raster.pytorch3d_raster import rasterize_pytorch3d as run
    elif backend == "numba":
        from augment.raster.numba_raster import rasterize_numba as run
    else:
        from augment.raster.reference import rasterize_reference as run
    return run(vertices, faces, camera, near_mm)


def default_backend(device: torch.device) -> str:
    """Return the backend that None stands for: numba on the CPU, reference elsewhere."""
    return "numba" if device.type == "cpu" else "reference"


def _check(vertices: Tensor, faces: Tensor, camera: Camera, backend: str) -> None:
    """Refuse arguments that do not fit together, before any kernel trusts them."""
    if backend not in BACKENDS:
        raise ValueError(f"backend expects one of {', '.join(BACKENDS)} or None, got {backend!r}")
    devices = {vertices.device.type, faces.device.type, camera.focal_px.device.type}
    if len(devices) > 1:
        raise ValueError(
            f"vertices, faces and camera were expected on one device, got {sorted(devices)}; "
            "move them with .to(device)"
        )
    if backend == "numba" and devices != {"cpu"}:
        raise ValueError(
            f"backend 'numba' expects CPU tensors, got {vertices.device}; "
            "name 'reference' or leave it out"
        )
    if vertices.shape[0] != camera.n_images:
        raise GeometryError(
            f"rasterize expects one camera a mesh, got {vertices.shape[0]} meshes and "
            f"{camera.n_images} cameras; repeat one of them"
        )
    if faces.numel():
        first, last = (int(bound) for bound in torch.aminmax(faces))
        if first < 0 or last >= vertices.shape[1]:
            raise GeometryError(
                f"faces expect vertices 0 to {vertices.shape[1] - 1}, got {first} to {last}; "
                "check that faces and vertices belong together"
            )
