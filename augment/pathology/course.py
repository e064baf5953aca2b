"""Courses: how the severity of a pathology changes over time, as a share of its full departure from
the healthy value."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from augment.pathology.case import Case
from augment.pathology.entry import Basis


@dataclass(frozen=True)
class Course:
    """How one pathology goes on.

    Attributes:
        name: Name in recipes.
        unit: Unit of its times.
        share: Share of the full severity's departure from the healthy value, at a time.
        meaning: What time counts from, and what the share says.
        basis: Whether the course is published or a proposal.
        source: Where it comes from.
        grows: Whether the subject's age is the time, in months.
    """

    name: str
    unit: str
    share: Callable[[float], float]
    meaning: str
    basis: Basis
    source: str
    grows: bool = False


def _swelling(months: float) -> float:
    """Return the remaining share y = (39.54 - 13.14 ln x) percent after x months, at most all."""
    if months <= 0:
        return 1.0
    return float(np.clip((39.54 - 13.14 * np.log(months)) / 100.0, 0.0, 1.0))


def _surgery(share_done: float) -> float:
    return float(np.clip(1.0 - share_done, 0.0, 1.0))


# Weeks until a palsy begins to recover, and in which it then falls to 1/e.
PALSY_PLATEAU_WEEKS, PALSY_FALL_WEEKS = 3.0, 6.0


def _palsy(weeks: float) -> float:
    return float(np.exp(-max(weeks - PALSY_PLATEAU_WEEKS, 0.0) / PALSY_FALL_WEEKS))


# A closed suture deforms the head as it grows: a part of the full severity at birth, all of it at a
# year.
SYNOSTOSIS_AT_BIRTH, SYNOSTOSIS_FULL_MONTHS = 0.35, 12.0


def _synostosis(months: float) -> float:
    grown = np.clip(months / SYNOSTOSIS_FULL_MONTHS, 0.0, 1.0)
    return float(SYNOSTOSIS_AT_BIRTH + (1.0 - SYNOSTOSIS_AT_BIRTH) * grown)


COURSES: dict[str, Course] = {
    course.name: course
    for course in (
        Course(
            "swelling",
            "months",
            _swelling,
            "months after surgery; the swelling that is left",
            "published",
            "y = -13.14 ln(x) + 39.54 percent after x months, 46 patients: PMID 34619733",
        ),
        Course(
            "surgery",
            "share",
            _surgery,
            "share of the planned correction that is done: 0 before, 1 after surgery",
            "proposal",
            "a plan that reaches the subject's own healthy twin",
        ),
        Course(
            "palsy_recovery",
            "weeks",
            _palsy,
            "weeks after the onset; the palsy that is left",
            "proposal",
            "most palsies begin to recover within 3 weeks: Peitersen, Acta Otolaryngol "
            "2002;Suppl 549:4; the fall afterwards is our proposal",
        ),
        Course(
            "synostosis_growth",
            "months",
            _synostosis,
            "age; the head grows, and the deformity with it until 12 months",
            "proposal",
            "35 % of the full severity at birth, all of it at a year",
            grows=True,
        ),
    )
}


def frame_motion_mm(first: Case, second: Case) -> Float[np.ndarray, "vertices 3"]:
    """Return the displacement of each vertex from one frame of a course to another, mm.

    Args:
        first: A frame.
        second: Another frame of the same series; its vertices correspond, also where the head grew.
    """
    return np.asarray(second.pathological_mm - first.pathological_mm)
