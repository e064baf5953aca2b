"""Fixtures of the rooms that fit heads: the model, its zones, its mean head, real data."""

from pathlib import Path

import numpy as np
import pytest

from augment.morphable import load_face_model
from augment.reconstruct.zones import face_zones

SHARED = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def shared():
    if not SHARED.is_dir():
        pytest.skip(f"real scans are not at hand at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def model():
    return load_face_model()


@pytest.fixture(scope="session")
def zones(model):
    return face_zones(model)


@pytest.fixture(scope="session")
def mean_head(model):
    return model.mean.numpy().astype(np.float64)
