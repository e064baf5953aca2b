"""Least Jacobian of many random cases: `python jacobians.py OUT.csv --first 0 --cases 100`.

Two thirds adults, one third children from four years; one or two pathologies of any grade; half
with an expression, a quarter with jaw and eyes turned. Rows are added to the table, so that several
runs make one; `OUT.csv --summary` prints it.
"""

import argparse
import csv
import time
from pathlib import Path

import numpy as np

from augment.errors import FaciesError
from augment.morphable import load_face_model
from augment.morphable.prior import PriorSpec, draw_subject
from augment.pathology import PATHOLOGIES, PathologyBasis, Request, solve_case
from augment.streams import stream
from augment.volume import build_atlas, load_template
from augment.volume.anatomy.spec import AtlasSpec
from augment.volume.field.lattice import jacobian
from augment.volume.field.motion import Motion, motion_shares
from augment.volume.field.subject import outer_skin
from augment.volume.field.twins import forward_fields, lattice_around
from augment.volume.grid import grid_over

GRID = grid_over((-99.5, -129.5, -127.5), (99.5, 109.5, 127.5), 1.0)
SEED = 11
FIELDS = ("case", "age", "pathologies", "expression", "jaw_gaze", "least", "refused")


def main() -> None:
    """Measure and add rows, or print what the rows say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=540.0, help="stop after so long")
    parser.add_argument("--summary", action="store_true")
    arguments = parser.parse_args()
    if arguments.summary:
        print(summary(arguments.out))
        return
    model, template = load_face_model(), load_template(1.5)
    world = (model, template, PathologyBasis(model), still_motion(model, template))
    end, fresh = time.monotonic() + arguments.seconds, not arguments.out.exists()
    with arguments.out.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        if fresh:
            writer.writeheader()
        for index in range(arguments.first, arguments.first + arguments.cases):
            if time.monotonic() > end:
                print(f"stopped before case {index}")
                break
            writer.writerow(measured(*world, index))
            file.flush()


def still_motion(model, template) -> Motion:
    """Return a motion whose shares are known."""
    atlas = build_atlas(template.body, AtlasSpec(), template.seat)
    jaw_share = model.jaw_weight.numpy()[template.vertex_of_model].astype(float)
    every = Motion(atlas, jaw_share, np.zeros(template.vertices.shape), np.ones(3), np.ones(4))
    skin = outer_skin(template.vertices, template.body)
    lattice = lattice_around(GRID)
    shares = motion_shares(every, template.vertices, skin, template.body, lattice)
    return Motion(atlas, jaw_share, shares=shares)


def measured(model, template, basis, still: Motion, index: int) -> dict:
    """Return the row of one case; a request that no head allows is drawn again."""
    rng = stream(SEED, index, "pathology")
    ages = (4.0, 17.0) if index % 3 == 2 else (18.0, 85.0)
    chosen = template.vertex_of_model
    for attempt in range(40):
        subject = draw_subject(
            model, stream(SEED, index + 100_000 * attempt, "subject"), PriorSpec(age_years=ages)
        )
        names = rng.choice(sorted(PATHOLOGIES), 1 + index % 2, replace=False)
        try:
            case = solve_case(basis, subject, [request(rng, str(name)) for name in names])
            break
        except FaciesError:
            continue
    motion, expression, turned = moved(model, still, chosen, index)
    solved = [(p.deformation, p.coefficient) for p in case.pathologies]
    row = {
        "case": index,
        "age": f"{subject.age_years:.1f}",
        "pathologies": "+".join(names),
        "expression": expression,
        "jaw_gaze": turned,
        "refused": "",
    }
    try:
        healthy = case.healthy_mm[chosen]
        fields = forward_fields(template.vertices, healthy, solved, template.body, GRID, motion)
        row["least"] = f"{min(float(jacobian(field).min()) for field in fields):.4f}"
    except FaciesError as error:
        row["refused"] = str(error)
    return row


def request(rng: np.random.Generator, name: str) -> Request:
    """Draw a grade, a severity and a side."""
    entry = PATHOLOGIES[name]
    grade = entry.grades[rng.integers(len(entry.grades))]
    side = entry.sides[rng.integers(len(entry.sides))] if entry.sides else None
    return Request(name, float(rng.uniform(grade.low, grade.high)), side)


def moved(model, still: Motion, chosen: np.ndarray, index: int) -> tuple[Motion | None, int, int]:
    """Draw expression, jaw and gaze."""
    rng = stream(SEED, index, "motion")
    with_expression, with_turn = int(rng.random() < 0.5), int(rng.random() < 0.25)
    if not (with_expression or with_turn):
        return None, 0, 0
    offset = None
    if with_expression:
        weights = np.zeros(len(model.expression_names))
        weights[rng.choice(len(weights), 3, replace=False)] = rng.uniform(0.1, 0.6, 3)
        basis = model.expression_basis[:, chosen].numpy().astype(float)
        offset = np.tensordot(weights, basis, axes=1)
    jaw = np.array([rng.uniform(0.0, 0.12), *rng.uniform(-0.03, 0.03, 2)]) * with_turn
    gaze = rng.uniform(-0.25, 0.25, 4) * with_turn
    motion = Motion(still.atlas, still.jaw_share, offset, jaw, gaze, still.shares)
    return motion, with_expression, with_turn


def summary(path: Path) -> str:
    """Return what the rows say."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    least = np.array([float(row["least"]) for row in rows if row["least"]])
    refused = [row for row in rows if row["refused"]]
    children = sum(float(row["age"]) < 18 for row in rows)
    double = sum("+" in row["pathologies"] for row in rows)
    return (
        f"{len(rows)} cases ({children} children, {double} with two pathologies, "
        f"{sum(int(row['expression']) for row in rows)} with an expression, "
        f"{sum(int(row['jaw_gaze']) for row in rows)} with jaw and eyes turned): "
        f"Jacobian > 0 in {len(least)}, refused as folding {len(refused)}; least Jacobian "
        f"median {np.median(least):.3f}, 1 % {np.quantile(least, 0.01):.3f}, "
        f"lowest {least.min():.3f}."
    )


if __name__ == "__main__":
    main()
