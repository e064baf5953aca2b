"""Writes a label table for people and viewers: JSON, ITK-SNAP descriptions and a 3D Slicer colour
table."""

import colorsys
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from augment.volume.labels import LABELS

GOLDEN_RATIO = 0.618034

_SNAP_HEADER = """################################################
# ITK-SnAP Label Description File
# IDX   -R-  -G-  -B-  -A--  VIS MSH  LABEL
################################################
"""


@dataclass(frozen=True)
class TableRow:
    """One label as viewers show it.

    Attributes:
        number: Voxel value.
        name: Its name.
        colour: Red, green, blue, 0-255.
        tissue: What a scanner sees there, None where it is not known.
    """

    number: int
    name: str
    colour: tuple[int, int, int]
    tissue: str | None = None


BUILT_IN: tuple[TableRow, ...] = tuple(
    TableRow(row.number, row.name, row.colour, row.tissue.value) for row in LABELS
)
"""The table of generated volumes."""


def named_rows(names: Mapping[int, str]) -> tuple[TableRow, ...]:
    """Return a table of the user's own labels, air first, in colours that lie far apart.

    Args:
        names: Value to name.
    """
    rows = [TableRow(0, "background", (0, 0, 0))]
    for place, (number, name) in enumerate(sorted(names.items())):
        red, green, blue = colorsys.hsv_to_rgb(place * GOLDEN_RATIO % 1.0, 0.65, 0.95)
        rows.append(TableRow(number, name, (int(255 * red), int(255 * green), int(255 * blue))))
    return tuple(rows)


def label_tables(rows: Sequence[TableRow]) -> dict[str, bytes]:
    """Return the files of a table: name to content."""
    return {
        "volume_labels.json": label_json(rows).encode(),
        "volume_labels_itksnap.txt": itksnap_table(rows).encode(),
        "volume_labels_slicer.ctbl": slicer_table(rows).encode(),
    }


def label_json(rows: Sequence[TableRow] = BUILT_IN) -> str:
    """Return the table as JSON: a list of number, name, tissue and colour."""
    values = [
        {"number": row.number, "name": row.name, "tissue": row.tissue, "colour": list(row.colour)}
        for row in rows
    ]
    return json.dumps({"labels": values}, indent=1) + "\n"


def itksnap_table(rows: Sequence[TableRow] = BUILT_IN) -> str:
    """Return the table as an ITK-SNAP label description file."""
    lines = []
    for row in rows:
        red, green, blue = row.colour
        shown = int(row.number > 0)
        numbers = f"{row.number:5d} {red:5d} {green:4d} {blue:4d} {shown:8d} {shown:3d} {shown:3d}"
        lines.append(f'{numbers}    "{row.name}"')
    return _SNAP_HEADER + "\n".join(lines) + "\n"


def slicer_table(rows: Sequence[TableRow] = BUILT_IN) -> str:
    """Return the table as a 3D Slicer colour table (number, name, red, green, blue, opacity)."""
    lines = ["# facies labels"]
    for row in rows:
        name = "_".join(row.name.split())
        colour = " ".join(str(channel) for channel in row.colour)
        lines.append(f"{row.number} {name} {colour} {255 if row.number else 0}")
    return "\n".join(lines) + "\n"
