"""Recipes: from YAML values and `key=value` overrides to one checked, frozen description.

What enters: the name of a recipe and overrides in Hydra's grammar.
What leaves: a `RecipeSpec`, or a `RecipeError` that names every mistake, before any work.
"""

from augment.recipe.compose import compose_recipe, expand_sweeps, recipe_names, recipe_text
from augment.recipe.describe import describe_recipe
from augment.recipe.schema import PathologySpec, RecipeSpec, RenderSpec, SubjectSpec, VolumeSpec

__all__ = [
    "PathologySpec",
    "RecipeSpec",
    "RenderSpec",
    "SubjectSpec",
    "VolumeSpec",
    "compose_recipe",
    "describe_recipe",
    "expand_sweeps",
    "recipe_names",
    "recipe_text",
]
