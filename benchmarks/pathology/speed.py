"""Time of solving three pathologies at once, as speed.md beside this file.

    python benchmarks/pathology/speed.py

Batches of 64 heads, one core, processor time, fields sampled before; drawing of heads not counted.
"""

import time

import numpy as np
from heads import ADULTS, INFANTS, drawn, open_basis, right, write_report

from augment.errors import RecipeError
from augment.pathology import PATHOLOGIES, PathologyBasis, solve_case

BATCH = 64
TRIPLES = (
    (ADULTS, ("hypertelorism", "crooked_nose", "mandibular_prognathism")),
    (ADULTS, ("zygomatic_depression", "cheek_swelling", "chin_deviation")),
    (ADULTS, ("facial_palsy", "hemifacial_atrophy", "ptosis")),
    (INFANTS, ("sagittal_synostosis", "plagiocephaly", "cleft_lip_nose")),
)
HEADER = "| Pathologies | ms a case | median | refused |"


def main() -> None:
    """Write the report."""
    basis, rows = open_basis(), {}
    for ages, names in TRIPLES:
        key = ", ".join(names)
        rows[key] = f"| {key} | {timed(basis, ages, names)} |"
        print(rows[key], flush=True)
    text = "Made by `python benchmarks/pathology/speed.py`: 64 heads each, mild grades, processor "
    text += "time of one core on a shared machine; 50 ms are promised."
    write_report("speed.md", "Time of solving three pathologies", text, HEADER, rows)


def timed(basis: PathologyBasis, ages: tuple[float, float], names: tuple[str, ...]) -> str:
    """Return mean and median milliseconds of a case, and how many were refused."""
    requests = [
        right(e, np.mean([e.grades[0].low, e.grades[0].high]).item())
        for e in (PATHOLOGIES[name] for name in names)
    ]
    heads = [drawn(basis, ages, 8, k) for k in range(BATCH + 1)]
    spent, refused = [], 0
    for head in heads:
        begun = time.process_time()
        try:
            solve_case(basis, head, requests)
        except RecipeError:
            refused += 1
        spent.append(1000 * (time.process_time() - begun))
    spent = spent[1:]  # the first one samples the fields
    return f"{np.mean(spent):.1f} | {np.median(spent):.1f} | {refused} of {len(heads)}"


if __name__ == "__main__":
    main()
