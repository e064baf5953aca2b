"""Heads, severities and tables that the benchmarks of pathologies share."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

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


def asked_for() -> argparse.Namespace:
    """Return the command line: names of pathologies (all, if none), draws, seconds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=[])
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=25.0, help="of the processor, for a row")
    arguments = parser.parse_args()
    arguments.names = arguments.names or list(PATHOLOGIES)
    return arguments


def write_report(name: str, title: str, text: str, header: str, rows: Mapping[str, str]) -> None:
    """Write a Markdown report with one table beside this file.

    Rows of a table with the same header that is already there are kept if they are not given anew.

    Args:
        name: File.
        title: Its title.
        text: What stands before the table, with the command.
        header: Header of the table.
        rows: Key of each row, which stands first in it, to the row.
    """
    path, merged = HERE / name, {}
    if path.is_file() and header in (old := path.read_text(encoding="utf-8")):
        for line in old.split(header)[1].splitlines()[2:]:
            merged[line.split("|")[1].strip()] = line
    merged = {key: row for key, row in (merged | dict(rows)).items() if key}
    order = {key: number for number, key in enumerate(PATHOLOGIES)}
    ordered = [merged[key] for key in sorted(merged, key=lambda k: order.get(k.split(",")[0], 99))]
    line = "|".join("---" for _ in header.strip("|").split("|"))
    parts = [f"# {title}", "", text, "", header, f"|{line}|", *ordered, ""]
    path.write_text("\n".join(parts), encoding="utf-8")
