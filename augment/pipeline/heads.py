"""The two heads that a volume shows, at rest and without expression, with their bony points."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from augment.pathology import PATHOLOGIES, Deformation, PathologyBasis
from augment.pathology.anchors import all_points
from augment.pathology.basis import Column
from augment.pathology.solve import healthy_vertices
from augment.record import HEALTHY, PATHOLOGICAL
from augment.sample import Subject


class Move(NamedTuple):
    """One solved pathology: its name, its side, its coefficient, and whether the changes that often
    come along are part of it."""

    name: str
    side: str | None
    coefficient: float
    associated: bool = False

    def column(self, basis: PathologyBasis) -> Column:
        """Return its field, sampled."""
        return basis.column(PATHOLOGIES[self.name], self.side, self.associated)


@dataclass(frozen=True)
class HeadPair:
    """A healthy head and its pathological twin, head frame.

    Attributes:
        healthy_mm: Healthy vertices of the face model.
        pathological_mm: The same vertices of the pathological head; None where there is none.
        moves: Deformation and solved coefficient of each pathology.
        points_mm: Twin to its skin landmarks and bony points by name.
        subject: The healthy subject.
    """

    healthy_mm: Float[np.ndarray, "vertices 3"]
    pathological_mm: Float[np.ndarray, "vertices 3"] | None
    moves: Sequence[tuple[Deformation, float]]
    points_mm: Mapping[str, Mapping[str, np.ndarray]]
    subject: Subject


def head_pair(basis: PathologyBasis, subject: Subject, moves: Sequence[Move]) -> HeadPair:
    """Return both heads of a case.

    Args:
        basis: The pathologies' displacements.
        subject: The healthy subject.
        moves: The solved pathologies; none gives a healthy head alone.
    """
    healthy = healthy_vertices(basis.model, subject)
    points = all_points(basis.anchors, basis.model, healthy)
    named = {HEALTHY: basis.anchors.named(points)}
    if not moves:
        return HeadPair(healthy, None, (), named, subject)
    columns = [(move.column(basis), move.coefficient) for move in moves]
    pathological, moved = healthy.copy(), points.copy()
    for column, amount in columns:
        pathological += amount * column.vertices
        # A column's points are the named ones, then the orbits' vertices.
        moved += amount * column.points[: len(moved)]
    named[PATHOLOGICAL] = basis.anchors.named(moved)
    deformations = tuple((column.deformation, amount) for column, amount in columns)
    return HeadPair(healthy, pathological, deformations, named, subject)
