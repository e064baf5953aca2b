"""The table of scores: one row a task, arm, n, seed, case and class."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from jaxtyping import UInt8

from augment.segmentation.metrics import score_case
from augment.segmentation.tasks import Case, Task

SCORE_COLUMNS = (
    "task", "arm", "n", "seed", "case", "label", "dice", "hd95_mm", "surface_dice",
    "tolerance_mm", "minutes", "steps",
)  # fmt: skip


def score_rows(
    task: Task, case: Case, found: UInt8[np.ndarray, "..."], facts: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return one row for each scored class of a case.

    Args:
        task: Its data set.
        case: The case with its reference.
        found: What the network found, on the case's own grid.
        facts: arm, n, seed, minutes and steps of the run.
    """
    scores = score_case(found, case.label, case.spacing, task.scored, task.tolerance)
    return [
        {
            "task": task.name,
            **{key: facts[key] for key in ("arm", "n", "seed")},
            "case": case.name,
            "label": score.label,
            "dice": round(score.dice, 5),
            "hd95_mm": round(score.hd95_mm, 3),
            "surface_dice": round(score.surface_dice, 5),
            "tolerance_mm": score.tolerance_mm,
            "minutes": round(float(facts["minutes"]), 3),
            "steps": facts["steps"],
        }
        for score in scores
    ]


def table_text(columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
