"""The closed table of face regions, painted in texture space on the template.

What enters is the template in base-mesh coordinates (mm); what leaves is a square sheet of region
numbers. A pixel's
region is read from the sheet at its interpolated texture coordinate, so that borders are smooth
curves and do
not follow triangle edges. Left and right are the patient's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.interpolate
import scipy.ndimage
import scipy.spatial
import skimage.draw
import skimage.measure
from jaxtyping import Float, UInt8

from augment.morphable.template import PARTS, Template

REGION_MAP_TEXELS = 2048

_PAIRED = (
    "forehead",
    "temple",
    "brow",
    "upper_lid",
    "lower_lid",
    "infraorbital",
    "malar",
    "buccal",
    "masseteric",
    "mandibular_border",
    "nasal_sidewall",
    "nasal_ala",
    "ear",
    "sclera",
    "iris",
)
_SINGLE = (
    "glabella",
    "nasal_dorsum",
    "nasal_tip",
    "upper_lip_skin",
    "upper_lip",
    "lower_lip",
    "lower_lip_skin",
    "chin",
    "scalp",
    "neck",
    "trunk",
    "mouth_cavity",
    "tongue",
    "teeth_upper",
    "teeth_lower",
    "hair",
    "clothing",
)

REGIONS = (
    "background",
    *(f"{name}_{side}" for name in _PAIRED for side in ("left", "right")),
    *_SINGLE,
)
REGION_ID = {name: number for number, name in enumerate(REGIONS)}
_RIGHT_NUMBERS = [REGION_ID[f"{name}_right"] for name in _PAIRED]

# Centres of the skin regions of the face, mm on the base mesh, right side; the nearest centre owns
# the skin.
_CENTRES = {
    "forehead": [(22, 147, 772), (40, 135, 776), (20, 140, 795), (45, 122, 792)],
    "temple": [(66, 100, 752), (68, 85, 738), (64, 105, 772)],
    "infraorbital": [(28, 140, 707), (24, 138, 699)],
    "malar": [(48, 128, 706), (56, 118, 703), (47, 128, 694), (62, 100, 712)],
    "buccal": [(42, 128, 674), (50, 112, 678), (36, 132, 656), (34, 136, 684)],
    "masseteric": [(63, 85, 688), (60, 84, 668), (66, 74, 702)],
    "mandibular_border": [(52, 82, 649), (44, 100, 636), (33, 120, 627)],
    "upper_lip_skin": [(0, 156, 676), (10, 153, 675), (19, 148, 672)],
    "lower_lip_skin": [(0, 150, 645), (12, 148, 646), (20, 144, 650)],
    "chin": [(0, 149, 630), (14, 145, 629), (0, 142, 619), (22, 138, 634)],
    "glabella": [(0, 152, 746)],
}

# Closed outlines in the frontal plane (x, z), mm, right side or half of a midline region; drawn as
# splines.
_BROW = [
    (14.5, 738.5),
    (15, 744),
    (22, 747.5),
    (32, 749.5),
    (42, 749.0),
    (51, 745.5),
    (58, 738.5),
    (51, 741.5),
    (42, 744),
    (32, 744),
    (22, 741.5),
]
_EYE = [
    (14.5, 727.5),
    (20, 736),
    (31, 740.5),
    (42, 737.5),
    (49.5, 729),
    (44, 719.5),
    (32, 715),
    (20, 718.5),
]
_NOSE = [
    (0, 735),
    (6, 733),
    (7, 722),
    (9.5, 711),
    (13, 703),
    (17.5, 697.5),
    (19.2, 690),
    (17.3, 684),
    (11, 680.8),
    (5, 678.6),
    (0, 678.0),
]
_UPPER_LIP = [
    (0, 669.9),
    (4, 671.2),
    (8.3, 672.1),
    (14, 669.6),
    (20, 665.6),
    (25.7, 661.2),
    (20, 660.3),
    (0, 660.3),
]
_LOWER_LIP = [
    (0, 660.6),
    (20, 660.9),
    (25.7, 661.0),
    (21.5, 656.4),
    (15, 652.4),
    (8, 650.0),
    (0, 649.3),
]

# Hairline: height (mm) against the angle from the front (degrees) about a vertical axis through (0,
# 50).
_HAIRLINE = (
    (0, 30, 55, 68, 78, 84, 92, 105, 125, 150, 180),
    (795, 793, 783, 768, 742, 715, 722, 735, 700, 672, 662),
)
# Lower border of the mandible in profile (y, z); below it is neck.
_JAWLINE = ((58, 61, 70, 92, 112, 130, 140), (690, 684, 652, 637, 626, 617, 614))
_TRUNK_TOP_MM = 562.0
# The auricle in texture space, where its folds lie side by side: midline, distance from it, height.
_EAR_UV = (0.4973, 0.2178, 0.2225)
# Iris 11.7 mm across on a globe of 24 mm (Rüfer et al., Cornea 2005;24:259): polar angle as a share
# of pi.
IRIS_RADIUS = float(np.arcsin(11.7 / 24.0) / np.pi)


@dataclass(frozen=True)
class _Texels:
    """Painted texels of the sheet: where they lie on the template and in texture space."""

    rows: np.ndarray
    columns: np.ndarray
    part: np.ndarray
    points: Float[np.ndarray, "texels 3"]
    uv: Float[np.ndarray, "texels 2"]


def _texels(template: Template, vertices: np.ndarray, size: int) -> _Texels:
    """Rasterise the texture triangles and carry points of the template to the texels."""
    owner = np.full((size, size), -1, dtype=np.int64)
    corners = template.uv[template.uv_faces].astype(np.float64)
    pixel = np.stack([corners[..., 0] * size - 0.5, (1 - corners[..., 1]) * size - 0.5], axis=-1)
    for number, corner in enumerate(pixel):
        rows, columns = skimage.draw.polygon(corner[:, 1], corner[:, 0], shape=(size, size))
        owner[rows, columns] = number
    rows, columns = np.nonzero(owner >= 0)
    triangle = owner[rows, columns]
    p = np.stack([columns, rows], axis=-1)[:, None] - pixel[triangle]
    cross = p[:, [1, 2, 0], 0] * p[:, [2, 0, 1], 1] - p[:, [1, 2, 0], 1] * p[:, [2, 0, 1], 0]
    total = cross.sum(axis=1, keepdims=True)
    weights = np.where(np.abs(total) < 1e-12, 1 / 3, cross / np.where(total == 0, 1, total))
    return _Texels(
        rows=rows,
        columns=columns,
        part=template.part_of_triangle[triangle],
        points=np.einsum("tk,tkd->td", weights, vertices[template.faces[triangle]]),
        uv=np.einsum("tk,tkd->td", weights, corners[triangle]),
    )


def _inside(
    outline: Sequence[tuple[int | float, int | float]],
    x: np.ndarray,
    z: np.ndarray,
    candidate: np.ndarray,
    *,
    half: bool = False,
) -> np.ndarray:
    """Return which candidates lie inside a spline outline; a half outline is closed by its mirror
    image."""
    points = np.asarray(outline, dtype=float)
    if half:
        points = np.concatenate([points, points[::-1] * [-1, 1]])
    closed = np.concatenate([points, points[:1]])
    steps = np.concatenate(
        [[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1) + 1e-6)]
    )
    curve = scipy.interpolate.PchipInterpolator(steps, closed)(np.linspace(0, steps[-1], 400))
    low, high = curve.min(axis=0), curve.max(axis=0)
    near = np.flatnonzero(
        candidate & (x >= low[0]) & (x <= high[0]) & (z >= low[1]) & (z <= high[1])
    )
    inside = np.zeros(len(x), dtype=bool)
    inside[near] = skimage.measure.points_in_poly(np.stack([x[near], z[near]], axis=-1), curve)
    return inside


def _skin_regions(points: np.ndarray) -> np.ndarray:
    """Return region numbers of skin points of the face island; a pair's left number is one below
    its right."""
    lateral, y, z = np.abs(points[:, 0]), points[:, 1], points[:, 2]
    left = points[:, 0] < 0
    centres = np.array([c for group in _CENTRES.values() for c in group], dtype=float)
    owner = np.array([_number(name) for name, group in _CENTRES.items() for _ in group])
    nearest = scipy.spatial.cKDTree(centres).query(np.stack([lateral, y, z], axis=-1))[1]
    numbers = owner[nearest]

    front = y > 100
    eye = _inside(_EYE, lateral, z, front)
    slit = 727.6 + 0.6 * (lateral - 18) / 26
    nose = _inside(_NOSE, lateral, z, y > 128, half=True)
    hairline = scipy.interpolate.PchipInterpolator(*_HAIRLINE)(
        np.degrees(np.arctan2(lateral, y - 50))
    )
    jawline = np.interp(y, *_JAWLINE, left=2000.0, right=0.0)
    for name, mask in (
        ("upper_lid", eye & (z >= slit)),
        ("lower_lid", eye & (z < slit)),
        ("brow", _inside(_BROW, lateral, z, front)),
        ("nasal_sidewall", nose & (z >= 701) & (lateral > 5.5)),
        ("nasal_ala", nose & (z < 701) & (lateral > 8)),
        ("nasal_dorsum", nose & (z >= 701) & (lateral <= 5.5)),
        ("nasal_tip", nose & (z < 701) & (lateral <= 8)),
        ("upper_lip", _inside(_UPPER_LIP, lateral, z, y > 138, half=True)),
        ("lower_lip", _inside(_LOWER_LIP, lateral, z, y > 138, half=True)),
        ("scalp", z > hairline),
        ("neck", (z <= hairline) & (z < jawline)),
        ("trunk", z < _TRUNK_TOP_MM),
    ):
        numbers[mask] = _number(name)
    return numbers - (left & np.isin(numbers, _RIGHT_NUMBERS))


def _number(name: str) -> int:
    """Return the number of a midline region, or of the right one of a pair."""
    return REGION_ID[f"{name}_right" if name in _PAIRED else name]


def paint_region_map(
    template: Template, vertices: Float[np.ndarray, "vertices 3"], size: int = REGION_MAP_TEXELS
) -> UInt8[np.ndarray, "size size"]:
    """Paint region numbers in texture space.

    Args:
        template: The template.
        vertices: Its vertices in base-mesh coordinates, mm.
        size: Texels along each side of the sheet.

    Returns:
        Region numbers; texels outside every triangle take the nearest region, so that a look-up on
        a seam is safe.
    """
    texels = _texels(template, vertices, size)
    u, v = texels.uv[:, 0], texels.uv[:, 1]
    numbers = np.zeros(len(u), dtype=np.uint8)
    skin = texels.part == PARTS.index("skin")
    numbers[skin] = _skin_regions(texels.points[skin])
    left = texels.points[:, 0] < 0
    ear = skin & (
        np.hypot((np.abs(u - _EAR_UV[0]) - _EAR_UV[1]) / 0.0205, (v - _EAR_UV[2]) / 0.0305) < 1
    )
    numbers[ear] = np.where(left[ear], REGION_ID["ear_left"], REGION_ID["ear_right"])
    socket = skin & (u > 0.6) & (v > 0.76)  # inside of the lids, an island of its own
    lid = np.where(
        texels.points[:, 2] >= 727.6, REGION_ID["upper_lid_right"], REGION_ID["lower_lid_right"]
    )
    numbers[socket] = (lid - left)[socket]
    numbers[skin & (u > 0.33) & (u < 0.52) & (v > 0.8)] = REGION_ID["mouth_cavity"]
    for part in ("tongue", "teeth_upper", "teeth_lower"):
        numbers[texels.part == PARTS.index(part)] = REGION_ID[part]
    for side, centre in (("left", 0.62), ("right", 0.72)):
        globe = texels.part == PARTS.index(f"eye_{side}")
        radius = np.hypot(u - 0.94, v - centre) / 0.045
        numbers[globe] = REGION_ID[f"sclera_{side}"]
        numbers[globe & (radius < IRIS_RADIUS)] = REGION_ID[f"iris_{side}"]
    sheet = np.zeros((size, size), dtype=np.uint8)
    sheet[texels.rows, texels.columns] = numbers
    painted = np.zeros((size, size), dtype=bool)
    painted[texels.rows, texels.columns] = True
    nearest = scipy.ndimage.distance_transform_edt(
        ~painted, return_distances=False, return_indices=True
    )
    return np.asarray(sheet[tuple(nearest)])
