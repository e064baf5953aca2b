"""What one pathology of the catalogue is: its field, its measure, its grades with their source."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from augment.pathology.deformation import FOLLOW_DEPTH_MM, Field, Points
from augment.pathology.measures import Vault, vault_of

Basis = Literal["published", "fitted", "proposal"]
# What a measure looks at beyond named points, and how a pathology acts: by displacement, on the
# expression of one side, or by taking bone away.
Need = Literal["surface", "smile", "cut"]
Effect = Literal["displacement", "expression", "cut"]
Anchors = Mapping[str, Float[np.ndarray, "3"]]
LEAST_MEAN_SD = 2.0
"""Mean of a cohort over its standard deviation, so that few draws lie below 0."""


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
class Cohort:
    """A published group of patients, as a normal distribution of the measure.

    Attributes:
        mean: Mean in the measure's unit, two standard deviations or more.
        sd: Standard deviation.
        source: Where it was published.

    Raises:
        ValueError: If more than a few draws would lie below 0.
    """

    mean: float
    sd: float
    source: str

    def __post_init__(self) -> None:
        """Refuse a mean and a spread of which a normal distribution makes many healthy patients."""
        if self.mean < LEAST_MEAN_SD * self.sd:
            raise ValueError(
                f"a cohort expects a mean of {LEAST_MEAN_SD:g} standard deviations or more, for a"
                f" draw below 0 counts as 0, got {self.mean:g} and {self.sd:g} ({self.source});"
                " leave the cohort out and draw from the grades"
            )

    def draw(self, rng: np.random.Generator) -> float:
        """Draw the severity of one patient, in the measure's unit.

        A draw below 0, which no patient has, counts as 0: a share Phi(-mean / sd) of all, 2.3 % at
        most; 1.7 % of the swollen cheeks, 0.9 % of the orbital fractures, 0.2 % of the zygomas.
        """
        return max(0.0, float(rng.normal(self.mean, self.sd)))


@dataclass(frozen=True)
class Cut:
    """Bone that was taken away: everything that is mapped into a disc.

    Attributes:
        plane: Where each vertex lies in the plane of the cut; infinite beyond its reach.
        size: Radius of the disc about the plane's origin.
    """

    plane: Float[np.ndarray, "vertices 2"]
    size: float


@dataclass(frozen=True)
class HeadGeometry:
    """What a measure may look at.

    Attributes:
        points: Skin landmarks and bony points of the head as it is.
        vertices: Its vertices, mm.
        healthy_vertices: The healthy twin's vertices, mm.
        faces: Triangles.
        orbits: Vertices of the closed surface of the right and the left orbit, mm.
        smiling: Its landmarks in the fullest smile.
        cut: What was cut out of the skull, or None.
        sex: ``female``, ``male`` or None where not known.
    """

    points: Anchors
    vertices: Float[np.ndarray, "vertices 3"]
    healthy_vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "triangles 3"]
    orbits: Mapping[str, Float[np.ndarray, "orbit 3"]]
    smiling: Anchors | None = None
    cut: Cut | None = None
    sex: str | None = None

    @cached_property
    def vault(self) -> Vault:
        """The vault in its own frame."""
        return vault_of(self.points, self.vertices, self.faces)


@dataclass(frozen=True)
class Pathology:
    """One entry of the catalogue.

    Attributes:
        name: Name in recipes.
        title: Clinical name.
        parameter: What the measure is.
        unit: ``mm``, ``deg``, ``cm2``, ``cm3``, ``percent``, ``ratio`` or ``SD``.
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
        needs: What the measure looks at beyond named points.
        ages: Youngest and oldest age in years at which the measure means something.
        skin_field: Builds what the skin does beyond its share of the field, or None.
        follow_depth_mm: Depth below the skin from which tissue moves as bone does.
        associated: Builds a field of changes that often come along, or None.
        associated_changes: What those are, in words.
        effect: How it acts: displacement, expression or cut.
        weight: For expression, the share of one side's expression that is lost per unit
            coefficient. Right-sided, template space.
        outline: For a cut, where points lie in the plane in which its outline is a circle, whose
            radius is the coefficient. Right-sided, template space.
        bounds: Coefficients that make sense whatever the tissue would bear.
        start: Coefficient from which solving starts.
        cohort: A published group of patients, or None.
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
    needs: tuple[Need, ...] = ()
    ages: tuple[float, float] = (0.0, 120.0)
    skin_field: Callable[[Anchors], Field] | None = None
    follow_depth_mm: float = FOLLOW_DEPTH_MM
    associated: Callable[[Anchors], Field] | None = None
    associated_changes: str = ""
    effect: Effect = "displacement"
    weight: Callable[[Anchors], Callable[[Points], np.ndarray]] | None = None
    outline: Callable[[Anchors], Callable[[Points], np.ndarray]] | None = None
    bounds: tuple[float, float] = (-np.inf, np.inf)
    start: float = 0.0
    cohort: Cohort | None = None

    @property
    def decimals(self) -> int:
        """Digits after the point with which the measure is written."""
        return 2 if self.unit == "ratio" else 1

    def grade_of(self, value: float) -> Grade | None:
        """Return the grade whose range holds a value, or None outside all of them."""
        return next((grade for grade in self.grades if grade.low <= value <= grade.high), None)
