"""From a checked recipe to a finished data set folder."""

import fcntl
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import file_digest
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

from augment.engine.local import Job, Seconds, choose_workers, make_samples
from augment.errors import AssetError, RecipeError
from augment.pipeline import (
    check_recipe,
    data_set_legend,
    fit_subject,
    open_pipeline,
    subject_files,
)
from augment.pipeline.own_atlas import atlas_files
from augment.recipe import RecipeSpec
from augment.untrusted import plain_size
from augment.writer.folder import Identity, abandon_folder, finish_folder, open_folder
from augment.writer.sample_folder import INCOMING

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
        out: Folder of the data set.
        n_samples: Samples in it.
        n_made: Samples that this run made; the others were there.
        workers: Processes used.
        seconds: Wall time of the run.
        sample_seconds: Wall time of making samples, without opening and finishing.
        stage_seconds: Stage to the time of all its samples together.
    """

    out: Path
    n_samples: int
    n_made: int
    workers: int
    seconds: float
    sample_seconds: float
    stage_seconds: dict[str, float]


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
    start = perf_counter()
    check_recipe(spec)
    root = Path(spec.out)
    identity = identify(spec)
    own = own_samples(spec)
    missing = open_folder(root, identity, spec.samples, own)
    stages: Counter[str] = Counter()
    with _alone(root, spec.shard):
        try:
            fitted = fit_subject(spec)
            legend = data_set_legend(spec, fitted)
            job = Job(root, partial(open_pipeline, spec, fitted), legend.landmarks)
            workers = choose_workers(spec.workers, len(missing))
            sample_start = perf_counter()
            for seconds in _counted(_made(spec, job, missing, workers), own, missing, on_progress):
                stages.update(seconds)
            sample_seconds = perf_counter() - sample_start
            if spec.shard is None:
                extra = {**subject_files(fitted), **legend.files}
                finish_folder(root, spec, identity, legend, extra)
        except BaseException:
            if spec.shard is None:
                abandon_folder(root)
            raise
    return Summary(
        out=root,
        n_samples=len(own),
        n_made=len(missing),
        workers=workers,
        seconds=perf_counter() - start,
        sample_seconds=sample_seconds,
        stage_seconds=dict(stages),
    )


def own_samples(spec: RecipeSpec) -> range:
    """Return the numbers of the samples that a run makes: all, or those of its shard.

    Concretely, shard 2/4 of ten samples makes 1, 5 and 9.
    """
    if spec.shard is None:
        return range(spec.samples)
    number, count = (int(part) for part in spec.shard.split("/"))
    return range(number - 1, spec.samples, count)


def _made(spec: RecipeSpec, job: Job, missing: list[int], workers: int) -> Iterator[Seconds]:
    if spec.engine == "ray" and missing:
        from augment.engine.ray_cluster import make_samples_on_ray

        return make_samples_on_ray(job, missing, workers, spec.ray_address)
    return make_samples(job, missing, workers)


def _counted(
    made: Iterator[Seconds], own: range, missing: list[int], on_progress: Progress
) -> Iterator[Seconds]:
    done = len(own) - len(missing)
    on_progress(done, len(own))
    for seconds in made:
        done += 1
        on_progress(done, len(own))
        yield seconds


def identify(spec: RecipeSpec) -> Identity:
    """Return what decides the bytes of every sample of a recipe.

    Raises:
        AssetError: If an input file cannot be read.
    """
    inputs = {}
    for key, path in _input_files(spec).items():
        try:
            plain_size(path, f"a plain file as {key}", MAX_INPUT_BYTES)
            with path.open("rb") as stream:
                digest = file_digest(stream, "sha256").hexdigest()
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


@contextmanager
def _alone(root: Path, shard: str | None) -> Iterator[None]:
    """Hold a folder alone, or a shard of it beside other shards."""
    with ExitStack() as stack:
        names = [("lock", fcntl.LOCK_EX if shard is None else fcntl.LOCK_SH)]
        if shard is not None:
            names.append((f"lock.{shard.replace('/', '.')}", fcntl.LOCK_EX))
        for name, how in names:
            lock = stack.enter_context((root / INCOMING / name).open("w", encoding="utf-8"))
            try:
                fcntl.flock(lock, how | fcntl.LOCK_NB)
            except OSError as error:
                raise RecipeError(
                    f"another run is writing to '{root}'; wait for it, or choose another out"
                ) from error
        yield
