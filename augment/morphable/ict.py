"""ICT-FaceKit through the same interface: a folder of OBJ files enters, a FaceModel in the head
frame (mm) leaves.

The model's data is the user's (MIT licence; Li et al., Learning Formation of Physically-Based Face
Attributes, CVPR
2020): each file is the neutral mesh plus one mode, in centimetres, y up, z forward, the face's left
at positive x.
Whatever modes the folder holds are read; a coefficient is in the unit of its file.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.spatial
import torch
from jaxtyping import Float, Int

from augment.errors import AssetError
from augment.morphable.landmarks import IBUG_NAMES
from augment.morphable.model import FaceModel
from augment.morphable.template import PARTS, triangulate

MM_PER_UNIT = 10.0
NEUTRAL_FILE, INDEX_FILE = "generic_neutral_mesh.obj", "vertex_indices.json"

# Material of the files → part; materials that are not named here are overlays of the eye and are
# not drawn.
PART_OF_MATERIAL = {
    "M_Face": "skin",
    "M_BackHead": "skin",
    "M_GumsTongue": "tongue",
    "M_Teeth": "teeth_upper",
    "M_ScleraLeft": "eye_left",
    "M_IrisLeft": "eye_left",
    "M_ScleraRight": "eye_right",
    "M_IrisRight": "eye_right",
}
# Craniometric points that coincide with iBUG points.
IBUG_OF_CRANIOMETRIC = {
    "exocanthion_right": 36,
    "endocanthion_right": 39,
    "endocanthion_left": 42,
    "exocanthion_left": 45,
    "cheilion_right": 48,
    "cheilion_left": 54,
    "alare_right": 31,
    "alare_left": 35,
    "subnasale": 33,
    "pronasale": 30,
    "nasion": 27,
    "menton": 8,
    "labiale_superius": 51,
    "labiale_inferius": 57,
    "stomion": 62,
    "gonion_right": 4,
    "gonion_left": 12,
}


@dataclass(frozen=True)
class _Obj:
    vertices: Float[np.ndarray, "vertices 3"]
    texture: Float[np.ndarray, "texture 2"]
    quads: Int[np.ndarray, "quads 4"]
    texture_quads: Int[np.ndarray, "quads 4"]
    material: np.ndarray


def _world(points: np.ndarray) -> np.ndarray:
    """Return ICT points (x left, y up, z front, cm) as x right, y anterior, z superior, mm."""
    return np.stack([-points[:, 0], points[:, 2], points[:, 1]], axis=1) * MM_PER_UNIT


def _positions(path: Path) -> Float[np.ndarray, "vertices 3"]:
    """Return the vertex positions of an OBJ file in the world's axes, mm."""
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = " ".join(line[2:] for line in lines if line.startswith("v "))
    return _world(np.fromstring(rows, sep=" ").reshape(-1, 3))


def _read_neutral(path: Path) -> _Obj:
    texture, quads, texture_quads, materials = [], [], [], []
    material = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] == "vt":
            texture.append([float(word) for word in words[1:3]])
        elif words[0] == "usemtl":
            material = words[1]
        elif words[0] == "f":
            pairs = [word.split("/") for word in words[1:]]
            pairs += pairs[-1:] * (
                4 - len(pairs)
            )  # a triangle is a quad that repeats its last corner
            quads.append([int(pair[0]) - 1 for pair in pairs])
            texture_quads.append([int(pair[1]) - 1 for pair in pairs])
            materials.append(material)
    return _Obj(
        _positions(path),
        np.asarray(texture),
        np.asarray(quads),
        np.asarray(texture_quads),
        np.asarray(materials),
    )


def _modes(folder: Path, names: list[str], neutral: np.ndarray) -> np.ndarray:
    """Return the displacement of each named mode (n, vertices, 3)."""
    modes = []
    for name in names:
        positions = _positions(folder / f"{name}.obj")
        if positions.shape != neutral.shape:
            raise AssetError(
                f"{folder / name}.obj has {len(positions)} vertices, "
                f"expected {len(neutral)} as in {NEUTRAL_FILE}"
            )
        modes.append(positions - neutral)
    return np.stack(modes) if modes else np.zeros((0, *neutral.shape))


def read_ict_face_model(folder: Path) -> FaceModel:
    """Read an ICT-FaceKit folder.

    Args:
        folder: The folder ``FaceXModel`` with the neutral mesh, ``identityNNN.obj`` and expression
            files.

    Returns:
        A model with as many identity modes and expressions as the folder holds. Its head frame has
        its origin midway
        between iBUG points 0 and 16 (beside the tragia) and keeps the files' upright pose. It has
        no prior, no
        jaw joint and no painted regions.

    Raises:
        AssetError: If a file is missing or of another topology.
    """
    for name in (NEUTRAL_FILE, INDEX_FILE):
        if not (folder / name).is_file():
            raise AssetError(
                f"{folder / name} is missing: get ICT-FaceKit (MIT licence) from "
                "github.com/ICT-VGL/ICT-FaceKit and name its folder FaceXModel"
            )
    neutral = _read_neutral(folder / NEUTRAL_FILE)
    index = json.loads((folder / INDEX_FILE).read_text(encoding="utf-8"))
    identities = sorted(path.stem for path in folder.glob("identity*.obj"))
    expressions = [name for name in index["expressions"] if (folder / f"{name}.obj").is_file()]
    points = np.asarray(index["idx_to_landmark_verts"])
    vertices = neutral.vertices - neutral.vertices[points[[0, 16]]].mean(axis=0)

    drawn = np.isin(neutral.material, list(PART_OF_MATERIAL))
    positions, owner = triangulate(neutral.quads[drawn], vertices)
    faces = np.take_along_axis(neutral.quads[drawn][owner], positions, axis=1)
    part = np.array([PARTS.index(PART_OF_MATERIAL[name]) for name in neutral.material[drawn]])[
        owner
    ]
    first_triangle, corner = _corner_of(faces, points, len(vertices))
    names = [*IBUG_NAMES, *IBUG_OF_CRANIOMETRIC]
    rows = [*range(68), *IBUG_OF_CRANIOMETRIC.values()]
    mirror = scipy.spatial.cKDTree(vertices).query(vertices * [-1.0, 1.0, 1.0])[1]
    n = len(vertices)

    def tensor(values: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(np.ascontiguousarray(values, dtype=np.float32))

    return FaceModel(
        name="ICT-FaceKit",
        mean=tensor(vertices),
        identity_basis=tensor(_modes(folder, identities, neutral.vertices)),
        identity_parity=torch.ones(len(identities), dtype=torch.int64),
        expression_basis=tensor(_modes(folder, expressions, neutral.vertices)),
        expression_names=tuple(expressions),
        joints_mean=torch.zeros((5, 3)),
        joints_basis=torch.zeros((len(identities), 5, 3)),
        faces=torch.as_tensor(faces),
        part_of_triangle=torch.as_tensor(part.astype(np.uint8)),
        lash_faces=torch.zeros((0, 3), dtype=torch.int64),
        uv=tensor(neutral.texture),
        uv_faces=torch.as_tensor(
            np.take_along_axis(neutral.texture_quads[drawn][owner], positions, axis=1)
        ),
        mirror_vertex=torch.as_tensor(mirror),
        jaw_weight=torch.zeros(n),
        neck_weight=torch.zeros(n),
        landmark_names=tuple(names),
        landmark_triangle=torch.as_tensor(first_triangle[rows]),
        landmark_weights=tensor(np.eye(3)[corner[rows]]),
        region_map=torch.zeros((1, 1), dtype=torch.uint8),
        prior={},
    )


def _corner_of(
    faces: np.ndarray, vertices: np.ndarray, n_vertices: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return one triangle of each vertex, and which of its corners the vertex is."""
    first = np.full(n_vertices, -1)
    first[faces.ravel()[::-1]] = np.arange(faces.size)[::-1]
    return first[vertices] // 3, first[vertices] % 3
