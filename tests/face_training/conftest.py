from dataclasses import replace

import pytest

from augment.morphable import load_face_model
from augment.recipe.face_network import compose_training


@pytest.fixture(scope="session")
def model():
    return load_face_model()


@pytest.fixture
def tiny(tmp_path):
    """The shipped training at a size that takes seconds."""
    overrides = (
        "network.trunk=small", "network.width=8", "network.input_px=64", "training.batch=4",
        "training.steps=4", "training.warm_up=1", "training.log_every=1", "pictures.renders=6",
        f"out={tmp_path / 'out'}",
    )  # fmt: skip
    return replace(compose_training("face_network", overrides))
