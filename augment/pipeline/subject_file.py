"""The fitted subject that a data set keeps: coefficients, facts, detail and place as JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float

from augment.errors import AssetError
from augment.morphable import FaceModel
from augment.pipeline.plain import plain
from augment.sample import Subject
from augment.subject_folder import SUBJECT_FILE, load_subject


@dataclass(frozen=True)
class FittedHead:
    """A head that was fitted to a file.

    Attributes:
        subject: Its coefficients and detail, head frame.
        world_from_head: Where the head lies in the world of that file (RAS mm for CT), or None
            where it is not known.
        label_names: Names of the labels that come with the CT; empty where there are none.
    """

    subject: Subject
    world_from_head: Float[np.ndarray, "4 4"] | None = None
    label_names: Mapping[int, str] = field(default_factory=dict)


def encode_subject(fitted: FittedHead) -> bytes:
    """Return the content of the file; float64 survives its text."""
    values = {"subject": plain(fitted.subject), "world_from_head": plain(fitted.world_from_head)}
    return (json.dumps(values, allow_nan=False) + "\n").encode()


def read_subject(path: Path, model: FaceModel) -> FittedHead:
    """Read a subject for a model.

    Args:
        path: A file of `encode_subject`, or what `facies reconstruct` wrote: file or folder.
        model: The face model that its coefficients belong to.

    Raises:
        AssetError: If the file is missing or holds no subject of this model.
    """
    subject = load_subject(path)
    detail = subject.detail_mm
    if detail is not None and detail.shape != (model.n_vertices, 3):
        raise AssetError(
            f"'{path}' holds a subject of another model or version; make it again with"
            " `facies reconstruct`"
        )
    path = path / SUBJECT_FILE if path.is_dir() else path
    place = json.loads(path.read_text(encoding="utf-8")).get("world_from_head")
    return FittedHead(subject, None if place is None else np.array(place, dtype=np.float64))
