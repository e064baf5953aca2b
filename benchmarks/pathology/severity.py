"""Solve every pathology on many drawn heads and report how well the measure is met, as results.md
beside this file.

    python benchmarks/pathology/severity.py [NAMES] [--draws 1000] [--seconds 25]

Severities are drawn uniformly over all grades, sides evenly. Heads are adults, infants where the
measure is theirs. A head and a severity that do not fit together are counted as impossible. After
`seconds` of processor time for one pathology, it is left with the draws that it has. With names,
only their rows are made anew.
"""

import time

import numpy as np
from heads import asked_for, drawn, group_of, open_basis, whole_range, write_report

from augment.errors import RecipeError
from augment.pathology import PATHOLOGIES, Pathology, PathologyBasis, Request, solve_case
from augment.pathology.limits import inverted_triangles
from augment.streams import stream

TOLERANCE = 0.05
HEADER = (
    "| Pathology | unit | range | draws | error 99.9 % | error max | impossible "
    "| inverted triangles | ms a case |"
)


def main() -> None:
    """Write the report; the table grows with each pathology."""
    asked = asked_for()
    basis = open_basis()
    text = (
        "Made by `python benchmarks/pathology/severity.py`: up to 1,000 heads a pathology, "
        "severities uniform over all grades, both sides. The promise is "
        f"|measured - requested| ≤ {TOLERANCE} of the unit at the 99.9th percentile. Impossible: "
        "the severity does not fit that head, and the error names the strongest that does."
    )
    for name in asked.names:
        made = row(basis, PATHOLOGIES[name], asked.draws, asked.seconds)
        print(made, flush=True)
        title = "Severity asked for and measured back"
        write_report("results.md", title, text, HEADER, {name: made})


def row(basis: PathologyBasis, entry: Pathology, n_draws: int, seconds: float) -> str:
    """Return the table's row of one pathology."""
    low, high = whole_range(entry)
    ages = group_of(entry)
    sides = entry.sides or (None,)
    for side in sides:
        basis.column(entry, side)  # sampled once in a process; no part of a case's time
    errors, impossible, inverted, started = [], 0, 0, time.process_time()
    spent = 0.0
    for k in range(n_draws):
        if time.process_time() - started > seconds:
            break
        subject = drawn(basis, ages, 2, k)
        rng = stream(2, k, entry.name)
        side = sides[int(rng.integers(len(sides)))]
        severity = float(rng.uniform(low, high))
        begun = time.process_time()
        try:
            case = solve_case(basis, subject, [Request(entry.name, severity, side)])
        except RecipeError:
            impossible += 1
            continue
        finally:
            spent += time.process_time() - begun
        errors.append(abs(case.pathologies[0].measured - severity))
        inverted += inverted_triangles(case.healthy_mm, case.pathological_mm, basis.exposed_faces)
    n = len(errors) + impossible
    return (
        f"| {entry.name} | {entry.unit} | {low:g}-{high:g} | {n} | "
        f"{np.percentile(errors, 99.9):.5f} | {max(errors):.5f} | {100 * impossible / n:.1f} % | "
        f"{inverted} | {1000 * spent / n:.1f} |"
    )


if __name__ == "__main__":
    main()
