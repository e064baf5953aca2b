"""Cephalometric points of bone and teeth, read from the labels of an atlas in template space.

They are carried to a head by the same fields as the volume: ``head_from_template.move(points)``.
Points that have a skin landmark above them (N, A, B, Pog, Me, Go, Or) and S come from
`augment.pathology.anchors`.
"""

import numpy as np
from jaxtyping import Bool, Float

from augment.volume.atlas import Atlas
from augment.volume.labels import MANDIBLE, NUMBER

MIDLINE_MM, INCISOR_MM, SIDE_MM = 4.0, 7.0, 30.0
"""Half widths of the slabs in which midline points, incisors and points of a side are sought."""

_MAXILLA = ("maxilla_cortical", "maxilla_trabecular")


def atlas_points(atlas: Atlas) -> dict[str, Float[np.ndarray, "3"]]:
    """Return cephalometric points that the atlas shows, template frame, mm.

    ``U1`` and ``L1`` are the edges of the incisors, ``ANS`` and ``PNS`` the ends of the hard
    palate, ``Co`` the tops of the condyles, ``Ar`` the backs of the condylar necks 12 mm beneath,
    ``Po`` the tops of the ear canals, right and left apart. A point whose structure is missing (an
    edentulous jaw has no incisor) is left out.

    Args:
        atlas: Labels in template space.
    """
    found: dict[str, Float[np.ndarray, 3] | None] = {
        "U1": _extreme(_voxels(atlas, ("teeth_upper_crown",), INCISOR_MM, front=True), 2, -1),
        "L1": _extreme(_voxels(atlas, ("teeth_lower_crown",), INCISOR_MM, front=True), 2, 1),
    }
    palate = _palate(_voxels(atlas, _MAXILLA, MIDLINE_MM))
    found["ANS"], found["PNS"] = _extreme(palate, 1, 1), _extreme(palate, 1, -1)
    jaw = _voxels(atlas, MANDIBLE)
    ear = _voxels(atlas, ("ear_air",))
    for side, sign in (("right", 1.0), ("left", -1.0)):
        condyle = _extreme(_rear(jaw[sign * jaw[:, 0] > SIDE_MM]), 2, 1)
        found[f"Co_{side}"] = condyle
        if condyle is not None:
            beneath = np.abs(jaw[:, 2] - condyle[2] + 12.0) < 1.5
            found[f"Ar_{side}"] = _extreme(jaw[beneath & (sign * jaw[:, 0] > SIDE_MM)], 1, -1)
        found[f"Po_{side}"] = _extreme(ear[sign * ear[:, 0] > SIDE_MM], 2, 1)
    return {name: point for name, point in found.items() if point is not None}


def _voxels(
    atlas: Atlas,
    names: tuple[str, ...] | tuple[int, ...],
    half_width_mm: float = np.inf,
    front: bool = False,
) -> Float[np.ndarray, "voxels 3"]:
    """Centres of the voxels of some labels near the mid-sagittal plane, mm."""
    numbers = [NUMBER[name] if isinstance(name, str) else name for name in names]
    mask: Bool[np.ndarray, "x y z"] = np.isin(atlas.labels, numbers)
    points = np.argwhere(mask) * np.array(atlas.grid.spacing_mm) + atlas.grid.origin_mm
    points = points[np.abs(points[:, 0]) < half_width_mm]
    if front and len(points):
        points = points[points[:, 1] > points[:, 1].max() - 12.0]
    return points


def _palate(points: np.ndarray) -> np.ndarray:
    """The hard palate of midline maxilla: the level that reaches farthest back, 3 mm thick."""
    if not len(points):
        return points
    rear = points[points[:, 1].argmin()]
    return points[np.abs(points[:, 2] - rear[2]) < 3.0]


def _rear(points: np.ndarray) -> np.ndarray:
    """The rear third of a ramus, which holds the condyle and not the coronoid."""
    if not len(points):
        return points
    upper = points[points[:, 2] > points[:, 2].max() - 15.0]
    return upper[upper[:, 1] < upper[:, 1].min() + 14.0]


def _extreme(points: np.ndarray, axis: int, sign: int) -> Float[np.ndarray, "3"] | None:
    """Mean of the points within half a millimetre of the farthest along an axis."""
    if not len(points):
        return None
    place = sign * points[:, axis]
    return np.asarray(points[place > place.max() - 0.6].mean(axis=0))
