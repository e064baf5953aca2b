"""Individual variation of the anatomy beneath the skin: drawn once as plain numbers, then applied
deterministically."""

from dataclasses import dataclass, field
from enum import Enum

import numpy as np


class ToothState(Enum):
    """State of one tooth."""

    MISSING = "missing"
    SOUND = "sound"
    FILLED = "filled"
    CROWNED = "crowned"


TEETH_PER_SIDE = 8
"""Third molar first, central incisor last, on each side."""

DENTITIONS, PATIENTS_DENTITIONS = (0.5, 0.33, 0.17), (0.4, 0.25, 0.35)
"""Shares of full, partial and lost dentition of adults, and of patients of head-and-neck
radiotherapy, whose teeth are often taken out before (7 of 12 planning CT)."""

BITE_BLOCKS = 0.3
"""Share of planning CT with a mouthpiece (4 of 12)."""

FULL_ARCH: tuple[ToothState, ...] = (
    (ToothState.MISSING,) + (ToothState.SOUND,) * 14 + (ToothState.MISSING,)
)


@dataclass(frozen=True)
class MandibleSpec:
    """Shape of the mandible; scales are relative to the average adult.

    Attributes:
        scale: Size along (right, anterior, superior) about the joints.
        body_radius_mm: Half thickness of the body at the molars.
        symphysis_radius_mm: Half thickness of the chin; the real depth of the symphysis has a
            median of 16 mm.
        ramus_radius_mm: Half thickness of the ramus.
        ramus_width_mm: Added antero-posterior width of the ramus.
        gonial_shift_mm: Posterior shift of the angle: positive is a square jaw.
        coronoid_mm: Added height of the coronoid process.
        condyle_radius_mm: Half antero-posterior size of the condylar head.
        joint_space_mm: Gap between the condyle and the fossa.
        cortex_mm: Thickness of the cortical bone.
        periosteum_mm: Thickness of the soft layer that clinicians contour with the bone.
        crest_loss_mm: Height that the alveolar ridge has lost, 0 with all teeth, to 12 when
            edentulous.
        opening_deg: Rotation of the jaw about the condyles.
    """

    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    body_radius_mm: float = 3.6
    symphysis_radius_mm: float = 4.8
    ramus_radius_mm: float = 1.95
    ramus_width_mm: float = 0.0
    gonial_shift_mm: float = 0.0
    coronoid_mm: float = 0.0
    condyle_radius_mm: float = 4.4
    joint_space_mm: float = 2.4
    cortex_mm: float = 2.0
    periosteum_mm: float = 0.5
    crest_loss_mm: float = 0.0
    opening_deg: float = 1.0


@dataclass(frozen=True)
class AtlasSpec:
    """Everything that makes one atlas differ from another with the same skin.

    Attributes:
        mandible: Shape of the mandible.
        teeth_lower: State of 16 teeth, from the patient's right third molar to the left one.
        teeth_upper: As `teeth_lower`.
        scalp_mm: Depth of the skull under the scalp.
        skull_thickness_mm: Thickness of the vault.
        diploe_fraction: Share of the vault's thickness that is trabecular.
        occipital_thickness_mm: Added thickness about the inion.
        fat_mm: Thickness of the subcutaneous fat of the face.
        neck_fat_mm: Further fat on the neck.
        frontal_sinus: Scale of the sinus; 0 for an absent one.
        maxillary_sinus: As above.
        sphenoid_sinus: As above.
        opacified_sinus: Whether the maxillary sinuses are filled with mucosa.
        mastoid_scale: Size of the mastoid process.
        mastoid_cells: Number of air cells on each side.
        pharynx_radius_mm: Radius of the oropharynx.
        oral_air_mm: Height of the air between the tongue and the palate.
        hyoid_drop_mm: Downward shift of hyoid and larynx.
        ossified_larynx: Whether the thyroid cartilage is ossified.
        spine_sway_mm: Anterior shift of C3, C5, C7 and T2.
        vertebra_mm: Height of a cervical body.
        shoulder_lift_mm: Upward shift of the shoulder girdle.
        shoulder_scale: Size of the shoulder bones' sections.
        bite_block: Whether a mouthpiece of radiotherapy keeps the jaws apart.
        detail_seed: Seed of the small-scale patterns (fat planes, air cells, unevenness of the
            vault).
    """

    mandible: MandibleSpec = field(default_factory=MandibleSpec)
    teeth_lower: tuple[ToothState, ...] = FULL_ARCH
    teeth_upper: tuple[ToothState, ...] = FULL_ARCH
    scalp_mm: float = 5.2
    skull_thickness_mm: float = 6.5
    diploe_fraction: float = 0.35
    occipital_thickness_mm: float = 1.0
    fat_mm: float = 4.0
    neck_fat_mm: float = 2.0
    frontal_sinus: float = 1.0
    maxillary_sinus: float = 1.0
    sphenoid_sinus: float = 1.0
    opacified_sinus: bool = False
    mastoid_scale: float = 1.0
    mastoid_cells: int = 5
    pharynx_radius_mm: float = 7.0
    oral_air_mm: float = 1.0
    hyoid_drop_mm: float = 0.0
    ossified_larynx: bool = False
    spine_sway_mm: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    vertebra_mm: float = 13.5
    shoulder_lift_mm: float = 0.0
    shoulder_scale: float = 1.0
    bite_block: bool = False
    detail_seed: int = 0


def _quadruple(values: np.ndarray) -> tuple[float, float, float, float]:
    """Return four numbers as plain floats."""
    first, second, third, fourth = (float(value) for value in values)
    return first, second, third, fourth


def draw_atlas_spec(
    rng: np.random.Generator, opening_deg: float = 0.0, *, is_patient: bool = False
) -> AtlasSpec:
    """Draw the anatomy of one adult.

    Args:
        rng: Generator of the sample's ``"atlas"`` stage.
        opening_deg: Opening of the jaw that the template's skin has already.
        is_patient: Whether teeth and mouthpieces are those of patients of radiotherapy.

    Returns:
        The drawn numbers; the same numbers give the same atlas.
    """
    uniform, normal = rng.uniform, rng.normal
    shares = PATIENTS_DENTITIONS if is_patient else DENTITIONS
    kind = int(rng.choice(3, p=shares))
    lower, lower_loss = _draw_arch(rng, kind)
    upper, _ = _draw_arch(rng, kind if rng.random() < 0.75 else int(rng.choice(3, p=shares)))
    has_block = bool(rng.random() < BITE_BLOCKS) and is_patient
    return AtlasSpec(
        mandible=_draw_mandible(rng, lower_loss, opening_deg),
        teeth_lower=lower,
        teeth_upper=upper,
        scalp_mm=uniform(4.2, 6.8),
        skull_thickness_mm=uniform(4.3, 8.8),
        diploe_fraction=uniform(0.15, 0.5),
        occipital_thickness_mm=uniform(-1.5, 3.5),
        fat_mm=uniform(2.0, 7.0),
        neck_fat_mm=uniform(0.0, 6.0),
        frontal_sinus=0.0 if rng.random() < 0.15 else uniform(0.6, 1.4),
        maxillary_sinus=uniform(0.75, 1.12),
        sphenoid_sinus=uniform(0.6, 1.3),
        opacified_sinus=bool(rng.random() < 0.12),
        mastoid_scale=uniform(0.75, 1.25),
        mastoid_cells=int(rng.integers(0, 12)),
        pharynx_radius_mm=uniform(4.0, 10.0),
        oral_air_mm=max(0.0, uniform(-3.0, 5.0)),
        hyoid_drop_mm=uniform(-5.0, 12.0),
        ossified_larynx=bool(rng.random() < 0.6),
        spine_sway_mm=_quadruple(normal(0.0, (2.0, 4.0, 4.0, 4.0))),
        vertebra_mm=uniform(12.0, 15.0),
        shoulder_lift_mm=normal(0.0, 8.0),
        shoulder_scale=uniform(0.85, 1.2),
        bite_block=has_block,
        detail_seed=int(rng.integers(2**31)),
    )


def _draw_mandible(
    rng: np.random.Generator, crest_loss_mm: float, opening_deg: float
) -> MandibleSpec:
    uniform, normal = rng.uniform, rng.normal
    return MandibleSpec(
        scale=(float(uniform(0.95, 1.05)), float(uniform(0.95, 1.04)), float(uniform(0.90, 1.04))),
        body_radius_mm=uniform(3.0, 4.15),
        symphysis_radius_mm=uniform(4.0, 5.6),
        ramus_radius_mm=uniform(1.5, 2.4),
        ramus_width_mm=uniform(-3.5, 3.5),
        gonial_shift_mm=normal(0.0, 3.0),
        coronoid_mm=float(np.clip(normal(1.0, 4.5), -8.0, 12.0)),
        condyle_radius_mm=uniform(3.6, 5.2),
        joint_space_mm=uniform(1.6, 3.6),
        cortex_mm=uniform(1.1, 2.1),
        crest_loss_mm=crest_loss_mm,
        opening_deg=max(0.0, opening_deg + float(uniform(-1.0, 1.5))),
    )


def _draw_arch(rng: np.random.Generator, kind: int) -> tuple[tuple[ToothState, ...], float]:
    """Teeth of one jaw and the height its ridge has lost: full (0), partial (1), edentulous (2)."""
    present = np.array((0.96, 0.55, 0.0))[kind]
    restored = rng.uniform(0.0, 0.35)
    states = []
    for index in range(2 * TEETH_PER_SIDE):
        third_molar = index in (0, 2 * TEETH_PER_SIDE - 1)
        if rng.random() > present * (0.5 if third_molar else 1.0):
            states.append(ToothState.MISSING)
        elif rng.random() < restored:
            states.append(ToothState.FILLED if rng.random() < 0.6 else ToothState.CROWNED)
        else:
            states.append(ToothState.SOUND)
    loss = (0.0, float(rng.uniform(0.0, 3.0)), float(rng.uniform(2.0, 12.0)))[kind]
    return tuple(states), loss
