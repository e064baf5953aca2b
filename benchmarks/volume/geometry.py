"""Geometry of random cases: `python geometry.py OUT.md --cases 20`.

Skin: the field at the template's vertices against the subject's mesh. Inverse: forward after
backward. Jacobian: least value.
Bone: displacement of the pathology at the deepest lattice nodes follows the mesh by construction
and is not repeated here.
"""

import argparse
from pathlib import Path

import numpy as np

from augment.errors import FaciesError
from augment.morphable import load_face_model
from augment.morphable.prior import PriorSpec, draw_subject
from augment.pathology import PATHOLOGIES, PathologyBasis, Request, solve_case
from augment.streams import stream
from augment.volume.grid import grid_over
from augment.volume.lattice import jacobian
from augment.volume.template import load_template
from augment.volume.twins import twin_fields

GRID = grid_over((-99.5, -129.5, -127.5), (99.5, 109.5, 127.5), 1.0)


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--cases", type=int, default=20)
    parser.add_argument("--seed", type=int, default=3)
    arguments = parser.parse_args()
    model, template = load_face_model(), load_template(1.5)
    basis = PathologyBasis(model)
    rows, refused = [], 0
    for index in range(arguments.cases):
        try:
            rows.append(measured(model, template, basis, arguments.seed, index))
        except FaciesError as error:
            refused += 1
            print(index, error)
    rows = np.array(rows)
    names = (
        "healthy skin RMS, mm",
        "healthy skin max, mm",
        "pathological skin RMS, mm",
        "pathological skin max, mm",
        "inverse max, mm",
        "least Jacobian",
    )
    lines = [
        f"{len(rows)} cases, {refused} refused.",
        "",
        "| Measure | median | worst |",
        "|---|---|---|",
    ]
    for column, name in enumerate(names):
        values = rows[:, column]
        worst = values.min() if name.startswith("least") else values.max()
        lines.append(f"| {name} | {np.median(values):.3f} | {worst:.3f} |")
    arguments.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def measured(model, template, basis, seed: int, index: int) -> list[float]:
    """Return the measures of one case with one pathology."""
    rng = stream(seed, index, "pathology")
    subject = draw_subject(model, stream(seed, index, "subject"), PriorSpec(age_years=(18.0, 85.0)))
    entry = PATHOLOGIES[sorted(PATHOLOGIES)[rng.integers(len(PATHOLOGIES))]]
    grade = entry.grades[rng.integers(len(entry.grades))]
    severity = float(rng.uniform(grade.low, grade.high))
    side = entry.sides[0] if entry.sides else None
    case = solve_case(basis, subject, [Request(entry.name, severity, side)])
    chosen = template.vertex_of_model
    healthy, pathological = case.healthy_mm[chosen], case.pathological_mm[chosen]
    solved = [(p.deformation, p.coefficient) for p in case.pathologies]
    fields = twin_fields(template.vertices, healthy, solved, template.body, GRID)
    index = np.rint((template.vertices - template.body.grid.origin_mm) / 1.5).astype(int)
    outer = template.body.depth_mm[tuple(index.T)] < 2.0
    seen = outer & (template.vertices[:, 2] > -110)
    a = np.linalg.norm(fields.healthy_from_template.move(template.vertices) - healthy, axis=1)[seen]
    moved = fields.pathological_from_template.move(template.vertices)
    b = np.linalg.norm(moved - pathological, axis=1)[seen]
    points = rng.uniform(-1, 1, (4000, 3)) * (70.0, 90.0, 90.0)
    back = fields.template_from_pathological.move(points)
    loop = np.linalg.norm(fields.pathological_from_template.move(back) - points, axis=1)
    least = float(jacobian(fields.pathological_from_template).min())
    rms = [float(np.sqrt((d**2).mean())) for d in (a, b)]
    return [rms[0], float(a.max()), rms[1], float(b.max()), float(loop.max()), least]


if __name__ == "__main__":
    main()
