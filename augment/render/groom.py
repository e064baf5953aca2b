"""Hairstyles combed once on the template: locks as ribbons that grow from the scalp.

A lock starts at a root, follows a flow over the head, hangs where it leaves it, and never enters
skin. Each is bound at a few knots to the model's vertices, so that a style fits every head.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int64
from scipy.spatial import cKDTree
from torch import Tensor

from augment.morphable.model import FaceModel
from augment.morphable.regions import REGIONS
from augment.render.labels import sheet_lookup
from augment.render.scene import REFINEMENT_LEVEL, refined_normals
from augment.streams import stream

N_KNOTS = 4
"""Points along a lock that follow the head; between them its motion is interpolated."""
SHADE_CHANNELS = (
    "tangent_x", "tangent_y", "tangent_z", "layer", "share", "across", "chance",
)  # fmt: skip
"""Direction, place in the pile, share of the style's length, side of the ribbon, tone."""
N_BOUND = 6
"""Vertices that each knot follows."""


@dataclass(frozen=True)
class Style:
    """How a hairstyle grows.

    Attributes:
        flow: `crown` (away from the whorl), `back`, `part` (away from a parting), `radial` (off
            the skin).
        spacing_mm: Distance between roots.
        steps: Segments of a lock.
        step_mm: Length of a segment.
        lift_mm: Greatest height of the locks above the skin.
        gravity: Pull downwards at each step, as a share of the step.
        stiffness: How much of its direction a lock keeps.
        width_mm: Width of a ribbon.
        part_mm: Where the parting lies, x in the head frame.
        over_ears: Whether locks may hang in front of the ears.
        rise: How much roots point off the skin, 0 to 1.
        tangle: Random turns at each step.
        nape: Gathers the ends behind the head (tied hair).
        fringe: Whether locks of the forehead fall forwards.
        sides_mm: Length of the locks at the sides and the nape, None for that of the top.
    """

    flow: str
    spacing_mm: float
    steps: int
    step_mm: float
    lift_mm: float
    gravity: float
    stiffness: float
    width_mm: float
    part_mm: float = 0.0
    over_ears: bool = False
    rise: float = 0.25
    tangle: float = 0.08
    nape: bool = False
    fringe: bool = False
    sides_mm: float | None = None


STYLES = {
    "crop": Style("crown", 4.9, 5, 4.6, 7.0, 0.06, 0.5, 3.6, rise=0.3, tangle=0.10, sides_mm=9.0),
    "short": Style(
        "crown", 5.4, 6, 6.6, 11.0, 0.10, 0.55, 4.4, rise=0.3, tangle=0.09, sides_mm=15.0
    ),
    "quiff": Style("back", 5.6, 7, 8.0, 17.0, 0.06, 0.6, 4.8, rise=0.5, tangle=0.07, sides_mm=13.0),
    "side_part": Style(
        "part", 5.6, 8, 7.8, 12.0, 0.12, 0.6, 4.8, part_mm=-32.0, rise=0.35, sides_mm=17.0
    ),
    "tied": Style("back", 7.0, 16, 8.0, 7.0, 0.03, 0.7, 6.0, rise=0.12, tangle=0.03, nape=True),
    "bob": Style("part", 7.4, 18, 8.5, 14.0, 0.30, 0.6, 7.0, part_mm=22.0, over_ears=True),
    "long_part": Style("part", 7.8, 26, 10.5, 14.0, 0.32, 0.6, 8.0, over_ears=True),
    "long_side": Style("part", 7.8, 26, 10.5, 16.0, 0.32, 0.6, 8.0, part_mm=-30.0, over_ears=True),
    "fringe": Style("crown", 7.4, 20, 9.5, 13.0, 0.25, 0.6, 7.0, over_ears=True, fringe=True),
    "curls": Style(
        "radial", 6.2, 8, 6.0, 30.0, 0.03, 0.35, 6.0, rise=0.9, tangle=0.75, sides_mm=26.0
    ),
    "afro": Style(
        "radial", 5.8, 7, 6.5, 40.0, 0.0, 0.55, 6.5, rise=1.0, tangle=0.45, sides_mm=32.0
    ),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Groom:
    """A combed style on the template: step by step from root to tip, all locks side by side.

    Attributes:
        points: Middle of the ribbons, mm, head frame.
        outward: Unit normal of the head beneath each point.
        across: Unit vectors from the middle to a ribbon's edge.
        along: Unit tangents, towards the tip.
        layer: Height of each lock in the pile, 0 lowest to 1 highest.
        chance: A number of each lock in 0 to 1, ascending, for its tone and for thinning.
        curl: Unit noise at the points that frizz adds.
        bound: Concretely, bound[j, s, i] = v means that knot j of lock s follows vertex v.
        weight: How much it does; sums to 1 over i.
        hidden: Share of the surroundings that the hair hides from each refined vertex.
        width_mm: Width of the ribbons.
    """

    points: Float[Tensor, "steps locks 3"]
    outward: Float[Tensor, "steps locks 3"]
    across: Float[Tensor, "steps locks 3"]
    along: Float[Tensor, "steps locks 3"]
    layer: Float[Tensor, " locks"]
    chance: Float[Tensor, " locks"]
    curl: Float[Tensor, "steps locks 3"]
    bound: Int64[Tensor, "knots locks bound"]
    weight: Float[Tensor, "knots locks bound"]
    hidden: Float[Tensor, " refined"]
    width_mm: float

    @cached_property
    def faces(self) -> Int64[Tensor, "triangles 3"]:
        """Triangles of all ribbons, two for each segment of each lock, from the roots on."""
        n_steps, n_locks, _ = self.points.shape
        device = self.points.device
        lock = 2 * torch.arange(n_locks, device=device)
        start = 2 * n_locks * torch.arange(n_steps - 1, device=device)
        first = (start[:, None] + lock).reshape(-1)
        below = 2 * n_locks
        corner = torch.tensor(((0, 1, below), (1, below + 1, below)), device=device)
        return (first[:, None, None] + corner).reshape(-1, 3)

    @cached_property
    def normals(self) -> Float[Tensor, "vertices 3"]:
        """Normals at both edges of all ribbons."""
        return self.outward[:, :, None].expand(-1, -1, 2, 3).reshape(-1, 3)

    @cached_property
    def shade(self) -> Float[Tensor, "vertices channels"]:
        """What strands are shaded by: SHADE_CHANNELS at both edges of all ribbons."""
        n_steps, n_locks, _ = self.points.shape
        table = self.points.new_zeros((n_steps, n_locks, 2, len(SHADE_CHANNELS)))
        table[..., :3] = self.along[:, :, None]
        table[..., 3] = self.layer[:, None]
        table[..., 4] = torch.linspace(0.0, 1.0, n_steps)[:, None, None]
        table[..., 5] = table.new_tensor((-1.0, 1.0))
        table[..., 6] = self.chance[:, None]
        return table.reshape(-1, len(SHADE_CHANNELS))


class Head:
    """The template as locks feel it: nearest skin, its normal, and the ears as ellipsoids."""

    def __init__(self, model: FaceModel) -> None:
        """Prepare a model on the CPU."""
        finer = model.refinement(REFINEMENT_LEVEL)
        vertices = finer.apply(model.mean[None])
        self.normals = refined_normals(finer, vertices)[0].double().numpy()
        self.vertices = vertices[0].double().numpy()
        self.faces = finer.faces.numpy()
        uv = finer.uv[finer.uv_faces].mean(1)
        self.face_region = sheet_lookup(model.region_map, uv).numpy()
        self.face_part = finer.part_of_triangle.numpy()
        outer = self._vertices_of(
            lambda stem: (
                stem not in ("ear", "mouth_cavity", "tongue", "sclera", "iris", "background")
            )
        )
        self.skin = outer
        self.tree = cKDTree(self.vertices[outer])
        self.ears = [self._ear(side) for side in ("left", "right")]
        coarse = self._coarse_skin(model)
        self.coarse_index = coarse
        self.coarse_tree = cKDTree(model.mean.double().numpy()[coarse])

    def _vertices_of(self, keep: object) -> np.ndarray:
        stems = [name.removesuffix("_left").removesuffix("_right") for name in REGIONS]
        wanted = np.array([keep(stem) for stem in stems])[self.face_region]  # type: ignore[operator]
        unwanted = np.unique(self.faces[~wanted | (self.face_part != 1)])
        return np.setdiff1d(np.unique(self.faces[wanted & (self.face_part == 1)]), unwanted)

    def _ear(self, side: str) -> tuple[np.ndarray, np.ndarray]:
        points = self.vertices[
            np.unique(self.faces[self.face_region == REGIONS.index(f"ear_{side}")])
        ]
        low, high = points.min(0), points.max(0)
        return (low + high) / 2, (high - low) / 2 + np.array([4.0, 2.0, 3.0])

    def _coarse_skin(self, model: FaceModel) -> np.ndarray:
        region = sheet_lookup(model.region_map, model.uv[model.uv_faces].mean(1)).numpy()
        stems = np.array([n.removesuffix("_left").removesuffix("_right") for n in REGIONS])[region]
        calm = np.isin(stems, ("scalp", "forehead", "temple", "neck", "trunk", "masseteric"))
        calm &= model.part_of_triangle.numpy() == 1
        return np.unique(model.faces.numpy()[calm])

    def beneath(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return height above the skin (negative inside) and the skin's normal."""
        distance, nearest = self.tree.query(points, k=5)
        nearest = self.skin[nearest]
        weight = 1.0 / (distance + 1.0)
        weight /= weight.sum(1, keepdims=True)
        normal = (self.normals[nearest] * weight[..., None]).sum(1)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
        surface = (self.vertices[nearest] * weight[..., None]).sum(1)
        return ((points - surface) * normal).sum(1), normal

    def outside_ears(self, points: np.ndarray) -> np.ndarray:
        """Return points pushed sideways out of the ears."""
        for centre, radii in self.ears:
            local = (points - centre) / radii
            inside = np.linalg.norm(local, axis=1) < 1.0
            free = np.sqrt(np.clip(1.0 - local[:, 1] ** 2 - local[:, 2] ** 2, 0, None))
            pushed = centre[0] + np.sign(centre[0]) * radii[0] * free
            points = points.copy()
            points[inside, 0] = pushed[inside]
        return points


def scalp_roots(
    head: Head, spacing_mm: float, rng: np.random.Generator
) -> Float[np.ndarray, "roots 3"]:
    """Return points spread over the scalp, about `spacing_mm` apart."""
    scalp = head.faces[(head.face_region == REGIONS.index("scalp")) & (head.face_part == 1)]
    corners = head.vertices[scalp]
    area = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    count = int(6 * area.sum() / 2 / spacing_mm**2)
    chosen = corners[rng.choice(len(scalp), size=count, p=area / area.sum())]
    first, second = np.sqrt(rng.random(count)), rng.random(count)
    weights = np.stack((1 - first, first * (1 - second), first * second), -1)
    candidates = (chosen * weights[..., None]).sum(1)
    kept, taken = [], cKDTree(candidates).query_ball_point(candidates, 0.72 * spacing_mm)
    blocked = np.zeros(count, dtype=bool)
    for k in range(count):
        if not blocked[k]:
            kept.append(k)
            blocked[taken[k]] = True
    return candidates[kept]


def _flow(style: Style, points: np.ndarray, head: Head) -> np.ndarray:
    """Return where hair wants to go at points of the head."""
    x, y, z = points.T
    down = np.array([0.0, 0.0, -1.0])
    crown = np.array([9.0, -48.0, 118.0])
    away = points - crown
    away /= np.linalg.norm(away, axis=1, keepdims=True) + 1e-6
    if style.flow == "crown":
        # Above the temples hair of the front leans to one side.
        lean = np.clip((y - 20) / 60, 0, 1)[:, None] * np.array([0.35, 0.0, 0.0])
        return away + (0.0 if style.fringe else 1.0) * lean
    if style.flow == "back":
        side = np.clip(1.0 - z / 90.0, 0, 1)[:, None]
        target = np.array([0.0, -1.0, 0.12]) if style.nape else np.array([0.15, -1.0, 0.1])
        return target + side * (np.array([0.0, -0.3, -0.25]) if style.nape else 0.8 * down)
    if style.flow == "part":
        to_side = np.tanh((x - style.part_mm) / 6.0)
        behind = np.clip((-y - 30.0) / 40.0, 0, 1)[:, None]
        low = np.clip(np.abs(x) / 62.0, 0, 1) ** 2
        back = -0.22 - 0.1 * low - 0.75 * np.clip((y - 35.0) / 35.0, 0, 1) * (z > 35.0)
        swept = np.stack((to_side * (1 - 0.8 * low), back, -0.25 - 1.2 * low), -1)
        return (1 - behind) * swept + behind * (away + 0.9 * down)
    return away * 0.2


def comb(style: Style, head: Head, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Return points of the locks, the head's normals beneath, and each lock's layer."""
    roots = scalp_roots(head, style.spacing_mm, rng)
    n = len(roots)
    layer = rng.permutation(n) / n
    _, normal = head.beneath(roots)
    tangent = _tangential(_flow(style, roots, head), normal)
    direction = _unit(tangent + style.rise * (0.5 + layer[:, None]) * normal)
    points, normals = [roots + 0.3 * normal], [normal]
    point = points[0]
    for k in range(style.steps):
        height, normal = head.beneath(point)
        flow = _tangential(_flow(style, point, head), normal)
        if style.flow == "radial":
            flow = normal
        free = np.clip((height - 1.3 * style.lift_mm) / 14.0, 0, 1)[:, None]
        pull = style.gravity * (0.4 + k / style.steps) * np.array([0.0, 0.0, -1.0])
        if style.nape:
            knot = np.array([0.0, -98.0, 18.0]) - point
            flow = _unit(flow + _unit(knot) * (0.5 + k / style.steps))
        if style.over_ears:
            hang = np.maximum(free, np.clip((25.0 - point[:, 2]) / 40.0, 0, 0.85)[:, None])
            flow = flow * (1 - hang) + hang * np.array([0.0, -0.05, -1.0])
        direction = _unit(
            style.stiffness * direction + (1 - style.stiffness) * flow + pull
            + style.tangle * rng.standard_normal((n, 3))
        )  # fmt: skip
        point = point + style.step_mm * direction
        point = _kept_outside(style, head, point, layer, k)
        direction = _unit(0.5 * direction + 0.5 * _unit(point - points[-1]))
        points.append(point)
        normals.append(normal)
    return _trimmed(style, np.stack(points, 1), rng), np.stack(normals, 1), layer


def _trimmed(
    style: Style, points: Float[np.ndarray, "locks steps 3"], rng: np.random.Generator
) -> Float[np.ndarray, "locks steps 3"]:
    """Return locks cut to length: what is beyond the cut stays at it, as triangles without area."""
    n, n_points = points.shape[:2]
    roots, chance = points[:, 0], np.asarray(rng.random(n))
    steps = np.arange(n_points)[None]
    allowed = np.full(n, float(n_points))
    if style.sides_mm is not None:
        top = np.clip((roots[:, 2] - 40.0) / 45.0, 0, 1)
        whole = style.step_mm * style.steps
        low = style.sides_mm * np.clip((roots[:, 2] + 75.0) / 70.0, 0.3, 1.0)
        allowed = (low + (whole - low) * top) * (0.75 + 0.35 * chance) / style.step_mm
    if style.fringe:
        x, y, z = np.moveaxis(points, -1, 0)
        limit = 60.0 + 9.0 * chance[:, None] - 0.008 * x**2
        hangs = (z < limit) & (y > 30.0) & (np.abs(x) < 54.0)
        allowed = np.where(hangs.any(1), np.minimum(allowed, hangs.argmax(1)), allowed)
    last = np.clip(np.floor(allowed), 2, n_points - 1).astype(int)
    return np.take_along_axis(points, np.minimum(steps, last[:, None])[..., None], axis=1)


def _kept_outside(
    style: Style, head: Head, point: np.ndarray, layer: np.ndarray, step: int
) -> np.ndarray:
    """Return points between the least height of their layer and the style's lift."""
    share = min((step + 1) / 3.0, 1.0)
    least = (0.8 + 0.75 * style.lift_mm * layer) * share
    for _ in range(2):
        height, normal = head.beneath(point)
        low = np.maximum(least - height, 0.0)
        point = point + low[:, None] * normal
        if style.over_ears:
            point = head.outside_ears(point)
    height, normal = head.beneath(point)
    if not style.over_ears:
        most = 0.6 + 1.25 * style.lift_mm * (0.35 + 0.65 * layer)
        point = point - np.maximum(height - most, 0.0)[:, None] * normal
    return point


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-9)


def _tangential(vectors: np.ndarray, normal: np.ndarray) -> np.ndarray:
    return _unit(vectors - (vectors * normal).sum(1, keepdims=True) * normal)


def build_groom(model: FaceModel, head: Head, name: str) -> Groom:
    """Return one style of `STYLES` on a model's template.

    Args:
        model: The face model, on the CPU.
        head: Its template.
        name: Key of STYLES.
    """
    style, rng = STYLES[name], stream(0, sorted(STYLES).index(name), "groom")
    points, outward, layer = comb(style, head, rng)
    along = np.gradient(points, axis=1)
    for k in range(1, along.shape[1]):  # a cut lock keeps the direction of its end
        still = np.linalg.norm(along[:, k], axis=-1) < 1e-6
        along[still, k] = along[still, k - 1]
    along = _unit(along)
    twist = rng.normal(0.0, 0.45, (len(points), 1, 1))
    across = _unit(np.cross(along, outward))
    across = across * np.cos(twist) + np.cross(along, across) * np.sin(twist)
    bound, weight = _bind(head, points)
    hidden = _hidden_by(head, points, style)
    curl = _smooth_noise(rng, points.shape)
    points, outward, across, along, curl, bound, weight = (
        np.swapaxes(array, 0, 1) for array in (points, outward, across, along, curl, bound, weight)
    )
    return Groom(
        points=_tensor(points),
        outward=_tensor(outward),
        across=_tensor(across),
        along=_tensor(along),
        layer=_tensor(layer),
        chance=_tensor(np.sort(rng.random(len(layer)))),
        curl=_tensor(curl),
        bound=torch.from_numpy(np.ascontiguousarray(bound)),
        weight=_tensor(weight),
        hidden=_tensor(hidden),
        width_mm=style.width_mm,
    )


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))


def _smooth_noise(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    noise = rng.standard_normal(shape)
    noise[:, 1:] = 0.6 * noise[:, :-1] + 0.8 * noise[:, 1:]
    noise[:, 0] = 0.0
    return noise


def _bind(head: Head, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the level-0 vertices that each knot follows, and how much."""
    rows = np.rint(np.linspace(0, points.shape[1] - 1, N_KNOTS)).astype(int)
    knots = points[:, rows].reshape(-1, 3)
    distance, nearest = head.coarse_tree.query(knots, k=N_BOUND)
    weight = 1.0 / (distance + 4.0)
    weight /= weight.sum(1, keepdims=True)
    shape = (len(points), N_KNOTS, N_BOUND)
    return head.coarse_index[nearest].reshape(shape).astype(np.int64), weight.reshape(shape)


def _hidden_by(head: Head, points: np.ndarray, style: Style) -> Float[np.ndarray, " vertices"]:
    """Return the share of each vertex's half space that the locks cover: summed form factors."""
    flat = points[:, ::2].reshape(-1, 3)
    area = style.width_mm * style.step_mm * 2 * 0.8
    distance, nearest = cKDTree(flat).query(head.vertices, k=24)
    towards = flat[nearest] - head.vertices[:, None]
    cosine = (towards * head.normals[:, None]).sum(-1) / np.maximum(distance, 1.0)
    factor = area * np.clip(cosine, 0, None) / (np.pi * distance**2 + area)
    return 1.0 - np.exp(-0.7 * factor.sum(1))
