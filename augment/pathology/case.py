"""A case: a healthy subject, what happened to it, and both geometries."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from augment.pathology.deformation import Deformation
from augment.sample import Subject


@dataclass(frozen=True)
class Request:
    """What a recipe asks for.

    Attributes:
        name: Name of the pathology.
        severity: How severe, in its unit.
        side: On which side, None where it has none.
        unit: Unit that the severity was given in; None takes the pathology's own.
        associated: With the changes that often come along.
    """

    name: str
    severity: float
    side: str | None = None
    unit: str | None = None
    associated: bool = False


@dataclass(frozen=True)
class SolvedPathology:
    """A pathology as it was solved on one subject.

    Attributes:
        name: Pathology.
        side: Side, or None.
        parameter: What is measured.
        unit: Its unit.
        requested: Value asked for.
        measured: Value measured back on the generated geometry.
        healthy: Value of the same measure on the healthy twin.
        grade: Grade that holds the measured value, or None outside all ranges.
        basis: Basis of that grade's range, or of the nearest grade's.
        coefficient: The solved coefficient of the field, mm at its peak.
        deformation: The field.
        associated: Whether the field holds the changes that often come along.
    """

    name: str
    side: str | None
    parameter: str
    unit: str
    requested: float
    measured: float
    healthy: float
    grade: str | None
    basis: str
    coefficient: float
    deformation: Deformation
    associated: bool = False


@dataclass(frozen=True)
class Case:
    """A subject with its pathologies, at rest and without expression, in the head frame.

    Attributes:
        subject: The healthy subject.
        pathologies: What was solved, in the order of the requests.
        healthy_mm: Healthy vertices.
        offset_mm: Displacement of each vertex from healthy to pathological.
        drift: Measures of pathologies that were not asked for: name → change against the healthy
            twin.
    """

    subject: Subject
    pathologies: tuple[SolvedPathology, ...]
    healthy_mm: Float[np.ndarray, "vertices 3"]
    offset_mm: Float[np.ndarray, "vertices 3"]
    drift: dict[str, float]

    @property
    def pathological_mm(self) -> Float[np.ndarray, "vertices 3"]:
        """Pathological vertices."""
        return self.healthy_mm + self.offset_mm
