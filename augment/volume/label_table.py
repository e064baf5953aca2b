"""Writes the label table for people and viewers: JSON, ITK-SNAP descriptions and a 3D Slicer colour
table."""

import json

from augment.volume.labels import LABELS

_SNAP_HEADER = """################################################
# ITK-SnAP Label Description File
# IDX   -R-  -G-  -B-  -A--  VIS MSH  LABEL
################################################
"""


def label_json() -> str:
    """Return the table as JSON: a list of number, name, tissue and colour."""
    rows = [
        {
            "number": row.number,
            "name": row.name,
            "tissue": row.tissue.value,
            "colour": list(row.colour),
        }
        for row in LABELS
    ]
    return json.dumps({"labels": rows}, indent=1) + "\n"


def itksnap_table() -> str:
    """Return the table as an ITK-SNAP label description file."""
    lines = []
    for row in LABELS:
        red, green, blue = row.colour
        shown = int(row.number > 0)
        numbers = f"{row.number:5d} {red:5d} {green:4d} {blue:4d} {shown:8d} {shown:3d} {shown:3d}"
        lines.append(f'{numbers}    "{row.name}"')
    return _SNAP_HEADER + "\n".join(lines) + "\n"


def slicer_table() -> str:
    """Return the table as a 3D Slicer colour table (number, name, red, green, blue, opacity)."""
    lines = ["# facies labels"]
    for row in LABELS:
        lines.append(
            f"{row.number} {row.name} {' '.join(str(c) for c in row.colour)} "
            f"{255 if row.number else 0}"
        )
    return "\n".join(lines) + "\n"
