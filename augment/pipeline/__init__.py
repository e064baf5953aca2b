"""The pipeline: from a checked recipe to samples.

What enters: a `RecipeSpec`. What leaves: `SampleRecord`s, in the frames and units of the data set;
sample k depends on the recipe, its seed and k alone.
"""

from augment.pipeline.derive import open_deriver
from augment.pipeline.legend import data_set_legend
from augment.pipeline.opening import (
    check_recipe,
    fit_subject,
    generate,
    open_pipeline,
    subject_files,
)

__all__ = [
    "check_recipe",
    "data_set_legend",
    "fit_subject",
    "generate",
    "open_deriver",
    "open_pipeline",
    "subject_files",
]
