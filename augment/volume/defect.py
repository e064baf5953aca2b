"""Skull defects in volumes: bone inside the outline of a craniectomy is cut from the labels."""

import numpy as np
from jaxtyping import Float, UInt8

from augment.pathology.defect import inside_defect
from augment.volume.labels import NUMBER

# What a surgeon takes out, and what lies there afterwards.
CUT_BONE = ("cranium_cortical", "cranium_trabecular")
FILLING = "muscle"


def cut_bone(
    labels: UInt8[np.ndarray, "x y z"],
    template_mm: Float[np.ndarray, "x y z 3"],
    side: str,
    size_mm: float,
) -> UInt8[np.ndarray, "x y z"]:
    """Return labels with the vault's bone removed inside a defect.

    Args:
        labels: Label of each voxel.
        template_mm: Where each voxel lies in template space.
        side: ``left`` or ``right``.
        size_mm: Solved coefficient of the defect: half its height.
    """
    bone = np.isin(labels, [NUMBER[name] for name in CUT_BONE])
    cut = bone.copy()
    cut[bone] = inside_defect(template_mm[bone], side, size_mm)
    opened = labels.copy()
    opened[cut] = NUMBER[FILLING]
    return opened
