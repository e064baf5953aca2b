"""The light on a face in second-order spherical harmonics, and what it says of the face's shape.

Radiance of a matt surface of reflectance a and unit normal n under far light (Ramamoorthi and
Hanrahan, An Efficient Representation for Irradiance Environment Maps, SIGGRAPH 2001):

    g = a sum_k l_k Y_k(n),        Y = 1, x, y, z, xy, xz, yz, x^2 - y^2, 3 z^2 - 1

with the normal in the camera frame. The light is found by robust least squares before each step;
lips, brows and eyes get a gain of their own, for the template's colours are not the person's.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.ndimage import map_coordinates

from augment.morphable.model import FaceModel
from augment.morphable.regions import REGION_ID
from augment.portrait.estimate import CROP_PX
from augment.portrait.surface_points import (
    SurfacePoints,
    jacobian_rows,
    pixel_gradient,
    surface_points,
)
from augment.portrait.template_skin import surface_reflectance, vertex_openness
from augment.portrait.view import PortraitState, PortraitView
from augment.raster.rasterize import rasterize
from augment.render.labels import regions_at

SIGMA_SHARE = 0.10
"""Error of the synthesis as a share of the skin's mean brightness: freckles, shadows, noise."""
SKIN_POINTS = 60.0
"""How many independent measurements all visible points together are: neighbours share errors."""
SKIN_STRIDE = 3
"""One in so many triangles of skin is compared; of lips, brows and eyes all are."""
ROBUST_SIGMAS = 2.0
BLUR_PX = 1.0
MIN_FACING, DEPTH_SLACK_MM = 0.25, 3.0
LIGHT_ROUNDS, LIGHT_RIDGE = 4, 1e-3
GAIN_RANGE = (0.15, 6.0)
TEXEL_UV = 1.0 / 256.0

# What a shaded point belongs to, and the regions of each group.
GROUPS = {
    "skin": (
        "glabella", "infraorbital", "malar", "buccal", "nasal_sidewall", "nasal_ala",
        "nasal_dorsum", "nasal_tip", "upper_lip_skin", "lower_lip_skin", "chin", "masseteric",
        "upper_lid", "lower_lid", "mandibular_border",
    ),
    "lips": ("upper_lip", "lower_lip"),
    "brows": ("brow",),
    "whites": ("sclera",),
    "irises": ("iris",),
}  # fmt: skip
N_GROUPS = len(GROUPS)


@dataclass(frozen=True, eq=False)
class ShadedPoints:
    """Middles of the triangles of the face.

    Attributes:
        triangle: Their triangles.
        group: Entry of GROUPS of each.
        reflectance: Of the template, linear RGB.
        openness: Share of the surroundings that reaches them.
    """

    triangle: Int[np.ndarray, " points"]
    group: Int[np.ndarray, " points"]
    reflectance: Float[np.ndarray, "points 3"]
    openness: Float[np.ndarray, " points"]


@lru_cache(maxsize=4)
def shaded_points(model: FaceModel) -> ShadedPoints:
    """Return the points of a model that shading is compared at; found once."""
    uv = model.uv[model.uv_faces].mean(1)
    region = regions_at(model, model.part_of_triangle, uv).numpy()
    group = np.full(len(region), -1)
    for number, names in enumerate(GROUPS.values()):
        for name in names:
            sided = [name] if name in REGION_ID else [f"{name}_left", f"{name}_right"]
            group[np.isin(region, [REGION_ID[each] for each in sided])] = number
    skin, other = np.flatnonzero(group == 0), np.flatnonzero(group > 0)
    triangle = np.sort(np.concatenate([skin[::SKIN_STRIDE], other]))
    reflectance = surface_reflectance(
        model, uv[triangle], model.part_of_triangle[triangle], TEXEL_UV
    )
    openness = vertex_openness(model)[model.faces[triangle]].mean(1)
    return ShadedPoints(
        triangle,
        group[triangle],
        reflectance.numpy().astype(np.float64),
        openness.numpy().astype(np.float64),
    )


@lru_cache(maxsize=4)
def _points_with_motion(model: FaceModel, expressions: tuple[int, ...]) -> SurfacePoints:
    triangle = shaded_points(model).triangle
    thirds = np.full((len(triangle), 3), 1.0 / 3.0)
    return surface_points(model, triangle, thirds, np.array(expressions))


def harmonics(normals: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 9"]:
    """Return the nine basis functions at unit normals."""
    x, y, z = normals.T
    return np.stack(
        [np.ones_like(x), x, y, z, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1], axis=1
    )


def harmonic_slopes(normals: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 9 3"]:
    """Return their derivatives by the normal."""
    x, y, z = normals.T
    nought, one = np.zeros_like(x), np.ones_like(x)
    rows = (
        (nought, nought, nought),
        (one, nought, nought),
        (nought, one, nought),
        (nought, nought, one),
        (y, x, nought),
        (z, nought, x),
        (nought, z, y),
        (2 * x, -2 * y, nought),
        (nought, nought, 6 * z),
    )
    return np.stack([np.stack(row, axis=1) for row in rows], axis=1)


def linear_rgb(image: np.ndarray) -> np.ndarray:
    """Return sRGB of 0 to 255 as linear light of 0 to 1 (IEC 61966-2-1)."""
    share = np.asarray(image, dtype=np.float64) / 255.0
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def fit_light(
    values: Float[np.ndarray, " points"],
    reflectance: Float[np.ndarray, " points"],
    normals: Float[np.ndarray, "points 3"],
) -> Float[np.ndarray, "9"]:
    """Return the light of one colour channel by robust least squares (Geman and McClure).

    Args:
        values: Linear brightness of skin.
        reflectance: Its reflectance.
        normals: Unit normals in the camera frame.
    """
    design = reflectance[:, None] * harmonics(normals)
    weight = np.ones(len(values))
    light = np.zeros(9)
    ridge = LIGHT_RIDGE * len(values) * float(np.mean(reflectance**2)) * np.eye(9)
    for _ in range(LIGHT_ROUNDS):
        weighted = design.T * weight
        light = np.linalg.solve(weighted @ design + ridge, weighted @ values)
        residual = values - design @ light
        scale = 2.0 * max(float(np.median(np.abs(residual))), 1e-4)
        weight = 1.0 / (1.0 + (residual / scale) ** 2) ** 2
    return light


@dataclass(frozen=True, eq=False)
class Synthesis:
    """The green picture of visible points, as the template under the fitted light would give it.

    Attributes:
        chosen: Which of the shaded points are visible.
        pixels: Where they appear in the crop.
        seen: Where they are in the camera frame, mm.
        measured: Brightness of the picture there.
        albedo: Reflectance with the gain of its group.
        light: Nine coefficients.
        mean: Mean brightness of the skin.
    """

    chosen: Int[np.ndarray, " visible"]
    pixels: Float[np.ndarray, "visible 2"]
    seen: Float[np.ndarray, "visible 3"]
    normals: Float[np.ndarray, "visible 3"]
    measured: Float[np.ndarray, " visible"]
    albedo: Float[np.ndarray, " visible"]
    light: Float[np.ndarray, "9"]
    mean: float

    @property
    def residual(self) -> Float[np.ndarray, " visible"]:
        """Picture minus synthesis, as a share of the skin's mean brightness."""
        predicted = self.albedo * (harmonics(self.normals) @ self.light)
        return (self.measured - predicted) / self.mean


@dataclass(frozen=True, eq=False)
class ShadingTerm:
    """One crop that a head's shading is compared with.

    Attributes:
        model: The face model.
        image: Green light of the crop, where the pigments of skin absorb most; linear, blurred.
        slope: Its derivatives by x and y.
        shaded: The model's points.
        points: The same with their motion.
    """

    model: FaceModel
    image: Float[np.ndarray, "256 256"]
    slope: Float[np.ndarray, "2 256 256"]
    shaded: ShadedPoints
    points: SurfacePoints

    @classmethod
    def of_view(
        cls, model: FaceModel, view: PortraitView, expressions: Int[np.ndarray, " free"]
    ) -> "ShadingTerm":
        """Return the term of one photograph."""
        green = linear_rgb(view.crop()[..., 1])
        image = cv2.GaussianBlur(green, (0, 0), BLUR_PX)
        across = cv2.Sobel(image, cv2.CV_64F, 1, 0, ksize=3) / 8.0
        down = cv2.Sobel(image, cv2.CV_64F, 0, 1, ksize=3) / 8.0
        points = _points_with_motion(model, tuple(expressions.tolist()))
        return cls(model, image, np.stack([across, down]), shaded_points(model), points)

    def synthesis(
        self, state: PortraitState, head: Float[np.ndarray, "vertices 3"]
    ) -> Synthesis | None:
        """Return the visible points with their light, or None where too few are seen."""
        pixels, seen = state.projected(self.points.at(head))
        normals = _normals(self.points, head) @ state.rotation.T
        chosen = np.flatnonzero(self._visible(state, head, pixels, seen, normals))
        group = self.shaded.group[chosen]
        is_skin = group == 0
        if is_skin.sum() < 100:
            return None
        normals = normals[chosen]
        measured = _sampled(self.image, pixels[chosen])
        albedo = self.shaded.reflectance[chosen, 1] * self.shaded.openness[chosen]
        light = fit_light(measured[is_skin], albedo[is_skin], normals[is_skin])
        predicted = np.maximum(albedo * (harmonics(normals) @ light), 1e-4)
        gains = np.ones(N_GROUPS)
        for number in range(1, N_GROUPS):
            ratio = (measured / predicted)[group == number]
            if len(ratio):
                gains[number] = np.clip(np.median(ratio), *GAIN_RANGE)
        mean = max(float(measured[is_skin].mean()), 1e-3)
        return Synthesis(
            chosen, pixels[chosen], seen[chosen], normals, measured, albedo * gains[group], light,
            mean,
        )  # fmt: skip

    def rows(
        self,
        state: PortraitState,
        head: Float[np.ndarray, "vertices 3"],
        jaw: Float[np.ndarray, "3 vertices 3"],
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return Jacobian, residual and weight of the visible points.

        A point's brightness is that of the picture where it appears minus that of its own normal.
        """
        found = self.synthesis(state, head)
        if found is None:
            n = self.points.basis.shape[1] + len(jaw) + 7
            return np.zeros((0, n)), np.zeros(0), np.zeros(0)
        points = self.points.some(found.chosen)
        slope = np.stack([_sampled(self.slope[k], found.pixels) for k in range(2)], axis=1)
        along = np.einsum("pi,pid->pd", slope, pixel_gradient(found.seen, state))
        brighter = found.albedo[:, None] * np.einsum(
            "pkd,k->pd", harmonic_slopes(found.normals), found.light
        )
        turning = -_normal_gradient(points, head, brighter @ state.rotation)
        jacobian = jacobian_rows(points, along, turning, jaw, found.seen, state)
        # The light is far: a turn of the head turns every normal.
        place = points.basis.shape[1] + len(jaw)
        jacobian[:, place : place + 3] -= np.cross(found.normals, brighter)
        robust = 1.0 / (1.0 + (found.residual / (ROBUST_SIGMAS * SIGMA_SHARE)) ** 2) ** 2
        weight = robust * (SKIN_POINTS / len(robust)) / SIGMA_SHARE**2
        return -jacobian / found.mean, found.residual, weight

    def residual(self, state: PortraitState, head: Float[np.ndarray, "vertices 3"]) -> float | None:
        """Return the median difference of picture and synthesis, a share of the mean brightness."""
        found = self.synthesis(state, head)
        return None if found is None else float(np.median(np.abs(found.residual)))

    def _visible(
        self,
        state: PortraitState,
        head: Float[np.ndarray, "vertices 3"],
        pixels: Float[np.ndarray, "points 2"],
        seen: Float[np.ndarray, "points 3"],
        normals: Float[np.ndarray, "points 3"],
    ) -> Bool[np.ndarray, " points"]:
        """Find the points that the crop shows."""
        vertices = torch.from_numpy(head).float()[None]
        depth = rasterize(vertices, self.model.faces, state.crop_camera()).depth_mm[0].numpy()
        towards = -(normals * seen).sum(1) / np.linalg.norm(seen, axis=1)
        inside = ((pixels > 1) & (pixels < CROP_PX - 1)).all(1)
        cell = np.clip(pixels.astype(int), 0, CROP_PX - 1)
        nearest = depth[cell[:, 1], cell[:, 0]]
        return inside & (towards > MIN_FACING) & (seen[:, 2] < nearest + DEPTH_SLACK_MM)


def _sampled(
    image: Float[np.ndarray, "256 256"], pixels: Float[np.ndarray, "points 2"]
) -> Float[np.ndarray, " points"]:
    """Return bilinear values of a picture at continuous pixels, whose centres are at .5."""
    return map_coordinates(image, pixels[:, ::-1].T - 0.5, order=1, mode="nearest")


def _edges(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the two edges from the first corner of triangles (points, corner, ..., 3)."""
    return values[:, 1] - values[:, 0], values[:, 2] - values[:, 0]


def _normals(
    points: SurfacePoints, head: Float[np.ndarray, "vertices 3"]
) -> Float[np.ndarray, "points 3"]:
    """Return unit normals of the points' triangles, head frame."""
    crossed = np.cross(*_edges(head[points.corners]))
    return crossed / np.maximum(np.linalg.norm(crossed, axis=1, keepdims=True), 1e-12)


def _normal_gradient(
    points: SurfacePoints,
    head: Float[np.ndarray, "vertices 3"],
    along: Float[np.ndarray, "points 3"],
) -> Float[np.ndarray, "points 3 3"]:
    """Return how a function of the unit normal changes per mm of motion of each corner.

    Args:
        points: The points.
        head: Vertices, head frame.
        along: Derivative of the function by the normal, head frame.
    """
    first, second = _edges(head[points.corners])
    crossed = np.cross(first, second)
    length = np.maximum(np.linalg.norm(crossed, axis=1, keepdims=True), 1e-12)
    normal = crossed / length
    tangent = (along - (along * normal).sum(1, keepdims=True) * normal) / length
    # d(first x second) = d(first) x second + first x d(second), and a . (b x c) = b . (c x a).
    by_first, by_second = np.cross(second, tangent), np.cross(tangent, first)
    return np.stack([-by_first - by_second, by_first, by_second], axis=1)
