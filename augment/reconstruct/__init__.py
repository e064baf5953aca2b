"""Reconstruction: a CT, an MR or a 3D scan enters, a fitted healthy head leaves.

Volumes are read in RAS world mm, scans in the frame of their file in mm. The subject that leaves is
canonical (head frame, its own rotation and translation 0); where the head lies in the scan is kept
apart as ``world_from_head``. Heads from photographs have a room of their own, `augment.portrait`.
"""

from augment.reconstruct.ct import fit_ct
from augment.reconstruct.files import write_fit
from augment.reconstruct.head import Fit
from augment.reconstruct.scan import fit_scan
from augment.subject_folder import load_subject

__all__ = [
    "Fit",
    "fit_ct",
    "fit_scan",
    "load_subject",
    "write_fit",
]
