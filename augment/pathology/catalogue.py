"""The closed table of pathologies: name → entry, in the order of the face from above to below."""

from difflib import get_close_matches

from augment.errors import RecipeError
from augment.pathology.defect import CRANIAL_DEFECT
from augment.pathology.dynamic import FACIAL_PALSY
from augment.pathology.entry import Pathology
from augment.pathology.mandible import (
    CHIN_DEVIATION,
    HEMIFACIAL_MICROSOMIA,
    LONG_FACE,
    PROGNATHISM,
    RETROGNATHIA,
)
from augment.pathology.midface import (
    FACIAL_CANT,
    MAXILLARY_HYPOPLASIA,
    MIDFACE_RETRUSION,
    ZYGOMATIC_DEPRESSION,
)
from augment.pathology.nose_and_lip import CLEFT_LIP_NOSE, CROOKED_NOSE
from augment.pathology.orbit import (
    GRAVES_EXOPHTHALMOS,
    HYPERTELORISM,
    LID_RETRACTION,
    ORBITAL_BLOWOUT,
    PTOSIS,
)
from augment.pathology.soft_tissue import ACROMEGALY, CHEEK_SWELLING, HEMIFACIAL_ATROPHY
from augment.pathology.vault import (
    BRACHYCEPHALY,
    CORONAL_SYNOSTOSIS,
    METOPIC_SYNOSTOSIS,
    PLAGIOCEPHALY,
    SAGITTAL_SYNOSTOSIS,
)

PATHOLOGIES: dict[str, Pathology] = {
    entry.name: entry
    for entry in (
        SAGITTAL_SYNOSTOSIS,
        METOPIC_SYNOSTOSIS,
        CORONAL_SYNOSTOSIS,
        PLAGIOCEPHALY,
        BRACHYCEPHALY,
        CRANIAL_DEFECT,
        HYPERTELORISM,
        ORBITAL_BLOWOUT,
        GRAVES_EXOPHTHALMOS,
        LID_RETRACTION,
        PTOSIS,
        ZYGOMATIC_DEPRESSION,
        MAXILLARY_HYPOPLASIA,
        MIDFACE_RETRUSION,
        CROOKED_NOSE,
        CLEFT_LIP_NOSE,
        FACIAL_CANT,
        CHEEK_SWELLING,
        HEMIFACIAL_ATROPHY,
        ACROMEGALY,
        FACIAL_PALSY,
        PROGNATHISM,
        RETROGNATHIA,
        CHIN_DEVIATION,
        LONG_FACE,
        HEMIFACIAL_MICROSOMIA,
    )
}


def find_pathology(name: str) -> Pathology:
    """Return the entry of a name.

    Raises:
        RecipeError: If there is none; the message names the nearest.
    """
    if name in PATHOLOGIES:
        return PATHOLOGIES[name]
    near = get_close_matches(name, PATHOLOGIES, n=1, cutoff=0.0)
    raise RecipeError(
        f"unknown pathology {name!r}: did you mean {near[0]!r}? Known: {', '.join(PATHOLOGIES)}"
    )
