"""The files of a fit: subject.json, mesh.ply, residuals.json, overlay.png.

``subject.json`` says beside the subject where the head lies in the scan and how sure the fit is.
The mesh is in the head frame.
"""

import json
from pathlib import Path

import numpy as np

from augment.geometry.mesh import ply_bytes
from augment.reconstruct.head import Fit
from augment.reconstruct.overlay import overlay_png
from augment.subject_folder import (
    MESH_FILE,
    OVERLAY_FILE,
    RESIDUALS_FILE,
    SUBJECT_FILE,
    subject_values,
    write_files,
)


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
    return write_files(contents, out_dir)


def subject_json(fit: Fit) -> str:
    """Return the text of subject.json; float64 survives it."""
    record = {
        "model": fit.model.name,
        "subject": subject_values(fit.subject),
        "world_from_head": fit.world_from_head.tolist(),
        "confidence": round(fit.confidence, 4),
        "identity_sd": np.round(fit.identity_sd, 4).tolist(),
    }
    return json.dumps(record, allow_nan=False) + "\n"


def residuals_json(fit: Fit) -> str:
    """Return the text of residuals.json: with detail, and of the coefficients alone."""
    record = fit.residuals.as_json() | {"without_detail": fit.coefficient_residuals.as_json()}
    return json.dumps(record, indent=1, allow_nan=False) + "\n"
