"""The table of scores: one row a task, arm, n, seed, case and class; read, checked, arranged.

`n` is the number of real labelled cases that an arm was given; an arm that saw none has n = 0.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float64

from augment.errors import AssetError

KEY = ("task", "arm", "n", "seed", "case", "label")
VALUES = ("dice", "hd95_mm", "surface_dice", "tolerance_mm", "minutes", "steps")
COLUMNS = KEY + VALUES
REFERENCE = "real"
"""The arm that every other one is compared with: the n real cases alone."""


class Cell(NamedTuple):
    """Scores of one arm at one n.

    Attributes:
        values: Concretely, values[c, s] = v means that case c has the score v in the run with seed
            s; the mean over classes unless one was asked for.
        cases: Names of the cases, sorted.
        seeds: Seeds, ascending.
    """

    values: Float64[np.ndarray, "cases seeds"]
    cases: tuple[str, ...]
    seeds: tuple[int, ...]


def read_scores(path: Path) -> pd.DataFrame:
    """Read `metrics.csv` and check that it can carry statistics.

    Args:
        path: The file.

    Returns:
        Its rows, sorted by their key.

    Raises:
        AssetError: If the file is missing, or its rows are not as `check_scores` wants them.
    """
    if not path.is_file():
        raise AssetError(
            f"the report expects the table {path}, which is missing; run `facies experiment` first"
        )
    return check_scores(pd.read_csv(path, dtype={"case": str, "label": str, "arm": str}))


def check_scores(table: pd.DataFrame) -> pd.DataFrame:
    """Check a table of scores and sort it by its key.

    Args:
        table: Rows with the columns of `COLUMNS`.

    Returns:
        The rows, sorted.

    Raises:
        AssetError: If a column, the reference arm or a row is missing, a row stands twice, a score
            is no number, or there is more than one task.
    """
    missing = [column for column in COLUMNS if column not in table]
    if missing:
        raise AssetError(
            f"the table of scores expects the columns {', '.join(COLUMNS)}; {', '.join(missing)}"
            f" is missing, got {', '.join(map(str, table.columns))}"
        )
    tasks = sorted(table["task"].astype(str).unique())
    if len(tasks) != 1:
        raise AssetError(f"a report expects the scores of one task, got {tasks!r}; split the table")
    bad = table[["dice", "hd95_mm", "surface_dice"]].isna().any(axis=1)
    if bad.any():
        row = table[bad].iloc[0]
        raise AssetError(
            f"scores expect numbers, got none in {int(bad.sum())} rows, the first of case"
            f" {row['case']!r}, class {row['label']!r}, arm {row['arm']!r}; score that run again"
        )
    if REFERENCE not in set(table["arm"]):
        raise AssetError(
            f"a report expects the arm {REFERENCE!r} to compare with, got"
            f" {sorted(table['arm'].unique())!r}; add it to the experiment's arms"
        )
    _check_complete(table)
    return table.sort_values(list(KEY), kind="stable", ignore_index=True)


def _check_complete(table: pd.DataFrame) -> None:
    """Refuse rows that stand twice or not at all: a mean over them would be of something else."""
    twice = table.duplicated(list(KEY))
    if twice.any():
        row = table[twice].iloc[0]
        raise AssetError(
            f"each score is expected once, got two of arm {row['arm']!r}, n = {row['n']}, seed"
            f" {row['seed']}, case {row['case']!r}, class {row['label']!r}; remove one"
        )
    wanted = len(table[["case", "label"]].drop_duplicates())
    sizes = table.groupby(["arm", "n", "seed"]).size()
    short = sizes[sizes != wanted]
    if len(short):
        arm, n, seed = short.index[0]
        raise AssetError(
            f"every run is expected to score all {wanted} pairs of case and class, got"
            f" {int(short.iloc[0])} of arm {arm!r}, n = {n}, seed {seed}; finish that run"
        )


def cell(table: pd.DataFrame, arm: str, n: int, label: str | None, value: str = "dice") -> Cell:
    """Return the scores of one arm at one n.

    Args:
        table: Checked table.
        arm: Name of the arm.
        n: Number of real cases.
        label: Class, or None for the mean over all classes.
        value: Column of the score.

    Returns:
        Cases by seeds.

    Raises:
        KeyError: If the arm has no run at that n.
    """
    rows = table[(table["arm"] == arm) & (table["n"] == n)]
    if label is not None:
        rows = rows[rows["label"] == label]
    if rows.empty:
        raise KeyError(f"no run of arm {arm!r} at n = {n}")
    grid = rows.groupby(["case", "seed"])[value].mean().unstack("seed")
    seeds = tuple(int(seed) for seed in grid.columns)
    return Cell(grid.to_numpy(dtype=np.float64), tuple(map(str, grid.index)), seeds)


def paired(first: Cell, second: Cell) -> tuple[Cell, Cell]:
    """Restrict two cells to the seeds that both have, in one order.

    Raises:
        AssetError: If they have no seed in common.
    """
    seeds = tuple(sorted(set(first.seeds) & set(second.seeds)))
    if not seeds:
        raise AssetError(
            f"a comparison expects runs with the same seeds, got {first.seeds} and {second.seeds};"
            " run both arms with one list of seeds"
        )
    kept = [
        Cell(item.values[:, [item.seeds.index(seed) for seed in seeds]], item.cases, seeds)
        for item in (first, second)
    ]
    return kept[0], kept[1]


def arms_and_counts(table: pd.DataFrame) -> dict[str, tuple[int, ...]]:
    """Return the numbers of real cases that each arm was run with; the reference comes first."""
    arms = sorted(table["arm"].unique(), key=lambda arm: (arm != REFERENCE, arm))
    return {
        str(arm): tuple(int(n) for n in sorted(table.loc[table["arm"] == arm, "n"].unique()))
        for arm in arms
    }
