"""Where skin meets skin: the mouth's lining, the lips where they touch, the nostrils.

Enter: identity modes and mean of a model, in the frame of the mean head, mm. Leave: the same, so
that surfaces that face each other move alike and no head passes through itself. MakeHuman shapes
each surface by targets of its own: in infants the lining comes through the upper lip, the lips and
the walls of the nostrils pass through each other.
"""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.interpolate import RBFInterpolator
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from augment.morphable.template import PARTS, Template

# Skin within this distance of lips and nostrils carries what it encloses.
LINING_REACH_MM, NOSTRIL_REACH_MM = 40.0, 32.0
# Lips touch within this distance of the middle of the mouth, and above and below it.
LIP_REACH_MM, LIP_HEIGHT_MM = 30.0, 15.0
# Skin that faces other skin at most so far away is carried, and by none of it from there on.
TOUCHING_MM, APART_MM = 2.5, 5.0
OPPOSED_COSINE = -0.2  # between the normals of surfaces that face each other
# Middle of the right nostril from subnasale, and its half axes, mm.
NOSTRIL_FROM_SUBNASALE_MM, NOSTRIL_RADII_MM = (9.3, -1.2, 7.8), (6.5, 9.5, 5.5)
# Lips of the mean head stand so far apart at least where they touch, once they are parted.
SLIT_MM, SLIT_SPREAD_MM, SLIT_STEPS = 0.3, 2.5, 12
MIRROR = np.array([-1.0, 1.0, 1.0])


def _texture_of_vertices(template: Template) -> Float[np.ndarray, "vertices 2"]:
    uv = np.zeros((template.n_vertices, 2))
    uv[template.faces.ravel()] = template.uv[template.uv_faces.ravel()]
    return uv


def mouth_lining(template: Template) -> Bool[np.ndarray, " vertices"]:
    """Return which template vertices line the mouth: an island of its own in texture space."""
    uv = _texture_of_vertices(template)
    return np.asarray((uv[:, 0] > 0.33) & (uv[:, 0] < 0.51) & (uv[:, 1] > 0.8))


class Contacts:
    """Vertices of a template by what they touch.

    Attributes:
        outer: Vertices of the skin outside the mouth's lining, those where both join included.
        socket: Which vertices line the eye sockets: an island of its own in texture space.
        mouth: Middle of the line where lining and lips join, in the mean head.
        lips: How far each vertex is carried by the skin about the mouth, 0 to 1: lining and lips
            where they touch.
        nostrils: How far by the skin about the nostrils.
    """

    def __init__(
        self,
        mean: Float[np.ndarray, "vertices 3"],
        template: Template,
        subnasale: Float[np.ndarray, "3"],
    ) -> None:
        """Find them on the mean head."""
        self.mean, self.mirror = mean, template.mirror_vertex
        self.skin = template.faces[template.part_of_triangle == PARTS.index("skin")]
        of_lining = mouth_lining(template)[self.skin].all(axis=1)
        self.outer = np.unique(self.skin[~of_lining])
        lining = np.unique(self.skin[of_lining])
        uv = _texture_of_vertices(template)
        self.socket = np.intersect1d(
            self.outer, np.flatnonzero((uv[:, 0] > 0.6) & (uv[:, 1] > 0.76))
        )
        seam = np.intersect1d(self.outer, lining)
        self.mouth = mean[seam].mean(axis=0)
        self.lips = self._facing()
        self.lips[lining] = 1.0
        self.nostrils = self._nostrils(subnasale)

    def _facing(self) -> Float[np.ndarray, " vertices"]:
        """Return 1 on lips that face each other closely, 0 where they are apart."""
        share = np.zeros(len(self.mean))
        from_mouth = self.mean[self.outer] - self.mouth
        near = np.linalg.norm(from_mouth, axis=1) < LIP_REACH_MM
        near &= np.abs(from_mouth[:, 2]) < LIP_HEIGHT_MM
        lips = np.setdiff1d(self.outer[near], self.socket)
        normals, points = vertex_normals(self.mean, self.skin)[lips], self.mean[lips]
        for k, neighbours in enumerate(cKDTree(points).query_ball_point(points, APART_MM)):
            way = points[neighbours] - points[k]
            distance = np.linalg.norm(way, axis=1)
            faces = (normals[neighbours] @ normals[k] < OPPOSED_COSINE) & (distance > 0.0)
            faces &= way @ normals[k] > -0.6 * distance  # lips that cross stand a little behind
            if faces.any():
                gap = distance[faces].min()
                share[lips[k]] = _fading((gap - TOUCHING_MM) / (APART_MM - TOUCHING_MM))
        share = (share + share[self.mirror]) / 2
        share[self._enclosed(lips, share)] = 1.0
        return share

    def _enclosed(self, lips: np.ndarray, share: np.ndarray) -> Int[np.ndarray, " enclosed"]:
        """Return the lips' vertices behind those that touch: no way along skin leads out."""
        apart = self.skin[
            (share[self.skin] < 0.5).all(axis=1) & np.isin(self.skin, self.outer).all(axis=1)
        ]
        edges = np.concatenate([apart[:, [0, 1]], apart[:, [1, 2]]])
        n = len(share)
        links = coo_array((np.ones(len(edges)), edges.T), shape=(n, n))
        piece = connected_components(links, directed=False)[1]
        face = np.bincount(piece).argmax()
        return np.asarray(lips[(share[lips] < 0.5) & (piece[lips] != face)])

    def _nostrils(self, subnasale: np.ndarray) -> Float[np.ndarray, " vertices"]:
        right = np.where(self.mean[:, :1] < 0, self.mean * MIRROR, self.mean)
        way = right - subnasale - np.array(NOSTRIL_FROM_SUBNASALE_MM)
        radius = np.linalg.norm(way / np.array(NOSTRIL_RADII_MM), axis=1)
        share = np.zeros(len(self.mean))
        share[self.outer] = _fading((radius[self.outer] - 0.8) / 0.5)
        share[self.socket] = 0.0
        return np.asarray((share + share[self.mirror]) / 2)


def _fading(t: float | np.ndarray) -> np.ndarray:
    """Return a smooth step from 1 at 0 to 0 at 1."""
    t = np.clip(t, 0.0, 1.0)
    return np.asarray(1.0 - t * t * t * (t * (6.0 * t - 15.0) + 10.0))


def vertex_normals(
    vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "triangles 3"]
) -> Float[np.ndarray, "vertices 3"]:
    """Return unit normals at vertices, 0 at those without a triangle."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    weights = np.repeat(np.cross(b - a, c - a), 3, axis=0)
    summed = [np.bincount(faces.ravel(), w, minlength=len(vertices)) for w in weights.T]
    normals = np.stack(summed, axis=1)
    return np.asarray(normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12))


def with_contacts(
    modes: Float[np.ndarray, "modes vertices 3"],
    parity: Int[np.ndarray, " modes"],
    contacts: Contacts,
) -> Float[np.ndarray, "modes vertices 3"]:
    """Return identity modes in which enclosed skin follows the skin about it.

    Radial basis functions (kernel r, linear trend) carry the motion of the skin about mouth and
    nostrils inwards: one smooth function of position moves both sides of a slit alike. The sockets
    count as skin about the mouth, whose roof else comes through them in infants.

    Args:
        modes: Displacement of each vertex per coefficient, mm.
        parity: 1 for symmetric modes, -1 for antisymmetric ones.
        contacts: What touches.
    """
    mean, outer = contacts.mean, contacts.outer
    nostril = mean[contacts.nostrils > 0].mean(axis=0)
    result = modes.copy()
    for share, centre, reach, more in (
        (contacts.lips, contacts.mouth, LINING_REACH_MM, contacts.socket),
        (contacts.nostrils, nostril, NOSTRIL_REACH_MM, contacts.socket[:0]),
    ):
        near = outer[np.linalg.norm(mean[outer] - centre, axis=1) < reach]
        around = np.union1d(near[share[near] == 0], more)
        inner = np.flatnonzero(share > 0)
        motion = result[:, around].transpose(1, 0, 2).reshape(len(around), -1)
        carried = RBFInterpolator(mean[around], motion, kernel="linear", degree=1)(mean[inner])
        carried = carried.reshape(len(inner), len(modes), 3).transpose(1, 0, 2)
        result[:, inner] += share[inner, None] * (carried - result[:, inner])
    # Rounding must not break the symmetry that every mode has.
    image = result[:, contacts.mirror] * MIRROR
    return np.asarray((result + parity[:, None, None] * image) / 2)


def parted_lips(contacts: Contacts) -> Float[np.ndarray, "vertices 3"]:
    """Return the mean head with its lips apart by SLIT_MM or more, where they touch or cross.

    Each step raises the upper and lowers the lower lip by half of what is missing, and their
    surroundings within SLIT_SPREAD_MM the less the farther they are.
    """
    vertices, inner = contacts.mean.copy(), np.flatnonzero(contacts.lips > 0)
    for _ in range(SLIT_STEPS):
        chosen, gap = _slit_gaps_mm(vertices, contacts)
        tight, missing = chosen[gap < SLIT_MM], (SLIT_MM - gap)[gap < SLIT_MM]
        if missing.max(initial=0.0) < 0.1 * SLIT_MM:
            break
        up = -vertex_normals(vertices, contacts.skin)[inner, 2]
        apart = np.linalg.norm(vertices[inner, None, :2] - vertices[None, tight, :2], axis=2)
        opening = (missing * np.exp(-((apart / SLIT_SPREAD_MM) ** 2))).max(axis=1) / 2
        vertices[inner, 2] += contacts.lips[inner] * opening * np.tanh(3.0 * up)
        vertices = (vertices + vertices[contacts.mirror] * MIRROR) / 2
    return vertices


def _slit_gaps_mm(
    vertices: Float[np.ndarray, "vertices 3"], contacts: Contacts
) -> tuple[Int[np.ndarray, " chosen"], Float[np.ndarray, " chosen"]]:
    """Return the vertices of both lips that face each other, and how far apart they are along z:
    negative where they have passed each other."""
    up = vertex_normals(vertices, contacts.skin)[contacts.outer, 2]
    touching = contacts.lips[contacts.outer] > 0.5
    faces = contacts.skin[(contacts.lips[contacts.skin] > 0.3).all(axis=1)]
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    looks_up = np.cross(b - a, c - a)[:, 2] > 0
    found, gaps = [], []
    for sign in (1.0, -1.0):  # the upper lip looks down, the lower one up
        lip = contacts.outer[touching & (-sign * up > 0.35)]
        height = _height_over(vertices, lip, faces[looks_up == (sign > 0)])
        gap = np.where(np.abs(height) < 3.0, sign * height, np.inf).min(axis=1, initial=np.inf)
        found.append(lip)
        gaps.append(gap)
    return np.concatenate(found), np.concatenate(gaps)


def _height_over(
    vertices: Float[np.ndarray, "vertices 3"],
    chosen: Int[np.ndarray, " chosen"],
    faces: Int[np.ndarray, "triangles 3"],
) -> Float[np.ndarray, "chosen triangles"]:
    """Return how far vertices stand above triangles along z, infinite where they do not cover each
    other or share a corner."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    point = vertices[chosen][:, None]

    def turned(p: np.ndarray, q: np.ndarray) -> np.ndarray:
        return np.asarray(p[..., 0] * q[..., 1] - p[..., 1] * q[..., 0])

    area = turned(b - a, c - a)
    area = np.where(np.abs(area) < 1e-9, np.inf, area)
    u, v = turned(point - a, c - a) / area, turned(b - a, point - a) / area
    height = point[..., 2] - (a[:, 2] + u * (b - a)[:, 2] + v * (c - a)[:, 2])
    shares = (faces[None] == chosen[:, None, None]).any(axis=2)
    return np.where((u >= 0) & (v >= 0) & (u + v <= 1) & ~shares, height, np.inf)
