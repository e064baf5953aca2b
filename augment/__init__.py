"""facies: synthetic, exactly labelled data of pathological faces and heads."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from augment.writer.reader import load_dataset, load_volumes

if TYPE_CHECKING:
    from augment.writer.view_dataset import ViewDataset
    from augment.writer.volume_dataset import VolumeDataset

__all__ = ["ViewDataset", "VolumeDataset", "load_dataset", "load_volumes"]

_MODULES = {
    "ViewDataset": "augment.writer.view_dataset",
    "VolumeDataset": "augment.writer.volume_dataset",
}


def __getattr__(name: str) -> Any:
    # torch takes seconds to import; only who asks for its data sets pays for it.
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'augment' has no attribute {name!r}")
