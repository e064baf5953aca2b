"""The closed table of files: what each kind holds, its type, unit and frame."""

from dataclasses import dataclass

import numpy as np

from augment.volume.files import FILE_NAMES


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

HEAD_SHAPE = Kind(
    "head_shape_mm",
    "npz",
    np.float32,
    "distance of the scalp from midway between the tragia, mm, 28 x 28: rows elevation from the"
    " vertex down to the plane of tragia and nasion, columns azimuth from the front to the left",
)
TWIN_KINDS = {
    "mesh": Kind("mesh", "ply", None, "vertices in the head frame in mm, triangles"),
    HEAD_SHAPE.name: HEAD_SHAPE,
}

_VOLUME_MEANINGS: dict[str, tuple[type[np.generic], str]] = {
    "image": (np.int16, "volume in HU; arbitrary units unless contrast=ct"),
    "labels": (np.uint8, "label of each voxel, names in volume_labels.json"),
    "displacement_mm": (
        np.float32,
        "where each voxel of the pathological volume is in the healthy one, minus where it is:"
        " RAS mm, shape (x, y, z, 1, 3), intent 1006; ITK readers flip it to LPS",
    ),
    "jacobian": (np.float32, "determinant of that map: local ratio of volumes"),
    "mandible_share": (
        np.uint8,
        "share of each voxel inside the mandible with its tooth roots, 255 is all of it",
    ),
    "fracture": (
        np.uint8,
        "1 where the fragment of a broken bone is, 2 where its gap has no counterpart in the"
        " healthy volume and displacement means nothing, 0 elsewhere",
    ),
}

# Key of `augment.record.VolumeRecord.arrays` to its file.
VOLUME_KINDS = {
    key: Kind(FILE_NAMES[key].removesuffix(".nii.gz"), "nii.gz", dtype, meaning)
    for key, (dtype, meaning) in _VOLUME_MEANINGS.items()
}

SURFACE_KINDS = {
    kind.name: kind
    for kind in (
        Kind("mesh_skin", "ply", None, "skin in the frame of the volume, RAS mm"),
        Kind("mesh_skull", "ply", None, "bone without the mandible, frame of the volume, RAS mm"),
        Kind("mesh_mandible", "ply", None, "mandible in the frame of the volume, RAS mm"),
    )
}

FILM_KINDS = {
    kind.name: kind
    for kind in (
        Kind("cephalogram_lateral", "png", np.uint16, "lateral radiograph, patient looks right"),
        Kind(
            "cephalogram_pa", "png", np.uint16, "postero-anterior radiograph, patient's right left"
        ),
    )
}

CEPHALOMETRY_KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "cephalogram_lateral_landmarks",
            "csv",
            None,
            "cephalometric points: x_px, y_px of the film; x_mm, y_mm, z_mm (RAS)",
        ),
        Kind("cephalogram_pa_landmarks", "csv", None, "as cephalogram_lateral_landmarks"),
        Kind("cephalometry", "json", None, "SNA, SNB, ANB, SN-GoGn in degrees; mm of a pixel"),
    )
}

SAMPLE_KINDS = {"parameters": Kind("parameters", "json", None, "everything that was drawn")}

ALL_KINDS = {
    kind.name: kind
    for kinds in (
        VIEW_KINDS,
        TWIN_KINDS,
        VOLUME_KINDS,
        SURFACE_KINDS,
        FILM_KINDS,
        CEPHALOMETRY_KINDS,
        SAMPLE_KINDS,
    )
    for kind in kinds.values()
}
