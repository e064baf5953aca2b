"""The data set card: what, how many, how distributed, under which licences, with which limits."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from augment.record import Legend
from augment.writer.kinds import ALL_KINDS

Rows = Sequence[Mapping[str, Any]]

LIMITS = """\
- Heads are drawn from a statistical model or fitted to a scan; they are no photographs.
- Labels are exact for the generated geometry. Pictures only resemble photographs; a network
  trained on them alone must be tested on real ones before anybody relies on it.
- Severity is measured on the generated geometry. Sources are named with each pathology;
  where `basis` says `proposal`, the bins are not published.
- Not for diagnosis.
"""

READING = """\
```python
import augment

{lines}
```
"""
FOLDER = "path/to/this/folder"
READING_VIEWS = f"""\
views = augment.load_dataset("{FOLDER}")   # one dictionary a view: paths and what is known about it
dataset = augment.ViewDataset("{FOLDER}", kinds=("image", "regions"))   # torch tensors"""
READING_VOLUMES = f"""\
volumes = augment.load_volumes("{FOLDER}")   # one dictionary a volume, for MONAI's LoadImaged
dataset = augment.VolumeDataset("{FOLDER}", kinds=("image", "labels"))   # torch tensors"""

VOLUMES = """\
Both twins of a sample lie on one grid. Content at point p of the pathological volume is at
p + `displacement_mm` in the healthy one (RAS mm), so that resampling the healthy volume through
the field gives the pathological one. The field is given in air too, where nothing shows it.
Generated volumes show the head at rest unless `volume.expression` is true, in the posture of
`parameters.json`, `volume.scan.posture`; upright, their frame is the head frame. Volumes made from
a real CT keep its grid, world and texture: outside the field every voxel is the original's.

"""


def dataset_card(name: str, tables: Mapping[str, Rows], legend: Legend) -> bytes:
    """Return the card of a data set as Markdown.

    Args:
        name: Name of the recipe.
        tables: Rows of the three tables.
        legend: What the numbers stand for.

    Returns:
        The file's bytes.
    """
    sections = [
        f"# {name}\n\nSynthetic heads with exact labels, made by facies.\n",
        "## What\n\n" + _amounts(tables),
        "## Subjects\n\n" + _subjects(tables["samples"]),
        "## Pathologies\n\n" + _severities(tables["severities"]),
        "## Files of a sample\n\n" + _kinds(tables["files"]),
        "## Reading\n\n" + READING.format(lines=_reading(tables["files"])),
        _volumes(tables["files"], legend)
        + "## Frames\n\nHead frame: RAS+ (x to the patient's right, y forward, z up), millimetres,"
        " Frankfort horizontal, origin midway between the tragia. Camera: OpenCV (x right, y down,"
        " z forward); the centre of pixel (0, 0) is (0.5, 0.5).\n",
        "## Licences\n\n" + "".join(f"- {a}: {text}\n" for a, text in legend.assets.items()),
        "## Citation\n\nPlease cite facies with its version, the recipe's name and seed; all are"
        " in `dataset.json`.\n",
        "## Limits\n\n" + LIMITS,
    ]
    return "\n".join(sections).encode()


def _amounts(tables: Mapping[str, Rows]) -> str:
    files = tables["files"]
    pictures = sum(row["kind"] == "image" for row in files)
    volumes = sum(row["kind"] == "volume" for row in files)
    size = sum(row["bytes"] for row in files)
    held = f"{pictures} pictures" + (f", {volumes} volumes" if volumes else "")
    return (
        f"{len(tables['samples'])} samples, {held}, {len(files)} files,"
        f" {size / 1e6:.1f} MB. `samples`, `files` and `severities` (.parquet, .csv) are the"
        " tables; `dataset.json` holds the recipe, versions and label tables; `SHA256SUMS` covers"
        " every file (`facies verify`, or `sha256sum -c SHA256SUMS`).\n"
    )


def _reading(files: Rows) -> str:
    kinds = {row["kind"] for row in files}
    lines = [READING_VIEWS] if "image" in kinds else []
    return "\n".join([*lines, READING_VOLUMES] if "volume" in kinds else lines)


def _volumes(files: Rows, legend: Legend) -> str:
    if not any(row["kind"] == "volume" for row in files):
        return ""
    tables = ", ".join(f"`{name}`" for name in legend.files)
    names = f"Names of the labels: {tables}.\n\n" if tables else ""
    return "## Volumes\n\n" + VOLUMES + names


def _subjects(samples: Rows) -> str:
    lines = [f"- source: {_counts(samples, 'source')}", f"- sex: {_counts(samples, 'sex')}"]
    ages = [row["age_years"] for row in samples if row.get("age_years") is not None]
    if ages:
        low, middle, high = np.percentile(ages, (0, 50, 100))
        lines.append(f"- age in years: {low:.0f} to {high:.0f}, median {middle:.0f}")
    return "\n".join(lines) + "\n"


def _counts(rows: Rows, column: str) -> str:
    counts = Counter(str(row.get(column) or "not known") for row in rows)
    return ", ".join(f"{value} {count}" for value, count in sorted(counts.items()))


def _severities(severities: Rows) -> str:
    if not severities:
        return "None: all heads are healthy.\n"
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for row in severities:
        groups[row["pathology"], row["parameter"], row["unit"]].append(row)
    lines = [
        "| Pathology | Measure | Unit | Samples | Measured, smallest to largest"
        " | Largest difference to the request |",
        "|---|---|---|---|---|---|",
    ]
    for (pathology, parameter, unit), rows in sorted(groups.items()):
        measured = [row["measured"] for row in rows]
        worst = max(abs(row["measured"] - row["requested"]) for row in rows)
        lines.append(
            f"| {pathology} | {parameter} | {unit} | {len(rows)}"
            f" | {min(measured):.2f} to {max(measured):.2f} | {worst:.4f} |"
        )
    return "\n".join(lines) + "\n"


def _kinds(files: Rows) -> str:
    present = {row["kind"] for row in files}
    lines = ["| File | Holds |", "|---|---|"]
    lines.extend(
        f"| `{kind.file_name}` | {kind.meaning} |"
        for kind in ALL_KINDS.values()
        if kind.name in present
    )
    return "\n".join(lines) + "\n"
