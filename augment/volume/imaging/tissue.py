"""Values of tissues: drawn mean and spread per label, for CT, for random contrasts and for a
T1-weighted image.

CT holds Hounsfield units with their sources. Random contrast gives every label a mean and a spread
of its own, whatever it is (domain randomisation; Billot et al., SynthSeg, Med Image Anal
2023;86:102789). T1 holds signals: fat bright, fluid dark, cortical bone and air without signal.
"""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from augment.volume.labels import LABELS, Tissue


class Contrast(StrEnum):
    """Which kind of image the values make."""

    CT = "ct"
    RANDOM = "random"
    T1 = "t1"


@dataclass(frozen=True)
class TissueValues:
    """Value of each label.

    Attributes:
        mean: Mean per label number, HU (arbitrary units for random contrast and T1).
        spread: Standard deviation of the tissue's own texture.
    """

    mean: tuple[float, ...]
    spread: tuple[float, ...]


@dataclass(frozen=True)
class Hounsfield:
    """Hounsfield units of one tissue.

    Attributes:
        low: Lowest mean of a person.
        high: Highest mean of a person.
        texture: Standard deviation within a person, at a grain of 2.5 mm.
        is_bone: Whether a person's bone density scales it.
        source: Where the range comes from.
    """

    low: float
    high: float
    texture: float
    is_bone: bool
    source: str


_BUZUG = "Buzug, Computed Tomography, Springer 2008, p. 475"
_PROKOP = "Prokop and Galanski, Spiral and Multislice CT of the Body, Thieme 2003"
_TEETH = "Reshetnikov et al., JMIRx Med 2024;5:e56759 (320 teeth)"
_SKULL = "neurocranium of 604 post-mortem CT: sites from 78 to 1323 HU through all three tables"
_DRY = "Sande and Ramdurg, Eur J Mol Clin Med 2020;7:4654: cortical 1880, cancellous 346 HU in CT"
_JAW = "Bilhan et al., Int J Dent 2012:348908: 14 to 742 HU within one mandible"
_PETROUS = "otic capsule 1155 ± 360 HU (temporal bone CT of 59 patients, lateral canal)"
_OURS = "proposal, set beside radiotherapy CT"

HOUNSFIELD = MappingProxyType(
    {
        Tissue.AIR: Hounsfield(-1000.0, -980.0, 3.0, False, _BUZUG),
        Tissue.SKIN: Hounsfield(-20.0, 50.0, 15.0, False, _OURS),
        Tissue.FAT: Hounsfield(-120.0, -80.0, 12.0, False, _BUZUG + ", -100 to -50; " + _PROKOP),
        Tissue.MUSCLE: Hounsfield(30.0, 75.0, 14.0, False, _PROKOP + ", 35 to 70 with contrast"),
        Tissue.GLAND: Hounsfield(-20.0, 70.0, 14.0, False, _OURS + ": fatty to dense parotids"),
        Tissue.MUCOSA: Hounsfield(10.0, 60.0, 12.0, False, _OURS),
        Tissue.BRAIN: Hounsfield(35.0, 43.0, 4.0, False, _BUZUG + ": grey 37-45"),
        Tissue.WHITE_MATTER: Hounsfield(21.0, 31.0, 4.0, False, _BUZUG + ": white 20-30"),
        Tissue.FLUID: Hounsfield(0.0, 15.0, 4.0, False, _BUZUG + ": CSF to 15"),
        Tissue.VITREOUS: Hounsfield(2.0, 20.0, 4.0, False, _OURS + ": as fluid with protein"),
        Tissue.LENS: Hounsfield(60.0, 110.0, 8.0, False, _OURS),
        Tissue.CARTILAGE: Hounsfield(60.0, 150.0, 20.0, False, _OURS),
        Tissue.LUNG: Hounsfield(-900.0, -700.0, 60.0, False, _BUZUG + ": inspired -910 to -850"),
        Tissue.VESSEL: Hounsfield(40.0, 240.0, 10.0, False, _BUZUG + ": blood 45-65; contrast"),
        Tissue.SKULL_CORTEX: Hounsfield(1100.0, 1800.0, 110.0, True, _DRY + "; " + _SKULL),
        Tissue.DIPLOE: Hounsfield(250.0, 850.0, 120.0, True, _DRY + "; " + _SKULL),
        Tissue.THIN_BONE: Hounsfield(350.0, 1000.0, 140.0, True, _OURS + ": below a voxel's size"),
        Tissue.DENSE_BONE: Hounsfield(800.0, 1500.0, 200.0, True, _PETROUS),
        Tissue.MANDIBLE_CORTEX: Hounsfield(1300.0, 1900.0, 120.0, True, _DRY),
        Tissue.MANDIBLE_MARROW: Hounsfield(0.0, 480.0, 110.0, True, _JAW),
        Tissue.VERTEBRA_CORTEX: Hounsfield(500.0, 1150.0, 90.0, True, _OURS),
        Tissue.VERTEBRA_MARROW: Hounsfield(120.0, 420.0, 60.0, True, _PROKOP + ": spongy bone"),
        Tissue.TRUNK_CORTEX: Hounsfield(450.0, 1300.0, 110.0, True, _OURS),
        Tissue.TRUNK_MARROW: Hounsfield(60.0, 350.0, 60.0, True, _OURS),
        Tissue.ENAMEL: Hounsfield(2050.0, 2950.0, 150.0, False, _TEETH + ": 2071 to 2955"),
        Tissue.DENTIN: Hounsfield(1300.0, 1900.0, 120.0, False, _TEETH + ": 1323 to 1899"),
        Tissue.DEVICE: Hounsfield(120.0, 350.0, 8.0, False, _OURS + ": mouthpieces of 4 patients"),
        Tissue.METAL: Hounsfield(3000.0, 3071.0, 0.0, False, "ceiling of a 12-bit scanner"),
    }
)
"""The closed table of CT values."""

_T1 = MappingProxyType(
    {
        Tissue.FAT: 950,
        Tissue.SKIN: 500,
        Tissue.MUSCLE: 380,
        Tissue.BRAIN: 560,
        Tissue.WHITE_MATTER: 730,
        Tissue.FLUID: 120,
        Tissue.GLAND: 520,
        Tissue.VITREOUS: 110,
        Tissue.LENS: 420,
        Tissue.MUCOSA: 430,
        Tissue.CARTILAGE: 330,
        Tissue.VESSEL: 150,
        Tissue.DIPLOE: 620,
        Tissue.MANDIBLE_MARROW: 700,
        Tissue.VERTEBRA_MARROW: 560,
        Tissue.TRUNK_MARROW: 640,
    }
)
"""Signal of a spin-echo T1 image in the order of relaxation times at 1.5 T (Stanisz et al., Magn
Reson Med 2005;54:507); tissues that are not named give next to none."""

NO_SIGNAL, T1_SPREAD = 15.0, 0.06

BONE_DENSITY = (0.7, 0.98)
"""Range of the factor that bone density puts on all bones of one person."""

MERGED_SHARE, DARK_AIR_SHARE = 0.12, 0.6
"""Random contrast: how many labels look like another, how often air is 0."""

LARGEST_SIGNAL = 1000.0


def draw_tissue_values(rng: np.random.Generator, contrast: Contrast = Contrast.CT) -> TissueValues:
    """Draw one value per tissue and give it to the tissue's labels; in random contrast, one per
    label.

    Args:
        rng: Generator of the sample's ``"scan"`` stage.
        contrast: Kind of image.
    """
    if contrast is Contrast.RANDOM:
        return _random_values(rng)
    density = rng.uniform(*BONE_DENSITY)
    drawn = {}
    for tissue, entry in HOUNSFIELD.items():
        fraction = rng.random()
        if contrast is Contrast.CT:
            factor = density if entry.is_bone else 1.0
            mean = entry.low + fraction * (entry.high - entry.low)
            drawn[tissue] = (factor * mean, factor * entry.texture)
        else:
            signal = _T1.get(tissue, NO_SIGNAL) * (0.85 + 0.3 * fraction)
            drawn[tissue] = (signal, T1_SPREAD * signal)
    pairs = [drawn[label.tissue] for label in LABELS]
    return TissueValues(
        tuple(float(mean) for mean, _ in pairs), tuple(float(spread) for _, spread in pairs)
    )


def _random_values(rng: np.random.Generator) -> TissueValues:
    """A mean and a spread per label; some labels take another's, air is often dark."""
    n = len(LABELS)
    mean, spread = rng.uniform(0.0, LARGEST_SIGNAL, n), rng.uniform(0.0, 80.0, n)
    other = np.where(rng.random(n) < MERGED_SHARE, rng.integers(0, n, n), np.arange(n))
    mean, spread = mean[other], spread[other]
    if rng.random() < DARK_AIR_SHARE:
        is_air = np.array([label.tissue is Tissue.AIR for label in LABELS])
        mean[is_air], spread[is_air] = 0.0, 0.0
    return TissueValues(tuple(map(float, mean)), tuple(map(float, spread)))
