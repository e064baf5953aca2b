"""Skull defects in volumes: bone inside the outline of a craniectomy is cut from the anatomy."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from augment.pathology.defect import CRANIAL_DEFECT, inside_defect
from augment.pathology.deformation import Deformation
from augment.volume.atlas import Atlas
from augment.volume.labels import NUMBER

# What a surgeon takes out, and what lies there afterwards.
CUT_BONE = ("cranium_cortical", "cranium_trabecular")
FILLING = "muscle"


def opened_atlas(atlas: Atlas, moves: Sequence[tuple[Deformation, float]]) -> Atlas | None:
    """Return the anatomy without the bone that a case's pathologies cut, or None if they cut none.

    Args:
        atlas: Anatomy in template space.
        moves: Deformation and solved coefficient of each pathology.
    """
    opened = None
    for deformation, size_mm in moves:
        if deformation.name == CRANIAL_DEFECT.name:
            opened = cut_bone(opened or atlas, str(deformation.side), size_mm)
    return opened


def cut_bone(atlas: Atlas, side: str, size_mm: float) -> Atlas:
    """Return an anatomy with the vault's bone removed inside a defect.

    Args:
        atlas: Anatomy in template space.
        side: ``left`` or ``right``.
        size_mm: Solved coefficient of the defect: half its height.
    """
    bone = np.argwhere(np.isin(atlas.labels, [NUMBER[name] for name in CUT_BONE]))
    points = np.stack([atlas.grid.axis_mm(axis)[bone[:, axis]] for axis in range(3)], axis=1)
    labels = atlas.labels.copy()
    labels[tuple(bone[inside_defect(points, side, size_mm)].T)] = NUMBER[FILLING]
    return replace(atlas, labels=labels)
