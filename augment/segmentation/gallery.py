"""Which cases the report shows: the best, the median, the worst and the one that lost most."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from augment.errors import AssetError
from augment.segmentation.comparison import Comparison
from augment.segmentation.document import Block, Heading, Paragraph, Picture
from augment.segmentation.findings import headline_arm, signed_points
from augment.segmentation.overlays import BACKGROUND, COLOUR_NAMES, RealCase, draw_overlay, jpeg
from augment.segmentation.score_table import REFERENCE, Cell, Scores, paired


def gallery(
    out: Path,
    scores: Scores,
    comparisons: Sequence[Comparison],
    read_case: Callable[[str], RealCase] | None,
) -> list[Block]:
    """Show single cases of the headline arm beside real cases alone, at its smallest n.

    Args:
        out: Folder of the experiment with `predictions/`.
        scores: All scores.
        comparisons: All comparisons.
        read_case: Returns a real case by name, or None for no pictures.

    Returns:
        A heading, and one picture a case; nothing without comparisons or `read_case`.

    Raises:
        AssetError: If a prediction that must be shown is missing.
    """
    if read_case is None or not comparisons:
        return []
    arm = headline_arm(comparisons)
    item = min((c for c in comparisons if c.arm == arm), key=lambda c: (c.n, c.n_real))
    ours, reference = paired(scores.cell(arm, item.n), scores.cell(REFERENCE, item.n_real))
    runs = [f"{REFERENCE}_{item.n_real}_{ours.seeds[0]}", f"{arm}_{item.n}_{ours.seeds[0]}"]
    blocks: list[Block] = [Heading("Single cases")]
    shown: dict[str, str] = {}
    for title, name in chosen_cases(ours, item).items():
        shown[name] = f"{shown[name]}, {title.lower()}" if name in shown else title
    for name, title in shown.items():
        case = read_case(name)
        if len(blocks) == 1:
            blocks.append(Paragraph(_legend(case, arm, item, ours.seeds[0])))
        predictions = [read_prediction(out, run, name) for run in runs]
        row = ours.cases.index(name)
        caption = (
            f"{title}: case {name}. Dice {reference.values[row].mean():.3f} from real cases alone,"
            f" {ours.values[row].mean():.3f} by {arm}"
            f" ({signed_points(item.by_case[name])} points), mean over classes and seeds."
        )
        picture = jpeg(draw_overlay(case, predictions))
        blocks.append(Picture(f"case_{name}.jpg", caption, picture))
    return blocks


def chosen_cases(ours: Cell, item: Comparison) -> dict[str, str]:
    """Choose cases by the arm's Dice, mean over seeds; ties go to the first name.

    Args:
        ours: Dice of the arm, mean over classes.
        item: Its comparison with real cases alone.

    Returns:
        Title to name of the case; the largest loss only where there is one.
    """
    order = np.argsort(-ours.values.mean(axis=1), kind="stable")
    names = [ours.cases[position] for position in order]
    chosen = {"Best": names[0], "Median": names[len(names) // 2], "Worst": names[-1]}
    if item.lost:
        chosen["Largest loss"] = item.lost[0]
    return chosen


def read_prediction(out: Path, run: str, case: str) -> UInt8[np.ndarray, "*space"]:
    """Read the class numbers that a run predicted for a case.

    Args:
        out: Folder of the experiment.
        run: `ARM_N_SEED`.
        case: Name of the case.

    Raises:
        AssetError: If the file is missing or holds no mask.
    """
    path = out / "predictions" / run / f"{case}.npz"
    if not path.is_file():
        raise AssetError(
            f"the report expects the prediction {path}, which is missing; repeat the run"
        )
    with np.load(path) as archive:
        if "mask" not in archive:
            raise AssetError(
                f"a prediction expects the key 'mask', got {sorted(archive)!r} in {path}"
            )
        return np.asarray(archive["mask"], dtype=np.uint8)


def _legend(case: RealCase, arm: str, item: Comparison, seed: int) -> str:
    names = [name for number, name in case.labels.items() if number != BACKGROUND]
    colours = ", ".join(
        f"{name} {COLOUR_NAMES[position % len(COLOUR_NAMES)]}"
        for position, name in enumerate(names)
    )
    sides = ("left", "right") if case.truth.ndim == 2 else ("above", "below")
    return (
        f"White on black: reference. In colour: prediction ({colours})."
        f" {sides[0].capitalize()}: real cases alone (n = {item.n_real}); {sides[1]}: {arm}"
        f" (n = {item.n}); seed {seed}. Cases are ranked by the Dice of {arm}."
    )
