"""Topology of the template bust: which vertices and triangles of MakeHuman make a head, and how the
parts are joined.

What enters is the MakeHuman base mesh; what leaves is a :class:`Template`: triangles, parts,
texture coordinates,
mirror pairs, joint weights, and one sparse matrix that turns selected base vertices into template
vertices. The matrix
is what keeps the model linear: every morph target passes through it unchanged.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse
from jaxtyping import Float, Int, UInt8

from augment.morphable import makehuman
from augment.morphable.makehuman import BaseMesh

# Parts of the template, in the order of their ids. Concretely, part_of_triangle[t] = k means that
# triangle t
# belongs to PARTS[k]; 0 never occurs, so that 0 stays free for "no part" in label images.
PARTS = ("none", "skin", "tongue", "teeth_upper", "teeth_lower", "eye_left", "eye_right")
JOINTS = ("neck", "head", "jaw", "eye_left", "eye_right")

BUST_FLOOR_MM = 480.0  # height in the base mesh, where the bust is cut: below the clavicles
BUST_HALF_WIDTH_MM = 230.0  # lateral cut through the deltoid
GLOBE_RINGS, GLOBE_SEGMENTS = 16, 24
CORNEA_BULGE = (
    0.06  # corneal apex ahead of the sphere, as a share of the globe's radius (1.4 mm on 24 mm)
)
NECK_BONES = {
    "neck03": 1 / 3,
    "neck02": 2 / 3,
}  # share of a neck rotation that a bone keeps; lower ones keep all
HEAD_ROOT = "head"
JAW_ROOT = "jaw"


@dataclass(frozen=True)
class Template:
    """The bust's topology and the linear map from base vertices to its points.

    Concretely, ``assembly @ base_vertices[selection]`` gives the template's vertices followed by
    the joints.
    """

    selection: Int[np.ndarray, " selected"]
    assembly: scipy.sparse.csr_matrix
    n_vertices: int
    faces: Int[np.ndarray, "triangles 3"]
    part_of_triangle: UInt8[np.ndarray, " triangles"]
    lash_faces: Int[np.ndarray, "lash_triangles 3"]
    uv: Float[np.ndarray, "uv_vertices 2"]
    uv_faces: Int[np.ndarray, "triangles 3"]
    mirror_vertex: Int[np.ndarray, " vertices"]
    jaw_weight: Float[np.ndarray, " vertices"]
    neck_weight: Float[np.ndarray, " vertices"]


def triangulate(
    quads: Int[np.ndarray, "quads 4"], vertices: Float[np.ndarray, "vertices 3"]
) -> tuple[np.ndarray, np.ndarray]:
    """Split quads along their shorter diagonal.

    Returns:
        Triangles as corner positions 0 to 3 (2·quads, 3), and the quad that each came from.
        Degenerate triangles
        (quads that repeat a vertex) are left out.
    """
    corners = vertices[quads]
    first = np.linalg.norm(corners[:, 0] - corners[:, 2], axis=1)
    second = np.linalg.norm(corners[:, 1] - corners[:, 3], axis=1)
    shorter = (first <= second + 1e-3)[:, None]
    halves = [
        np.where(shorter, [0, 1, 2], [0, 1, 3]),
        np.where(shorter, [0, 2, 3], [1, 2, 3]),
    ]
    positions = np.stack(halves, axis=1).reshape(-1, 3)
    owner = np.repeat(np.arange(len(quads)), 2)
    triangles = np.take_along_axis(quads[owner], positions, axis=1)
    valid = (
        (triangles[:, 0] != triangles[:, 1])
        & (triangles[:, 1] != triangles[:, 2])
        & (triangles[:, 2] != triangles[:, 0])
    )
    return positions[valid], owner[valid]


def globe(centre: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return vertices, triangles and unit-disc texture coordinates of one eyeball looking along
    +y."""
    polar = np.linspace(0, np.pi, GLOBE_RINGS + 1)[1:-1]
    around = 2 * np.pi * np.arange(GLOBE_SEGMENTS) / GLOBE_SEGMENTS
    theta, phi = np.meshgrid(polar, around, indexing="ij")
    bulge = 1 + CORNEA_BULGE * np.exp(-((theta / 0.45) ** 2))
    ring = np.stack(
        [np.sin(theta) * np.cos(phi), np.cos(theta) * bulge, np.sin(theta) * np.sin(phi)], axis=-1
    ).reshape(-1, 3)
    points = np.concatenate([[[0, 1 + CORNEA_BULGE, 0]], ring, [[0, -1, 0]]])
    disc = np.concatenate(
        [
            [[0, 0]],
            (theta / np.pi)[..., None].repeat(2, -1).reshape(-1, 2)
            * np.stack([np.cos(phi), np.sin(phi)], -1).reshape(-1, 2),
            [[0, 1]],
        ]
    )
    triangles = []
    last = 1 + (GLOBE_RINGS - 1) * GLOBE_SEGMENTS
    for k in range(GLOBE_SEGMENTS):
        following = (k + 1) % GLOBE_SEGMENTS
        triangles.append([0, 1 + following, 1 + k])
        for row in range(GLOBE_RINGS - 2):
            a, b = 1 + row * GLOBE_SEGMENTS + k, 1 + row * GLOBE_SEGMENTS + following
            c, d = a + GLOBE_SEGMENTS, b + GLOBE_SEGMENTS
            triangles += [[a, b, d], [a, d, c]]
        base = 1 + (GLOBE_RINGS - 2) * GLOBE_SEGMENTS
        triangles.append([last, base + k, base + following])
    return centre + radius * points, np.asarray(triangles), disc


def _affine_rows(points: np.ndarray, helpers: np.ndarray) -> np.ndarray:
    """Return weights that reproduce the points from the helpers and follow any affine motion of
    them."""
    one = np.ones((len(points), 1))
    return np.hstack([one, points]) @ np.linalg.pinv(
        np.hstack([np.ones((len(helpers), 1)), helpers])
    )


def _descendants(parents: dict[str, str], root: str) -> set[str]:
    """Return a bone and all bones below it."""
    found = {root}
    while True:
        more = {bone for bone, parent in parents.items() if parent in found} - found
        if not more:
            return found
        found |= more


def _joint_weights(base: BaseMesh) -> tuple[np.ndarray, np.ndarray]:
    """Return per base vertex the share of a jaw rotation and of a neck rotation that it follows."""
    parents, weights = makehuman.bone_parents(), makehuman.skin_weights()
    head, jaw = _descendants(parents, HEAD_ROOT), _descendants(parents, JAW_ROOT)
    total = np.zeros(len(base.vertices))
    jaw_weight, neck_weight = np.zeros_like(total), np.zeros_like(total)
    for bone, rows in weights.items():
        vertex, weight = rows[:, 0].astype(int), rows[:, 1]
        np.add.at(total, vertex, weight)
        if bone in jaw:
            np.add.at(jaw_weight, vertex, weight)
        if bone not in head:
            np.add.at(neck_weight, vertex, weight * NECK_BONES.get(bone, 1.0))
    share = 1 / np.maximum(total, 1e-9)
    for group, value in (
        ("helper-lower-teeth", 1.0),
        ("helper-tongue", 1.0),
        ("helper-upper-teeth", 0.0),
    ):
        vertices = np.unique(base.group(group))
        jaw_weight[vertices], neck_weight[vertices], share[vertices] = value, 0.0, 1.0
    return jaw_weight * share, neck_weight * share


def _packed_texture(texture: np.ndarray) -> np.ndarray:
    """Move the texture islands of the bust from the whole-body sheet so that they fill the unit
    square."""
    u, v = texture[:, 0], texture[:, 1]
    packed = np.stack([(v - 0.15) / 0.67, (0.995 - u) / 0.67], axis=1)  # face island, upright
    ears = u < 0.17
    torso = (u > 0.17) & (u < 0.6)
    mouth = (u > 0.7) & (v < 0.145)
    inside = (u > 0.6) & (v > 0.85)  # tongue and teeth
    packed[ears] = np.stack([(u - 0.005) * 2 + 0.66, (v - 0.545) * 2 + 0.80], axis=1)[ears]
    packed[torso] = np.stack([(u - 0.18) * 0.8, (v - 0.77) * 0.8 + 0.80], axis=1)[torso]
    packed[mouth] = np.stack([(u - 0.75) * 0.9 + 0.34, (v - 0.01) * 0.9 + 0.81], axis=1)[mouth]
    packed[inside] = np.stack([(u - 0.62) * 0.6 + 0.52, (v - 0.87) * 0.6 + 0.62], axis=1)[inside]
    return packed


def build_template(base: BaseMesh) -> Template:
    """Select the bust from the base mesh and join skin, tongue, teeth, lashes and eyeballs."""
    height, lateral = base.vertices[:, 2], np.abs(base.vertices[:, 0])
    inside = (height > BUST_FLOOR_MM) & (lateral < BUST_HALF_WIDTH_MM)
    body = (base.group_of_quad == "body") & inside[base.quads].all(axis=1)
    chosen = [("skin", body)]
    for part, group in (
        ("tongue", "helper-tongue"),
        ("teeth_upper", "helper-upper-teeth"),
        ("teeth_lower", "helper-lower-teeth"),
    ):
        chosen.append((part, base.group_of_quad == group))
    lashes = np.char.find(base.group_of_quad.astype(str), "eyelashes") >= 0

    faces, parts, uv_faces = [], [], []
    for part, mask in (*chosen, ("lashes", lashes)):
        positions, owner = triangulate(base.quads[mask], base.vertices)
        faces.append(np.take_along_axis(base.quads[mask][owner], positions, axis=1))
        uv_faces.append(np.take_along_axis(base.texture_quads[mask][owner], positions, axis=1))
        parts.append(np.full(len(positions), PARTS.index(part) if part in PARTS else 0))
    lash_triangles = faces.pop()
    parts.pop(), uv_faces.pop()

    direct = np.unique(np.concatenate([*faces, lash_triangles]))
    helpers = {side: np.unique(base.group(f"helper-{side[0]}-eye")) for side in ("left", "right")}
    joints = [
        np.unique(base.group(f"joint-{name}")) for name in ("neck", "head", "jaw", "l-eye", "r-eye")
    ]
    selection = np.unique(np.concatenate([direct, *helpers.values(), *joints]))
    position = np.full(len(base.vertices), -1)
    position[selection] = np.arange(len(selection))
    renumber = np.full(len(base.vertices), -1)
    renumber[direct] = np.arange(len(direct))

    rows = [
        scipy.sparse.csr_matrix(
            (np.ones(len(direct)), (np.arange(len(direct)), position[direct])),
            shape=(len(direct), len(selection)),
        )
    ]
    all_faces = [renumber[face] for face in faces]
    uv, all_uv_faces = [_packed_texture(base.texture)], list(uv_faces)
    n_vertices = len(direct)
    for side in ("left", "right"):
        around = base.vertices[helpers[side]]
        low, high = around.min(0), around.max(0)
        radius = (high[0] - low[0]) / 2
        centre = np.array([(low[0] + high[0]) / 2, low[1] + radius, (low[2] + high[2]) / 2])
        points, triangles, disc = globe(centre, radius)
        block = scipy.sparse.lil_matrix((len(points), len(selection)))
        block[:, position[helpers[side]]] = _affine_rows(points, around)
        rows.append(block.tocsr())
        all_faces.append(triangles + n_vertices)
        parts.append(np.full(len(triangles), PARTS.index(f"eye_{side}")))
        all_uv_faces.append(triangles + sum(len(block) for block in uv))
        uv.append(disc * 0.045 + [0.94, 0.62 if side == "left" else 0.72])
        n_vertices += len(points)
    for vertices in joints:
        rows.append(
            scipy.sparse.csr_matrix(
                (
                    np.full(len(vertices), 1 / len(vertices)),
                    (np.zeros(len(vertices), int), position[vertices]),
                ),
                shape=(1, len(selection)),
            )
        )

    jaw, neck = _joint_weights(base)
    n_globe = (n_vertices - len(direct)) // 2
    uv_table, uv_index = np.unique(np.concatenate(all_uv_faces), return_inverse=True)
    return Template(
        selection=selection,
        assembly=scipy.sparse.vstack(rows).tocsr(),
        n_vertices=n_vertices,
        faces=np.concatenate(all_faces),
        part_of_triangle=np.concatenate(parts).astype(np.uint8),
        lash_faces=renumber[lash_triangles],
        uv=np.concatenate(uv)[uv_table].astype(np.float32),
        uv_faces=uv_index.reshape(-1, 3),
        mirror_vertex=_mirror(base, direct, renumber, n_globe),
        jaw_weight=np.concatenate([jaw[direct], np.zeros(2 * n_globe)]).astype(np.float32),
        neck_weight=np.concatenate([neck[direct], np.zeros(2 * n_globe)]).astype(np.float32),
    )


def _mirror(base: BaseMesh, direct: np.ndarray, renumber: np.ndarray, n_globe: int) -> np.ndarray:
    """Return the mirror partner of every template vertex."""
    partner = renumber[base.mirror[direct]]
    around = (GLOBE_SEGMENTS // 2 - np.arange(GLOBE_SEGMENTS)) % GLOBE_SEGMENTS
    ring = np.arange(GLOBE_RINGS - 1)[:, None] * GLOBE_SEGMENTS + around[None]
    globe_partner = np.concatenate([[0], 1 + ring.ravel(), [n_globe - 1]])
    left, right = len(direct), len(direct) + n_globe
    return np.concatenate([partner, right + globe_partner, left + globe_partner])
