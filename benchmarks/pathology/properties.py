"""What holds for each pathology and side whatever the severity, as properties.md beside this file.

    python benchmarks/pathology/properties.py [NAMES]

- monotone: the measure over 200 steps of the coefficient, from none to the strongest that tissue
  bears, on three heads; the smallest step over the mean step, above 0 where it never turns.
- outside: motion of vertices outside the stated region at the severest grade, RMS over them, mm.
- mirror: the left-sided result on the mirrored head against the mirrored right-sided result, mm.
- volume: smallest det(I + coefficient · gradient) at the strongest coefficient, on 40,000 random
  points of the head, at the skin and deep.
"""

import numpy as np
import torch
from heads import asked_for, drawn, group_of, moderate, open_basis, whole_range, write_report

from augment.errors import RecipeError
from augment.morphable.regions import REGIONS
from augment.pathology import PATHOLOGIES, Pathology, PathologyBasis, Request, solve_case
from augment.pathology.limits import LATTICE_BOX_MM
from augment.pathology.solve import _Problem, healthy_vertices
from augment.sample import Subject

N_STEPS, N_HEADS, N_POINTS = 200, 3, 40_000
HEADER = "| Pathology | monotone | outside | mirror | volume |"


def main() -> None:
    """Write the report."""
    asked, basis = asked_for(), open_basis()
    regions = vertex_regions(basis)
    text = "Made by `python benchmarks/pathology/properties.py`, which says what the columns are. "
    text += "Promised: monotone above 0, outside at most 0.05 mm, volume above 0."
    for name in asked.names:
        entry = PATHOLOGIES[name]
        for side in entry.sides or (None,):
            mirror = f"{mirrored_mm(basis, entry):.4f}" if side == "left" else ""
            key = f"{name}, {side}" if side else name
            row = (
                f"| {key} | {monotony(basis, entry, side):+.3f} | "
                f"{outside_mm(basis, entry, side, regions):.3f} | {mirror} | "
                f"{smallest_volume(basis, entry, side):.2f} |"
            )
            print(row, flush=True)
            title = "Properties of every pathology"
            write_report("properties.md", title, text, HEADER, {key: row})


def monotony(basis: PathologyBasis, entry: Pathology, side: str | None) -> float:
    """Return the smallest step over the mean step, in the direction of the whole way."""
    least = np.inf
    for k in range(N_HEADS):
        subject = drawn(basis, group_of(entry), 5, k)
        head = healthy_vertices(basis.model, subject)
        problem = _Problem(basis, subject, head, [Request(entry.name, 1.0, side)])
        strongest = problem.columns[0].limits[1]
        values = [problem.measure(np.array([c]))[0] for c in np.linspace(0, strongest, N_STEPS + 1)]
        steps = np.diff(values)
        least = min(least, float((steps / steps.mean()).min()))
    return least


def vertex_regions(basis: PathologyBasis) -> list[set[str]]:
    """Return every region that a vertex touches, by name without side."""
    model = basis.model
    size = model.region_map.shape[0]
    corner = model.uv[model.uv_faces].numpy().reshape(-1, 2)
    texel = np.clip((np.stack([1 - corner[:, 1], corner[:, 0]], 1) * size).astype(int), 0, size - 1)
    region = model.region_map.numpy()[texel[:, 0], texel[:, 1]]
    found: list[set[str]] = [set() for _ in range(model.n_vertices)]
    for vertex, number in zip(model.faces.numpy().ravel(), region, strict=True):
        found[vertex].add(REGIONS[number].removesuffix("_left").removesuffix("_right"))
    return found


def outside_mm(
    basis: PathologyBasis, entry: Pathology, side: str | None, regions: list[set[str]]
) -> float:
    """Return the motion outside the region at the severest grade that fits, RMS."""
    low, high = whole_range(entry)
    severe = high if entry.grades[-1].high == high else low
    outside = np.array([bool(names) and not names & set(entry.region) for names in regions])
    for share in np.linspace(1.0, 0.0, 11):
        asked = moderate(entry) + share * (severe - moderate(entry))
        try:
            subject = drawn(basis, group_of(entry), 5, 0)
            case = solve_case(basis, subject, [Request(entry.name, asked, side)])
        except RecipeError:
            continue
        return float(np.sqrt((case.offset_mm[outside] ** 2).sum(axis=1).mean()))
    return np.nan


def mirrored_mm(basis: PathologyBasis, entry: Pathology) -> float:
    """Return how far the left-sided result is from the mirror image of the right-sided one."""
    one = drawn(basis, group_of(entry), 5, 1)
    identity = basis.model.mirrored(torch.as_tensor(one.identity)[None].float())[0].numpy()
    two = Subject(identity=identity.astype(np.float64), sex=one.sex)
    first = solve_case(basis, one, [Request(entry.name, moderate(entry), "right")])
    second = solve_case(basis, two, [Request(entry.name, moderate(entry), "left")])
    image = first.offset_mm[basis.model.mirror_vertex.numpy()] * [-1, 1, 1]
    return float(np.linalg.norm(second.offset_mm - image, axis=1).max())


def smallest_volume(basis: PathologyBasis, entry: Pathology, side: str | None) -> float:
    """Return the smallest volume ratio at the strongest coefficient."""
    column = basis.column(entry, side)
    points = np.random.default_rng(7).uniform(*LATTICE_BOX_MM, size=(N_POINTS, 3))
    smallest, step = 1.0, 1e-3
    for depth_mm in (0.0, 40.0):
        depth = np.full(len(points), depth_mm)
        ahead, behind = (
            [column.deformation.displacement(points + s * d, depth) for d in np.eye(3)]
            for s in (step, -step)
        )
        gradient = np.stack([(a - b) / (2 * step) for a, b in zip(ahead, behind, strict=True)], -1)
        determinant = np.linalg.det(np.eye(3) + column.limits[1] * gradient)
        smallest = min(smallest, float(determinant.min()))
    return smallest


if __name__ == "__main__":
    main()
