"""The files of a fit: subject.json, mesh.ply, residuals.json, overlay.png; and a subject read back.

``subject.json`` holds under ``subject`` the record that generation reads, and beside it where the
head lies in the scan and how sure the fit is. The mesh is in the head frame.
"""

import json
from dataclasses import fields
from pathlib import Path

import numpy as np

from augment.errors import AssetError
from augment.geometry.mesh import ply_bytes
from augment.reconstruct.head import Fit
from augment.reconstruct.overlay import overlay_png
from augment.sample import N_EXPRESSION, N_IDENTITY, N_POSE, Subject

SUBJECT_FILE, MESH_FILE = "subject.json", "mesh.ply"
RESIDUALS_FILE, OVERLAY_FILE = "residuals.json", "overlay.png"
ARRAYS = ("identity", "expression", "pose", "detail_mm")


def write_fit(fit: Fit, out_dir: str | Path) -> tuple[Path, ...]:
    """Write the four files of a fit.

    Everything is made in memory first, so that an error leaves nothing half-written.

    Args:
        fit: A fitted head.
        out_dir: Folder; made where it is missing, files in it are replaced.

    Returns:
        The files written.

    Raises:
        AssetError: If the folder cannot be written to.
    """
    contents = {
        SUBJECT_FILE: subject_json(fit).encode(),
        MESH_FILE: ply_bytes(fit.head_mm, fit.model.faces.numpy()),
        RESIDUALS_FILE: residuals_json(fit).encode(),
        OVERLAY_FILE: overlay_png(fit),
    }
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


def subject_json(fit: Fit) -> str:
    """Return the text of subject.json; float64 survives it."""
    record = {
        "model": fit.model.name,
        "subject": {item.name: _plain(getattr(fit.subject, item.name)) for item in fields(Subject)},
        "world_from_head": fit.world_from_head.tolist(),
        "confidence": round(fit.confidence, 4),
        "identity_sd": np.round(fit.identity_sd, 4).tolist(),
    }
    return json.dumps(record, allow_nan=False) + "\n"


def residuals_json(fit: Fit) -> str:
    """Return the text of residuals.json: with detail, and of the coefficients alone."""
    record = fit.residuals.as_json() | {"without_detail": fit.coefficient_residuals.as_json()}
    return json.dumps(record, indent=1, allow_nan=False) + "\n"


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


def _plain(value: object) -> object:
    """Return an array as lists, anything else as it is."""
    return value.tolist() if isinstance(value, np.ndarray) else value
