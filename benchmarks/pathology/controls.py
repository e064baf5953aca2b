"""Measures of drawn healthy adults against published norms, as controls.md beside this file.

    python benchmarks/pathology/controls.py [--n 200]

Young adults (18-40 years) of each sex and European ancestry, as those of the norms. Distances:
Farkas, Anthropometry of the Head and Face, 1994; angles: Steiner 1953. Means shall lie within 0.3
standard deviations.

The bigonial width is measured in three ways. Farkas' caliper presses on the gonia, through the
masseter, which no mesh does. One that touches the skin: White workers of the NIOSH survey (Zhuang
and Bradtmiller, J Occup Environ Hyg 2005;2:567, data RD-10130-2020-0, 1,367 men and 519 women),
who are heavier: their faces are 3.8 mm wider than Farkas' at the zygomas too, so that the ratio to
the bizygomatic width is given as well. Bone: 80 dry mandibles from Bosnia (Voljevica and Talovic,
Folia Medica Facultatis Medicinae Universitatis Saraeviensis, article 145).
"""

import argparse

import numpy as np
from heads import open_basis, write_report

from augment.morphable.anthropometry import ADULT_NORMS, NORM_SEXES, distance_mm, measure_head
from augment.morphable.prior import PriorSpec, draw_subject
from augment.pathology import PathologyBasis, measures
from augment.pathology.anchors import all_points
from augment.pathology.solve import healthy_vertices
from augment.streams import stream

YEARS, WITHIN_SD = (18.0, 40.0), 0.3
MEASURES = (
    "intercanthal_width",
    "nasal_width",
    "mouth_width",
    "bizygomatic_width",
    "bigonial_width",
    "SNA",
    "SNB",
    "ANB",
)
PRESSED, TOUCHED = "bigonial_width", "bigonial_width_touched"
OF_ZYGOMAS, BONE = "bigonial_width_of_bizygomatic_percent", "bigonial_width_of_bone"
NORMS = {name: ADULT_NORMS[name] for name in MEASURES} | {
    TOUCHED: ((119.9, 10.0), (108.5, 8.2)),
    OF_ZYGOMAS: ((83.9, 5.4), (81.1, 4.6)),
    BONE: ((95.7, 5.2), (88.7, 6.8)),
}
HEADER = "| Measure | male | published | off, SD | female | published | off, SD |"


def main() -> None:
    """Write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--n", type=int, default=200)
    n, basis = parser.parse_args().n, open_basis()
    drawn = {sex: measured(basis, sex, n) for sex in NORM_SEXES}
    rows, outside = {}, 0
    for name, norms in NORMS.items():
        cells = [name]
        for sex, (mean, sd) in zip(NORM_SEXES, norms, strict=True):
            values = drawn[sex][name]
            off = (values.mean() - mean) / sd
            outside += abs(off) > WITHIN_SD
            cells += [f"{values.mean():.1f} ± {values.std():.1f}", f"{mean} ± {sd}", f"{off:+.2f}"]
        rows[name] = f"| {' | '.join(cells)} |"
        print(rows[name], flush=True)
    text = (
        f"Made by `python benchmarks/pathology/controls.py --n {n}`: adults of 18-40 years and "
        f"European ancestry, mm and degrees. {outside} of {2 * len(NORMS)} means lie more than "
        f"{WITHIN_SD} SD from the norm. Farkas' {PRESSED} is that of a caliper that presses on the "
        "gonia, and lies between the skin's and the bone's as it should. The skin is therefore set "
        "beside a survey whose caliper touched it (NIOSH, heavier people), and the bone beside dry "
        "mandibles; the sources stand in the script."
    )
    write_report("controls.md", "Healthy adults against published norms", text, HEADER, rows)


def measured(basis: PathologyBasis, sex: str, n: int) -> dict[str, np.ndarray]:
    """Return the measures of drawn adults of one sex."""
    rows: dict[str, list[float]] = {}
    for k in range(n):
        rng = stream(1, k, f"adult {sex}")
        subject = draw_subject(
            basis.model, rng, PriorSpec(age_years=YEARS, sex=sex, ancestry="caucasian")
        )
        head = healthy_vertices(basis.model, subject)
        points = basis.anchors.named(all_points(basis.anchors, basis.model, head))
        values = measure_head(points)
        values |= {
            TOUCHED: values[PRESSED],
            OF_ZYGOMAS: 100 * values[PRESSED] / values["bizygomatic_width"],
            BONE: distance_mm(points, "Go_right", "Go_left"),
            "SNA": measures.sna_deg(points),
            "SNB": measures.snb_deg(points),
            "ANB": measures.anb_deg(points),
        }
        for name in NORMS:
            rows.setdefault(name, []).append(values[name])
    return {name: np.array(values) for name, values in rows.items()}


if __name__ == "__main__":
    main()
