"""facies: synthetic, exactly labelled data of pathological faces and heads."""

from typing import TYPE_CHECKING, Any

from augment.writer.reader import load_dataset

if TYPE_CHECKING:
    from augment.writer.view_dataset import ViewDataset

__all__ = ["ViewDataset", "load_dataset"]


def __getattr__(name: str) -> Any:
    # torch takes seconds to import; only who asks for its data set pays for it.
    if name == "ViewDataset":
        from augment.writer.view_dataset import ViewDataset

        return ViewDataset
    raise AttributeError(f"module 'augment' has no attribute {name!r}")
