"""Groups drawn with `severity: cohort` against the published ones, as cohorts.md beside this file.

    python benchmarks/pathology/cohorts.py [--n 500]

Every pathology of the table that states a mean and a standard deviation. Heads and severities are
drawn as a recipe draws them: what does not fit a head is drawn again with another one, which pulls
the group towards what heads allow. The test is Kolmogorov and Smirnov's, of the measured severities
against the published normal distribution.
"""

import argparse

import numpy as np
from heads import group_of, open_basis, write_report
from scipy import stats

from augment.pathology import PATHOLOGIES, Pathology, PathologyBasis
from augment.pipeline.making import Pipeline
from augment.pipeline.stopwatch import Stopwatch
from augment.recipe import PathologySpec, RecipeSpec
from augment.recipe.schema import SubjectSpec
from augment.recipe.severity import COHORT, Severity

HEADER = "| Pathology | unit | published | generated | n | KS distance | p | drawn again |"


def main() -> None:
    """Write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--n", type=int, default=500)
    n, basis, rows = parser.parse_args().n, open_basis(), {}
    for name, entry in PATHOLOGIES.items():
        if entry.cohort is not None:
            rows[name] = row(basis, entry, n)
            print(rows[name], flush=True)
    text = f"Made by `python benchmarks/pathology/cohorts.py --n {n}`; p above 0.05 is promised."
    write_report("cohorts.md", "Generated cohorts", text, HEADER, rows)


def row(basis: PathologyBasis, entry: Pathology, n: int) -> str:
    """Return the table's row of one pathology."""
    cohort = entry.cohort
    wanted = PathologySpec(entry.name, Severity(grade=COHORT))
    subject = SubjectSpec(age_years=group_of(entry))
    spec = RecipeSpec(seed=6, samples=n, subject=subject, pathologies=(wanted,))
    make = Pipeline(spec, basis.model, basis)
    cases = [make.possible_case(index, Stopwatch()) for index in range(n)]
    values = np.array([case.pathologies[0].measured for case, _ in cases])
    test = stats.kstest(values, stats.norm(cohort.mean, cohort.sd).cdf)
    again = np.mean([attempts > 0 for _, attempts in cases])
    return (
        f"| {entry.name} | {entry.unit} | {cohort.mean:g} ± {cohort.sd:g} | {values.mean():.2f} ± "
        f"{values.std(ddof=1):.2f} | {n} | {test.statistic:.3f} | {test.pvalue:.2f} | "
        f"{100 * again:.1f} % |"
    )


if __name__ == "__main__":
    main()
