"""Solve the means of the prior's local changes for published norms of young adults.

    python benchmarks/morphable/calibrate.py

Prints the table `OF_ADULTS` of augment/morphable/mean_locals.py, solved from `OF_MODES`. With r the
deviations of the mean measures from their norms in SD and J their derivatives by the sliders
(forward differences over heads of common random numbers), each of `STEPS` steps is the ridge's
least change -J' (J J' + λ)⁻¹ r. `KEPT_SD` names measures that stay where they are. The bigonial
width is left alone: on the skin it lies a masseter outside the bone to which Farkas' caliper
presses.
"""

import argparse

import numpy as np
import torch

from augment.morphable import load_face_model
from augment.morphable import mean_locals as table
from augment.morphable.anthropometry import ADULT_NORMS, NORM_SEXES, measure_head
from augment.morphable.prior import PriorSpec, draw_subject, local_spread
from augment.pathology import PathologyBasis, measures
from augment.pathology.anchors import all_points
from augment.streams import stream

NORMS = {
    name: norms
    for name, norms in ADULT_NORMS.items()
    if name not in ("biocular_width", "bigonial_width")
}
KEPT_SD = {"biocular_width": 3.0, "nasal_protrusion": 1.9}
STEPS, RIDGE, DIFFERENCE, FARTHEST = 3, 0.05, 0.1, 0.7
N_HEADS, N_FOR_SLOPES = 48, 12


def main() -> None:
    """Print the solved table."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    basis = PathologyBasis(load_face_model())
    sliders = sorted({*table.OF_ADULTS["male"], *table.OF_ADULTS["female"]} - {"eye-scale-incr"})
    for row, sex in enumerate(NORM_SEXES):
        print(f"{sex}: {solved(basis, sex, row, sliders)}", flush=True)


def solved(basis: PathologyBasis, sex: str, row: int, sliders: list[str]) -> dict[str, float]:
    """Return the means of local changes that bring one sex to its norms, rounded to 0.01."""
    means = table.OF_ADULTS[sex]
    means.clear()
    means.update(table.OF_MODES[sex])
    spread = np.array([local_spread(name) for name in sliders])
    kept = mean_measures(basis, sex)
    norm = np.array([*(pair[row][0] for pair in NORMS.values()), *kept[len(NORMS) :]])
    sd = np.array([*(pair[row][1] for pair in NORMS.values()), *KEPT_SD.values()])
    slope = derivatives(basis, sex, sliders) / sd[:, None] * spread
    for step in range(STEPS + 1):
        off = (mean_measures(basis, sex) - norm) / sd
        print(f"{sex}, step {step}: largest deviation {np.abs(off).max():.2f} SD", flush=True)
        change = -slope.T @ np.linalg.solve(slope @ slope.T + RIDGE * np.eye(len(off)), off)
        for name, value in zip(sliders, change * spread * (step < STEPS), strict=True):
            means[name] = float(np.clip(means.get(name, 0.0) + value, -FARTHEST, FARTHEST))
    return {name: round(value, 2) for name, value in means.items()}


def derivatives(basis: PathologyBasis, sex: str, sliders: list[str]) -> np.ndarray:
    """Return the change of every mean measure per unit of every slider's mean."""
    means, columns = table.OF_ADULTS[sex], []
    start = mean_measures(basis, sex, N_FOR_SLOPES)
    for name in sliders:
        before = means.get(name, 0.0)
        means[name] = before + DIFFERENCE
        columns.append((mean_measures(basis, sex, N_FOR_SLOPES) - start) / DIFFERENCE)
        means[name] = before
    return np.stack(columns, axis=1)


def mean_measures(basis: PathologyBasis, sex: str, n: int = N_HEADS) -> np.ndarray:
    """Return the means of all measures over the same heads at every call."""
    spec = PriorSpec(age_years=(18.0, 40.0), sex=sex, ancestry="caucasian")
    drawn = [draw_subject(basis.model, stream(1, k, f"adult {sex}"), spec) for k in range(n)]
    identity = torch.as_tensor(np.stack([s.identity for s in drawn]), dtype=torch.float32)
    rows = []
    for head in basis.model.vertices(identity).double().numpy():
        points = basis.anchors.named(all_points(basis.anchors, basis.model, head))
        values = measure_head(points) | {
            "SNA": measures.sna_deg(points),
            "SNB": measures.snb_deg(points),
            "ANB": measures.anb_deg(points),
        }
        rows.append([values[name] for name in (*NORMS, *KEPT_SD)])
    return np.mean(rows, axis=0)


if __name__ == "__main__":
    main()
