"""Reading a data set: one dictionary a view or volume, ready for MONAI's dictionary transforms."""

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augment.errors import AssetError
from augment.untrusted import read_json, shown
from augment.writer.inside import below


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
    tables = _tables(folder)
    return [
        {
            **tables.facts(sample, twin),
            "view": view,
            **tables.shared[sample, ""],
            **tables.shared[sample, twin],
            **files,
        }
        for (sample, twin, view), files in tables.views.items()
    ]


def load_volumes(folder: str | Path) -> list[dict[str, Any]]:
    """List the volumes of a data set.

    Each dictionary is one volume of one head. Its file keys are paths as text, as MONAI's
    `LoadImaged` and `Dataset` take them: `image` (HU), `labels`, `displacement_mm`, `jacobian`,
    `mandible_share`, `mesh_skin`, `mesh_skull`, `mesh_mandible`, `cephalogram_lateral`, … ,
    `parameters`, as far as the data set has them. Beside them: `sample`, `twin` ("healthy" or
    "pathological"), the columns of the table of samples, and `severities`.

    Args:
        folder: Folder of a finished data set.

    Returns:
        The volumes, ordered by sample and twin.

    Raises:
        AssetError: If the folder holds no finished data set.
    """
    tables = _tables(folder)
    return [
        {
            **tables.facts(sample, twin),
            **tables.shared[sample, ""],
            **{VOLUME_KEYS.get(kind, kind): path for kind, path in files.items()},
        }
        for (sample, twin), files in sorted(tables.shared.items())
        if any(kind in VOLUME_KEYS for kind in files)
    ]


# Kind of a volume's file to its key in a dictionary.
VOLUME_KEYS = {
    "volume": "image",
    "volume_labels": "labels",
    "volume_displacement_mm": "displacement_mm",
    "volume_jacobian": "jacobian",
    "mandible_share": "mandible_share",
    "volume_fracture": "fracture",
}


@dataclass(frozen=True)
class _Tables:
    """The tables of a data set, gathered by what their rows belong to.

    Attributes:
        samples: Sample to its row.
        severities: Sample to its rows.
        shared: Sample and twin ("" for both) to the files that belong to no view.
        views: Sample, twin and view to its files.
    """

    samples: dict[int, dict[str, Any]]
    severities: dict[int, list[dict[str, Any]]]
    shared: dict[tuple[int, str], dict[str, str]]
    views: dict[tuple[int, str, int], dict[str, str]]

    def facts(self, sample: int, twin: str) -> dict[str, Any]:
        """Return what is known about one head."""
        rows = self.severities[sample] if twin == "pathological" else []
        return {**self.samples[sample], "twin": twin, "severities": rows}


def _tables(folder: str | Path) -> _Tables:
    root = Path(folder)
    if not (root / "SHA256SUMS").is_file():
        raise AssetError(f"expected the folder of a finished data set, got '{root}'")
    try:
        return _gathered(root)
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise AssetError(
            f"expected the tables of a data set in '{root}', got {shown(error)}: `facies verify`"
            " lists what is broken"
        ) from error


def _gathered(root: Path) -> _Tables:
    samples = {row["sample"]: row for row in _rows(root / "samples.csv")}
    severities = defaultdict(list)
    for row in _rows(root / "severities.csv"):
        severities[row["sample"]].append(row)
    shared: dict[tuple[int, str], dict[str, str]] = defaultdict(dict)
    views: dict[tuple[int, str, int], dict[str, str]] = defaultdict(dict)
    for row in _rows(root / "files.csv"):
        path = str(root / below(root, row["path"] or ""))
        if row["view"] is None:
            shared[row["sample"], row["twin"] or ""][row["kind"]] = path
        else:
            views[row["sample"], row["twin"], row["view"]][row["kind"]] = path
    return _Tables(samples, severities, shared, views)


def read_legend(folder: str | Path) -> dict[str, Any]:
    """Return what `dataset.json` says: recipe, versions, frames, label tables.

    Args:
        folder: Folder of a data set.

    Returns:
        The file's content.

    Raises:
        AssetError: If it is missing or no JSON.
    """
    path = Path(folder) / "dataset.json"
    legend: dict[str, Any] = read_json(
        path, "a description of the data set", "make the data set again"
    )
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
