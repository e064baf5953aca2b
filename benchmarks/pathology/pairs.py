"""Solve every pair of pathologies at moderate grade, as pairs.md beside this file.

    pip install libigl
    python benchmarks/pathology/pairs.py

Each of the 24 rows of the clinical table with each other; the lids' row counts twice, coronal
synostosis stands beside. A pair is solved on the first of 16 heads that takes it. Crossings: pairs
of triangles that cross in the pathological head and not in the healthy one, found by libigl's exact
test (CGAL); of the skin with itself (lips, mouth, lids, chin and neck included), and of the skin
with what lies beneath it: globes, which the lids of a healthy head touch as well, and teeth.
"""

from itertools import combinations

import igl.copyleft.cgal
import numpy as np
from heads import HERE, open_basis, right, solved, write_report

from augment.morphable.template import PARTS
from augment.pathology import PATHOLOGIES, Case, PathologyBasis

TOLERANCE = 0.1
HEADER = "| Pair | unit off | skin crosses skin | skin crosses what is beneath | what was said |"


def main() -> None:
    """Write the report: totals, and every pair that was refused or whose skin crosses itself."""
    basis, rows, worst, held, refused, beneath = open_basis(), {}, 0.0, 0, 0, 0
    pairs = list(combinations(PATHOLOGIES, 2))
    for pair in pairs:
        case = solved(basis, [right(PATHOLOGIES[name]) for name in pair], 3, 0)
        key = " + ".join(pair)
        if isinstance(case, str):
            refused += 1
            rows[key] = f"| {key} | | | | {case} |"
            continue
        held += 1
        off = max(abs(s.measured - s.requested) for s in case.pathologies)
        worst = max(worst, off)
        skin, other = new_crossings(basis, case)
        beneath += other > 0
        if skin or off > TOLERANCE:
            rows[key] = f"| {key} | {off:.3f} | {skin} | {other} | |"
            print(rows[key], flush=True)
    text = (
        f"Made by `python benchmarks/pathology/pairs.py`: {len(pairs)} pairs of "
        f"{len(PATHOLOGIES)} entries, each at the middle of its moderate grade. {held} were "
        f"solved, the worst measure {worst:.3f} of its unit off (promised {TOLERANCE}); "
        f"{refused} were refused with the reason. In {len(rows) - refused} of the solved pairs the "
        f"skin crosses itself where the healthy head's does not; in {beneath} a lid or a gum cuts "
        "deeper into globe or teeth than before. The table names the pairs that were refused or "
        "whose skin crosses itself."
    )
    (HERE / "pairs.md").unlink(missing_ok=True)
    write_report("pairs.md", "Pairs of pathologies", text, HEADER, rows)


def new_crossings(basis: PathologyBasis, case: Case) -> tuple[int, int]:
    """Return how many pairs of triangles cross in the pathological head alone: skin with skin, and
    skin with other parts."""
    before = crossing_pairs(case.healthy_mm, basis.faces)
    after = crossing_pairs(case.pathological_mm, basis.faces)
    is_skin = basis.model.part_of_triangle.numpy() == PARTS.index("skin")
    new = [bool(is_skin[list(pair)].all()) for pair in after - before]
    return sum(new), len(new) - sum(new)


def crossing_pairs(vertices: np.ndarray, faces: np.ndarray) -> set[tuple[int, int]]:
    """Return the pairs of triangles that cross."""
    found = igl.copyleft.cgal.remesh_self_intersections(
        np.ascontiguousarray(vertices, np.float64), faces.astype(np.int64), detect_only=True
    )[2]
    return {(int(min(pair)), int(max(pair))) for pair in found}


if __name__ == "__main__":
    main()
