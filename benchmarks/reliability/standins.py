"""Stand-ins for samples: seven small files that cost some milliseconds, drawn from (seed, index).

Engine, writer and commands are the product's own; only what fills a sample is not.
"""

import sys
from dataclasses import replace
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from augment.engine import generate, local
from augment.pipeline import open_pipeline
from augment.recipe import RecipeSpec
from augment.record import SampleRecord, TwinRecord
from augment.streams import stream

HERE = Path(__file__).parent
SUPPORT = HERE.parents[1] / "tests" / "support"
sys.path.insert(0, str(SUPPORT))


def stand_in(index: int, seed: int = 0) -> SampleRecord:
    """Return a sample of one head with a mesh, and a picture with one label."""
    from fakes import fake_sample

    whole = fake_sample(index, seed=seed, twins=False)
    vertices = stream(seed, index, "vertices").normal(0, 50, (200, 3))
    (view,) = whole.twins[0].views
    view = replace(view, labels={"regions": view.labels["regions"]})
    faces = np.arange(198, dtype=np.int64).reshape(-1, 3)
    return replace(whole, twins=(TwinRecord("healthy", vertices, (view,)),), faces=faces)


def open_stand_ins(spec: RecipeSpec, fitted: object) -> local.MakeSample:
    """Return the function from index to stand-in, in place of `open_pipeline`."""
    return partial(stand_in, seed=spec.seed)


def use_forks() -> None:
    """Let a run fork its processes, so that a hundred starts cost no hundred imports."""
    # What the command would import late, once for all.
    import_module("augment.commands.report")
    local.get_context = lambda kind: get_context("fork")


def use_stand_ins() -> None:
    """Let every run of this process and of those that it forks make stand-ins."""
    from fakes import LEGEND

    generate.check_recipe = lambda spec: None
    generate.fit_subject = lambda spec: None
    generate.data_set_legend = lambda spec, fitted: LEGEND
    generate.open_pipeline = open_stand_ins


def is_real() -> bool:
    """Return whether runs of this process make real samples."""
    return generate.open_pipeline is open_pipeline
