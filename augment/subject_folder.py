"""The folder of a fitted subject: what its files are called, written whole, read back.

``subject.json`` holds under ``subject`` the record that generation reads; whoever fits a head puts
beside it what else is known.
"""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np

from augment.errors import AssetError
from augment.sample import N_EXPRESSION, N_IDENTITY, N_POSE, Subject
from augment.untrusted import read_json, shown

SUBJECT_FILE, MESH_FILE = "subject.json", "mesh.ply"
RESIDUALS_FILE, OVERLAY_FILE = "residuals.json", "overlay.png"
ARRAYS = ("identity", "expression", "pose", "detail_mm")
FACTS: dict[str, tuple[type, ...]] = {
    "source": (str,),
    "age_years": (int, float, NoneType),
    "sex": (str, NoneType),
    "ancestry": (dict, NoneType),
}
LARGEST_VALUE = 1e5
"""Beyond every coefficient, pose (mm, radians) and detail (mm) of a head."""


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
    record = read_json(path, "a fitted subject", "make one with `facies reconstruct`")
    try:
        values = dict(record["subject"])
        arrays = {
            name: np.array(values[name], dtype=np.float64)
            for name in ARRAYS
            if values[name] is not None
        }
        sizes = tuple(len(arrays[name]) for name in ("identity", "expression", "pose"))
        fits = sizes == (N_IDENTITY, N_EXPRESSION, N_POSE)
        subject = Subject(**(values | arrays)) if fits else None
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise AssetError(
            f"expected a fitted subject in {str(path)!r}, got something else "
            f"({type(error).__name__}): make one with `facies reconstruct`"
        ) from error
    if subject is None:
        raise AssetError(
            f"expected {N_IDENTITY}, {N_EXPRESSION} and {N_POSE} coefficients in {str(path)!r}, "
            f"got {sizes}: make it again with `facies reconstruct`"
        )
    _check_subject(subject, path)
    return subject


def _check_subject(subject: Subject, path: Path) -> None:
    """Refuse values that no fit writes: other shapes, numbers beyond all heads, other types."""
    for name in ARRAYS:
        array = getattr(subject, name)
        if array is None:
            continue
        n_axes = 2 if name == "detail_mm" else 1
        if array.ndim != n_axes or array.shape[1:] not in ((), (3,)):
            got = f"an array of shape {array.shape}"
        elif not np.isfinite(array).all() or np.abs(array).max(initial=0.0) > LARGEST_VALUE:
            got = "NaN, infinity or a larger one"
        else:
            continue
        raise AssetError(
            f"expected numbers up to {LARGEST_VALUE:g} as {name} in {str(path)!r}, got {got}: make"
            " it again with `facies reconstruct`"
        )
    for name, kinds in FACTS.items():
        value = getattr(subject, name)
        if not isinstance(value, kinds):
            raise AssetError(
                f"expected a known {name} in {str(path)!r}, got {shown(value)}: make it again with"
                " `facies reconstruct`"
            )
