"""From a checked recipe to a finished data set folder."""

import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

from augment.engine.local import Job, Samples, choose_workers, make_in_worker, make_samples
from augment.engine.place import FolderPlace, Place, Work, alone
from augment.engine.run_record import RunRecord
from augment.engine.store_place import StorePlace
from augment.errors import AssetError
from augment.operations.logs import tell
from augment.pipeline import (
    check_recipe,
    data_set_legend,
    fit_subject,
    open_pipeline,
    subject_files,
)
from augment.pipeline.own_atlas import atlas_files
from augment.recipe import RecipeSpec
from augment.recipe.sharing import own_part
from augment.untrusted import plain_size
from augment.writer.folder import SHEET, Identity
from augment.writer.sample_folder import digest_of
from augment.writer.store import Store, is_url

log = logging.getLogger(__name__)

# Packages whose version may change a byte of a sample.
VERSIONED = (
    "facies",
    "albumentations",
    "anny",
    "isal",
    "nibabel",
    "numba",
    "numpy",
    "opencv-python-headless",
    "scikit-image",
    "scipy",
    "torch",
)

MAX_INPUT_BYTES = 2_000_000_000

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Summary:
    """What a run made.

    Attributes:
        out: Folder or URL of the data set.
        n_samples: Samples in it.
        n_made: Samples that this run made; the others were there.
        workers: Processes used.
        seconds: Wall time of the run.
        sample_seconds: Wall time of making samples, without opening and finishing.
        stage_seconds: Stage to the time of all its samples together.
        sheet: Where the contact sheet is; None for a shard, which has none.
    """

    out: str
    n_samples: int
    n_made: int
    workers: int
    seconds: float
    sample_seconds: float
    stage_seconds: dict[str, float]
    sheet: str | None


def generate_dataset(spec: RecipeSpec, on_progress: Progress = lambda done, total: None) -> Summary:
    """Make a data set, or what is missing of it.

    Args:
        spec: A checked recipe.
        on_progress: Called with the samples that are done, and how many there are.

    Returns:
        What was made.

    Raises:
        FaciesError: If the recipe, an input or the folder cannot be used; samples that were
            finished before stay, anything else is removed.
        OSError: If the disk is full or the folder cannot be written.
    """
    check_recipe(spec)
    record = RunRecord()
    place = place_of(spec)
    identity = identify(spec)
    own = own_part(spec.shard, spec.samples)
    work = place.open(identity, spec.samples, own)
    workers = choose_workers(spec.workers, len(work.missing))
    tell(log, "run opened", recipe=spec.name, out=spec.out, samples=len(own), workers=workers)
    with alone(place.root, spec.shard):
        try:
            fitted = fit_subject(spec)
            legend = data_set_legend(spec, fitted)
            job = Job(place.root, partial(open_pipeline, spec, fitted), legend.landmarks)
            record.begin_samples()
            _fill(place, work, _made(spec, job, work.missing, workers), record, own, on_progress)
            record.end_samples()
            if spec.shard is None:
                extra = {**subject_files(fitted), **legend.files}
                place.finish(spec, identity, legend, extra)
        except BaseException:
            if spec.shard is None:
                place.abandon()
            _keep(place, record, spec, workers, is_finished=False)
            raise
    _keep(place, record, spec, workers, is_finished=True)
    return Summary(
        out=spec.out,
        n_samples=len(own),
        n_made=record.n_made,
        workers=workers,
        seconds=record.seconds,
        sample_seconds=record.sample_seconds,
        stage_seconds=dict(record.stage_seconds),
        sheet=f"{spec.out}/{SHEET}" if spec.shard is None else None,
    )


def place_of(spec: RecipeSpec) -> Place:
    """Return where the data set of a recipe is built."""
    if is_url(spec.out):
        return StorePlace(Store(spec.out), spec.spool, spec.shard)
    return FolderPlace(Path(spec.out))


def _keep(
    place: Place, record: RunRecord, spec: RecipeSpec, workers: int, *, is_finished: bool
) -> None:
    """Write the record of a run that made something."""
    values = record.values(spec, workers, is_finished)
    tell(log, "run finished" if is_finished else "run broken off", **values)
    if record.n_made:
        place.keep_record(values, spec.shard)


def _made(spec: RecipeSpec, job: Job, missing: list[int], workers: int) -> Samples:
    if spec.engine == "ray" and missing:
        from augment.engine.ray_cluster import Cluster, run_on_ray

        cluster = Cluster(spec.ray_address, workers, on_gpu=spec.device.startswith("cuda"))
        return run_on_ray(make_in_worker, job, missing, cluster)
    return make_samples(job, missing, workers)


def _fill(
    place: Place,
    work: Work,
    made: Samples,
    record: RunRecord,
    own: range,
    on_progress: Progress,
) -> None:
    """Make and commit what is left to do."""
    there = len(own) - len(work.missing) - len(work.waiting)
    on_progress(there, len(own))
    # Closed at once when something else fails, so that no process works on for nobody.
    with closing(made), closing(place.committed(made, work.waiting)) as committed:
        for one in committed:
            record.add(one)
            on_progress(there + record.n_made, len(own))
            tell(
                log,
                "sample finished",
                sample=one.index,
                seconds=dict(one.seconds),
                process=one.process,
                peak_bytes=one.peak_bytes,
            )


def identify(spec: RecipeSpec) -> Identity:
    """Return what decides the bytes of every sample of a recipe.

    Raises:
        AssetError: If an input file cannot be read.
    """
    inputs = {}
    for key, path in _input_files(spec).items():
        try:
            plain_size(path, f"a plain file as {key}", MAX_INPUT_BYTES)
            digest = digest_of(path)
        except OSError as error:
            raise AssetError(
                f"{key} expects a readable file, got '{path}':"
                f" {(error.strerror or str(error)).lower()}"
            ) from error
        name = f"{path.parent.name}/{path.name}" if key.startswith("volume") else path.name
        inputs[name] = digest
    return Identity(spec.fingerprint(), inputs, {name: version(name) for name in VERSIONED})


def _input_files(spec: RecipeSpec) -> dict[str, Path]:
    """The user's files that decide bytes, by the key that names them."""
    subject = spec.subject
    named = {
        "subject.path": subject.path,
        "subject.labels": subject.labels,
        "subject.label_table": subject.label_table,
    }
    found = {key: Path(path) for key, path in named.items() if path is not None}
    for number, folder in enumerate(spec.volume.atlases):
        for path in atlas_files(Path(folder)):
            found[f"volume.atlases[{number}] ({path.name})"] = path
    return found
