"""Shipped recipes: YAML files that hold values; `augment.recipe.schema` says what keys mean."""
