"""Reading a data set: one dictionary a view, ready for MONAI's dictionary transforms."""

import csv
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from augment.errors import AssetError


def load_dataset(folder: str | Path) -> list[dict[str, Any]]:
    """List the views of a data set.

    Each dictionary is one picture of one head. Its file keys are paths as text, as MONAI's
    `LoadImaged` and `Dataset` take them: `image`, `regions`, `pathology`, `parts`, `depth_mm`, … ,
    `landmarks`, `camera`, `mesh`, `parameters`, as far as the data set has them. Beside them:
    `sample`, `twin` ("healthy" or "pathological"), `view`, the columns of the table of samples,
    and `severities`, the rows of that table for this sample (empty for a healthy head).

    Args:
        folder: Folder of a finished data set.

    Returns:
        The views, ordered by sample, twin and view.

    Raises:
        AssetError: If the folder holds no finished data set.
    """
    root = Path(folder)
    if not (root / "SHA256SUMS").is_file():
        raise AssetError(f"load_dataset expects the folder of a finished data set, got '{root}'")
    samples = {row["sample"]: row for row in _rows(root / "samples.csv")}
    severities = defaultdict(list)
    for row in _rows(root / "severities.csv"):
        severities[row["sample"]].append(row)
    shared: dict[tuple[int, str], dict[str, str]] = defaultdict(dict)
    views: dict[tuple[int, str, int], dict[str, str]] = defaultdict(dict)
    for row in _rows(root / "files.csv"):
        path = str(root / row["path"])
        if row["view"] is None:
            shared[row["sample"], row["twin"] or ""][row["kind"]] = path
        else:
            views[row["sample"], row["twin"], row["view"]][row["kind"]] = path
    return [
        {
            **samples[sample],
            "twin": twin,
            "view": view,
            **shared[sample, ""],
            **shared[sample, twin],
            **files,
            "severities": severities[sample] if twin == "pathological" else [],
        }
        for (sample, twin, view), files in views.items()
    ]


def read_legend(folder: str | Path) -> dict[str, Any]:
    """Return what `dataset.json` says: recipe, versions, frames, label tables.

    Args:
        folder: Folder of a data set.

    Returns:
        The file's content.
    """
    path = Path(folder) / "dataset.json"
    legend: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return legend


INTEGER_COLUMNS = {"sample", "view", "seed", "bytes"}
NUMBER_COLUMNS = {
    "age_years",
    "african",
    "asian",
    "caucasian",
    "requested",
    "measured",
    "difference",
    "healthy",
}


def _rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return [
            {column: _value(column, text) for column, text in row.items()}
            for row in csv.DictReader(stream)
        ]


def _value(column: str, text: str) -> Any:
    if text == "":
        return None
    if column in INTEGER_COLUMNS:
        return int(text)
    return float(text) if column in NUMBER_COLUMNS else text
