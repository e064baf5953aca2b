"""What is drawn for a sample's volume: the acquisition and the anatomy beneath the skin, as plain
records that are written and read back."""

from dataclasses import dataclass

from augment.recipe import RecipeSpec
from augment.recipe.schema import CEPHALOGRAMS
from augment.streams import stream
from augment.volume.anatomy.spec import AtlasSpec, draw_atlas_spec
from augment.volume.protocol import Scan, cephalostat_scan, draw_scan
from augment.volume.tissue import Contrast

RADIOTHERAPY = "radiotherapy"
OPENINGS_DEG, OPENING_SHARES = (0.0, 5.0, 10.0), (0.62, 0.23, 0.15)
"""How far the jaw is open on planning CT, and how often."""


@dataclass(frozen=True)
class VolumePlan:
    """Everything that is drawn for a generated volume.

    Attributes:
        scan: The acquisition: posture, grid, value of each tissue, scanner.
        anatomy: The anatomy beneath the skin.
        own_atlas: Number of the user's atlas in the recipe's list that is painted over it, or None.
        opening_deg: Opening of the jaw; 0 for twins, whose pathologies are defined on a closed one.
    """

    scan: Scan
    anatomy: AtlasSpec
    own_atlas: int | None = None
    opening_deg: float = 0.0


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
    if is_patient and not spec.pathologies and not wanted.atlases:
        opening_deg = float(rng.choice(OPENINGS_DEG, p=OPENING_SHARES))
    anatomy = draw_atlas_spec(rng, opening_deg, is_patient=is_patient)
    if not wanted.atlases:
        return VolumePlan(scan, anatomy, opening_deg=opening_deg)
    own = stream(spec.seed, index, "own atlas")
    return VolumePlan(scan, anatomy, int(own.integers(len(wanted.atlases))))
