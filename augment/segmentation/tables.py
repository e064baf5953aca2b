"""Tables of the report, and the same numbers as rows for CSV files."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from augment.segmentation.comparison import Comparison
from augment.segmentation.document import GAIN, HARM, Table
from augment.segmentation.efficiency import Worth
from augment.segmentation.findings import gained_and_lost, margin_points, points, signed_points
from augment.segmentation.statistics import Interval, smallest_p

MOST_NAMES = 6
NOTHING = "\N{EN DASH}"


def mark(change: Interval) -> str:
    """Return the sign of a clear gain or a clear harm, with a space before it."""
    return {1: f" {GAIN}", -1: f" {HARM}", 0: ""}[change.direction]


def comparison_table(comparisons: Sequence[Comparison], n_cases: int) -> Table:
    """Tell every difference with its interval, tests and moved cases."""
    rows = [
        [
            item.arm,
            str(item.n),
            str(item.n_real),
            signed_points(item.difference.value) + mark(item.difference),
            f"{points(item.difference.low)} to {points(item.difference.high)}",
            _p(item.p),
            _p(item.p_holm),
            gained_and_lost(item),
        ]
        for item in comparisons
    ]
    return Table(
        "Differences of the mean Dice to real cases alone, in points, paired by case and seed."
        f" {GAIN} clear gain, {HARM} clear harm. p: Wilcoxon's signed-rank test over cases, and"
        f" corrected for {len(comparisons)} comparisons (Holm); with {n_cases} cases p cannot be"
        f" smaller than {_p(smallest_p(n_cases))}. A case counts from {margin_points()}.",
        ("arm", "n", "real n", "difference", "95 % interval", "p", "corrected p", "cases"),
        rows,
    )


def moved_cases_table(comparisons: Sequence[Comparison]) -> Table:
    """Name the cases that were gained and lost, the largest change first."""
    rows = [
        [
            item.arm,
            str(item.n) if item.n else f"0 against {item.n_real}",
            _names(item, item.gained),
            _names(item, item.lost),
        ]
        for item in comparisons
        if item.gained or item.lost
    ]
    return Table(
        "Cases whose Dice, mean over classes and seeds, moved by more than"
        f" {margin_points()}, with the change in points. Comparisons without any are left"
        " out; all cases are in tables/cases.csv.",
        ("arm", "n", "gained", "lost"),
        rows,
        n_names=4,
    )


def _names(item: Comparison, names: Sequence[str]) -> str:
    if not names:
        return "none"
    shown = ", ".join(f"{n} ({signed_points(item.by_case[n])})" for n in names[:MOST_NAMES])
    return shown + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")


def worth_table_block(worth: Mapping[tuple[str, int], Worth]) -> Table:
    """Tell how many real cases each arm is worth."""
    return Table(
        "How many real labelled cases an arm is worth: where the learning curve of real cases"
        " alone, made non-decreasing and read linearly in log n, reaches the arm's mean Dice.",
        ("arm", "given real cases", "worth in real cases"),
        [[arm, str(n), str(item)] for (arm, n), item in worth.items()],
    )


def mean_tables(means: pd.DataFrame, unit: str) -> list[Table]:
    """Tell Dice, HD95 and surface Dice of the rows of `comparison.mean_table`."""
    counts = sorted(means["n"].unique())
    columns = ("arm", *(f"n = {n}" for n in counts))

    def rows(show: Callable[[Mapping[Hashable, Any]], str]) -> list[list[str]]:
        cells = {(row["arm"], row["n"]): show(row) for row in means.to_dict("records")}
        arms = means["arm"].unique()
        return [[arm, *(cells.get((arm, n), NOTHING) for n in counts)] for arm in arms]

    return [
        Table(
            "Mean Dice (95 % interval over cases and seeds).",
            columns,
            rows(lambda row: f"{row['dice']:.3f} ({row['low']:.3f}{NOTHING}{row['high']:.3f})"),
        ),
        Table(
            "Standard deviation of the mean Dice between seeds, points.",
            columns,
            rows(lambda row: _scatter(row["seed_sd"])),
        ),
        Table(
            f"Mean 95 % Hausdorff distance, {unit}.",
            columns,
            rows(lambda row: f"{row['hd95_mm']:.2f}"),
        ),
        Table("Mean surface Dice.", columns, rows(lambda row: f"{row['surface_dice']:.3f}")),
    ]


def _scatter(seed_sd: float) -> str:
    return NOTHING if pd.isna(seed_sd) else f"{100 * seed_sd:.2f}"


def class_tables(
    by_class: Mapping[str, pd.DataFrame], comparisons: Sequence[Comparison], unit: str
) -> list[Table]:
    """Tell the scores of every class by arm and n; clear changes of the Dice are marked."""
    labels = list(by_class)
    marks = {
        (item.arm, item.n, label): mark(change)
        for item in comparisons
        if item.n > 0
        for label, change in item.by_class.items()
    }
    means = {label: rows.set_index(["arm", "n"]) for label, rows in by_class.items()}
    keys = list(means[labels[0]].index)

    def rows(value: str, digits: int, marks: Mapping[tuple[str, int, str], str]) -> list[list[str]]:
        return [
            [arm, str(n)]
            + [
                f"{means[label].loc[(arm, n), value]:.{digits}f}{marks.get((arm, n, label), '')}"
                for label in labels
            ]
            for arm, n in keys
        ]

    columns = ("arm", "n", *labels)
    return [
        Table(
            f"Dice by class; {GAIN} and {HARM} where the paired 95 % interval against real cases"
            " alone at the same n excludes zero.",
            columns,
            rows("dice", 3, marks),
        ),
        Table(f"95 % Hausdorff distance by class, {unit}.", columns, rows("hd95_mm", 2, {})),
        Table("Surface Dice by class.", columns, rows("surface_dice", 3, {})),
    ]


def cost_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return minutes and steps of every run: arm, n, seed, minutes, steps."""
    keys = ["arm", "n", "seed"]
    return table.groupby(keys, as_index=False)[["minutes", "steps"]].max()


def cost_table(table: pd.DataFrame) -> Table:
    """Tell what a run of each arm costs."""
    runs = cost_rows(table)
    grouped = runs.groupby(["arm", "n"], as_index=False)[["minutes", "steps"]].mean()
    rows = [
        [row["arm"], str(row["n"]), f"{row['minutes']:.1f}", f"{row['steps']:.0f}"]
        for row in grouped.to_dict("records")
    ]
    return Table(
        f"Minutes and optimizer steps of one run, mean over seeds; {runs['minutes'].sum():.0f}"
        f" minutes for all {len(runs)} runs.",
        ("arm", "n", "minutes", "steps"),
        rows,
    )


def comparison_rows(comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """Return one row a comparison and class, the mean over classes first; Dice, not points."""
    rows = []
    for item in comparisons:
        changes = {"mean": item.difference, **item.by_class}
        for label, change in changes.items():
            is_mean = label == "mean"
            rows.append(
                {
                    "arm": item.arm,
                    "n": item.n,
                    "n_real": item.n_real,
                    "label": label,
                    "difference": change.value,
                    "low": change.low,
                    "high": change.high,
                    "p": item.p if is_mean else None,
                    "p_holm": item.p_holm if is_mean else None,
                    "gained": len(item.gained) if is_mean else None,
                    "lost": len(item.lost) if is_mean else None,
                    "cases": len(item.by_case),
                    "seeds": item.n_seeds,
                }
            )
    return pd.DataFrame(rows)


def case_rows(comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """Return one row a comparison and case: arm, n, n_real, case, difference."""
    return pd.DataFrame(
        [
            (item.arm, item.n, item.n_real, case, change)
            for item in comparisons
            for case, change in item.by_case.items()
        ],
        columns=["arm", "n", "n_real", "case", "difference"],
    )


def worth_rows(worth: Mapping[tuple[str, int], Worth]) -> pd.DataFrame:
    """Return one row an arm and n: worth in real cases, 0 below the curve and inf above it."""
    return pd.DataFrame(
        [(arm, n, item.cases, item.low, item.high) for (arm, n), item in worth.items()],
        columns=["arm", "n", "cases", "low", "high"],
    )


def _p(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}" if value < 0.01 else f"{value:.2f}"
