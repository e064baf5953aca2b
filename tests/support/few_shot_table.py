"""A made-up table of scores with known gain and harm, for tests of statistics and report."""

import pandas as pd

from augment.streams import stream

REAL = {1: 0.70, 3: 0.80, 6: 0.85, 12: 0.90}
LABELS = {"skin": 0.03, "eyes": -0.03}
CASES = tuple(f"{number:03d}" for number in range(10))
SEEDS = (0, 1, 2)


def few_shot_table(
    gains=None, cases=CASES, seeds=SEEDS, labels=None, noise=0.004, spread=0.02, case_gains=None
):
    """Scores of `real` and of arms with the given gains over it.

    Args:
        gains: Arm to (n to gain over real at n); n = 0 gives the Dice itself.
        cases: Names of the cases.
        seeds: Seeds.
        labels: Class to its offset from the mean.
        noise: Standard deviation of a single score.
        spread: Standard deviation between cases, the same for all arms.
        case_gains: (arm, n, case) to an additional gain.
    """
    labels = labels or LABELS
    means = {("real", n): dice for n, dice in REAL.items()}
    for arm, own in (gains or {}).items():
        means |= {(arm, n): REAL[n] + gain if n else gain for n, gain in own.items()}
    rng = stream(3, 0, "few_shot_table")
    case_offset = {case: rng.normal(0, spread) for case in cases}
    # The mean over cases is the one that was asked for.
    middle = sum(case_offset.values()) / len(cases)
    rows = []
    for (arm, n), dice in means.items():
        for seed in seeds:
            for case in cases:
                extra = (case_gains or {}).get((arm, n, case), 0.0)
                for label, offset in labels.items():
                    score = dice + case_offset[case] - middle + offset + rng.normal(0, noise)
                    score = min(1.0, max(0.0, score + extra))
                    rows.append(
                        (
                            "made_up",
                            arm,
                            n,
                            seed,
                            case,
                            label,
                            score,
                            40 * (1 - score),
                            score,
                            2.0,
                            3.0 + (arm != "real"),
                            500,
                        )
                    )
    columns = ["task", "arm", "n", "seed", "case", "label", "dice", "hd95_mm", "surface_dice"]
    return pd.DataFrame(rows, columns=[*columns, "tolerance_mm", "minutes", "steps"])
