"""Which pathologies a sample has: the recipe's list, its severities and its sides, for sample k."""

from collections.abc import Mapping, Sequence

import numpy as np

from augment.pathology import Pathology, Request
from augment.recipe import PathologySpec, RecipeSpec
from augment.recipe.schema import SubjectSpec
from augment.recipe.severity import ANY_GRADE, COHORT

BOTH = "both"


def assign_pathologies(
    spec: RecipeSpec, index: int, rng: np.random.Generator, known: Mapping[str, Pathology]
) -> list[Request]:
    """Return what sample `index` is to have.

    Args:
        spec: A checked recipe.
        index: Number of the sample.
        rng: Stream of the assignment.
        known: All pathologies.

    Returns:
        Requests in the order of the recipe; none for a healthy sample.
    """
    if spec.assign == "grid":
        grid = pathology_grid(spec, known)
        return [grid[index % len(grid)]]
    entries = spec.pathologies
    if not entries:
        return []
    if spec.assign == "cycle":
        entries = (entries[index % len(entries)],)
    elif spec.assign == "one":
        entries = (entries[int(rng.integers(len(entries)))],)
    return [_draw(entry, rng, known[entry.name]) for entry in entries]


def pathology_grid(spec: RecipeSpec, known: Mapping[str, Pathology]) -> list[Request]:
    """Return every pathology, side and grade, grades of one side after each other.

    A grade stands for the middle of its range.

    Args:
        spec: A recipe; its list of pathologies restricts the grid, an empty list means all that are
            measured at the subjects' ages.
        known: All pathologies.
    """
    names = [entry.name for entry in spec.pathologies] or [
        name for name, entry in known.items() if ages_meet(spec.subject, entry)
    ]
    return [
        Request(name, (grade.low + grade.high) / 2, side)
        for name in names
        for side in (known[name].sides or (None,))
        for grade in known[name].grades
    ]


def ages_meet(subject: SubjectSpec, pathology: Pathology) -> bool:
    """Return whether all subjects of a recipe have an age at which a pathology is measured."""
    low, high = pathology.ages
    youngest, oldest = subject.age_years
    return subject.source != "prior" or (low <= youngest and oldest <= high)


def age_mistakes(spec: RecipeSpec, known: Mapping[str, Pathology]) -> list[str]:
    """Return one sentence for each pathology that is not measured at the subjects' ages."""
    youngest, oldest = spec.subject.age_years
    return [
        f"pathologies[{number}].name={entry.name} is measured at {known[entry.name].ages[0]:g} to "
        f"{known[entry.name].ages[1]:g} years, got subject.age_years=[{youngest:g},{oldest:g}]"
        for number, entry in enumerate(spec.pathologies)
        if entry.name in known and not ages_meet(spec.subject, known[entry.name])
    ]


def pathology_mistakes(
    entries: Sequence[PathologySpec], known: Mapping[str, Pathology]
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
        grades = (*grade_ranges(known[entry.name]), ANY_GRADE)
        if known[entry.name].cohort is not None:
            grades += (COHORT,)
        unit = entry.severity.unit
        if unit is not None and unit != known[entry.name].unit:
            mistakes.append(
                f"{where}.severity of {entry.name} is in {known[entry.name].unit}, got {unit!r}"
            )
        grade, sides = entry.severity.grade, known[entry.name].sides
        if grade is not None and grade not in grades:
            mistakes.append(
                f"{where}.severity expects a number or one of {', '.join(grades)}, got {grade!r}"
            )
        if entry.associated and known[entry.name].associated is None:
            able = ", ".join(name for name, one in known.items() if one.associated is not None)
            mistakes.append(
                f"{where}.associated expects false for {entry.name}, with which no changes are"
                f" stated to come along, got true; it is for {able}"
            )
        if entry.side is not None and entry.side not in sides:
            wanted = f"one of {', '.join(sides)}" if sides else "null"
            mistakes.append(f"{where}.side expects {wanted} for {entry.name}, got {entry.side!r}")
    return mistakes


def grade_ranges(pathology: Pathology) -> dict[str, tuple[float, float]]:
    """Return the grades of a pathology with their ranges, mild first."""
    return {grade.name: (grade.low, grade.high) for grade in pathology.grades}


def _draw(entry: PathologySpec, rng: np.random.Generator, pathology: Pathology) -> Request:
    if entry.severity.grade == COHORT and pathology.cohort is not None:
        severity = pathology.cohort.draw(rng)
    else:
        severity = entry.severity.draw(rng, grade_ranges(pathology))
    side = entry.side
    if side is None and pathology.sides:
        single = [name for name in pathology.sides if name != BOTH] or list(pathology.sides)
        side = single[int(rng.integers(len(single)))]
    return Request(entry.name, severity, side, associated=entry.associated)
