"""The closed table of files: what each kind holds, its type, unit and frame."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Kind:
    """One kind of file of a sample.

    Attributes:
        name: Name of the kind; the file is called after it.
        suffix: What the file name ends in.
        dtype: numpy type of an array, or None where the file holds no array.
        meaning: What it holds, with unit and frame.
    """

    name: str
    suffix: str
    dtype: type[np.generic] | None
    meaning: str

    @property
    def file_name(self) -> str:
        """Name of the file inside its folder."""
        return f"{self.name}.{self.suffix}"


PIXEL_KINDS = {
    kind.name: kind
    for kind in (
        Kind("regions", "png", np.uint8, "face region of the skin, 0 is background"),
        Kind(
            "pathology",
            "png",
            np.uint8,
            "1 where the surface moved by more than recipe.render.moved_mm, 0 elsewhere",
        ),
        Kind("parts", "png", np.uint8, "part of the head that is seen, 0 is background"),
        Kind("depth_mm", "npz", np.float32, "camera z of the surface in mm, 0 is background"),
        Kind("normals", "npz", np.float16, "unit surface normal (x, y, z) in the head frame"),
        Kind("position_mm", "npz", np.float32, "surface point (x, y, z) in the head frame in mm"),
        Kind("uv", "npz", np.float32, "texture coordinate (u, v) of the template, 0 to 1"),
        Kind(
            "displacement_mm",
            "npz",
            np.float32,
            "pathological minus healthy position (x, y, z) of the surface point that is seen,"
            " head frame, mm",
        ),
    )
}

VIEW_KINDS = {
    "image": Kind("image", "png", np.uint8, "picture, RGB"),
    **PIXEL_KINDS,
    "landmarks": Kind(
        "landmarks", "csv", None, "68 landmarks: x_px, y_px; x_mm, y_mm, z_mm (head frame); visible"
    ),
    "camera": Kind("camera", "json", None, "focal_px, principal_px, camera_from_world (mm)"),
}

TWIN_KINDS = {"mesh": Kind("mesh", "ply", None, "vertices in the head frame in mm, triangles")}

SAMPLE_KINDS = {"parameters": Kind("parameters", "json", None, "everything that was drawn")}

ALL_KINDS = {**VIEW_KINDS, **TWIN_KINDS, **SAMPLE_KINDS}
