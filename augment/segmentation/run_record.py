"""What was run: recipe, machine and versions of an experiment, as blocks of its report."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from omegaconf import OmegaConf

from augment.segmentation.document import Block, Listing, Paragraph

LISTED_FIRST = ("recipe", "machine", "versions")


def what_was_run(record: Mapping[str, Any], table: pd.DataFrame) -> list[Block]:
    """Show the record of an experiment.

    Args:
        record: `experiment.json`; empty where there is none.
        table: Checked table of scores.

    Returns:
        A sentence with the size of the study, then one listing a part of the record.
    """
    runs = table[["arm", "n", "seed"]].drop_duplicates()
    tolerances = ", ".join(f"{value:g}" for value in sorted(table["tolerance_mm"].unique()))
    blocks: list[Block] = [
        Paragraph(
            f"{len(runs)} runs: {table['arm'].nunique()} arms, {runs['seed'].nunique()} seeds,"
            f" scored on {table['case'].nunique()} real cases and {table['label'].nunique()}"
            f" classes; tolerance of the surface Dice {tolerances}."
        )
    ]
    if not record:
        blocks.append(Paragraph("No experiment.json lies beside the scores."))
    rest = [name for name in record if name not in LISTED_FIRST]
    for name in (*LISTED_FIRST, *rest):
        if name in record:
            blocks.append(Listing(name.capitalize().replace("_", " "), _as_yaml(record[name])))
    return blocks


def _as_yaml(value: Any) -> str:
    if isinstance(value, dict | list):
        return OmegaConf.to_yaml(OmegaConf.create(value))
    return str(value)
