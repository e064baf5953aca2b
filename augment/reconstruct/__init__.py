"""Reconstruction: a CT, an MR, a 3D scan or photographs enter, a fitted healthy head leaves.

Volumes are read in RAS world mm, scans in the frame of their file in mm. The subject that leaves is
canonical (head frame, its own rotation and translation 0); where the head lies in the scan is kept
apart as ``world_from_head``. Photographs have pixels and a camera (`augment.reconstruct.photo`).
"""

from augment.reconstruct.ct import fit_ct
from augment.reconstruct.files import load_subject, write_fit
from augment.reconstruct.head import Fit
from augment.reconstruct.scan import fit_scan
from augment.reconstruct.transfer import BlendShapeMesh, transfer_expression

__all__ = [
    "BlendShapeMesh",
    "Fit",
    "fit_ct",
    "fit_scan",
    "load_subject",
    "transfer_expression",
    "write_fit",
]
