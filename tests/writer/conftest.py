from functools import partial
from pathlib import Path

import pytest
from fakes import LANDMARKS, LEGEND, fake_sample

from augment.recipe import RecipeSpec
from augment.writer.folder import Identity, finish_folder, open_folder
from augment.writer.sample_folder import write_sample

IDENTITY = Identity("f" * 64, {}, {"facies": "0"})


def make_folder(root: Path, n_samples: int = 3, *, make=fake_sample) -> Path:
    for index in open_folder(root, IDENTITY, n_samples):
        write_sample(root, make(index), LANDMARKS)
    spec = RecipeSpec(name="fake", samples=n_samples, out=str(root))
    finish_folder(root, spec, IDENTITY, LEGEND)
    return root


@pytest.fixture
def folder(tmp_path):
    return make_folder(tmp_path / "data")


@pytest.fixture
def healthy_folder(tmp_path):
    return make_folder(tmp_path / "healthy", make=partial(fake_sample, twins=False))
