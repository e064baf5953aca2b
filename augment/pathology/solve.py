"""Solve pathologies to their clinical measures on a subject's own geometry.

Requests enter; a :class:`Case` leaves, whose measures were taken back from the generated vertices.
The coefficients are found jointly, so that each measure holds with all the other pathologies
present: by Broyden's method (Math Comp 1965;19:577), which learns the derivatives from its own
steps, and by Newton's where that is slow.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float

from augment.errors import GeometryError, RecipeError
from augment.morphable.model import FaceModel
from augment.pathology.anchors import all_points
from augment.pathology.basis import SIDES, Column, PathologyBasis
from augment.pathology.case import Case, Request, SolvedPathology
from augment.pathology.catalogue import PATHOLOGIES, find_pathology
from augment.pathology.entry import Cut, HeadGeometry, Pathology
from augment.pathology.limits import MIN_JACOBIAN, inverted_triangles, joint_jacobian
from augment.sample import Subject

SOLVER_TOLERANCE = 1e-3  # in the measure's unit, fifty times below what is promised
MAX_STEPS = 30
# Share of what was missing that a step may leave before the derivatives are taken anew.
SLOW_SHARE = 0.5
BISECTIONS = 24  # of the range of a coefficient, to name the strongest value
# Finite difference of the coefficients, as a share of their range.
STEP_SHARE = 1e-3


class _Problem:
    """Measures of one subject as functions of the coefficients."""

    def __init__(
        self,
        basis: PathologyBasis,
        subject: Subject,
        healthy: Float[np.ndarray, "vertices 3"],
        requests: Sequence[Request],
    ):
        self.basis, self.subject, self.healthy = basis, subject, healthy
        self.entries = [find_pathology(request.name) for request in requests]
        self.sides = [request.side for request in requests]
        self.columns: list[Column] = [
            basis.column(entry, request.side, request.associated)
            for entry, request in zip(self.entries, requests, strict=True)
        ]
        named = all_points(basis.anchors, basis.model, healthy)
        self.points = np.concatenate([named, basis.orbits(healthy)])
        self.needs = {need for entry in self.entries for need in entry.needs}
        self.steps = np.array([STEP_SHARE * min(c.limits[1], 50.0) for c in self.columns])

    def vertices(self, coefficients: np.ndarray) -> Float[np.ndarray, "vertices 3"]:
        """Return the deformed vertices at rest."""
        moved = self.healthy.copy()
        for coefficient, column in zip(coefficients, self.columns, strict=True):
            moved += coefficient * column.vertices
        return moved

    def geometry(
        self,
        coefficients: np.ndarray,
        vertices: Float[np.ndarray, "vertices 3"] | None,
        with_smile: bool,
    ) -> HeadGeometry:
        """Return what measures look at; points that lie on the mesh are read from the vertices
        where these are given."""
        points = self.points.copy()
        for coefficient, column in zip(coefficients, self.columns, strict=True):
            points += coefficient * column.points
        anchors = self.basis.anchors
        if vertices is not None:
            points[: anchors.n_skin] = anchors.skin(vertices)
        n = len(anchors.names)
        half = n + (len(points) - n) // 2
        return HeadGeometry(
            points=anchors.named(points[:n]),
            vertices=self.healthy if vertices is None else vertices,
            healthy_vertices=self.healthy,
            faces=self.basis.skin_faces,
            orbits=dict(zip(SIDES, (points[n:half], points[half:]), strict=True)),
            smiling=self._smiling(coefficients, points) if with_smile else None,
            cut=self._cut(coefficients),
            sex=self.subject.sex,
        )

    def _smiling(self, coefficients: np.ndarray, points: np.ndarray) -> dict[str, np.ndarray]:
        anchors = self.basis.anchors
        kept = 1.0 - self._weights(coefficients, "expression")
        moved = anchors.skin(self.basis.smile * kept[:, None])
        return dict(zip(anchors.names, points[: anchors.n_skin] + moved, strict=False))

    def _cut(self, coefficients: np.ndarray) -> Cut | None:
        for c, column in zip(coefficients, self.columns, strict=True):
            if column.outline is not None:
                return Cut(column.outline, float(c))
        return None

    def _weights(self, coefficients: np.ndarray, effect: str) -> np.ndarray:
        total = np.zeros(len(self.healthy))
        for c, entry, column in zip(coefficients, self.entries, self.columns, strict=True):
            if entry.effect == effect and column.weight is not None:
                total += c * column.weight
        return total

    def measure(self, coefficients: np.ndarray) -> Float[np.ndarray, " measures"]:
        """Return the value of every measure that was asked for."""
        with_surface = "surface" in self.needs
        vertices = self.vertices(coefficients) if with_surface else None
        head = self.geometry(coefficients, vertices, "smile" in self.needs)
        return np.array([e.measure(head, s) for e, s in zip(self.entries, self.sides, strict=True)])

    def jacobian(self, coefficients: np.ndarray, value: np.ndarray) -> np.ndarray:
        columns = []
        for k, step in enumerate(self.steps):
            ahead = coefficients.copy()
            ahead[k] += step
            columns.append((self.measure(ahead) - value) / step)
        return np.stack(columns, axis=1)

    def solve(self, targets: np.ndarray) -> Float[np.ndarray, " coefficients"]:
        """Return coefficients that meet the targets, or raise RecipeError."""
        coefficients = np.array([entry.start for entry in self.entries])
        reach = np.array([max(column.limits[1], 1.0) for column in self.columns])
        try:
            missing = targets - self.measure(coefficients)
            slope = self.jacobian(coefficients, targets - missing)
            for _ in range(MAX_STEPS):
                if np.abs(missing).max() < SOLVER_TOLERANCE:
                    return coefficients
                change = np.linalg.lstsq(slope, missing, rcond=None)[0]
                # Steps end within the reach of each field, beyond which measures lose their sense.
                change *= min(1.0, *(reach / np.maximum(np.abs(change), 1e-9)))
                coefficients = coefficients + change
                if not np.isfinite(coefficients).all() or (np.abs(coefficients) > 8 * reach).any():
                    break
                before, missing = missing, targets - self.measure(coefficients)
                if np.abs(missing).max() > SLOW_SHARE * np.abs(before).max():
                    slope = self.jacobian(coefficients, targets - missing)
                else:
                    surprise = before - missing - slope @ change
                    slope = slope + np.outer(surprise, change) / (change @ change)
        except (GeometryError, np.linalg.LinAlgError):
            pass
        raise RecipeError(self._refusal(targets))

    def _refusal(self, targets: np.ndarray) -> str:
        wanted = [f"{t:g} {e.unit}" for t, e in zip(targets, self.entries, strict=True)]
        if len(targets) == 1:
            return self.strongest(targets, self._limit_towards(targets), 0)
        return (
            f"the pathologies {', '.join(e.name for e in self.entries)} cannot hold the values "
            f"{', '.join(wanted)} together: ask for milder ones, or for one of them"
        )

    def _limit_towards(self, targets: np.ndarray) -> Float[np.ndarray, " coefficients"]:
        """Return the limit of a single coefficient on the way to its target."""
        low, high = self.columns[0].limits
        start = np.array([self.entries[0].start])
        value = self.measure(start)
        rises = float(self.jacobian(start, value)[0, 0]) * float(targets[0] - value[0]) > 0
        return np.array([high if rises else low])

    def strongest(self, targets: np.ndarray, coefficients: np.ndarray, k: int) -> str:
        """Return the sentence that names the strongest possible value of pathology k."""
        entry, extreme = self.entries[k], self.extreme(coefficients, k)
        why = "would fold this head" if entry.effect == "displacement" else "is beyond its range"
        return (
            f"{entry.name}: {entry.parameter} of {targets[k]:g} {entry.unit} {why}; "
            f"the strongest possible value is {extreme:.{entry.decimals}f} {entry.unit}"
        )

    def violation(self, coefficients: np.ndarray) -> int | None:
        """Return which pathology leaves its limits or turns triangles over, or None."""
        for k, (coefficient, column) in enumerate(zip(coefficients, self.columns, strict=True)):
            low, high = column.limits
            if not low <= coefficient <= high:
                return k
        deformed = self.vertices(coefficients)
        if inverted_triangles(self.healthy, deformed, self.basis.exposed_faces):
            return int(np.abs(coefficients).argmax())
        return None

    def folds_together(self, coefficients: np.ndarray) -> bool:
        """Return whether several fields fold where each alone would not."""
        if len(coefficients) < 2:
            return False
        fields = [column.gradients for column in self.columns]
        return joint_jacobian(fields, coefficients) < MIN_JACOBIAN

    def extreme(self, coefficients: np.ndarray, k: int) -> float:
        """Return the most severe possible value of measure k with the others as they are."""
        low, high = 0.0, float(coefficients[k])
        trial = coefficients.copy()
        for _ in range(BISECTIONS):
            trial[k] = (low + high) / 2
            if self.violation(trial) is None:
                low = trial[k]
            else:
                high = trial[k]
        trial[k] = low
        return float(self.measure(trial)[k])


def healthy_vertices(model: FaceModel, subject: Subject) -> Float[np.ndarray, "vertices 3"]:
    """Return a subject's vertices at rest without expression, with its detail, head frame, mm."""
    identity = torch.as_tensor(subject.identity, dtype=torch.float32)[None]
    vertices = model.rest(identity)[0].cpu().numpy().astype(np.float64)
    return vertices if subject.detail_mm is None else vertices + subject.detail_mm


def check_request(request: Request, age_years: float | None = None) -> Pathology:
    """Return the entry of a request.

    Args:
        request: What is asked for.
        age_years: Age of the subject, None where it is not known.

    Raises:
        RecipeError: If the pathology is unknown, the side is not one of its sides, the unit is not
            its own, the severity is negative, or the subject is too old or too young.
    """
    entry = find_pathology(request.name)
    if entry.sides and request.side not in entry.sides:
        raise RecipeError(
            f"{entry.name} needs a side, one of {', '.join(entry.sides)}, got {request.side!r}"
        )
    if not entry.sides and request.side is not None:
        raise RecipeError(f"{entry.name} has no side, got side={request.side!r}: leave it out")
    if request.unit is not None and request.unit != entry.unit:
        raise RecipeError(
            f"{entry.name}: severity is {entry.parameter} in {entry.unit}, got {request.unit!r}: "
            f"give it in {entry.unit}"
        )
    if not np.isfinite(request.severity) or request.severity < 0:
        raise RecipeError(
            f"{entry.name}: severity must be 0 {entry.unit} or more, got {request.severity!r}"
        )
    low, high = entry.ages
    if age_years is not None and not low <= age_years <= high:
        raise RecipeError(
            f"{entry.name} is measured at {low:g} to {high:g} years, got a subject of "
            f"{age_years:.1f} years: set subject.age_years=[{low:g},{high:g}]"
        )
    return entry


def solve_case(basis: PathologyBasis, subject: Subject, requests: list[Request]) -> Case:
    """Solve all requests jointly on a subject.

    Args:
        basis: Pathology columns of the model.
        subject: Healthy subject.
        requests: What to solve; empty gives a healthy case.

    Returns:
        The case; each pathology carries what was asked and what was measured back on its vertices.

    Raises:
        RecipeError: If a request is impossible; the message names the strongest possible value.
    """
    entries = [check_request(request, subject.age_years) for request in requests]
    problem = _Problem(basis, subject, healthy_vertices(basis.model, subject), requests)
    targets = np.array([request.severity for request in requests])
    coefficients = problem.solve(targets) if requests else np.zeros(0)
    broken = problem.violation(coefficients) if requests else None
    if broken is not None:
        raise RecipeError(problem.strongest(targets, coefficients, broken))
    if problem.folds_together(coefficients):
        raise RecipeError(
            f"the pathologies {', '.join(e.name for e in entries)} would fold this head together: "
            "ask for milder ones, or for one of them"
        )
    return _report(problem, requests, coefficients)


def _report(problem: _Problem, requests: list[Request], coefficients: np.ndarray) -> Case:
    """Measure the generated vertices and write the case."""
    healthy = problem.healthy
    offset = problem.vertices(coefficients) - healthy
    before = problem.geometry(np.zeros_like(coefficients), healthy, with_smile=True)
    after = problem.geometry(coefficients, healthy + offset, with_smile=True)
    solved = []
    for request, entry, coefficient, column in zip(
        requests, problem.entries, coefficients, problem.columns, strict=True
    ):
        measured = entry.measure(after, request.side)
        grade = entry.grade_of(measured) or entry.grade_of(request.severity)
        solved.append(
            SolvedPathology(
                name=entry.name,
                side=request.side,
                parameter=entry.parameter,
                unit=entry.unit,
                requested=float(request.severity),
                measured=measured,
                healthy=entry.measure(before, request.side),
                grade=grade.name if grade else None,
                basis=(grade or entry.grades[-1]).basis,
                coefficient=float(coefficient),
                deformation=column.deformation,
                associated=request.associated,
            )
        )
    asked = {entry.name for entry in problem.entries}
    return Case(
        problem.subject,
        tuple(solved),
        healthy,
        offset,
        _drift(problem.subject, asked, before, after),
    )


def _drift(
    subject: Subject, asked: set[str], before: HeadGeometry, after: HeadGeometry
) -> dict[str, float]:
    """Return how the measures of pathologies that were not asked for changed."""
    drift = {}
    for entry in PATHOLOGIES.values():
        low, high = entry.ages
        meant = subject.age_years is None or low <= subject.age_years <= high
        if entry.name in asked or entry.effect == "cut" or not meant:
            continue
        side = entry.sides[0] if entry.sides else None
        change = entry.measure(after, side) - entry.measure(before, side)
        drift[f"{entry.name}_{entry.unit}"] = change
    return drift
