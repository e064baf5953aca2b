"""The table of scores: one row a task, arm, n, seed, case and class; read, checked, arranged.

`n` is the number of real labelled cases that an arm was given; an arm that saw none has n = 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import pandas as pd
from jaxtyping import Float64

from augment.errors import AssetError

KEY = ("task", "arm", "n", "seed", "case", "label")
VALUES = ("dice", "hd95_mm", "surface_dice", "tolerance_mm", "minutes", "steps")
SCORES = VALUES[:3]
COLUMNS = KEY + VALUES
REFERENCE = "real"
"""The arm that every other one is compared with: the n real cases alone."""
SELECTED = "selected"
"""The arm whose way to train is chosen by cross-validation on the n real cases."""
COMPETITORS = ("carvemix", "primitives")
"""Published methods to compare with."""
FIRST_ARMS = (REFERENCE, "synthetic", "pretrain", "mix", "anchored")
"""Order of the arms in tables and figures; others follow by name, competitors come last."""


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


@dataclass(frozen=True, eq=False)
class Scores:
    """A checked table of scores, arranged.

    Attributes:
        task: Name of the task.
        table: Its rows, sorted by their key.
        cases: Names of the cases, sorted.
        labels: Names of the classes, sorted.
        counts: Arm to the numbers of real cases that it was run with; the reference comes first.
        seeds: (arm, n) to the seeds, ascending.
        values: Concretely, values[arm, n, score][c, s, k] = v means that the run with seed s has
            this value of that score for case c and class k.
    """

    task: str
    table: pd.DataFrame
    cases: tuple[str, ...]
    labels: tuple[str, ...]
    counts: Mapping[str, tuple[int, ...]]
    seeds: Mapping[tuple[str, int], tuple[int, ...]]
    values: Mapping[tuple[str, int, str], Float64[np.ndarray, "cases seeds labels"]]

    def cell(self, arm: str, n: int, label: str | None = None, score: str = "dice") -> Cell:
        """Return the scores of one arm at one n.

        Args:
            arm: Name of the arm.
            n: Number of real cases.
            label: Class, or None for the mean over all classes.
            score: dice, hd95_mm or surface_dice.

        Raises:
            KeyError: If the arm has no run at that n, or the class is unknown.
        """
        if (arm, n, score) not in self.values:
            raise KeyError(f"no {score} of arm {arm!r} at n = {n}")
        values = self.values[arm, n, score]
        if label is None:
            return Cell(values.mean(axis=2), self.cases, self.seeds[arm, n])
        if label not in self.labels:
            raise KeyError(f"no class {label!r}, there are {', '.join(self.labels)}")
        return Cell(values[..., self.labels.index(label)], self.cases, self.seeds[arm, n])


def read_scores(path: Path) -> Scores:
    """Read `metrics.csv` and check that it can carry statistics.

    Args:
        path: The file.

    Returns:
        Its scores.

    Raises:
        AssetError: If the file is missing, or its rows are not as `arrange_scores` wants them.
    """
    if not path.is_file():
        raise AssetError(
            f"the report expects the table {path}, which is missing; run `facies experiment` first"
        )
    return arrange_scores(pd.read_csv(path, dtype={"case": str, "label": str, "arm": str}))


def arrange_scores(table: pd.DataFrame) -> Scores:
    """Check a table of scores and arrange it.

    Args:
        table: Rows with the columns of `COLUMNS`.

    Returns:
        The scores; the order of rows does not matter.

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
    bad = table[list(SCORES)].isna().any(axis=1)
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
    table = table.sort_values(list(KEY), kind="stable", ignore_index=True)
    cases, labels = (tuple(sorted(table[name].unique())) for name in ("case", "label"))
    seeds: dict[tuple[str, int], tuple[int, ...]] = {}
    values: dict[tuple[str, int, str], Float64[np.ndarray, "cases seeds labels"]] = {}
    for run, rows in table.groupby(["arm", "n"]):
        arm, n = cast(tuple[str, int], run)
        seeds[arm, int(n)] = tuple(int(seed) for seed in sorted(rows["seed"].unique()))
        for score in SCORES:
            grid = rows[score].to_numpy(dtype=np.float64).reshape(-1, len(cases), len(labels))
            values[arm, int(n), score] = grid.transpose(1, 0, 2)
    return Scores(tasks[0], table, cases, labels, _counts(seeds), seeds, values)


def _counts(runs: Mapping[tuple[str, int], tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Return the numbers of real cases of every arm, arms in the order of the report."""

    def place(arm: str) -> tuple[bool, int, str]:
        first = FIRST_ARMS.index(arm) if arm in FIRST_ARMS else len(FIRST_ARMS)
        return arm in COMPETITORS, first, arm

    arms = sorted({arm for arm, _ in runs}, key=place)
    return {arm: tuple(sorted(n for name, n in runs if name == arm)) for arm in arms}


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
