from dataclasses import replace
from functools import cache

import pytest

from augment.pipeline import open_pipeline
from augment.recipe import compose_recipe

TINY = ("render.size_px=48", "render.supersample=1", "samples=2")


@cache
def make_sample(name, index, *overrides):
    spec = compose_recipe(name, [*TINY, *overrides], partial=True)
    if spec.subject.source != "prior":
        spec = replace(spec, subject=replace(spec.subject, source="prior", path=None))
    return open_pipeline(spec, None)(index)


@pytest.fixture(name="make")
def make_fixture():
    return make_sample
