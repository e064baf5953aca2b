"""Solve every pair of pathologies at moderate grade, as pairs.md beside this file.

    pip install libigl
    python benchmarks/pathology/pairs.py

Each of the 24 rows of the clinical table with each other; the lids' row counts twice, coronal
synostosis stands beside. A pair is solved on the first of 16 heads that takes it. Crossings are
pairs of triangles found by libigl's exact test (CGAL). Skin with skin (lips, mouth, lids, chin and
neck included) counts where the healthy head does not cross there; it touches itself up to
`TOUCH_MM`, and passes through itself beyond. What lies beneath touches skin in healthy heads as
well, by design of the mesh: the lids' lining lies in the globe's surface, which it has to follow
without a gap, and the lining of the mouth is one sheet, through which every tooth and the tongue
come as a tooth comes through its gum. So two kinds of surface are compared (`KINDS`), and what
counts is how much deeper their deepest crossing is than in the healthy head. Depth of a crossing:
how far the lesser part of one triangle lies beyond the other's plane, the lesser of both ways.
"""

from itertools import combinations

import igl.copyleft.cgal
import numpy as np
from heads import HERE, open_basis, right, solved, write_report

from augment.morphable.template import PARTS
from augment.pathology import PATHOLOGIES, Case, PathologyBasis

TOLERANCE = 0.1
TOUCH_MM = 0.5
KINDS = ("skin", "lid lining", "mouth lining", "globe", "teeth", "tongue")
SKIN = {f"{a} and {b}" for k, a in enumerate(KINDS[:3]) for b in KINDS[k:3]}
HEADER = "| Pair | unit off | skin through skin, mm | deeper beneath, mm | what was said |"


def main() -> None:
    """Write the report: totals, and pairs that were refused, that cross or cut deepest."""
    basis, rows, off_by, skin_mm, beneath_mm = open_basis(), {}, [], [], []
    deepest: dict[str, float] = {}
    pairs = list(combinations(PATHOLOGIES, 2))
    for pair in pairs:
        case = solved(basis, [right(PATHOLOGIES[name]) for name in pair], 3, 0)
        key = " + ".join(pair)
        if isinstance(case, str):
            rows[key] = f"| {key} | | | | {case} |"
            continue
        off = max(abs(s.measured - s.requested) for s in case.pathologies)
        found = new_crossings_mm(basis, case)
        skin = max((mm for name, mm in found.items() if name in SKIN), default=0.0)
        beneath = max((mm for name, mm in found.items() if name not in SKIN), default=0.0)
        deepest |= {name: max(mm, deepest.get(name, 0.0)) for name, mm in found.items()}
        off_by, skin_mm, beneath_mm = [*off_by, off], [*skin_mm, skin], [*beneath_mm, beneath]
        if skin > TOUCH_MM or beneath > TOUCH_MM or off > TOLERANCE:
            rows[key] = f"| {key} | {off:.3f} | {skin:.2f} | {beneath:.2f} | |"
            print(rows[key], flush=True)
    (HERE / "pairs.md").unlink(missing_ok=True)
    text = summary(len(pairs), np.array(off_by), np.array(skin_mm), np.array(beneath_mm), deepest)
    write_report("pairs.md", "Pairs of pathologies", text, HEADER, rows)


def summary(
    n_pairs: int,
    off_by: np.ndarray,
    skin_mm: np.ndarray,
    beneath_mm: np.ndarray,
    deepest: dict[str, float],
) -> str:
    """Return the totals in words."""
    each = ", ".join(f"{name} {mm:.2f}" for name, mm in sorted(deepest.items()) if mm > 0.0)
    return (
        f"Made by `python benchmarks/pathology/pairs.py`: {n_pairs} pairs of "
        f"{len(PATHOLOGIES)} entries, each at the middle of its moderate grade. {len(off_by)} were "
        f"solved, the worst measure {off_by.max():.3f} of its unit off (promised {TOLERANCE}); "
        f"{n_pairs - len(off_by)} were refused with the reason. In {(skin_mm > TOUCH_MM).sum()} of "
        f"the solved pairs the skin passes through itself by more than {TOUCH_MM} mm where the "
        f"healthy head's does not, in {((skin_mm > 0) & (skin_mm <= TOUCH_MM)).sum()} it touches "
        f"itself more than before; in {(beneath_mm > TOUCH_MM).sum()} a lid, a lip or the mouth's "
        f"lining cuts more than {TOUCH_MM} mm deeper into globe, teeth or tongue than in the "
        f"healthy head. Most of all pairs, by what meets, mm: {each or 'none'}. The table names "
        "the pairs that were refused, or that cross or cut by more."
    )


def kinds_of(basis: PathologyBasis) -> np.ndarray:
    """Return for each triangle which of `KINDS` it is."""
    model = basis.model
    part = model.part_of_triangle.numpy()
    uv = model.uv.numpy()[model.uv_faces.numpy()].mean(axis=1)
    kinds = np.full(len(part), KINDS.index("skin"))
    kinds[(uv[:, 0] > 0.6) & (uv[:, 1] > 0.76)] = KINDS.index("lid lining")
    kinds[(uv[:, 0] > 0.33) & (uv[:, 0] < 0.51) & (uv[:, 1] > 0.8)] = KINDS.index("mouth lining")
    for kind, parts in (
        ("globe", ("eye_left", "eye_right")),
        ("teeth", ("teeth_upper", "teeth_lower")),
        ("tongue", ("tongue",)),
    ):
        kinds[np.isin(part, [PARTS.index(name) for name in parts])] = KINDS.index(kind)
    return kinds


def new_crossings_mm(basis: PathologyBasis, case: Case) -> dict[str, float]:
    """Return how much deeper triangles cross than in the healthy head, by kinds of surface; skin
    with skin only where the healthy head does not cross."""
    kinds = kinds_of(basis)
    before = crossing_pairs(case.healthy_mm, basis.faces)
    after = crossing_pairs(case.pathological_mm, basis.faces)
    deepest = _deepest_mm(case.pathological_mm, basis.faces, kinds, after)
    healthy = _deepest_mm(case.healthy_mm, basis.faces, kinds, before)
    fresh = _deepest_mm(case.pathological_mm, basis.faces, kinds, after - before)
    return {
        key: fresh.get(key, 0.0) if key in SKIN else depth - healthy.get(key, 0.0)
        for key, depth in deepest.items()
    }


def _deepest_mm(
    vertices: np.ndarray, faces: np.ndarray, kinds: np.ndarray, pairs: set[tuple[int, int]]
) -> dict[str, float]:
    """Return the deepest crossing of each two kinds of surface."""
    if not pairs:
        return {}
    rows = np.array(sorted(pairs), int)
    corners = vertices[faces]
    first, second = corners[rows[:, 0]], corners[rows[:, 1]]
    depth = np.minimum(beyond_mm(first, second), beyond_mm(second, first))
    deepest: dict[str, float] = {}
    for ends, value in zip(np.sort(kinds[rows], axis=1), depth, strict=True):
        key = " and ".join(KINDS[end] for end in ends)
        deepest[key] = max(deepest.get(key, 0.0), float(value))
    return deepest


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
