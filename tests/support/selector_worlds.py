"""Worlds in which synthetic data helps few cases, some tasks more, some not at all."""

import numpy as np
import pandas as pd

from augment.segmentation.selector import REAL, Candidate, plan_cross_validation

CANDIDATES = (Candidate("pretrain"), Candidate("mix", 0.25), Candidate("mix", 0.5))


class World:
    """True gains of every candidate at any n, and scores drawn around them."""

    def __init__(self, rng):
        at_one = rng.normal(0.05, 0.04)
        at_twelve = rng.normal(-0.01, 0.015)
        slopes = (at_twelve - at_one) / np.log(12)
        own = rng.normal(0, 0.01, len(CANDIDATES))
        self.gains = [(at_one + shift, slopes) for shift in own]
        self.rng = rng

    def gain(self, candidate, n):
        """The true gain of a candidate over real cases alone when given n of them."""
        if candidate == REAL:
            return 0.0
        start, slope = self.gains[CANDIDATES.index(candidate)]
        return start + slope * np.log(n)

    def cross_validation(self, n):
        """Scores of held-out cases; folds train on fewer than n cases."""
        cases = [f"c{number}" for number in range(n)]
        level = dict(zip(cases, self.rng.normal(0.8, 0.05, n), strict=True))
        moved = {(c, k): self.rng.normal(0, 0.03) for c in cases for k in CANDIDATES}
        rows = []
        for run in plan_cross_validation(cases, CANDIDATES, (0,)):
            gain = self.gain(run.candidate, len(run.train))
            for case in run.held_out:
                dice = level[case] + gain + moved.get((case, run.candidate), 0.0)
                dice += self.rng.normal(0, 0.01)
                rows.append((run.candidate.arm, run.candidate.ratio, case, run.seed, dice))
        return pd.DataFrame(rows, columns=["arm", "ratio", "case", "seed", "dice"])
