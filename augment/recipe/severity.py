"""Severity as a recipe says it: a number, a grade, any grade, or a range."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from augment.untrusted import shown

ANY_GRADE = "any"
COHORT = "cohort"
LARGEST = 1e6
"""No measure has a larger value in its unit."""
_WITH_UNIT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]\w*|%)\s*")
_UNITS = {"%": "percent"}


@dataclass(frozen=True)
class Severity:
    """How severe a pathology is to be.

    Exactly one of the two is given.

    Attributes:
        grade: Name of a grade, `any`: each grade equally often, or `cohort`: as in a published
            group of patients.
        uniform: Smallest and largest value in the measure's unit; equal for one number.
        unit: Unit that was written with the number, or None.
    """

    grade: str | None = None
    uniform: tuple[float, float] | None = None
    unit: str | None = None

    def draw(self, rng: np.random.Generator, grades: Mapping[str, tuple[float, float]]) -> float:
        """Draw what one sample asks for.

        Args:
            rng: Generator of this sample and stage.
            grades: Grade to its smallest and largest value in the measure's unit.

        Returns:
            A number in the measure's unit; evenly distributed inside a grade or range.
        """
        if self.uniform is not None:
            low, high = self.uniform
        elif self.grade == ANY_GRADE:
            low, high = list(grades.values())[int(rng.integers(len(grades)))]
        else:
            low, high = grades[str(self.grade)]
        return low if low == high else float(rng.uniform(low, high))

    def value(self) -> Any:
        """Return the plain value that a recipe writes for it."""
        if self.uniform is None:
            return self.grade
        low, high = self.uniform
        if self.unit is not None:
            return f"{low!r} {self.unit}"
        return low if low == high else {"uniform": [low, high]}


def read_severity(value: Any) -> Severity:
    """Read a severity from a recipe's value.

    Args:
        value: Number, word, or `{"uniform": [low, high]}`.

    Returns:
        The severity.

    Raises:
        ValueError: If the value has none of these forms; the message says what was expected.
    """
    if isinstance(value, Severity):
        return value
    if isinstance(value, str) and (found := _WITH_UNIT.fullmatch(value)):
        number = float(found[1])
        if not _is_number(number):
            raise ValueError(f"expected a number of at most {LARGEST:g}, got {shown(value)}")
        return Severity(uniform=(number, number), unit=_UNITS.get(found[2], found[2]))
    if isinstance(value, str) and value:
        return Severity(grade=value)
    if isinstance(value, dict) and set(value) == {"uniform"}:
        bounds = value["uniform"]
        if isinstance(bounds, list | tuple) and len(bounds) == 2 and all(map(_is_number, bounds)):
            low, high = float(bounds[0]), float(bounds[1])
            if 0 <= low <= high:
                return Severity(uniform=(low, high))
    if _is_number(value) and value >= 0:
        return Severity(uniform=(float(value), float(value)))
    raise ValueError(
        "expected a number of 0 or more, with its unit if you like (34 mm), the name of a grade,"
        f" or {{uniform: [low, high]}} with 0 <= low <= high, got {shown(value)}"
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST
