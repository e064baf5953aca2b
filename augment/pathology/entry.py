"""What one pathology of the catalogue is: its field, its measure, its grades with their source."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from augment.pathology.deformation import Field

Basis = Literal["published", "fitted", "proposal"]
Anchors = Mapping[str, Float[np.ndarray, "3"]]


@dataclass(frozen=True)
class Grade:
    """A named range of a measure.

    Attributes:
        name: ``mild``, ``moderate`` or ``severe``.
        low: Smallest value of the range in the measure's unit.
        high: Largest value; open published ranges are closed here at what is plausible.
        basis: Whether the range is published, fitted to published numbers, or a proposal.
    """

    name: str
    low: float
    high: float
    basis: Basis


@dataclass(frozen=True)
class HeadGeometry:
    """What a measure may look at: named points and, for volumes, both surfaces.

    Attributes:
        points: Skin landmarks and bony points of the head as it is.
        vertices: Its vertices, mm.
        healthy_vertices: The healthy twin's vertices, mm.
        faces: Triangles.
    """

    points: Anchors
    vertices: Float[np.ndarray, "vertices 3"]
    healthy_vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "triangles 3"]


@dataclass(frozen=True)
class Pathology:
    """One entry of the catalogue.

    Attributes:
        name: Name in recipes.
        title: Clinical name.
        parameter: What the measure is.
        unit: ``mm``, ``deg`` or ``cm3``.
        sides: Allowed sides; empty where the pathology has none.
        norm: Healthy mean of the measure, in its unit, with the source's words.
        grades: Named ranges, mild first.
        source: Where norm and ranges come from.
        region: Face regions that the field may move by more than 0.05 mm RMS; their left-right
            names without side.
        bone_follow: Share of the field that bone follows.
        skin_follow: Share that skin follows.
        follow_source: Where the shares come from.
        field: Builds the right-sided (or only) field from the template's anchors, 1 mm at its peak.
        measure: Value of the measure on a head, for a side.
    """

    name: str
    title: str
    parameter: str
    unit: str
    sides: tuple[str, ...]
    norm: str
    grades: tuple[Grade, ...]
    source: str
    region: tuple[str, ...]
    bone_follow: float
    skin_follow: float
    follow_source: str
    field: Callable[[Anchors], Field]
    measure: Callable[[HeadGeometry, str | None], float]

    def grade_of(self, value: float) -> Grade | None:
        """Return the grade whose range holds a value, or None outside all of them."""
        return next((grade for grade in self.grades if grade.low <= value <= grade.high), None)
