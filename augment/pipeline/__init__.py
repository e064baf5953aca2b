"""The pipeline: from a checked recipe to samples.

What enters: a `RecipeSpec`. What leaves: `SampleRecord`s, in the frames and units of the data set;
sample k depends on the recipe, its seed and k alone.
"""

from augment.pipeline.derive import derive_labels
from augment.pipeline.legend import data_set_legend
from augment.pipeline.opening import check_recipe, fit_subject, generate, open_pipeline

__all__ = [
    "check_recipe",
    "data_set_legend",
    "derive_labels",
    "fit_subject",
    "generate",
    "open_pipeline",
]
