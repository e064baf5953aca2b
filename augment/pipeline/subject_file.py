"""The fitted subject that a data set keeps: coefficients, demographics and detail as JSON."""

import json
from pathlib import Path

from augment.errors import AssetError
from augment.morphable import FaceModel
from augment.pipeline.plain import plain
from augment.reconstruct import load_subject
from augment.sample import Subject

SUBJECT_FILE = "subject.json"


def encode_subject(subject: Subject) -> bytes:
    """Return the content of the file; float64 survives its text."""
    return (json.dumps({"subject": plain(subject)}, allow_nan=False) + "\n").encode()


def read_subject(path: Path, model: FaceModel) -> Subject:
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
    return subject
