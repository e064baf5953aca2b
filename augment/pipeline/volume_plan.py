"""What is drawn for a sample's volume: the acquisition and the anatomy beneath the skin, as plain
records that are written and read back."""

from dataclasses import dataclass, replace

import numpy as np

from augment.recipe import RecipeSpec
from augment.recipe.schema import CEPHALOGRAMS, VolumeSpec
from augment.streams import stream
from augment.volume.anatomy.spec import AtlasSpec, draw_atlas_spec
from augment.volume.field.fracture import Fracture
from augment.volume.imaging.protocol import Scan, cephalostat_scan, draw_scan
from augment.volume.imaging.tissue import Contrast

RADIOTHERAPY = "radiotherapy"
SIDES = ("left", "right")
OPENINGS_DEG, OPENING_SHARES = (0.0, 5.0, 10.0), (0.62, 0.23, 0.15)
"""How far the jaw is open on planning CT, and how often."""


@dataclass(frozen=True)
class VolumePlan:
    """Everything that is drawn for a generated volume.

    Attributes:
        scan: The acquisition: posture, grid, value of each tissue, scanner.
        anatomy: The anatomy beneath the skin.
        own_atlas: Number of the user's atlas in the recipe's list that is painted over it, or None.
        opening_deg: Opening of the jaw of the template; 0 for twins, whose pathologies are defined
            on a closed one.
        jaw_deg: Rotation of the jaw that the field of both twins adds.
        fracture: What breaks in the pathological twin, or None.
    """

    scan: Scan
    anatomy: AtlasSpec
    own_atlas: int | None = None
    opening_deg: float = 0.0
    jaw_deg: float = 0.0
    fracture: Fracture | None = None


def draw_plan(spec: RecipeSpec, index: int) -> VolumePlan:
    """Draw the volume of a sample.

    Args:
        spec: A checked recipe with a protocol.
        index: Number of the sample.
    """
    wanted = spec.volume
    scan = draw_scan(
        stream(spec.seed, index, "scan"),
        wanted.protocol,
        Contrast(wanted.contrast),
        wanted.spacing_mm,
    )
    if any(name in CEPHALOGRAMS for name in wanted.files):
        scan = cephalostat_scan(scan)
    rng = stream(spec.seed, index, "atlas")
    is_patient, opening_deg = wanted.protocol == RADIOTHERAPY, 0.0
    own_pose = wanted.expression or wanted.jaw_opening_deg[1] > 0.0 or bool(wanted.fractures)
    if is_patient and not (spec.pathologies or wanted.atlases or own_pose):
        opening_deg = float(rng.choice(OPENINGS_DEG, p=OPENING_SHARES))
    plan = VolumePlan(
        scan, draw_atlas_spec(rng, opening_deg, is_patient=is_patient), opening_deg=opening_deg
    )
    if wanted.atlases:
        own = stream(spec.seed, index, "own atlas")
        plan = replace(plan, own_atlas=int(own.integers(len(wanted.atlases))))
    if wanted.jaw_opening_deg[1] > 0.0:
        jaw = stream(spec.seed, index, "jaw")
        plan = replace(plan, jaw_deg=float(jaw.uniform(*wanted.jaw_opening_deg)))
    if wanted.fractures:
        plan = replace(plan, fracture=_fracture(wanted, stream(spec.seed, index, "fracture")))
    return plan


def _fracture(wanted: VolumeSpec, rng: np.random.Generator) -> Fracture:
    """Draw one of the fractures that a recipe lists."""
    entry = wanted.fractures[int(rng.integers(len(wanted.fractures)))]
    side = entry.side or SIDES[int(rng.integers(2))]
    size, turn = (float(rng.uniform(*r)) for r in (entry.displacement_mm, entry.turn_deg))
    return Fracture(f"{entry.bone}_{side}", size, turn)
