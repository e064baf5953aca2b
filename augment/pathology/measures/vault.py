"""Measures of the skull vault from the section of a head's surface: percent and degrees.

A head's outline is the section of its skin with a plane parallel to the Frankfort horizontal, at a
share of the height of the vertex above it, in the frame of `vault_frame` (x right, y anterior).
Ratios and angles are taken on that section as they are on a scan (Plank et al., J Craniofac Surg
2006;17:1084).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from augment.errors import GeometryError
from augment.pathology.measures.frame import Named, sign_of, vault_frame

# Height of the sections over that of the vertex. Widest measures are taken at the third of ten
# levels, a little above the brows; SSI-A higher up, at the roof of the lateral ventricles.
WIDEST_LEVEL, VENTRICLE_LEVEL = 0.40, 0.60
# Angle of the cranial diagonals with the midline.
DIAGONAL_DEG = 30.0
# Angles off the midline over which the two halves of the forehead are compared.
FOREHEAD_DEG = np.arange(15.0, 56.0, 5.0)
MIN_SEGMENTS = 16
# How far above nasion the forehead begins, as a share of the vertex' height; and its half width.
FOREHEAD_ABOVE, FOREHEAD_HALF_WIDTH = 0.14, 0.25
# How far behind the foremost point others still count for where it lies across.
APEX_MM = 1.0


@dataclass(frozen=True)
class Vault:
    """A head's surface above the Frankfort horizontal in its vault frame.

    Attributes:
        vertices: Positions, x right, y anterior, z superior, mm.
        faces: Triangles that lie above the horizontal.
        height_mm: Height of the vertex.
        nasion: Position of nasion in this frame.
        notches: Positions of both superciliaria, right and left, or None where not known.
    """

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "triangles 3"]
    height_mm: float
    nasion: Float[np.ndarray, "3"]
    notches: tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"]] | None

    @cached_property
    def widest(self) -> Float[np.ndarray, "crossings 2 2"]:
        """The widest section, which several measures share."""
        return outline(self, WIDEST_LEVEL)


def vault_of(
    points: Named,
    vertices: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "triangles 3"],
) -> Vault:
    """Bring a head's surface into its vault frame.

    Args:
        points: Both tragia, orbitalia and nasion; superciliaria for the interfrontal angle.
        vertices: Surface of the head, any frame, mm.
        faces: Its triangles.

    Raises:
        GeometryError: If landmarks are missing or nothing lies above the Frankfort horizontal.
    """
    rotation, origin = vault_frame(points)
    turned = (vertices - origin) @ rotation.T
    above = faces[(turned[:, 2] > 0.0)[faces].all(axis=1)]
    if len(above) < MIN_SEGMENTS:
        raise GeometryError(
            "a vault expects a surface above the Frankfort horizontal, got almost none: "
            "check that landmarks and mesh share one frame"
        )
    names = ("superciliare_right", "superciliare_left")
    notches = None
    if all(name in points for name in names):
        right, left = (rotation @ (points[name] - origin) for name in names)
        notches = (right, left)
    height = float(turned[above, 2].max())
    nasion = rotation @ (points["nasion"] - origin)
    return Vault(turned, above, height, nasion, notches)


def outline(vault: Vault, level: float) -> Float[np.ndarray, "crossings 2 2"]:
    """Return the section of the vault with a horizontal plane as segments in the plane.

    Args:
        vault: The vault.
        level: Height of the plane as a share of the vertex' height, above 0 and below 1.

    Raises:
        GeometryError: If the surface is not cut there.
    """
    is_above = vault.vertices[:, 2] > level * vault.height_mm
    corners_above = is_above[vault.faces].sum(axis=1)
    faces = vault.faces[(corners_above > 0) & (corners_above < 3)]
    corners, above = vault.vertices[faces][..., :2], is_above[faces]
    height = vault.vertices[faces, 2] - level * vault.height_mm
    if len(corners) < MIN_SEGMENTS:
        raise GeometryError(
            f"the section at {level:g} of the vertex' height meets {len(corners)} triangles, "
            "expected a closed outline: use a mesh of the whole vault"
        )
    # The corner alone on its side of the plane, and the two edges that leave it.
    lonely = np.where(above.sum(axis=1) == 1, above.argmax(axis=1), above.argmin(axis=1))
    rows = np.arange(len(corners))
    ends = []
    for step in (1, 2):
        other = (lonely + step) % 3
        h0, h1 = height[rows, lonely], height[rows, other]
        share = (h0 / (h0 - h1))[:, None]
        ends.append(corners[rows, lonely] * (1 - share) + corners[rows, other] * share)
    return np.stack(ends, axis=1)


def radii_mm(
    segments: Float[np.ndarray, "crossings 2 2"],
    centre: Float[np.ndarray, "2"],
    angles_deg: Float[np.ndarray, " rays"],
) -> Float[np.ndarray, " rays"]:
    """Return how far an outline lies from a centre along rays; the farthest crossing counts.

    Args:
        segments: The outline.
        centre: Where the rays start.
        angles_deg: Angle of each ray from anterior towards the right.

    Raises:
        GeometryError: If a ray leaves the outline without meeting it.
    """
    angle = np.radians(angles_deg)
    ray = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    a, b = segments[:, 0] - centre, segments[:, 1] - centre
    side_a = a[:, 0] * ray[:, 1:] - a[:, 1] * ray[:, :1]
    side_b = b[:, 0] * ray[:, 1:] - b[:, 1] * ray[:, :1]
    along_a, along_b = ray @ a.T, ray @ b.T
    crosses = side_a * side_b <= 0
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = along_a + (along_b - along_a) * side_a / (side_a - side_b)
    reach = np.where(crosses & np.isfinite(reach), reach, -np.inf).max(axis=1)
    if not (reach > 0).all():
        raise GeometryError(
            "the head's outline is open: expected a mesh whose vault has no holes, close them"
        )
    return np.asarray(reach)


def _middle(segments: np.ndarray) -> Float[np.ndarray, "2"]:
    """Return the point of the midline halfway between forehead and occiput."""
    y = segments[..., 1]
    return np.array([0.0, (y.max() + y.min()) / 2])


def _width_over_length_percent(section: Float[np.ndarray, "crossings 2 2"]) -> float:
    extent = np.ptp(section.reshape(-1, 2), axis=0)
    return float(100.0 * extent[0] / extent[1])


def cephalic_ratio_percent(vault: Vault) -> float:
    """Return the greatest width over the greatest length of the widest section, percent."""
    return _width_over_length_percent(vault.widest)


def scaphocephaly_index_percent(vault: Vault) -> float:
    """Return SSI-A, width over length at the roof of the ventricles, percent.

    Ruiz-Correa et al., Cleft Palate Craniofac J 2006;43:211. On a surface the plane is taken at 0.6
    of the height of the vertex above the Frankfort horizontal.
    """
    return _width_over_length_percent(outline(vault, VENTRICLE_LEVEL))


def vault_height_percent(vault: Vault) -> float:
    """Return the height of the vertex over the length of the widest section, percent."""
    return float(100.0 * vault.height_mm / np.ptp(vault.widest[..., 1]))


def cvai_percent(vault: Vault, flat_side: str) -> float:
    """Return the cranial vault asymmetry index, positive where the occiput of a side is flat.

    100 · (long diagonal - short diagonal) / long diagonal, both at 30 degrees to the midline
    through the middle of the widest section (Loveday and de Chalain, J Craniofac Surg 2001;12:308).
    """
    segments = vault.widest
    angles = np.array([DIAGONAL_DEG, 180 + DIAGONAL_DEG, -DIAGONAL_DEG, 180 - DIAGONAL_DEG])
    r = radii_mm(segments, _middle(segments), angles)
    right_front, left_front = r[0] + r[1], r[2] + r[3]
    # A flat right occiput shortens the diagonal from the left forehead.
    difference = sign_of(flat_side) * (right_front - left_front)
    return float(100.0 * difference / max(right_front, left_front))


def forehead_asymmetry_percent(vault: Vault, flat_side: str) -> float:
    """Return by how much the forehead of one side stands behind the other side's, percent.

    100 · (1 - flat / bossed), the mean radii of both halves from 15 to 55 degrees off the midline
    in the widest section.
    """
    segments = vault.widest
    r = radii_mm(segments, _middle(segments), np.concatenate([FOREHEAD_DEG, -FOREHEAD_DEG]))
    right, left = r[: len(FOREHEAD_DEG)].mean(), r[len(FOREHEAD_DEG) :].mean()
    flat, bossed = (right, left) if flat_side == "right" else (left, right)
    return float(100.0 * (1.0 - flat / bossed))


def interfrontal_angle_deg(vault: Vault) -> float:
    """Return the angle at the foremost point of the forehead between both supraorbital notches.

    In the axial projection (Kellogg et al., J Craniofac Surg 2012;23:799); superciliare stands for
    the notch beneath it.

    Raises:
        GeometryError: If the superciliaria are not known.
    """
    if vault.notches is None:
        raise GeometryError(
            "the interfrontal angle needs the landmarks superciliare_right, superciliare_left, "
            "which the mesh does not have: add them to the file of landmarks"
        )
    right, left = (notch[:2] for notch in vault.notches)
    lowest = vault.nasion[2] + FOREHEAD_ABOVE * vault.height_mm
    points = vault.vertices[np.unique(vault.faces)]
    # The lower border cuts the surface, so that the angle changes smoothly as it wanders.
    border = outline(vault, lowest / vault.height_mm).reshape(-1, 2)
    points = np.concatenate([points[points[:, 2] > lowest, :2], border])
    points = points[np.abs(points[:, 0]) < FOREHEAD_HALF_WIDTH * (right[0] - left[0])]
    # Points about equally far ahead share the apex: it must not leap from one to the next.
    ahead = points[:, 1].max()
    share = np.exp((points[:, 1] - ahead) / APEX_MM)
    apex = np.array([share @ points[:, 0] / share.sum(), ahead])
    a, b = right - apex, left - apex
    cosine = (a @ b) / (np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
