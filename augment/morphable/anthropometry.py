"""Facial and cranial measurements from landmarks: positions in any frame enter, millimetres leave.

Definitions follow Farkas, Anthropometry of the Head and Face (2nd ed., Raven Press 1994): straight
distances between
two landmarks. Each function of the table takes named points, so that it works on any landmarked
mesh.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from augment.errors import GeometryError

# Measure → the two landmarks whose distance it is (Farkas' abbreviations in brackets).
DISTANCES = {
    "intercanthal_width": ("endocanthion_right", "endocanthion_left"),  # en-en
    "biocular_width": ("exocanthion_right", "exocanthion_left"),  # ex-ex
    "nasal_width": ("alare_right", "alare_left"),  # al-al
    "mouth_width": ("cheilion_right", "cheilion_left"),  # ch-ch
    "bizygomatic_width": ("zygion_right", "zygion_left"),  # zy-zy
    "bigonial_width": ("gonion_right", "gonion_left"),  # go-go
    "face_height": ("nasion", "gnathion"),  # n-gn
    "upper_face_height": ("nasion", "stomion"),  # n-sto
    "lower_face_height": ("subnasale", "gnathion"),  # sn-gn
    "nasal_height": ("nasion", "subnasale"),  # n-sn
    "nasal_protrusion": ("subnasale", "pronasale"),  # sn-prn
    "palpebral_fissure_right": ("exocanthion_right", "endocanthion_right"),  # ex-en
    "palpebral_fissure_left": ("exocanthion_left", "endocanthion_left"),
    "cranial_length": ("glabella", "opisthocranion"),  # g-op
    "cranial_width": ("euryon_right", "euryon_left"),  # eu-eu
    "mandible_depth_right": ("tragion_right", "gnathion"),  # t-gn
    "mandible_depth_left": ("tragion_left", "gnathion"),
}
MEASURES = tuple(DISTANCES)

# Mean and SD of men and women of 18-40 years and European ancestry, mm and degrees. Distances:
# Farkas 1994; angles: Steiner, Am J Orthod 1953;39:729. Farkas' caliper presses on the gonia.
ADULT_NORMS = {
    "intercanthal_width": ((33.3, 2.7), (31.8, 2.3)),
    "biocular_width": ((91.2, 3.0), (87.8, 3.2)),
    "nasal_width": ((34.9, 2.1), (31.4, 2.0)),
    "mouth_width": ((54.5, 3.0), (50.2, 3.5)),
    "bizygomatic_width": ((139.1, 5.3), (130.0, 4.6)),
    "bigonial_width": ((105.6, 6.7), (94.5, 5.0)),
    "face_height": ((124.7, 5.7), (111.4, 4.8)),
    "nasal_height": ((54.8, 3.3), (50.6, 3.1)),
    "cranial_length": ((197.4, 7.0), (187.2, 6.0)),
    "cranial_width": ((151.1, 5.6), (144.1, 5.2)),
    "SNA": ((82.0, 3.5), (82.0, 3.5)),
    "SNB": ((80.0, 3.0), (80.0, 3.0)),
    "ANB": ((2.0, 2.0), (2.0, 2.0)),
}
NORM_SEXES = ("male", "female")


def distance_mm(points: Mapping[str, Float[np.ndarray, "3"]], first: str, second: str) -> float:
    """Return the distance of two named landmarks in mm.

    Raises:
        GeometryError: If a landmark is missing.
    """
    for name in (first, second):
        if name not in points:
            raise GeometryError(
                f"the measure needs landmark {name!r}, which the mesh does not have"
            )
    return float(np.linalg.norm(np.asarray(points[first]) - np.asarray(points[second])))


def measure_head(points: Mapping[str, Float[np.ndarray, "3"]]) -> dict[str, float]:
    """Return every measure of :data:`MEASURES` in mm.

    Args:
        points: Landmark name → position (3,) in mm, any frame.
    """
    return {name: distance_mm(points, *pair) for name, pair in DISTANCES.items()}


def cranial_index(points: Mapping[str, Float[np.ndarray, "3"]]) -> float:
    """Return 100 · cranial width / cranial length, in percent."""
    width = distance_mm(points, *DISTANCES["cranial_width"])
    return 100.0 * width / distance_mm(points, *DISTANCES["cranial_length"])
