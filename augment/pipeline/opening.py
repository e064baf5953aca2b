"""Opening a pipeline: what is checked, fitted and loaded before the first sample."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import torch

from augment.errors import RecipeError
from augment.morphable import FaceModel, load_face_model
from augment.pathology import PATHOLOGIES, PathologyBasis
from augment.photometric import Photometric, PhotometricSpec
from augment.pipeline.anchoring import Anchor, open_anchor
from augment.pipeline.assign import age_mistakes, pathology_mistakes
from augment.pipeline.making import Pipeline
from augment.pipeline.own_atlas import atlas_mistakes
from augment.pipeline.subject_file import FittedHead, encode_subject, read_subject
from augment.pipeline.volumes import VolumeMaker, open_maker
from augment.portrait.files import portrait_subject
from augment.portrait.photographs import fit_photographs
from augment.recipe import RecipeSpec
from augment.reconstruct import fit_ct, fit_scan
from augment.reconstruct.scan import Unit
from augment.record import SampleRecord
from augment.render.background import KINDS
from augment.subject_folder import SUBJECT_FILE
from augment.volume.real_scan import RealScan, read_real_scan


def check_recipe(spec: RecipeSpec) -> None:
    """Check what only the rooms behind a recipe know: pathologies, grades, sides, devices.

    Raises:
        RecipeError: If something does not fit; one message names every mistake.
    """
    mistakes = pathology_mistakes(spec.pathologies, PATHOLOGIES)
    mistakes += age_mistakes(spec, PATHOLOGIES)
    mistakes += _device_mistakes(spec) + _volume_mistakes(spec)
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


_ACTS = {"expression": "changes the expression", "cut": "cuts bone"}


def _volume_mistakes(spec: RecipeSpec) -> list[str]:
    """Name pathologies that a volume does not show, where it would hold two healthy heads: it shows
    no expression, and bone is cut from our own anatomy alone."""
    if not spec.volume.is_wanted:
        return []
    shown = ("displacement",) if spec.volume.anchored else ("displacement", "cut")
    return atlas_mistakes(spec.volume.atlases) + [
        f"pathologies[{number}].name={entry.name} {_ACTS[effect]}, which "
        f"{'a real CT' if spec.volume.anchored else 'a volume'} does not show; leave it out, or set"
        " volume.protocol=none and volume.anchored=false"
        for number, entry in enumerate(spec.pathologies)
        if entry.name in PATHOLOGIES and (effect := PATHOLOGIES[entry.name].effect) not in shown
    ]


def fit_subject(spec: RecipeSpec) -> FittedHead | None:
    """Return the head that a recipe takes from a file, or None where it draws from the prior.

    The face model is loaded in any case, so that processes that start later find it built.

    Raises:
        AssetError: If a file cannot be read.
        GeometryError: If it holds no head, or nothing that can be turned pathological.
    """
    model = load_face_model()
    wanted = spec.subject
    if wanted.source == "prior" or wanted.path is None:
        return None
    # Read before the fit, which takes longer: a scan that cannot be moved is refused at once.
    names = real_scan(spec).names if spec.volume.anchored else {}
    fitted = _fitted(spec, model)
    subject = replace(
        fitted.subject,
        sex=fitted.subject.sex or wanted.sex,
        ancestry=fitted.subject.ancestry or ({wanted.ancestry: 1.0} if wanted.ancestry else None),
    )
    return replace(fitted, subject=subject, label_names=names)


def _fitted(spec: RecipeSpec, model: FaceModel) -> FittedHead:
    wanted, path = spec.subject, str(spec.subject.path)
    if wanted.source == "file":
        return read_subject(Path(path), model)
    if wanted.source == "photo":
        return FittedHead(portrait_subject(fit_photographs([path], model)))
    if wanted.source == "ct":
        fit = fit_ct(path, model)
    else:
        fit = fit_scan(path, model, cast(Unit, wanted.unit))
    return FittedHead(fit.subject, fit.world_from_head)


def real_scan(spec: RecipeSpec) -> RealScan:
    """Return the CT of an anchored recipe with its labels."""
    wanted = spec.subject
    return read_real_scan(str(wanted.path), wanted.labels, wanted.label_table)


def subject_files(fitted: FittedHead | None) -> dict[str, bytes]:
    """Return the file that a data set keeps of its fitted subject: name to content."""
    return {} if fitted is None else {SUBJECT_FILE: encode_subject(fitted)}


def open_pipeline(spec: RecipeSpec, fitted: FittedHead | None) -> Pipeline:
    """Return a pipeline that is ready to make samples.

    Args:
        spec: A checked recipe.
        fitted: Result of `fit_subject`.
    """
    model = load_face_model(device=spec.device)
    chance = spec.render.albumentations
    photometric = Photometric(PhotometricSpec(probability=chance)) if chance > 0 else None
    volumes: VolumeMaker | Anchor | None = None
    if spec.volume.anchored and fitted is not None:
        volumes = open_anchor(real_scan(spec), fitted, model, spec.volume.atlas_mm)
    elif spec.volume.is_wanted:
        volumes = open_maker(spec.volume, spec.seed, model)
    subject = None if fitted is None else fitted.subject
    return Pipeline(spec, model, PathologyBasis(model), subject, photometric, volumes)


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
