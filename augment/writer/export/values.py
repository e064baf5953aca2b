"""Label values for targets that want 0, 1, 2, … without a gap."""

from collections.abc import Mapping

import numpy as np

from augment.volume.files import encode_volume
from augment.writer.content import decode_volume
from augment.writer.encode import encode_png
from augment.writer.export.cases import Selection
from augment.writer.export.source import Case


def consecutive(names: Mapping[int, str]) -> dict[int, int]:
    """Return label value to its place in the order of values, counted from 1."""
    return {value: place for place, value in enumerate(sorted(names), start=1)}


def encode_labels(selection: Selection, case: Case, stored_of: Mapping[int, int]) -> bytes:
    """Return the label file of a case with other values; the file itself where none changes.

    Args:
        selection: What is exported.
        case: One of its cases.
        stored_of: Value to the value that is stored; 0 stays 0.
    """
    values = selection.read_labels(case)
    file = selection.labels_of(case)
    content = selection.source.read(file)
    if all(value == stored for value, stored in stored_of.items()):
        return content
    table = np.zeros(max(stored_of) + 1, dtype=np.uint8)
    table[list(stored_of)] = list(stored_of.values())
    stored = table[values]
    if not selection.is_volume:
        return encode_png(stored)
    affine = decode_volume(content, selection.source.root / file.path)[1]
    return encode_volume(stored, affine, "labels")
