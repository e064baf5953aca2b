"""What is drawn for a sample's volume: the acquisition and the anatomy beneath the skin, as plain
records that are written and read back."""

from dataclasses import dataclass

from augment.recipe import RecipeSpec
from augment.recipe.schema import CEPHALOGRAMS
from augment.streams import stream
from augment.volume.anatomy.spec import AtlasSpec, draw_atlas_spec
from augment.volume.protocol import Scan, cephalostat_scan, draw_scan
from augment.volume.tissue import Contrast


@dataclass(frozen=True)
class VolumePlan:
    """Everything that is drawn for a generated volume.

    Attributes:
        scan: The acquisition: posture, grid, value of each tissue, scanner.
        anatomy: The anatomy beneath the skin.
        own_atlas: Number of the user's atlas in the recipe's list that is painted over it, or None.
    """

    scan: Scan
    anatomy: AtlasSpec
    own_atlas: int | None = None


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
    anatomy = draw_atlas_spec(stream(spec.seed, index, "atlas"))
    if not wanted.atlases:
        return VolumePlan(scan, anatomy)
    rng = stream(spec.seed, index, "own atlas")
    return VolumePlan(scan, anatomy, int(rng.integers(len(wanted.atlases))))
