"""Clothes: a shell over the trunk with a neckline, cut from the template and worn by both twins.

The shell is the bust's own surface lifted off the skin, cut exactly along a curve in template
space, with a hem that turns inwards and a rim that hides where the bust ends.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from augment.geometry.mesh import boundary_loops
from augment.morphable.model import FaceModel
from augment.render.light import Triple
from augment.render.noise import NoiseTile
from augment.render.reflect import Lit, gloss, lambert, unit
from augment.render.scene import REFINEMENT_LEVEL, Attachment, refined_normals

SHADE_CHANNELS = ("x", "height", "around", "rib", "openness")
"""Cloth coordinates (mm, the last about the neck), 1 on the collar's rib, share of the light."""
HIDDEN_MM = 10.0
"""Skin further than this below the neckline can never be seen."""
RIM_MM = 190.0
"""How far the shell goes on below and beside the bust."""


@dataclass(frozen=True)
class Cut:
    """The pattern of a garment; heights are z in the head frame of the template, mm.

    Attributes:
        front_mm: Height of the neckline at the front.
        back_mm: Height at the nape.
        side_mm: Height beside the neck.
        v_mm: How much deeper a V is in the middle of the front.
        lift_mm: Distance of the cloth from the skin.
        rib_mm: Width of the collar's rib.
        stand_mm: How far the collar stands off the neck.
    """

    front_mm: float
    back_mm: float
    side_mm: float
    v_mm: float
    lift_mm: float
    rib_mm: float
    stand_mm: float


CUTS = {
    "crew": Cut(-150.0, -90.0, -108.0, 0.0, 4.5, 13.0, 2.0),
    "scoop": Cut(-182.0, -104.0, -124.0, 0.0, 3.5, 7.0, 0.5),
    "v_neck": Cut(-152.0, -92.0, -110.0, 48.0, 4.0, 11.0, 1.5),
    "sweater": Cut(-143.0, -84.0, -103.0, 0.0, 8.0, 19.0, 5.0),
    "high": Cut(-122.0, -68.0, -92.0, 0.0, 6.0, 24.0, 4.0),
}


@dataclass(frozen=True)
class Clothes:
    """What was drawn for a subject's clothes.

    Attributes:
        cut: Key of CUTS.
        colour: Linear RGB reflectance.
        trim: Linear RGB reflectance of the collar.
        pattern: `plain`, `stripes` or `heather`.
        second: Linear RGB reflectance of the pattern's other colour.
        pitch_mm: Distance of the stripes.
        folds: Strength of the folds.
        offset: Where the noise starts.
    """

    cut: str
    colour: Triple
    trim: Triple
    pattern: str
    second: Triple
    pitch_mm: float
    folds: float
    offset: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Garment:
    """A cut on the template.

    Attributes:
        bound: Concretely, bound[k] lists the three refined vertices that vertex k follows.
        weight: How much it follows them.
        offset: What is added to that place, mm.
        normal: Unit normal of the cloth.
        beneath: Refined vertex whose shadows fall on the cloth.
        faces: Triangles.
        shade: SHADE_CHANNELS at the vertices.
        covers: Which refined triangles of the body it covers; they are left out of the scene.
    """

    bound: Int64[Tensor, "vertices 3"]
    weight: Float[Tensor, "vertices 3"]
    offset: Float[Tensor, "vertices 3"]
    normal: Float[Tensor, "vertices 3"]
    beneath: Int64[Tensor, " vertices"]
    faces: Int64[Tensor, "triangles 3"]
    shade: Float[Tensor, "vertices channels"]
    covers: Bool[Tensor, " refined_triangles"]


def neckline_depth(cut: Cut, points: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, " points"]:
    """Return how far points of the template lie below a neckline, mm; above 0 is cloth."""
    x, y, z = points.T
    angle = np.degrees(np.arctan2(np.abs(x), y + 35.0))
    knots = np.array([0.0, 45.0, 90.0, 135.0, 180.0])
    mean_front, mean_back = (cut.front_mm + cut.side_mm) / 2, (cut.back_mm + cut.side_mm) / 2
    heights = (cut.front_mm, mean_front - 4.0, cut.side_mm, mean_back - 3.0, cut.back_mm)
    height = np.interp(angle, knots, heights)
    height -= cut.v_mm * np.clip(1.0 - np.abs(x) / 48.0, 0, 1) * (y > -35.0)
    return height - z


def build_garment(model: FaceModel, name: str) -> Garment:
    """Return one cut of `CUTS` on a model's template.

    Args:
        model: The face model, on the CPU.
        name: Key of CUTS.
    """
    cut, finer = CUTS[name], model.refinement(REFINEMENT_LEVEL)
    vertices = finer.apply(model.mean[None])
    normals = refined_normals(finer, vertices)[0].double().numpy()
    mean = vertices[0].double().numpy()
    below = neckline_depth(cut, mean)
    trunk = (finer.part_of_triangle == 1).numpy()
    trunk &= (mean[finer.faces.numpy()][..., 2] < -55.0).all(1)
    bound, weight, faces = _sliced(finer.faces.numpy()[trunk], below)
    base = (mean[bound] * weight[..., None]).sum(1)
    normal = _unit((normals[bound] * weight[..., None]).sum(1))
    depth = np.maximum(neckline_depth(cut, base), 0.0)
    lift = cut.lift_mm + cut.stand_mm * np.exp(-depth / 9.0)
    shell = _smoothed(base, faces, 8) + lift[:, None] * normal
    n = len(base)
    inner, outer = _rims(faces, base, depth)
    hem = shell[inner] - (lift[inner, None] + 1.0) * normal[inner] - [0.0, 0.0, 3.0]
    side = np.sign(base[outer, :1]) * np.clip((np.abs(base[outer, :1]) - 90.0) / 90.0, 0, 1)
    away = np.concatenate((0.55 * side, np.zeros_like(side), -np.ones_like(side)), 1)
    rim = shell[outer] + RIM_MM * away
    points = np.concatenate((shell, hem, rim))
    rows = np.concatenate((np.arange(n), inner, outer))
    faces = np.concatenate(
        (faces, _strip(inner, n + np.arange(len(inner))),
         _strip(outer, n + len(inner) + np.arange(len(outer))))
    )  # fmt: skip
    angle = np.arctan2(points[:, 0], points[:, 1] + 35.0)
    rib = np.clip((cut.rib_mm - depth[rows]) / 1.2 + 0.5, 0, 1)
    open_ = np.concatenate((np.ones(n), np.full(len(inner), 0.15), np.ones(len(outer))))
    height = points[:, 2] - 0.7 * points[:, 1]
    shade = np.stack((points[:, 0], height, angle * 110.0, rib, open_), -1)
    return Garment(
        bound=torch.from_numpy(bound[rows].astype(np.int64)),
        weight=_tensor(weight[rows]),
        offset=_tensor(points - base[rows]),
        normal=_tensor(_shell_normals(points, faces)),
        beneath=torch.from_numpy(bound[rows][np.arange(len(rows)), weight[rows].argmax(1)]),
        faces=torch.from_numpy(faces.astype(np.int64)),
        shade=_tensor(shade),
        covers=torch.from_numpy(trunk & (below[finer.faces.numpy()] > HIDDEN_MM).all(1)),
    )


def _sliced(
    faces: Int64[np.ndarray, "triangles 3"], depth: Float[np.ndarray, " vertices"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mesh where depth is above 0, cut along 0: what its vertices are made of, faces."""
    made: dict[tuple[int, int], int] = {}
    bound: list[tuple[int, int, int]] = []
    weight: list[tuple[float, float, float]] = []
    kept: list[tuple[int, int, int]] = []

    def vertex(a: int, b: int) -> int:
        key = (min(a, b), max(a, b))
        if key not in made:
            share = 0.0 if a == b else depth[key[0]] / (depth[key[0]] - depth[key[1]])
            made[key] = len(bound)
            bound.append((key[0], key[1], key[1]))
            weight.append((1.0 - share, share, 0.0))
        return made[key]

    for face in faces.tolist():
        ring = []
        for a, b in zip(face, face[1:] + face[:1], strict=True):
            if depth[a] > 0:
                ring.append(vertex(a, a))
            if (depth[a] > 0) != (depth[b] > 0):
                ring.append(vertex(a, b))
        kept += [(ring[0], ring[k], ring[k + 1]) for k in range(1, len(ring) - 1)]
    return np.array(bound), np.array(weight), np.array(kept)


def _rims(faces: np.ndarray, base: np.ndarray, depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the boundary loops at the neck and at the end of the bust."""
    loops = [loop.numpy() for loop in boundary_loops(torch.from_numpy(faces.astype(np.int64)))]
    loops.sort(key=lambda loop: float(depth[loop].mean()))
    return loops[0], loops[-1]


def _strip(loop: np.ndarray, copies: np.ndarray) -> np.ndarray:
    """Return triangles between a closed loop and its copy."""
    following, copied = np.roll(loop, -1), np.roll(copies, -1)
    return np.concatenate(
        (np.stack((loop, copies, following), -1), np.stack((following, copies, copied), -1))
    )


def _smoothed(points: np.ndarray, faces: np.ndarray, rounds: int) -> np.ndarray:
    """Return points moved towards their neighbours' mean, so that no collar bone shows."""
    n = len(points)
    edges = np.concatenate((faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]))
    links = scipy.sparse.coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(n, n))
    links = ((links + links.T) > 0).astype(float).tocsr()
    sides = np.sort(edges, axis=1)
    unique, count = np.unique(sides, axis=0, return_counts=True)
    fixed = np.unique(unique[count == 1])
    degree = np.asarray(links.sum(1))
    result = points.copy()
    for _ in range(rounds):
        result = links @ result / np.maximum(degree, 1.0)
        result[fixed] = points[fixed]
    return result


def _shell_normals(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    a, b, c = points[faces].transpose(1, 0, 2)
    vectors = np.cross(b - a, c - a)
    summed = np.zeros_like(points)
    for corner in range(3):
        np.add.at(summed, faces[:, corner], vectors)
    return _unit(summed)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-9)


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))


def draw_clothes(rng: np.random.Generator) -> Clothes:
    """Draw clothes."""
    value = float(np.exp(rng.uniform(np.log(0.02), np.log(0.75))))
    hue, chroma = rng.uniform(0.0, 2.0 * np.pi), rng.choice((0.05, 0.25, 0.7), p=(0.45, 0.35, 0.2))
    tint = 1.0 + chroma * np.cos(hue - np.array([0.0, 2.094, 4.189]))
    colour = np.clip(value * tint / tint.mean(), 0.012, 0.8)
    second = np.clip(colour * rng.choice((0.35, 2.2)) + 0.02, 0.012, 0.8)
    trim = colour * rng.uniform(0.85, 1.0) if rng.random() < 0.8 else second
    return Clothes(
        cut=str(rng.choice(list(CUTS), p=(0.38, 0.16, 0.18, 0.18, 0.10))),
        colour=_triple(colour),
        trim=_triple(trim),
        pattern=str(rng.choice(("plain", "stripes", "heather"), p=(0.70, 0.06, 0.24))),
        second=_triple(second),
        pitch_mm=float(rng.uniform(10.0, 42.0)),
        folds=float(rng.uniform(0.3, 1.0)),
        offset=(float(rng.uniform()), float(rng.uniform())),
    )


def _triple(values: np.ndarray) -> Triple:
    return float(values[0]), float(values[1]), float(values[2])


def wear_clothes(garment: Garment, healthy: Float[Tensor, "refined 3"]) -> Attachment:
    """Return a garment on a head.

    Args:
        garment: A cut on the template.
        healthy: Refined vertices of the healthy head, mm.
    """
    base = torch.nn.functional.embedding_bag(
        garment.bound, healthy, per_sample_weights=garment.weight, mode="sum"
    )
    return Attachment(
        vertices=base + garment.offset,
        normals=garment.normal,
        faces=garment.faces,
        part="clothing",
        shade=garment.shade,
        beneath=garment.beneath,
    )


def cloth_radiance(
    clothes: Clothes,
    tile: NoiseTile,
    lit: Lit,
    shade: Float[Tensor, "channels points"],
    pixel_mm: float,
) -> Float[Tensor, "3 points"]:
    """Return the light off cloth.

    Args:
        clothes: What was drawn.
        tile: Noise of the skin, whose coarse patterns also make folds.
        lit: Points.
        shade: The channels of `Garment`.
        pixel_mm: Size of a pixel, mm.
    """
    across, height, around, rib, open_ = shade
    place = torch.stack((across, height))
    wide = tile.at(place * (1 / 420.0), clothes.offset, footprint=pixel_mm / 420.0)
    fine = tile.at(place * (1 / 60.0), clothes.offset[::-1], footprint=pixel_mm / 60.0)
    albedo = lit.normal.new_tensor(clothes.colour)[:, None].expand(3, len(across))
    second = lit.normal.new_tensor(clothes.second)[:, None]
    if clothes.pattern == "stripes":
        wave = torch.sin(height * (6.2832 / clothes.pitch_mm)) * (clothes.pitch_mm / pixel_mm)
        albedo = albedo + (wave * 0.5 + 0.5).clamp(0.0, 1.0) * (second - albedo)
    elif clothes.pattern == "heather":
        albedo = albedo + (0.3 + 0.22 * fine[3] + 0.1 * fine[2]).clamp(0.0, 1.0) * (second - albedo)
    albedo = albedo + rib * (lit.normal.new_tensor(clothes.trim)[:, None] - albedo)
    ribbing = 1.0 - 0.16 * rib * (torch.sin(around * 2.6) * min(1.0, 1.2 / pixel_mm) + 0.6)
    albedo = albedo * (ribbing * (1.0 + 0.04 * fine[2]))
    fold = torch.add(0.16 * wide[4:7], wide[:3], alpha=0.05).mul_(clothes.folds)
    lit = Lit(
        unit(lit.normal + fold * (1.0 - rib)), lit.view, lit.lamps, lit.colours,
        lit.unhidden * open_, lit.ambient,
        lit.openness * open_ * (1.0 - 0.10 * clothes.folds * wide[0]),
    )  # fmt: skip
    return lambert(lit, albedo.clamp(0.005, 0.85)) + 0.5 * gloss(lit, 0.75, 0.03, 0.3)
