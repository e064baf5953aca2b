"""Solve pathologies to their clinical measures on a subject's own geometry.

Requests enter; a :class:`Case` leaves, whose measures were taken back from the generated vertices.
The coefficients are
found jointly by Newton's method, so that each measure holds with all the other pathologies present.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float

from augment.errors import RecipeError
from augment.morphable.model import FaceModel
from augment.pathology.anchors import all_points, anchor_map, point_depths, vertex_depths
from augment.pathology.case import Case, Request, SolvedPathology
from augment.pathology.catalogue import PATHOLOGIES, find_pathology
from augment.pathology.deformation import Deformation, Field, mirrored, summed
from augment.pathology.entry import HeadGeometry, Pathology
from augment.pathology.limits import coefficient_limits, exposed_faces, inverted_triangles
from augment.sample import Subject

SOLVER_TOLERANCE = 1e-3  # in the measure's unit, fifty times below what is promised
MAX_NEWTON_STEPS = 30
LIP_CONTACT_MM = 3.0
STEP_MM = 0.05  # finite difference of the coefficients


def _sided(field: Field, side: str | None) -> Field:
    if side == "left":
        return mirrored(field)
    return summed(field, mirrored(field)) if side == "both" else field


@dataclass(frozen=True)
class _Column:
    """A deformation sampled where solving needs it."""

    deformation: Deformation
    vertices: Float[np.ndarray, "vertices 3"]
    points: Float[np.ndarray, "points 3"]
    limits: tuple[float, float]


class PathologyBasis:
    """Pathology columns of one face model, sampled once per pathology and side."""

    def __init__(self, model: FaceModel) -> None:
        """Read the template's anchors and depths."""
        self.model = model
        self.mean = model.mean.cpu().numpy().astype(np.float64)
        self.faces = model.faces.cpu().numpy()
        self.skin_faces = self.faces[model.part_of_triangle.cpu().numpy() == 1]
        self.anchors = anchor_map(model)
        self.template_points = all_points(self.anchors, model, self.mean)
        self.exposed_faces = self._without_lip_contact(exposed_faces(self.mean, self.skin_faces))
        self._columns: dict[tuple[str, str | None], _Column] = {}

    def _without_lip_contact(self, faces: np.ndarray) -> np.ndarray:
        """Leave out the strip where the lips meet: one slides along the other and its triangles
        shear."""
        centres = self.mean[faces].mean(axis=1)
        stomion = self.anchors.named(self.template_points)["stomion"]
        from_line = np.hypot(
            centres[:, 2] - stomion[2], np.clip(stomion[1] - 25.0 - centres[:, 1], 0.0, None)
        )
        return np.asarray(faces[from_line > LIP_CONTACT_MM])

    @cached_property
    def depths(self) -> Float[np.ndarray, " vertices"]:
        """Depth of every template vertex below the skin."""
        return vertex_depths(self.model)

    def column(self, entry: Pathology, side: str | None) -> _Column:
        """Return the sampled field of a pathology on a side."""
        key = (entry.name, side)
        if key not in self._columns:
            field = _sided(entry.field(self.anchors.named(self.template_points)), side)
            deformation = Deformation(entry.name, side, field, entry.bone_follow, entry.skin_follow)
            vertices = deformation.displacement(self.mean, self.depths)
            points = deformation.displacement(self.template_points, point_depths(self.anchors))
            points[: self.anchors.n_skin] = self.anchors.skin(
                vertices
            )  # as landmarks are read from the mesh
            self._columns[key] = _Column(
                deformation=deformation,
                vertices=vertices,
                points=points,
                limits=coefficient_limits(deformation),
            )
        return self._columns[key]


class _Problem:
    """Measures of one subject as functions of the coefficients."""

    def __init__(
        self,
        basis: PathologyBasis,
        healthy: np.ndarray,
        entries: list[Pathology],
        sides: list[str | None],
    ):
        self.basis, self.healthy, self.entries, self.sides = basis, healthy, entries, sides
        self.columns = [
            basis.column(entry, side) for entry, side in zip(entries, sides, strict=True)
        ]
        self.points = all_points(basis.anchors, basis.model, healthy)

    def geometry(self, coefficients: np.ndarray, *, with_surface: bool) -> HeadGeometry:
        points = self.points + sum(
            c * k.points for c, k in zip(coefficients, self.columns, strict=True)
        )
        vertices = self.healthy
        if with_surface:
            vertices = vertices + sum(
                c * k.vertices for c, k in zip(coefficients, self.columns, strict=True)
            )
        return HeadGeometry(
            self.basis.anchors.named(points), vertices, self.healthy, self.basis.skin_faces
        )

    def measure(self, coefficients: np.ndarray) -> np.ndarray:
        volumes = any(entry.unit == "cm3" for entry in self.entries)
        head = self.geometry(coefficients, with_surface=volumes)
        return np.array([e.measure(head, s) for e, s in zip(self.entries, self.sides, strict=True)])

    def jacobian(self, coefficients: np.ndarray, value: np.ndarray) -> np.ndarray:
        columns = []
        for k in range(len(coefficients)):
            step = coefficients.copy()
            step[k] += STEP_MM
            columns.append((self.measure(step) - value) / STEP_MM)
        return np.stack(columns, axis=1)

    def solve(self, targets: np.ndarray) -> np.ndarray:
        """Return coefficients that meet the targets, or raise RecipeError."""
        coefficients = np.zeros(len(targets))
        for _ in range(MAX_NEWTON_STEPS):
            value = self.measure(coefficients)
            if np.abs(value - targets).max() < SOLVER_TOLERANCE:
                return coefficients
            slope = self.jacobian(coefficients, value)
            coefficients = coefficients + np.linalg.lstsq(slope, targets - value, rcond=None)[0]
            if not np.isfinite(coefficients).all() or np.abs(coefficients).max() > 500:
                break
        raise RecipeError(
            f"the pathologies {', '.join(e.name for e in self.entries)} cannot hold the values "
            f"{', '.join(f'{t:g}' for t in targets)} together: ask for milder ones"
        )

    def violation(self, coefficients: np.ndarray) -> int | None:
        """Return which pathology leaves its limits or turns triangles over, or None."""
        for k, (coefficient, column) in enumerate(zip(coefficients, self.columns, strict=True)):
            low, high = column.limits
            if not low <= coefficient <= high:
                return k
        deformed = self.geometry(coefficients, with_surface=True).vertices
        if inverted_triangles(self.healthy, deformed, self.basis.exposed_faces):
            return int(np.abs(coefficients).argmax())
        return None

    def extreme(self, coefficients: np.ndarray, k: int) -> float:
        """Return the most severe possible value of measure k with the others as they are."""
        low, high = 0.0, float(coefficients[k])
        trial = coefficients.copy()
        for _ in range(40):
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


def check_request(request: Request) -> Pathology:
    """Return the entry of a request.

    Raises:
        RecipeError: If the pathology is unknown, the side is not one of its sides, or the severity
            is negative.
    """
    entry = find_pathology(request.name)
    if entry.sides and request.side not in entry.sides:
        raise RecipeError(
            f"{entry.name} needs a side, one of {', '.join(entry.sides)}, got {request.side!r}"
        )
    if not entry.sides and request.side is not None:
        raise RecipeError(f"{entry.name} has no side, got side={request.side!r}: leave it out")
    if not np.isfinite(request.severity) or request.severity < 0:
        raise RecipeError(
            f"{entry.name}: severity must be 0 {entry.unit} or more, got {request.severity!r}"
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
    entries = [check_request(request) for request in requests]
    healthy = healthy_vertices(basis.model, subject)
    problem = _Problem(basis, healthy, entries, [request.side for request in requests])
    targets = np.array([request.severity for request in requests])
    coefficients = problem.solve(targets) if requests else np.zeros(0)
    broken = problem.violation(coefficients) if requests else None
    if broken is not None:
        entry, extreme = entries[broken], problem.extreme(coefficients, broken)
        raise RecipeError(
            f"{entry.name}: {entry.parameter} of {targets[broken]:g} {entry.unit} would fold this "
            f"head; the strongest possible value is {extreme:.1f} {entry.unit}"
        )
    offset = np.zeros_like(healthy)
    for coefficient, column in zip(coefficients, problem.columns, strict=True):
        offset += coefficient * column.vertices
    return _report(basis, subject, requests, entries, healthy, offset, coefficients, problem)


def _report(
    basis: PathologyBasis,
    subject: Subject,
    requests: list[Request],
    entries: list[Pathology],
    healthy: np.ndarray,
    offset: np.ndarray,
    coefficients: np.ndarray,
    problem: _Problem,
) -> Case:
    """Measure the generated vertices and write the case."""
    before = HeadGeometry(basis.anchors.named(problem.points), healthy, healthy, basis.skin_faces)
    moved = problem.geometry(coefficients, with_surface=False).points
    # Skin landmarks are read from the generated vertices; bony points have no vertices and move
    # with the field.
    points = dict(moved)
    skin = basis.anchors.skin(healthy + offset)
    points.update(zip(basis.anchors.names[: basis.anchors.n_skin], skin, strict=True))
    after = HeadGeometry(points, healthy + offset, healthy, basis.skin_faces)
    solved = []
    for request, entry, coefficient, column in zip(
        requests, entries, coefficients, problem.columns, strict=True
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
            )
        )
    asked = {entry.name for entry in entries}
    drift = {
        f"{entry.name}_{entry.unit}": entry.measure(after, side) - entry.measure(before, side)
        for entry in PATHOLOGIES.values()
        if entry.name not in asked
        for side in [entry.sides[0] if entry.sides else None]
    }
    return Case(subject, tuple(solved), healthy, offset, drift)
