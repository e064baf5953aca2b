"""What the pipeline hands to the writer: one sample with its twins, their pictures and labels.

Arrays are numpy, on the host, in the frames and units of the data set; images are indexed [y, x].
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Integer, Shaped, UInt8, UInt16

HEALTHY = "healthy"
PATHOLOGICAL = "pathological"


@dataclass(frozen=True)
class Legend:
    """What the numbers and rows of a data set stand for.

    Attributes:
        landmarks: Names of the landmarks, in order.
        regions: Value of a region label to its name; 0 is background.
        parts: Value of a part label to its name; 0 is background.
        pathologies: Pathology to what is known about it (parameter, unit, grades, source).
        assets: Asset to its licence.
        volume_labels: Value of a volume's label to its name; empty where there are no volumes.
        files: Further files of the whole data set (label tables for viewers), name to content.
    """

    landmarks: tuple[str, ...]
    regions: Mapping[int, str]
    parts: Mapping[int, str]
    pathologies: Mapping[str, Mapping[str, Any]]
    assets: Mapping[str, str]
    volume_labels: Mapping[int, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class LandmarkRecord:
    """Landmarks of one picture, in the order of the data set's landmark table.

    Attributes:
        points_px: Where they are in the picture, (x, y); the centre of pixel (0, 0) is (0.5, 0.5).
        points_mm: Where they are in the head frame.
        is_visible: Whether nothing hides them and they lie inside the picture.
    """

    points_px: Float[np.ndarray, "landmarks 2"]
    points_mm: Float[np.ndarray, "landmarks 3"]
    is_visible: Bool[np.ndarray, " landmarks"]


@dataclass(frozen=True)
class ViewRecord:
    """One picture of one head with its pixel labels.

    Attributes:
        image: RGB.
        labels: Name of a pixel label to its image; `augment.writer.kinds` lists the names with
            their type, unit and frame.
        landmarks: The landmarks in this picture.
        camera: The camera as plain values.
    """

    image: UInt8[np.ndarray, "height width 3"]
    labels: Mapping[str, Shaped[np.ndarray, "height width *channels"]]
    landmarks: LandmarkRecord
    camera: Mapping[str, Any]


@dataclass(frozen=True)
class MeshRecord:
    """A triangle mesh in the frame of its volume, RAS mm.

    Attributes:
        vertices_mm: Its vertices; those of both twins correspond one to one.
        faces: Its triangles.
    """

    vertices_mm: Float[np.ndarray, "vertices 3"]
    faces: Integer[np.ndarray, "triangles 3"]


@dataclass(frozen=True)
class FilmRecord:
    """One radiograph with its landmarks.

    Attributes:
        film: Brightness, bone bright.
        pixel_mm: Height and width of a pixel.
        landmarks: Name to (x_px, y_px) and to (x, y, z) in RAS mm; the centre of pixel (0, 0) is
            (0.5, 0.5).
    """

    film: UInt16[np.ndarray, "rows columns"]
    pixel_mm: tuple[float, float]
    landmarks: Mapping[str, tuple[float, float, float, float, float]]


@dataclass(frozen=True)
class VolumeRecord:
    """One twin's volume; both twins of a sample share the grid.

    Attributes:
        ras_from_voxel: Affine from voxel centres to RAS mm: the head frame or the scanner's trunk
            frame for generated volumes, the file's own world for a real CT.
        arrays: Kind (`image`, `labels`, `mandible_share`, and `displacement_mm`, `jacobian` of a
            pathological twin) to voxels.
        meshes: `mesh_skin`, `mesh_skull`, `mesh_mandible` to surfaces in the same frame.
        films: `cephalogram_lateral`, `cephalogram_pa` to radiographs.
        angles_deg: Cephalometric angles by name; empty without radiographs.
        is_hu: Whether the image is in HU, not in arbitrary units.
        fragment_mm: How far a broken bone's fragment has moved, taken from voxels; None where
            nothing broke.
    """

    ras_from_voxel: Float[np.ndarray, "4 4"]
    arrays: Mapping[str, Shaped[np.ndarray, "x y z *vector"]]
    meshes: Mapping[str, MeshRecord] = field(default_factory=dict)
    films: Mapping[str, FilmRecord] = field(default_factory=dict)
    angles_deg: Mapping[str, float] = field(default_factory=dict)
    is_hu: bool = True
    fragment_mm: float | None = None


@dataclass(frozen=True)
class TwinRecord:
    """One head: healthy or pathological.

    Attributes:
        name: `healthy` or `pathological`.
        vertices_mm: Its vertices in the head frame, or None where no mesh is wanted.
        views: Its pictures.
        volume: Its volume, or None where the recipe asks for none.
        head_shape_mm: Its head-shape map, or None where the recipe asks for none.
    """

    name: str
    vertices_mm: Float[np.ndarray, "vertices 3"] | None
    views: tuple[ViewRecord, ...]
    volume: VolumeRecord | None = None
    head_shape_mm: Float[np.ndarray, "rows columns"] | None = None


@dataclass(frozen=True)
class SampleRecord:
    """Everything that is written for one sample.

    Attributes:
        index: Number of the sample.
        subject: Columns of the subject in the table of samples: source, age_years, sex, ancestry.
        severities: One row of the table of severities for each pathology, without `sample`.
        twins: Its heads.
        faces: Triangles of every head.
        parameters: Everything that was drawn, as plain values; the labels follow from it.
        seconds: Stage of the pipeline to the time it took.
    """

    index: int
    subject: Mapping[str, Any]
    severities: tuple[Mapping[str, Any], ...]
    twins: tuple[TwinRecord, ...]
    faces: Integer[np.ndarray, "triangles 3"]
    parameters: Mapping[str, Any]
    seconds: Mapping[str, float] = field(default_factory=dict)
