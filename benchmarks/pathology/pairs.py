"""Solve every pair of pathologies at moderate grade, as pairs.md beside this file.

    pip install libigl
    python benchmarks/pathology/pairs.py

Each of the 24 rows of the clinical table with each other; the lids' row counts twice, coronal
synostosis stands beside. A pair is solved on the first of 16 heads that takes it. Crossings: pairs
of triangles that cross in the pathological head and not in the healthy one, found by libigl's exact
test (CGAL); of the skin with itself (lips, mouth, lids, chin and neck included), and of the skin
with what lies beneath it: globes, which the lids of a healthy head touch as well, and teeth. Lips
and nostrils of healthy heads touch and cross by fractions of a millimetre: the skin crosses itself
where it does so by more than `TOUCH_MM`. Depth of a crossing: how far the lesser part of one
triangle lies beyond the other's plane, the lesser of both ways.
"""

from itertools import combinations

import igl.copyleft.cgal
import numpy as np
from heads import HERE, open_basis, right, solved, write_report

from augment.morphable.template import PARTS
from augment.pathology import PATHOLOGIES, Case, PathologyBasis

TOLERANCE = 0.1
TOUCH_MM = 0.5
HEADER = "| Pair | unit off | skin through skin, mm | through what is beneath, mm | what was said |"


def main() -> None:
    """Write the report: totals, and pairs that were refused, that touch deepest or cross."""
    basis, rows, worst, deepest = open_basis(), {}, 0.0, 0.0
    held, refused, crossed, touching, beneath = 0, 0, 0, 0, 0
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
        skin, other = new_crossings_mm(basis, case)
        crossed, touching = crossed + (skin > TOUCH_MM), touching + (0.0 < skin <= TOUCH_MM)
        beneath, deepest = beneath + (other > TOUCH_MM), max(deepest, other)
        if skin > TOUCH_MM or off > TOLERANCE:
            rows[key] = f"| {key} | {off:.3f} | {skin:.2f} | {other:.2f} | |"
            print(rows[key], flush=True)
    text = (
        f"Made by `python benchmarks/pathology/pairs.py`: {len(pairs)} pairs of "
        f"{len(PATHOLOGIES)} entries, each at the middle of its moderate grade. {held} were "
        f"solved, the worst measure {worst:.3f} of its unit off (promised {TOLERANCE}); "
        f"{refused} were refused with the reason. In {crossed} of the solved pairs the skin passes "
        f"through itself by more than {TOUCH_MM} mm where the healthy head's does not, in "
        f"{touching} it touches itself more than before; in {beneath} a lid or a gum cuts more "
        f"than {TOUCH_MM} mm deeper into globe or teeth, at most {deepest:.1f} mm. The table names "
        "the pairs that were refused or whose skin crosses itself."
    )
    (HERE / "pairs.md").unlink(missing_ok=True)
    write_report("pairs.md", "Pairs of pathologies", text, HEADER, rows)


def new_crossings_mm(basis: PathologyBasis, case: Case) -> tuple[float, float]:
    """Return how deep triangles cross in the pathological head alone, 0 where none does: skin with
    skin, and skin with other parts."""
    before = crossing_pairs(case.healthy_mm, basis.faces)
    new = np.array(sorted(crossing_pairs(case.pathological_mm, basis.faces) - before), int)
    if not len(new):
        return 0.0, 0.0
    corners = case.pathological_mm[basis.faces]
    depth = np.minimum(
        beyond_mm(corners[new[:, 0]], corners[new[:, 1]]),
        beyond_mm(corners[new[:, 1]], corners[new[:, 0]]),
    )
    is_skin = (basis.model.part_of_triangle.numpy() == PARTS.index("skin"))[new].all(axis=1)
    return float(depth[is_skin].max(initial=0.0)), float(depth[~is_skin].max(initial=0.0))


def beyond_mm(triangles: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return how far the lesser part of each triangle (n, 3, 3) lies beyond the other's plane."""
    normal = np.cross(others[:, 1] - others[:, 0], others[:, 2] - others[:, 0])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    height = np.einsum("nkc,nc->nk", triangles - others[:, :1], normal)
    return np.minimum(height.max(axis=1), -height.min(axis=1))


def crossing_pairs(vertices: np.ndarray, faces: np.ndarray) -> set[tuple[int, int]]:
    """Return the pairs of triangles that cross."""
    found = igl.copyleft.cgal.remesh_self_intersections(
        np.ascontiguousarray(vertices, np.float64), faces.astype(np.int64), detect_only=True
    )[2]
    return {(int(min(pair)), int(max(pair))) for pair in found}


if __name__ == "__main__":
    main()
