"""Records as plain values and back, so that what was drawn can be written, read and used again."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import numpy as np
import torch

from augment.geometry.camera import Camera

Record = TypeVar("Record")


def plain(value: Any) -> Any:
    """Return a record as values that JSON holds without loss: float64 survives its text.

    Args:
        value: A frozen dataclass, array, tuple, mapping or plain value.
    """
    # Most values are numbers in tuples, so those are asked for first.
    if value is None or (isinstance(value, int | float | str) and not isinstance(value, Enum)):
        return float(value) if isinstance(value, np.floating) else value
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    return {item.name: plain(getattr(value, item.name)) for item in fields(value)}


def read_plain(kind: type[Record], values: Any) -> Record:
    """Return the record that `plain` made values of.

    Args:
        kind: Its dataclass.
        values: Plain values.
    """
    record: Record = _read(kind, values)
    return record


def plain_camera(camera: Camera) -> dict[str, Any]:
    """Return a camera of one image as plain values."""
    return {
        "focal_px": camera.focal_px[0].item(),
        "principal_px": camera.principal_px[0].tolist(),
        "camera_from_world": camera.camera_from_world[0].tolist(),
        "width": camera.width,
        "height": camera.height,
    }


def read_camera(values: Mapping[str, Any], device: torch.device | str = "cpu") -> Camera:
    """Return the camera that `plain_camera` made values of."""
    return Camera(
        focal_px=torch.tensor([values["focal_px"]], dtype=torch.float64),
        principal_px=torch.tensor([values["principal_px"]], dtype=torch.float64),
        camera_from_world=torch.tensor([values["camera_from_world"]], dtype=torch.float64),
        width=int(values["width"]),
        height=int(values["height"]),
    ).to(device)


def _read(hint: Any, values: Any) -> Any:
    if values is None:
        return None
    origin = get_origin(hint)
    if origin is UnionType:
        (inner,) = [kind for kind in get_args(hint) if kind is not NoneType]
        return _read(inner, values)
    if is_dataclass(hint) and isinstance(hint, type):
        hints = get_type_hints(hint)
        return hint(**{key: _read(hints[key], entry) for key, entry in values.items()})
    if origin is tuple:
        kinds = get_args(hint)
        if kinds[-1] is Ellipsis:
            return tuple(_read(kinds[0], entry) for entry in values)
        return tuple(_read(kind, entry) for kind, entry in zip(kinds, values, strict=True))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(values)
    if hasattr(hint, "array_type"):
        return np.array(values, dtype=np.float64)
    return values
