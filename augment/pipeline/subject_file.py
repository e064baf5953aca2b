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
from augment.untrusted import read_json

RIGID_TOLERANCE = 1e-3
LARGEST_MM = 1e5


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
    return FittedHead(subject, read_place(path))


def read_place(path: Path) -> Float[np.ndarray, "4 4"] | None:
    """Return where a fitted head lies in the world of its scan, None where it is not known.

    Args:
        path: A file as `read_subject` takes it, or its folder.

    Raises:
        AssetError: If it is missing, or the place is no rotation and shift.
    """
    path = path / SUBJECT_FILE if path.is_dir() else path
    advice = "make it again with `facies reconstruct`"
    record = read_json(path, "a fitted subject", advice)
    place = record.get("world_from_head") if isinstance(record, dict) else None
    if place is None:
        return None
    try:
        world_from_head = np.array(place, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        world_from_head = np.zeros(0)
    if world_from_head.shape != (4, 4) or not _is_rigid(world_from_head):
        raise AssetError(
            f"expected a rotation and a shift as world_from_head in '{path}', got another matrix;"
            f" {advice}"
        )
    return world_from_head


def _is_rigid(matrix: Float[np.ndarray, "4 4"]) -> bool:
    if not np.isfinite(matrix).all() or np.abs(matrix).max() > LARGEST_MM:
        return False
    axes = matrix[:3, :3]
    close = np.allclose(axes @ axes.T, np.eye(3), atol=RIGID_TOLERANCE)
    return bool(close and np.linalg.det(axes) > 0 and np.array_equal(matrix[3], (0, 0, 0, 1)))
