"""The folder of a fitted subject: what its files are called, written whole, read back.

``subject.json`` holds under ``subject`` the record that generation reads; whoever fits a head puts
beside it what else is known.
"""

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from augment.errors import AssetError
from augment.sample import N_EXPRESSION, N_IDENTITY, N_POSE, Subject

SUBJECT_FILE, MESH_FILE = "subject.json", "mesh.ply"
RESIDUALS_FILE, OVERLAY_FILE = "residuals.json", "overlay.png"
ARRAYS = ("identity", "expression", "pose", "detail_mm")


def write_files(contents: Mapping[str, bytes], out_dir: str | Path) -> tuple[Path, ...]:
    """Write files that are there whole or not at all.

    Args:
        contents: Name to content.
        out_dir: Folder; made where it is missing, files in it are replaced.

    Returns:
        The files written.

    Raises:
        AssetError: If the folder cannot be written to.
    """
    folder = Path(out_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            partial = folder / f".{name}.partial"
            partial.write_bytes(content)
            partial.replace(folder / name)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise AssetError(
            f"expected a folder to write to, got {str(folder)!r}: {reason}; pass another out=DIR"
        ) from error
    return tuple(folder / name for name in contents)


def subject_values(subject: Subject) -> dict[str, Any]:
    """Return the plain values of a subject's record; float64 survives their text."""
    values = {item.name: getattr(subject, item.name) for item in fields(Subject)}
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in values.items()
    }


def load_subject(path: str | Path) -> Subject:
    """Read the subject of a fit back.

    Args:
        path: A subject.json, or the folder that holds it.

    Raises:
        AssetError: If the file is missing or holds no subject.
    """
    path = Path(path)
    path = path / SUBJECT_FILE if path.is_dir() else path
    try:
        values = json.loads(path.read_text(encoding="utf-8"))["subject"]
        arrays = {
            name: np.array(values[name], dtype=np.float64)
            for name in ARRAYS
            if values[name] is not None
        }
        sizes = tuple(len(arrays[name]) for name in ("identity", "expression", "pose"))
        fits = sizes == (N_IDENTITY, N_EXPRESSION, N_POSE)
        subject = Subject(**(values | arrays)) if fits else None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise AssetError(f"expected a fitted subject at {str(path)!r}: {reason}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise AssetError(
            f"expected a fitted subject in {str(path)!r}, got something else "
            f"({type(error).__name__}): make one with `facies reconstruct`"
        ) from error
    if subject is None:
        raise AssetError(
            f"expected {N_IDENTITY}, {N_EXPRESSION} and {N_POSE} coefficients in {str(path)!r}, "
            f"got {sizes}: make it again with `facies reconstruct`"
        )
    return subject
