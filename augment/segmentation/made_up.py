"""Made-up cases for a study that takes seconds: discs and bars, and the YAML that says so."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from augment.recipe.experiment import MADE_UP, ExperimentSpec
from augment.streams import stream

N_CASES, SIZE_PX = 6, (40, 36)
DESCRIPTION = """name: made_up
dimensions: 2
layout: {image: "images/{case}.png", label: "masks/{case}.png"}
labels: {0: background, 1: disc, 2: bar}
always_contoured: [disc, bar]
splits: {finetune: ["0", "1", "2"], validation: ["3", "4", "5"]}
segmentation: {score_background: true, tolerance: 2.0}
"""


def with_cases(spec: ExperimentSpec, folder: Path) -> ExperimentSpec:
    """Return a study with its cases: drawn into a folder if it asks for made-up ones.

    Args:
        spec: A checked recipe.
        folder: Where made-up cases go.
    """
    if spec.data != MADE_UP:
        return spec
    draw_cases(folder)
    return replace(spec, dataset=str(folder / "dataset.yaml"), data=str(folder))


def draw_cases(folder: Path) -> None:
    """Write images, masks and `dataset.yaml`; the same bytes every time."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "dataset.yaml").write_text(DESCRIPTION, encoding="utf-8")
    for number in range(N_CASES):
        rng = stream(0, number, "made up")
        mask = np.zeros(SIZE_PX, np.uint8)
        column, row = (int(k) for k in rng.integers(9, 16, 2))
        cv2.circle(mask, (column, row), int(rng.integers(5, 8)), 1, -1)
        left, top = int(rng.integers(4, 10)), int(rng.integers(26, 32))
        cv2.rectangle(mask, (left, top), (left + 18, top + 4), 2, -1)
        colours = rng.integers(40, 220, (3, 3))
        image = colours[mask] + rng.normal(0, 6, (*SIZE_PX, 3))
        cv2.imwrite(str(folder / f"images/{number}.png"), np.clip(image, 0, 255).astype(np.uint8))
        cv2.imwrite(str(folder / f"masks/{number}.png"), mask)
