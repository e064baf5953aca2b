"""What the pipeline hands to the writer: one sample with its twins, their pictures and labels.

Arrays are numpy, on the host, in the frames and units of the data set; images are indexed [y, x].
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Integer, Shaped, UInt8

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
    """

    landmarks: tuple[str, ...]
    regions: Mapping[int, str]
    parts: Mapping[int, str]
    pathologies: Mapping[str, Mapping[str, Any]]
    assets: Mapping[str, str]


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
class TwinRecord:
    """One head: healthy or pathological.

    Attributes:
        name: `healthy` or `pathological`.
        vertices_mm: Its vertices in the head frame, or None where no mesh is wanted.
        views: Its pictures.
    """

    name: str
    vertices_mm: Float[np.ndarray, "vertices 3"] | None
    views: tuple[ViewRecord, ...]


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
