"""The report of an experiment: `report.html`, `report.md`, their figures and tables as CSV.

It is made from `metrics.csv`, `predictions/` and `experiment.json` alone, so that it can be made
again at any time; its first sentence says what was found, gain or harm.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from augment.segmentation.comparison import (
    Comparison,
    compare_with_real,
    mean_table,
    worth_table,
)
from augment.segmentation.document import Block, Heading, Paragraph, Picture, to_html, to_markdown
from augment.segmentation.efficiency import Worth
from augment.segmentation.findings import (
    describe_arm,
    first_sentence,
    harm_paragraph,
    headline_arm,
    method_paragraph,
    worth_sentence,
)
from augment.segmentation.gallery import gallery
from augment.segmentation.overlays import RealCase
from augment.segmentation.plots import difference_chart, learning_curves
from augment.segmentation.run_record import what_was_run
from augment.segmentation.score_table import read_scores
from augment.segmentation.tables import (
    case_rows,
    class_tables,
    comparison_rows,
    comparison_table,
    cost_rows,
    cost_table,
    mean_tables,
    moved_cases_table,
    worth_rows,
    worth_table_block,
)

FIGURES = "figures"
MEAN = "mean"
"""Name of the mean over classes among the classes."""
LIMITS = (
    "Intervals cover other cases like these and other seeds of the training; they do not cover"
    " other scanners, cameras or populations. With three seeds the spread between seeds is itself"
    " known poorly, and intervals are a little narrow where it is large. Intervals of single"
    " classes are not corrected for being many; p values of the mean are. A prediction that misses"
    " a class altogether has Dice 0, surface Dice 0 and the image's diagonal as HD95."
)
ReadCase = Callable[[str], RealCase]


def write_report(out: Path, read_case: ReadCase | None = None) -> list[Path]:
    """Write the report of an experiment beside its scores.

    Args:
        out: Folder with `metrics.csv`; `experiment.json` is used if there.
        read_case: Returns a real case by name, for the overlays, which need `predictions/`; no
            overlays if None.

    Returns:
        The files written: `report.html`, `report.md`, `figures/*`, `tables/*.csv`.

    Raises:
        AssetError: If the scores are missing or cannot carry statistics.
    """
    scores = read_scores(out / "metrics.csv")
    comparisons = compare_with_real(scores)
    worth = worth_table(scores)
    record = _read_record(out)
    unit = str(record.get("unit_of_distance", "mm"))
    means = {label or MEAN: mean_table(scores, label) for label in (None, *scores.labels)}
    blocks = [
        *_findings(len(scores.cases), comparisons, worth),
        *_curves(means, comparisons),
        *_details(means, comparisons, worth, unit),
        *gallery(out, scores, comparisons, read_case),
        *_conditions(record, scores.table),
    ]
    title = f"Few-shot segmentation: {scores.task}"
    written = [
        _write(out / "report.html", to_html(title, blocks)),
        _write(out / "report.md", to_markdown(title, blocks, FIGURES)),
    ]
    for block in blocks:
        if isinstance(block, Picture):
            written.append(_write(out / FIGURES / block.file_name, block.data))
    rows = {
        "means": pd.concat(frame.assign(label=label) for label, frame in means.items()),
        "comparisons": comparison_rows(comparisons),
        "cases": case_rows(comparisons),
        "worth": worth_rows(worth),
        "cost": cost_rows(scores.table),
    }
    for name, frame in rows.items():
        text = frame.to_csv(index=False, float_format="%.6g", lineterminator="\n")
        written.append(_write(out / "tables" / f"{name}.csv", text))
    return written


def _findings(
    n_cases: int,
    comparisons: Sequence[Comparison],
    worth: Mapping[tuple[str, int], Worth],
) -> list[Block]:
    if not comparisons:
        return [Paragraph("Only real cases were run: nothing is compared yet.", is_lead=True)]
    arm = headline_arm(comparisons)
    blocks: list[Block] = [
        Paragraph(first_sentence(comparisons), is_lead=True),
        Paragraph(f"{worth_sentence(arm, worth)} {method_paragraph(comparisons, n_cases)}".strip()),
        Paragraph(harm_paragraph(comparisons)),
    ]
    alone = sorted({item.arm for item in comparisons if item.n == 0} - {arm})
    for name in alone:
        sentence = describe_arm([item for item in comparisons if item.arm == name and item.n == 0])
        blocks.append(Paragraph(f"{sentence} {worth_sentence(name, worth)}".strip()))
    return blocks


def _curves(means: Mapping[str, pd.DataFrame], comparisons: Sequence[Comparison]) -> list[Block]:
    labels = [label for label in means if label != MEAN]
    whole = [("mean over classes" if len(labels) > 1 else labels[0], means[MEAN])]
    blocks: list[Block] = [
        Heading("Learning curves"),
        Picture(
            "curves.svg",
            "Dice over the number of real labelled cases, with 95 % bands over cases and seeds."
            " Dotted: no real case at all. Dashed: published competitors.",
            learning_curves(whole, is_dark=False),
            learning_curves(whole, is_dark=True),
        ),
    ]
    if len(labels) > 1:
        panels = [(label, means[label]) for label in labels]
        blocks.append(
            Picture(
                "curves_by_class.svg",
                "The same for every class; the Dice axes differ.",
                learning_curves(panels, is_dark=False),
                learning_curves(panels, is_dark=True),
            )
        )
    if comparisons:
        blocks += [
            Heading("Gain and harm against real cases alone"),
            Picture(
                "differences.svg",
                "Paired differences of the mean Dice. Blue: clear gain. Vermilion: clear harm."
                " Grey: the interval holds zero.",
                difference_chart(comparisons, is_dark=False),
                difference_chart(comparisons, is_dark=True),
            ),
        ]
    return blocks


def _details(
    means: Mapping[str, pd.DataFrame],
    comparisons: Sequence[Comparison],
    worth: Mapping[tuple[str, int], Worth],
    unit: str,
) -> list[Block]:
    blocks: list[Block] = []
    if comparisons:
        blocks += [
            comparison_table(comparisons, len(comparisons[0].by_case)),
            Heading("Cases gained and lost"),
            moved_cases_table(comparisons),
        ]
    if worth:
        blocks += [Heading("Label efficiency"), worth_table_block(worth)]
    blocks += [Heading("Scores"), *mean_tables(means[MEAN], unit)]
    by_class = {label: rows for label, rows in means.items() if label != MEAN}
    if len(by_class) > 1:
        blocks += [Heading("Scores by class"), *class_tables(by_class, comparisons, unit)]
    return blocks


def _read_record(out: Path) -> dict[str, Any]:
    path = out / "experiment.json"
    if not path.is_file():
        return {}
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record


def _conditions(record: Mapping[str, Any], table: pd.DataFrame) -> list[Block]:
    return [
        Heading("Cost"),
        cost_table(table),
        Heading("Limits"),
        Paragraph(LIMITS),
        Heading("What was run"),
        *what_was_run(record, table),
    ]


def _write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return path
