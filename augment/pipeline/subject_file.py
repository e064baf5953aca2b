"""A fitted subject as a file: coefficients, demographics and detail as JSON."""

import json
from pathlib import Path

from augment.errors import AssetError
from augment.morphable import FaceModel
from augment.pipeline.plain import plain, read_plain
from augment.sample import Subject

SUBJECT_FILE = "subject.json"


def encode_subject(subject: Subject) -> bytes:
    """Return the content of the file; float64 survives its text."""
    return (json.dumps({"subject": plain(subject)}, allow_nan=False) + "\n").encode()


def read_subject(path: Path, model: FaceModel) -> Subject:
    """Read a subject.

    Args:
        path: A file of `encode_subject`, or one that `facies reconstruct` wrote.
        model: The face model that its coefficients belong to.

    Raises:
        AssetError: If the file is missing or holds no subject of this model.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))["subject"]
        subject = read_plain(Subject, values)
        detail = subject.detail_mm
        fits = subject.identity.shape == (99,) and subject.expression.shape == (79,)
        fits &= detail is None or detail.shape == (model.n_vertices, 3)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise AssetError(f"expected a fitted subject at '{path}': {reason}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AssetError(
            f"expected a fitted subject in '{path}', got something else; make one with"
            " `facies reconstruct`"
        ) from error
    if not fits:
        raise AssetError(
            f"'{path}' holds a subject of another model or version; make it again with"
            " `facies reconstruct`"
        )
    return subject
