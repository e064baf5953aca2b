"""Solve every pathology on many drawn heads and report how well the measure is met, as results.md
beside this file.

    python benchmarks/pathology/severity.py [draws]

Severities are drawn uniformly over all grades; heads and severities that do not fit together are
counted as impossible.
"""

import sys
import time
from pathlib import Path

import numpy as np

from augment.errors import RecipeError
from augment.morphable import load_face_model
from augment.morphable.prior import PriorSpec, draw_subject
from augment.pathology import PATHOLOGIES, PathologyBasis, Request, solve_case
from augment.pathology.limits import inverted_triangles
from augment.streams import stream

TOLERANCE = 0.05


def main() -> None:
    """Write the report."""
    n_draws = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    basis = PathologyBasis(load_face_model())
    subjects = [
        draw_subject(basis.model, stream(2, k, "subject"), PriorSpec()) for k in range(n_draws)
    ]
    lines = [
        "# Severity asked for and measured back",
        "",
        f"Made by `python benchmarks/pathology/severity.py {n_draws}`: {n_draws} adults, "
        f"severities uniform over all grades. The promise is |measured - requested| ≤ "
        f"{TOLERANCE} at the 99.9th percentile.",
        "",
        "| Pathology | side | unit | range | error 99.9 % | error max | impossible "
        "| inverted triangles | ms a case |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for entry in PATHOLOGIES.values():
        low, high = entry.grades[0].low, entry.grades[-1].high
        low, high = min(low, entry.grades[-1].low), max(high, entry.grades[0].high)
        for side in entry.sides or (None,):
            errors, impossible, inverted, started = [], 0, 0, time.process_time()
            for k, subject in enumerate(subjects):
                severity = float(stream(2, k, f"{entry.name} {side}").uniform(low, high))
                try:
                    case = solve_case(basis, subject, [Request(entry.name, severity, side)])
                except RecipeError:
                    impossible += 1
                    continue
                errors.append(abs(case.pathologies[0].measured - severity))
                if k % 20 == 0:
                    inverted += inverted_triangles(
                        case.healthy_mm, case.pathological_mm, basis.exposed_faces
                    )
            cost = 1000 * (time.process_time() - started) / n_draws
            lines.append(
                f"| {entry.name} | {side or ''} | {entry.unit} | {low:g}-{high:g} | "
                f"{np.percentile(errors, 99.9):.5f} | {max(errors):.5f} | "
                f"{100 * impossible / n_draws:.1f} % | {inverted} | {cost:.1f} |"
            )
    (Path(__file__).parent / "results.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
