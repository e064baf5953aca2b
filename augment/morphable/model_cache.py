"""Where built models are kept: one uncompressed archive per model, keyed by version and content.

A cached file that cannot be read, or that holds other fields than expected, is built again.
"""

import hashlib
import logging
import os
import zipfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import platformdirs
import torch

from augment.morphable.model import FaceModel

log = logging.getLogger(__name__)
BUILD_SOURCES = ("makehuman", "template", "landmarks", "regions", "prior", "contact", "build")
TEXT_FIELDS = ("expression_names", "landmark_names")


def cache_folder() -> Path:
    """Return the folder of built models: FACIES_CACHE, or the platform's cache folder."""
    override = os.environ.get("FACIES_CACHE")
    return Path(override) if override else Path(platformdirs.user_cache_dir("facies"))


def save_model(model: FaceModel, path: Path) -> None:
    """Write a model as an uncompressed NPZ archive, atomically."""
    arrays: dict[str, np.ndarray] = {"name": np.array(model.name)}
    for field in fields(FaceModel):
        value = getattr(model, field.name)
        if isinstance(value, torch.Tensor):
            arrays[field.name] = value.cpu().numpy()
        elif field.name in TEXT_FIELDS:
            arrays[field.name] = np.array(value)
    arrays |= {f"prior/{key}": value for key, value in model.prior.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial.npz")
    np.savez(partial, allow_pickle=False, **arrays)
    partial.replace(path)


def read_model(path: Path) -> FaceModel:
    """Read a model that :func:`save_model` wrote.

    Raises:
        OSError, ValueError, KeyError, zipfile.BadZipFile: If the file is missing, damaged or of
        another layout.
    """
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        arrays = {key: archive[key] for key in archive.files}
    values: dict[str, object] = {"name": str(arrays["name"])}
    for field in fields(FaceModel):
        if field.name in TEXT_FIELDS:
            values[field.name] = tuple(str(text) for text in arrays[field.name])
        elif field.name not in ("name", "prior"):
            values[field.name] = torch.from_numpy(arrays[field.name])
    values["prior"] = {
        k.removeprefix("prior/"): v for k, v in arrays.items() if k.startswith("prior/")
    }
    return FaceModel(**values)  # type: ignore[arg-type]


def source_hash(folder: Path) -> str:
    """Return a short hash of the Python files that decide what a built model holds."""
    digest = hashlib.sha256()
    for name in BUILD_SOURCES:
        digest.update((folder / f"{name}.py").read_bytes())
    return digest.hexdigest()[:12]


def load_or_build(key: str, build: Callable[[], FaceModel]) -> FaceModel:
    """Return a model from the cache, building it when it is missing or unreadable."""
    path = cache_folder() / f"{key}.npz"
    if path.exists():
        try:
            return read_model(path)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            log.warning("cached model %s is unreadable (%s): building it again", path, error)
    else:
        log.warning("building the head model once, about half a minute, into %s", path)
    model = build()
    save_model(model, path)
    return model
