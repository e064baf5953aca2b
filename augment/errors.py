"""Errors that a user of facies meets.

Each message is one sentence: what was expected, what came, where, and the next step.
"""


class FaciesError(Exception):
    """Base of all errors raised on purpose by facies."""


class RecipeError(FaciesError):
    """A recipe holds an unknown key, a value of the wrong type or an impossible request."""


class AssetError(FaciesError):
    """A file that the user named, or a cached model, is missing or unreadable."""


class GeometryError(FaciesError):
    """A mesh, volume, camera or affine does not describe usable geometry."""
