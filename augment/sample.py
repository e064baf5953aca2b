"""The nouns that travel through the pipeline, as frozen records of plain numpy arrays.

Subject is who it is, Case what happened to the face, View how it was seen.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

N_IDENTITY, N_EXPRESSION, N_POSE = 99, 79, 21


@dataclass(frozen=True)
class Subject:
    """A healthy head: the 199 coefficients of the face model and where they came from.

    Attributes:
        identity: 99 coefficients in standard deviations of the model's modes.
        expression: 79 coefficients, 0 neutral, 1 full action, in the order of the model's
            expression names.
        pose: 21 numbers, see :data:`augment.morphable.pose.POSE_NAMES`.
        source: ``prior``, ``ct``, ``scan``, ``photo`` or ``file``.
        age_years: Age, or None where it is not known.
        sex: ``female`` or ``male``, or None where it is not known.
        ancestry: Shares of african, asian and caucasian that sum to 1, or None where not known.
        detail_mm: What the coefficients cannot express, per vertex in the head frame (vertices 3),
            or None.
    """

    identity: Float[np.ndarray, "99"]
    expression: Float[np.ndarray, "79"] = field(default_factory=lambda: np.zeros(N_EXPRESSION))
    pose: Float[np.ndarray, "21"] = field(default_factory=lambda: np.zeros(N_POSE))
    source: str = "prior"
    age_years: float | None = None
    sex: str | None = None
    ancestry: dict[str, float] | None = None
    detail_mm: Float[np.ndarray, "vertices 3"] | None = None
