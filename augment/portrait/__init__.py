"""Portraits: photographs of one person enter, a fitted healthy head with its texture leaves.

Pictures are sRGB, points pixels (x right, y down, the centre of pixel (0, 0) is (0.5, 0.5)). A
photograph has one frame, its camera's (`augment.portrait.pose`); the subject that leaves is
canonical: head frame, mm, its own rotation and translation 0.
"""

from augment.portrait.estimate import FaceEstimate, estimate_faces
from augment.portrait.files import write_portrait
from augment.portrait.fit import PortraitFit
from augment.portrait.photographs import fit_photographs
from augment.portrait.texture import portrait_texture
from augment.portrait.transfer import BlendShapeMesh, transfer_expression

__all__ = [
    "BlendShapeMesh",
    "FaceEstimate",
    "PortraitFit",
    "estimate_faces",
    "fit_photographs",
    "portrait_texture",
    "transfer_expression",
    "write_portrait",
]
