"""Opening a pipeline: what is checked, fitted and loaded before the first sample."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import torch

from augment.errors import RecipeError
from augment.morphable import load_face_model
from augment.pathology import PATHOLOGIES, PathologyBasis
from augment.photometric import Photometric, PhotometricSpec
from augment.pipeline.assign import pathology_mistakes
from augment.pipeline.making import Pipeline
from augment.pipeline.subject_file import SUBJECT_FILE, encode_subject, read_subject
from augment.recipe import RecipeSpec
from augment.reconstruct import fit_ct, fit_scan
from augment.reconstruct.scan import Unit
from augment.record import SampleRecord
from augment.render.background import KINDS
from augment.sample import Subject


def check_recipe(spec: RecipeSpec) -> None:
    """Check what only the rooms behind a recipe know: pathologies, grades, sides, devices.

    Raises:
        RecipeError: If something does not fit; one message names every mistake.
    """
    mistakes = pathology_mistakes(spec.pathologies, PATHOLOGIES)
    mistakes += _device_mistakes(spec)
    folder = spec.render.background
    if folder not in ("procedural", *KINDS) and not Path(folder).is_dir():
        mistakes.append(
            f"render.background expects `procedural`, {', '.join(KINDS)} or a folder of"
            f" pictures, got {folder!r}"
        )
    if mistakes:
        raise RecipeError(f"recipe {spec.name}: {'; '.join(mistakes)}")


def _device_mistakes(spec: RecipeSpec) -> list[str]:
    try:
        device = torch.device(spec.device)
    except RuntimeError:
        return [f"device expects cpu, cuda or cuda:N, got {spec.device!r}"]
    if device.type not in ("cpu", "cuda"):
        return [f"device expects cpu, cuda or cuda:N, got {spec.device!r}"]
    if device.type == "cuda" and not torch.cuda.is_available():
        return [f"device={spec.device} expects a CUDA device, got a machine without one"]
    if device.type == "cuda" and spec.render.backend == "numba":
        return [
            "render.backend=numba expects device=cpu, got device=cuda; add render.backend=reference"
        ]
    return []


def fit_subject(spec: RecipeSpec) -> Subject | None:
    """Return the subject that a recipe takes from a file, or None where it draws from the prior.

    The face model is loaded in any case, so that processes that start later find it built.

    Raises:
        AssetError: If the file cannot be read.
        GeometryError: If it holds no head.
    """
    model = load_face_model()
    wanted = spec.subject
    if wanted.source == "prior" or wanted.path is None:
        return None
    if wanted.source == "ct":
        subject = fit_ct(wanted.path, model).subject
    elif wanted.source == "scan":
        subject = fit_scan(wanted.path, model, cast(Unit, wanted.unit)).subject
    else:
        subject = read_subject(Path(wanted.path), model)
    return replace(
        subject,
        sex=subject.sex or wanted.sex,
        ancestry=subject.ancestry or ({wanted.ancestry: 1.0} if wanted.ancestry else None),
    )


def subject_files(subject: Subject | None) -> dict[str, bytes]:
    """Return the file that a data set keeps of its fitted subject: name to content."""
    return {} if subject is None else {SUBJECT_FILE: encode_subject(subject)}


def open_pipeline(spec: RecipeSpec, fitted: Subject | None) -> Pipeline:
    """Return a pipeline that is ready to make samples.

    Args:
        spec: A checked recipe.
        fitted: Result of `fit_subject`.
    """
    model = load_face_model(device=spec.device)
    chance = spec.render.albumentations
    photometric = Photometric(PhotometricSpec(probability=chance)) if chance > 0 else None
    return Pipeline(spec, model, PathologyBasis(model), fitted, photometric)


def generate(spec: RecipeSpec) -> Iterator[SampleRecord]:
    """Make the samples of a recipe in order, without writing them.

    Args:
        spec: A checked recipe.

    Yields:
        Samples 0 to `spec.samples` - 1.
    """
    check_recipe(spec)
    make = open_pipeline(spec, fit_subject(spec))
    for index in range(spec.samples):
        yield make(index)
