"""Head-shape maps of generated heads with the classes of craniosynostosis screening."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float32

from augment.pathology.basis import PathologyBasis
from augment.pathology.measures import head_shape_map

# Pathology → class of a screening; heads without any of them are controls.
HEAD_CLASSES = {
    "sagittal_synostosis": "sagittal",
    "metopic_synostosis": "metopic",
    "coronal_synostosis": "coronal",
}
CONTROL, OTHER = "control", "other"


def head_class(pathologies: Sequence[str]) -> str:
    """Return the class of a head with these pathologies: a suture's name, control or other.

    Other is a head with more than one closed suture, or whose vault another pathology has deformed.
    """
    sutures = [HEAD_CLASSES[name] for name in pathologies if name in HEAD_CLASSES]
    deformed = [name for name in pathologies if name in ("plagiocephaly", "brachycephaly")]
    if len(sutures) + len(deformed) > 1 or deformed:
        return OTHER
    return sutures[0] if sutures else CONTROL


def head_map_mm(
    basis: PathologyBasis, vertices: Float[np.ndarray, "vertices 3"]
) -> Float32[np.ndarray, "28 28"]:
    """Return the head-shape map of vertices at rest, in the convention of `measures.head_shape`.

    Args:
        basis: Pathology columns of the model.
        vertices: Vertices of the head, head frame, mm.
    """
    skin = dict(zip(basis.anchors.names, basis.anchors.skin(vertices), strict=False))
    return head_shape_map(skin, vertices, basis.outer_faces)
