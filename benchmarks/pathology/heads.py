"""Heads, severities and tables that the benchmarks of pathologies share."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from augment.errors import RecipeError
from augment.morphable import load_face_model
from augment.morphable.prior import PriorSpec, draw_subject
from augment.pathology import PATHOLOGIES, Case, Pathology, PathologyBasis, Request, solve_case
from augment.sample import Subject
from augment.streams import stream

HERE = Path(__file__).parent
ADULTS, INFANTS = (18.0, 80.0), (0.15, 1.5)
# Row of the clinical table → entries of the catalogue; coronal synostosis stands beside it.
ROWS = {
    1: ("zygomatic_depression",),
    2: ("orbital_blowout",),
    3: ("graves_exophthalmos",),
    4: ("mandibular_prognathism",),
    5: ("mandibular_retrognathia",),
    6: ("maxillary_hypoplasia",),
    7: ("long_face",),
    8: ("chin_deviation",),
    9: ("hemifacial_microsomia",),
    10: ("hypertelorism",),
    11: ("sagittal_synostosis",),
    12: ("metopic_synostosis",),
    13: ("plagiocephaly",),
    14: ("brachycephaly",),
    15: ("midface_retrusion",),
    16: ("cleft_lip_nose",),
    17: ("facial_palsy",),
    18: ("acromegaly",),
    19: ("cheek_swelling",),
    20: ("hemifacial_atrophy",),
    21: ("crooked_nose",),
    22: ("lid_retraction", "ptosis"),
    23: ("facial_cant",),
    24: ("cranial_defect",),
}
ATTEMPTS = 16  # as many heads as the pipeline tries


def open_basis() -> PathologyBasis:
    """Return the pathologies' displacements on the default head model."""
    return PathologyBasis(load_face_model())


def group_of(*entries: Pathology) -> tuple[float, float] | None:
    """Return the ages at which all pathologies are measured: adults before infants, or None."""
    for ages in (ADULTS, INFANTS):
        if all(e.ages[0] <= ages[0] and ages[1] <= e.ages[1] for e in entries):
            return ages
    return None


def drawn(
    basis: PathologyBasis, ages: tuple[float, float], seed: int, index: int, stage: str = "subject"
) -> Subject:
    """Return a healthy head of an age group."""
    return draw_subject(basis.model, stream(seed, index, stage), PriorSpec(age_years=ages))


def whole_range(entry: Pathology) -> tuple[float, float]:
    """Return the smallest and the largest severity of all grades."""
    return min(g.low for g in entry.grades), max(g.high for g in entry.grades)


def moderate(entry: Pathology) -> float:
    """Return the middle of the moderate grade."""
    return (entry.grades[1].low + entry.grades[1].high) / 2


def right(entry: Pathology, severity: float | None = None) -> Request:
    """Return a request on the right side, if there are sides; moderate if not said otherwise."""
    side = "right" if entry.sides else None
    return Request(entry.name, moderate(entry) if severity is None else severity, side)


def solved(basis: PathologyBasis, requests: Sequence[Request], seed: int, index: int) -> Case | str:
    """Solve on the first of some heads that takes the requests, or return the last refusal."""
    ages = group_of(*(PATHOLOGIES[r.name] for r in requests)) or ADULTS
    refusal = ""
    for attempt in range(ATTEMPTS):
        subject = drawn(basis, ages, seed, index, f"subject {attempt}")
        try:
            return solve_case(basis, subject, list(requests))
        except RecipeError as error:
            refusal = str(error)
            if "years, got a subject" in refusal:
                break
    return refusal


def write_report(name: str, title: str, text: str, header: str, rows: Sequence[str]) -> None:
    """Write a Markdown report with one table beside this file."""
    line = "|".join("---" for _ in header.strip("|").split("|"))
    parts = [f"# {title}", "", text, "", header, f"|{line}|", *rows, ""]
    (HERE / name).write_text("\n".join(parts), encoding="utf-8")


def largest(values: Sequence[float]) -> float:
    """Return the largest value, 0 of none."""
    return float(np.max(values)) if len(values) else 0.0
