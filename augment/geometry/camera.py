"""Pinhole cameras in OpenCV's frame: x right, y down, z forward, pixel centres at .5.

The centre of pixel (0, 0), the upper left one, is (0.5, 0.5).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from augment.errors import GeometryError
from augment.geometry.rotation import apply_transform, rigid_transform

RIGID_TOLERANCE = 1e-6
"""Largest entry of ``R.T @ R - I`` that still counts as a rotation."""


@dataclass(frozen=True, eq=False)
class Camera:
    """One pinhole camera with square pixels an image; all images share one size.

    Attributes:
        focal_px: Focal length of each image in pixels.
        principal_px: Where the optical axis meets each image, (x, y) in pixels; the middle is
            (width / 2, height / 2).
        camera_from_world: Rigid transforms from the head frame (mm) to the camera frame (mm).
        width: Pixels in a row.
        height: Pixels in a column.
    """

    focal_px: Float64[Tensor, " images"]
    principal_px: Float64[Tensor, "images 2"]
    camera_from_world: Float64[Tensor, "images 4 4"]
    width: int
    height: int

    def __post_init__(self) -> None:
        """Refuse sizes and matrices that no camera has."""
        if self.width < 1 or self.height < 1:
            raise GeometryError(
                f"a camera expects 1 pixel or more a side, got {self.width} x {self.height}; "
                "enlarge it"
            )
        if not bool((self.focal_px > 0).all()):
            raise GeometryError(
                f"a camera expects focal_px above 0, got {self.focal_px.tolist()}; "
                "a focal length is a positive number of pixels"
            )
        rotation = self.camera_from_world[:, :3, :3]
        identity = torch.eye(3, dtype=rotation.dtype, device=rotation.device)
        error = (rotation.transpose(1, 2) @ rotation - identity).abs()
        if not bool((error < RIGID_TOLERANCE).all()):
            raise GeometryError(
                "camera_from_world expects rotations (R.T @ R = I), got one that scales or shears; "
                "put scale into focal_px or into the vertices"
            )

    @property
    def n_images(self) -> int:
        """Number of images."""
        return int(self.focal_px.shape[0])

    def points_in_camera(
        self, points_world: Float[Tensor, "images points 3"]
    ) -> Float64[Tensor, "images points 3"]:
        """Return points of the head frame in the camera frame (mm, float64)."""
        return apply_transform(self.camera_from_world, points_world)

    def project(
        self, points_world: Float[Tensor, "images points 3"]
    ) -> tuple[Float64[Tensor, "images points 2"], Float64[Tensor, "images points"]]:
        """Return where points appear: ``pixel = focal_px * (x, y) / z + principal_px``.

        Args:
            points_world: Points in the head frame, mm.

        Returns:
            Pixels (x, y), continuous, in float64, and the depth z in the camera frame, mm. A point
            with z <= 0 lies behind the camera and its pixel has no meaning; the caller decides.
        """
        points = self.points_in_camera(points_world)
        depth_mm = points[..., 2]
        pixels = (
            self.focal_px[:, None, None] * points[..., :2] / depth_mm[..., None]
            + self.principal_px[:, None]
        )
        return pixels, depth_mm

    def unproject(
        self, pixels: Float[Tensor, "images *grid 2"], depth_mm: Float[Tensor, "images *grid"]
    ) -> Float64[Tensor, "images *grid 3"]:
        """Return the points of the head frame seen at pixels with a camera depth: the inverse of
        `project`.

        Args:
            pixels: Continuous (x, y); for whole images see `pixel_centres`.
            depth_mm: Depth z in the camera frame, mm.

        Returns:
            Points in the head frame, mm, float64.
        """
        n_images = pixels.shape[0]
        rays = (
            pixels.reshape(n_images, -1, 2).double() - self.principal_px[:, None]
        ) / self.focal_px[:, None, None]
        depth = depth_mm.reshape(n_images, -1, 1).double()
        in_camera = torch.cat((rays * depth, depth), -1) - self.camera_from_world[:, None, :3, 3]
        transposed = self.camera_from_world[:, :3, :3].transpose(1, 2)
        world = apply_transform(
            rigid_transform(transposed, torch.zeros_like(transposed[..., 0])), in_camera
        )
        return world.reshape(*pixels.shape[:-1], 3)

    def pixel_centres(self) -> Float64[Tensor, "images height width 2"]:
        """Return (x, y) of every pixel's centre: entry [n, y, x] is (x + 0.5, y + 0.5)."""
        device = self.focal_px.device
        x = torch.arange(self.width, dtype=torch.float64, device=device) + 0.5
        y = torch.arange(self.height, dtype=torch.float64, device=device) + 0.5
        grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1)
        return grid.expand(self.n_images, *grid.shape)

    def position(self) -> Float64[Tensor, "images 3"]:
        """Return the optical centres in the head frame, mm."""
        return -(
            self.camera_from_world[:, :3, :3].transpose(1, 2) @ self.camera_from_world[:, :3, 3:]
        )[..., 0]

    def scaled(self, factor: int) -> "Camera":
        """Return the same view with `factor` times as many pixels a side, for super-sampling."""
        return Camera(
            self.focal_px * factor,
            self.principal_px * factor,
            self.camera_from_world,
            self.width * factor,
            self.height * factor,
        )

    def image(self, n: int) -> "Camera":
        """Return the camera of image n alone, as a batch of one."""
        one = slice(n, n + 1) if n != -1 else slice(n, None)
        return Camera(
            self.focal_px[one],
            self.principal_px[one],
            self.camera_from_world[one],
            self.width,
            self.height,
        )

    def to(self, device: torch.device | str) -> "Camera":
        """Return the same camera with its tensors on a device."""
        return Camera(
            self.focal_px.to(device),
            self.principal_px.to(device),
            self.camera_from_world.to(device),
            self.width,
            self.height,
        )


def look_at(
    position_mm: Float64[Tensor, "images 3"],
    target_mm: Float64[Tensor, "images 3"],
    up: Float64[Tensor, "images 3"],
    roll_rad: Float64[Tensor, " images"] | None = None,
) -> Float64[Tensor, "images 4 4"]:
    """Return camera_from_world of cameras that look from a position to a target.

    Args:
        position_mm: Optical centres in the head frame.
        target_mm: Points that the optical axes pass through.
        up: Direction of the head frame that points up in the image (in the head frame (0, 0, 1) is
            the vertex).
        roll_rad: Turn of each camera about its axis; positive turns the picture counter-clockwise.
            None is zero.

    Returns:
        Rigid transforms for `Camera`.

    Raises:
        GeometryError: If position and target coincide or `up` is parallel to the viewing direction.
    """
    forward = target_mm - position_mm
    right = torch.linalg.cross(forward, up)
    if not bool((right.norm(dim=-1) > 1e-9 * forward.norm(dim=-1) * up.norm(dim=-1)).all()):
        raise GeometryError(
            "look_at expects a target apart from the position and an up across the view, got "
            f"position {position_mm.tolist()}, target "
            f"{target_mm.tolist()}, up {up.tolist()}; move one"
        )
    forward = forward / forward.norm(dim=-1, keepdim=True)
    right = right / right.norm(dim=-1, keepdim=True)
    down = torch.linalg.cross(forward, right)
    if roll_rad is not None:
        cosine, sine = torch.cos(roll_rad)[:, None], torch.sin(roll_rad)[:, None]
        right, down = cosine * right + sine * down, cosine * down - sine * right
    rotation = torch.stack((right, down, forward), -2)
    return rigid_transform(rotation, -(rotation @ position_mm[..., None])[..., 0])
