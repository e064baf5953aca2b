"""The data set card: what, how many, how distributed, under which licences, with which limits."""

import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from augment.record import Legend
from augment.writer.kinds import ALL_KINDS

Rows = Sequence[Mapping[str, Any]]
UNKNOWN = "not known"

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


@dataclass
class _Severities:
    """What the card says of one pathology, parameter and unit."""

    count: int = 0
    lowest: float = math.inf
    highest: float = -math.inf
    worst: float = 0.0

    def add(self, row: Mapping[str, Any]) -> None:
        self.count += 1
        self.lowest = min(self.lowest, row["measured"])
        self.highest = max(self.highest, row["measured"])
        self.worst = max(self.worst, abs(row["measured"] - row["requested"]))


@final
class CardFacts:
    """What the card says of the tables, added up row by row; of a sample its age alone stays."""

    def __init__(self) -> None:
        """Start with no row."""
        self.n_samples = self.n_bytes = 0
        self.kinds: Counter[str] = Counter()
        self.sources: Counter[str] = Counter()
        self.sexes: Counter[str] = Counter()
        self.ages = array("d")
        self.severities: dict[tuple[str, str, str], _Severities] = defaultdict(_Severities)

    def add(self, tables: Mapping[str, Rows]) -> None:
        """Count the rows of one sample or more."""
        for row in tables["samples"]:
            self.n_samples += 1
            self.sources[str(row.get("source") or UNKNOWN)] += 1
            self.sexes[str(row.get("sex") or UNKNOWN)] += 1
            if row.get("age_years") is not None:
                self.ages.append(row["age_years"])
        for row in tables["files"]:
            self.kinds[row["kind"]] += 1
            self.n_bytes += row["bytes"]
        for row in tables["severities"]:
            self.severities[row["pathology"], row["parameter"], row["unit"]].add(row)


def dataset_card(name: str, facts: CardFacts, legend: Legend) -> bytes:
    """Return the card of a data set as Markdown.

    Args:
        name: Name of the recipe.
        facts: What the tables say.
        legend: What the numbers stand for.

    Returns:
        The file's bytes.
    """
    sections = [
        f"# {name}\n\nSynthetic heads with exact labels, made by facies.\n",
        "## What\n\n" + _amounts(facts),
        "## Subjects\n\n" + _subjects(facts),
        "## Pathologies\n\n" + _severities(facts),
        "## Files of a sample\n\n" + _kinds(facts),
        "## Reading\n\n" + READING.format(lines=_reading(facts)),
        _volumes(facts, legend)
        + "## Frames\n\nHead frame: RAS+ (x to the patient's right, y forward, z up), millimetres,"
        " Frankfort horizontal, origin midway between the tragia. Camera: OpenCV (x right, y down,"
        " z forward); the centre of pixel (0, 0) is (0.5, 0.5).\n",
        "## Licences\n\n" + "".join(f"- {a}: {text}\n" for a, text in legend.assets.items()),
        "## Citation\n\nPlease cite facies with its version, the recipe's name and seed; all are"
        " in `dataset.json`.\n",
        "## Limits\n\n" + LIMITS,
    ]
    return "\n".join(sections).encode()


def _amounts(facts: CardFacts) -> str:
    pictures, volumes = facts.kinds["image"], facts.kinds["volume"]
    held = f"{pictures} pictures" + (f", {volumes} volumes" if volumes else "")
    return (
        f"{facts.n_samples} samples, {held}, {facts.kinds.total()} files,"
        f" {facts.n_bytes / 1e6:.1f} MB. `samples`, `files` and `severities` (.parquet, .csv) are"
        " the tables; `dataset.json` holds the recipe, versions and label tables; `SHA256SUMS`"
        " covers every file (`facies verify`, or `sha256sum -c SHA256SUMS`).\n"
    )


def _reading(facts: CardFacts) -> str:
    lines = [READING_VIEWS] if "image" in facts.kinds else []
    return "\n".join([*lines, READING_VOLUMES] if "volume" in facts.kinds else lines)


def _volumes(facts: CardFacts, legend: Legend) -> str:
    if "volume" not in facts.kinds:
        return ""
    tables = ", ".join(f"`{name}`" for name in legend.files)
    names = f"Names of the labels: {tables}.\n\n" if tables else ""
    return "## Volumes\n\n" + VOLUMES + names


def _subjects(facts: CardFacts) -> str:
    lines = [f"- source: {_counts(facts.sources)}", f"- sex: {_counts(facts.sexes)}"]
    if facts.ages:
        low, middle, high = np.percentile(facts.ages, (0, 50, 100))
        lines.append(f"- age in years: {low:.0f} to {high:.0f}, median {middle:.0f}")
    return "\n".join(lines) + "\n"


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{value} {count}" for value, count in sorted(counts.items()))


def _severities(facts: CardFacts) -> str:
    if not facts.severities:
        return "None: all heads are healthy.\n"
    lines = [
        "| Pathology | Measure | Unit | Samples | Measured, smallest to largest"
        " | Largest difference to the request |",
        "|---|---|---|---|---|---|",
    ]
    for (pathology, parameter, unit), group in sorted(facts.severities.items()):
        lines.append(
            f"| {pathology} | {parameter} | {unit} | {group.count}"
            f" | {group.lowest:.2f} to {group.highest:.2f} | {group.worst:.4f} |"
        )
    return "\n".join(lines) + "\n"


def _kinds(facts: CardFacts) -> str:
    lines = ["| File | Holds |", "|---|---|"]
    lines.extend(
        f"| `{kind.file_name}` | {kind.meaning} |"
        for kind in ALL_KINDS.values()
        if kind.name in facts.kinds
    )
    return "\n".join(lines) + "\n"
