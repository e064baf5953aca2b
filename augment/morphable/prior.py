"""The prior of healthy heads: age, sex and ancestry enter, a subject's identity coefficients leave.

A head of the prior is a MakeHuman phenotype (age, sex, ancestry, weight, muscle, ...) with local
changes on top and a
healthy left-right asymmetry. Both the phenotype's mix and the alignment to the head frame are
linear or rigid, so that
the coefficients of a drawn head follow exactly from small cached arrays, without building its
vertices.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from augment.errors import AssetError
from augment.morphable.mean_locals import mean_locals
from augment.morphable.model import FaceModel
from augment.sample import Subject

ANCESTRIES = ("african", "asian", "caucasian")
SEXES = ("female", "male")

# Age in years → MakeHuman age, whose anchors are baby 0, child 1/3, young 2/3, old 1. Up to 18
# years: the calibration
# that anny fits to WHO growth charts (Bregier et al., Human Mesh Modeling for Anny Body, 2025);
# beyond it linear to old at 90.
AGE_YEARS = (0.0, 1.0, 4.0, 11.0, 16.0, 20.0, 90.0)
AGE_MODEL = (0.0, 0.05, 0.215, 0.415, 0.63, 0.68, 1.0)

# Macro attributes in the order of `attribute_weights`.
ATTRIBUTES = (
    "baby",
    "child",
    "young",
    "old",
    "female",
    "male",
    "minmuscle",
    "averagemuscle",
    "maxmuscle",
    "minweight",
    "averageweight",
    "maxweight",
    "minheight",
    "maxheight",
    "uncommonproportions",
    "idealproportions",
    *ANCESTRIES,
)

LOCAL_SD = 0.20  # spread of a local change; 1 is the end of the MakeHuman slider
ASYMMETRY_SD = (
    0.07  # spread of left minus right of a paired local change, and of one-sided asymmetry targets
)
LOCAL_LIMIT = 0.9
# Sliders that reach outside healthy human variation at a full draw get a smaller spread.
NARROW_LOCALS = {
    "ear": 0.6,
    "head-age": 0.4,
    "nose-septumangle": 0.6,
    "chin-cleft": 0.6,
    "neck": 0.5,
    "nose-compression": 0.6,
    "forehead-nubian": 0.6,
    "mouth-scale-depth": 0.6,
    "head-scale": 0.5,
    "head-back": 0.6,
    "head-fat": 0.7,
    "head-angle": 0.5,
    "head-trans": 0.3,
    "eye-trans": 0.5,
    "eye-scale": 0.6,
    "chin-prognathism": 0.6,
    "chin-prominent": 0.6,
    "chin-bones": 0.7,
    "nose-trans-out": 0.12,
    "mouth-trans-out": 0.12,
    "neck-trans-out": 0.12,
    "eye-push": 0.4,
}


# Size of the whole head by age, so that the mean cranial circumference follows Nellhaus, Pediatrics
# 1968;41:106.
SIZE_YEARS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 6.0, 10.0, 14.0, 18.0)
SIZE_FACTOR = (0.99, 1.13, 1.20, 1.24, 1.22, 1.135, 1.09, 1.047, 1.027, 1.013)


@dataclass(frozen=True)
class PriorSpec:
    """Which healthy heads to draw.

    Attributes:
        age_years: Lowest and highest age, 0 to 90.
        sex: ``female`` or ``male``; None draws either with equal chance.
        ancestry: ``african``, ``asian`` or ``caucasian``; None draws a mixture from a flat
            Dirichlet distribution
            sharpened towards single ancestries.
        variation: Spread of local shape changes, 1 is natural, 0 gives the phenotype alone.
        asymmetry: Spread of left-right asymmetry, 1 is natural, 0 gives symmetric heads.
    """

    age_years: tuple[float, float] = (18.0, 80.0)
    sex: str | None = None
    ancestry: str | None = None
    variation: float = 1.0
    asymmetry: float = 1.0


@dataclass(frozen=True)
class Phenotype:
    """What a drawn head is before it becomes coefficients; all shares are 0 to 1."""

    age_years: float
    sex: str
    ancestry: dict[str, float]
    masculinity: float
    muscle: float
    weight: float
    height: float
    proportions: float


def draw_phenotype(rng: np.random.Generator, spec: PriorSpec) -> Phenotype:
    """Draw age, sex, ancestry and build."""
    sex = spec.sex or SEXES[int(rng.integers(2))]
    age = float(rng.uniform(*spec.age_years))
    if spec.ancestry is None:
        shares = rng.dirichlet([0.5, 0.5, 0.5])
    else:
        shares = np.array([float(name == spec.ancestry) for name in ANCESTRIES])
    typical = rng.beta(6, 2)
    build = rng.beta([4, 4, 40, 4], [4, 4, 40, 4])  # height scales the head as a whole: 2 % spread
    return Phenotype(
        age_years=age,
        sex=sex,
        ancestry=dict(zip(ANCESTRIES, map(float, shares), strict=True)),
        masculinity=float(typical if sex == "male" else 1 - typical),
        muscle=float(build[0]),
        weight=float(build[1]),
        height=float(build[2]),
        proportions=float(build[3]),
    )


def _between(value: float, anchors: tuple[float, ...]) -> np.ndarray:
    """Return linear interpolation weights of a value between anchors."""
    eye = np.eye(len(anchors))
    return np.array([np.interp(value, anchors, row) for row in eye])


def attribute_weights(phenotype: Phenotype) -> Float[np.ndarray, " attributes"]:
    """Return the weight of every macro attribute, in the order of ATTRIBUTES; the last one is 1."""
    age = float(np.interp(phenotype.age_years, AGE_YEARS, AGE_MODEL))
    return np.concatenate(
        [
            _between(age, (0.0, 1 / 3, 2 / 3, 1.0)),
            _between(phenotype.masculinity, (0.0, 1.0)),
            _between(phenotype.muscle, (0.0, 0.5, 1.0)),
            _between(phenotype.weight, (0.0, 0.5, 1.0)),
            _between(phenotype.height, (0.0, 1.0)),
            _between(phenotype.proportions, (0.0, 1.0)),
            [phenotype.ancestry[name] for name in ANCESTRIES],
            [1.0],
        ]
    )


def attribute_rows(names: tuple[str, ...]) -> list[int]:
    """Return which attributes a macro target multiplies, as five rows of ATTRIBUTES padded with the
    constant 1."""
    rows = [ATTRIBUTES.index(name) for name in names]
    return rows + [len(ATTRIBUTES)] * (5 - len(rows))


def local_spread(name: str) -> float:
    """Return the share of the usual spread that one local change gets."""
    bare = name.removeprefix("l-").removeprefix("r-")
    return next((share for key, share in NARROW_LOCALS.items() if key in bare), 1.0)


def draw_locals(
    rng: np.random.Generator, names: tuple[str, ...], means: Mapping[str, float], spec: PriorSpec
) -> Float[np.ndarray, " locals"]:
    """Draw local changes around their means, right side like left up to a healthy asymmetry."""
    variation, asymmetry = spec.variation, spec.asymmetry
    values = np.zeros(len(names))
    row = {name: k for k, name in enumerate(names)}
    for k, name in enumerate(names):
        if name.startswith("r-"):
            continue
        spread = local_spread(name)
        mean = means.get(name.removeprefix("l-"), 0.0)
        centre = mean + rng.normal(0.0, LOCAL_SD * spread) * variation
        difference = rng.normal(0.0, ASYMMETRY_SD * spread) * asymmetry
        sideways = name.endswith("-trans-out") and not name.startswith("l-")
        values[k] = centre * (asymmetry if sideways else 1.0)
        if name.startswith("l-"):
            values[k] += difference / 2
            values[row["r-" + name[2:]]] = centre - difference / 2
    return np.clip(values, -LOCAL_LIMIT, LOCAL_LIMIT)


def draw_asymmetry(
    rng: np.random.Generator, n: int, asymmetry: float
) -> Float[np.ndarray, " targets"]:
    """Draw the one-sided asymmetry targets: few at a time, each small and of one sign."""
    values = np.abs(rng.normal(0.0, 2 * ASYMMETRY_SD, size=n)) * (rng.random(n) < 0.3)
    return values * asymmetry


def target_weights(
    phenotype: Phenotype,
    macro_rows: Int[np.ndarray, "macros 5"],
    local: Float[np.ndarray, " locals"],
    asymmetric: Float[np.ndarray, " asymmetries"],
) -> Float[np.ndarray, " targets"]:
    """Return the weight of every morph target: macro products, local positive and negative ends,
    asymmetry."""
    products = attribute_weights(phenotype)[macro_rows].prod(axis=1)
    return np.concatenate([products, np.maximum(local, 0), np.maximum(-local, 0), asymmetric])


def draw_subject(model: FaceModel, rng: np.random.Generator, spec: PriorSpec) -> Subject:
    """Draw a healthy subject, neutral and unposed.

    Args:
        model: A model with a prior (the default one).
        rng: Stream of the subject.
        spec: Which heads to draw.

    Raises:
        AssetError: If the model carries no prior.
    """
    if not model.prior:
        raise AssetError(
            f"model {model.name} has no prior of age, sex and ancestry: use subject.source=file"
        )
    prior = model.prior
    phenotype = draw_phenotype(rng, spec)
    names = tuple(str(name) for name in prior["local_names"])
    means = mean_locals(phenotype.sex, phenotype.age_years)
    local = draw_locals(rng, names, means, spec)
    asymmetric = draw_asymmetry(rng, int(prior["n_asymmetry"]), spec.asymmetry)
    weights = target_weights(phenotype, prior["macro_rows"], local, asymmetric)
    return Subject(
        identity=identity_from_weights(prior, weights, size_factor(phenotype.age_years)),
        age_years=phenotype.age_years,
        sex=phenotype.sex,
        ancestry=phenotype.ancestry,
    )


def size_factor(age_years: float) -> float:
    """Return the factor that brings MakeHuman's head of an age to its published size."""
    return float(np.interp(age_years, SIZE_YEARS, SIZE_FACTOR))


def identity_from_weights(
    prior: dict[str, np.ndarray], weights: np.ndarray, size: float
) -> Float[np.ndarray, "99"]:
    """Return the identity coefficients of a mix of morph targets after alignment to the head frame.

    With P the projection onto the modes, x the mixed points, s the size and (R, o) the head's own
    frame:
    α = P (s R (x - o)) - P mean, and P (R x) contracts to sum_ij R_ij C_nij for the small tensor C.
    """
    points = prior["frame_base"] + np.tensordot(weights, prior["frame_targets"], axes=1)
    rotation, origin = head_frame(points)
    mixed = prior["projection_base"] + np.tensordot(
        prior["projection_targets"], weights, axes=([3], [0])
    )
    turned = np.einsum("nij,ij->n", mixed, rotation)
    shift = prior["projection_ones"] @ (rotation @ origin)
    return np.asarray(size * (turned - shift) - prior["projection_mean"])


def head_frame(
    points: Float[np.ndarray, "4 3"],
) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]:
    """Return rotation and origin of the head frame: head = rotation @ (point - origin).

    Args:
        points: Right and left tragion, right and left orbitale.

    Returns:
        Rows of the rotation are right, anterior and superior: x through both tragia, the Frankfort
            plane through the
        tragia and the middle of the orbitalia; the origin is midway between the tragia.
    """
    origin = (points[0] + points[1]) / 2
    right = points[0] - points[1]
    right = right / np.linalg.norm(right)
    forward = (points[2] + points[3]) / 2 - origin
    superior = np.cross(right, forward)
    superior = superior / np.linalg.norm(superior)
    return np.stack([right, np.cross(superior, right), superior]), origin
