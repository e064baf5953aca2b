"""Which pathologies a sample has: the recipe's list, its severities and its sides, for sample k."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from augment.recipe import PathologySpec, RecipeSpec
from augment.recipe.severity import ANY_GRADE

BOTH = "both"


@dataclass(frozen=True)
class PathologyFacts:
    """What the assignment needs to know about a pathology.

    Attributes:
        grades: Names of its grades, mild first.
        sides: Sides that it can have; empty where it has none.
    """

    grades: tuple[str, ...]
    sides: tuple[str, ...]


@dataclass(frozen=True)
class Request:
    """One pathology that a sample is to have.

    Attributes:
        name: Name of the pathology.
        severity: A number in the measure's unit, or the name of a grade.
        side: A side, or None where the pathology has none.
    """

    name: str
    severity: float | str
    side: str | None


def assign_pathologies(
    spec: RecipeSpec,
    index: int,
    rng: np.random.Generator,
    known: Mapping[str, PathologyFacts],
) -> tuple[Request, ...]:
    """Return what sample `index` is to have.

    Args:
        spec: A checked recipe.
        index: Number of the sample.
        rng: Stream of the assignment.
        known: All pathologies.

    Returns:
        Pathologies in the order of the recipe; none for a healthy sample.
    """
    if spec.assign == "grid":
        grid = pathology_grid(spec, known)
        return (grid[index % len(grid)],)
    entries = spec.pathologies
    if not entries:
        return ()
    if spec.assign == "cycle":
        entries = (entries[index % len(entries)],)
    elif spec.assign == "one":
        entries = (entries[int(rng.integers(len(entries)))],)
    return tuple(_draw(entry, rng, known[entry.name]) for entry in entries)


def pathology_grid(spec: RecipeSpec, known: Mapping[str, PathologyFacts]) -> tuple[Request, ...]:
    """Return every pathology, side and grade, grades of one side after each other.

    Args:
        spec: A recipe; its list of pathologies restricts the grid, an empty list means all.
        known: All pathologies.
    """
    names = [entry.name for entry in spec.pathologies] or list(known)
    return tuple(
        Request(name, grade, side)
        for name in names
        for side in (known[name].sides or (None,))
        for grade in known[name].grades
    )


def pathology_mistakes(
    entries: Sequence[PathologySpec], known: Mapping[str, PathologyFacts]
) -> list[str]:
    """Return one sentence for each entry of a recipe's list that no pathology can meet.

    Args:
        entries: The recipe's list.
        known: All pathologies.
    """
    mistakes = []
    for number, entry in enumerate(entries):
        where = f"pathologies[{number}]"
        if entry.name not in known:
            mistakes.append(
                f"{where}.name expects one of {', '.join(sorted(known))}, got {entry.name!r}"
            )
            continue
        facts = known[entry.name]
        grade = entry.severity.grade
        if grade is not None and grade not in (*facts.grades, ANY_GRADE):
            mistakes.append(
                f"{where}.severity expects a number or one of"
                f" {', '.join((*facts.grades, ANY_GRADE))}, got {grade!r}"
            )
        if entry.side is not None and entry.side not in facts.sides:
            sides = f"one of {', '.join(facts.sides)}" if facts.sides else "null"
            mistakes.append(f"{where}.side expects {sides} for {entry.name}, got {entry.side!r}")
    return mistakes


def _draw(entry: PathologySpec, rng: np.random.Generator, facts: PathologyFacts) -> Request:
    severity = entry.severity.draw(rng, facts.grades)
    side = entry.side
    if side is None and facts.sides:
        single = [name for name in facts.sides if name != BOTH] or list(facts.sides)
        side = single[int(rng.integers(len(single)))]
    return Request(entry.name, severity, side)
