"""Shapes as lists of rounded cones, ellipsoids and padded triangles, and their signed distance on a
grid.

A `Shape` is data only: three arrays. It is moved by mapping its control points and drawn by
`signed_distance`, which takes the
minimum over its primitives; several shapes melt into each other over ``blend_mm`` (polynomial
smooth minimum, Quilez 2013).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, no_type_check

import numpy as np
from jaxtyping import Float, Float32, Real
from numba import njit
from scipy.interpolate import PchipInterpolator

from augment.volume.grid import Box, Grid

FAR_MM = 1.0e3
_MIRROR = np.array([-1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Shape:
    """Union of primitives in head-frame mm.

    Attributes:
        cones: Start (3), end (3), start radius, end radius of rounded cones.
        ellipsoids: Centre (3) and semi-axes (3) of axis-aligned ellipsoids.
        triangles: Three corners (9) and the padding radius at each (3).
    """

    cones: Float[np.ndarray, "cones 8"]
    ellipsoids: Float[np.ndarray, "ellipsoids 6"]
    triangles: Float[np.ndarray, "triangles 12"]


def _shape(
    cones: Any | None = None,
    ellipsoids: Any | None = None,
    triangles: Any | None = None,
) -> Shape:
    def rows(values: Any | None, n: int) -> np.ndarray:
        return np.zeros((0, n)) if values is None else np.asarray(values, float).reshape(-1, n)

    return Shape(rows(cones, 8), rows(ellipsoids, 6), rows(triangles, 12))


def curve(points_mm: Any, n_points: int) -> Float[np.ndarray, "n_points 3"]:
    """Return a smooth curve through points, resampled at equal arc length (monotone cubic per
    coordinate)."""
    points = np.asarray(points_mm, float)
    arc = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]
    return PchipInterpolator(arc, points, axis=0)(np.linspace(0.0, arc[-1], n_points))


def _along(radius_mm: Any, n_points: int) -> np.ndarray:
    values = np.atleast_1d(np.asarray(radius_mm, float))
    return np.interp(np.linspace(0, 1, n_points), np.linspace(0, 1, len(values)), values)


def chain(points_mm: Any, radius_mm: Any, n_points: int | None = None) -> Shape:
    """Return a tube through points; radii are spread evenly along it, and ``n_points`` smooths it
    first."""
    points = np.asarray(points_mm, float) if n_points is None else curve(points_mm, n_points)
    radii = _along(radius_mm, len(points))
    return _shape(cones=np.c_[points[:-1], points[1:], radii[:-1], radii[1:]])


def ellipsoid(centre_mm: Any, semi_axes_mm: Any) -> Shape:
    """Return an axis-aligned ellipsoid."""
    return _shape(
        ellipsoids=np.r_[
            np.asarray(centre_mm, float), np.broadcast_to(np.asarray(semi_axes_mm, float), 3)
        ]
    )


def sheet(points_mm: Real[np.ndarray, "rows columns 3"], radius_mm: Any) -> Shape:
    """Return a padded surface over a lattice of points; the radius is one number or one per
    point."""
    points = np.asarray(points_mm, float)
    radii = np.broadcast_to(np.asarray(radius_mm, float), points.shape[:2])
    corners = np.dstack([points, radii])
    a, b, c, d = (
        corners[i : i - 1 or None, j : j - 1 or None].reshape(-1, 4) for i in (0, 1) for j in (0, 1)
    )
    both = (np.stack([a, b, d], 1), np.stack([a, d, c], 1))
    return _triangles(np.concatenate(both))


def polygon(points_mm: Any, radius_mm: Any) -> Shape:
    """Return a padded fan over a star-shaped outline around its mean; the radius is one number or
    one per point, then the mean's."""
    points = np.asarray(points_mm, float)
    radii = (
        _along(radius_mm, len(points)) if np.ndim(radius_mm) == 0 else np.asarray(radius_mm, float)
    )
    rim = np.c_[points, radii]
    centre = np.broadcast_to(rim.mean(0), rim.shape)
    return _triangles(np.stack([rim, np.roll(rim, -1, axis=0), centre], 1))


def _triangles(corners: Float[np.ndarray, "triangles 3 4"]) -> Shape:
    return _shape(triangles=np.c_[corners[:, :, :3].reshape(-1, 9), corners[:, :, 3]])


def join(*shapes: Shape) -> Shape:
    """Return the union of shapes."""
    return Shape(
        *(
            np.concatenate([getattr(s, name) for s in shapes])
            for name in ("cones", "ellipsoids", "triangles")
        )
    )


def moved(shape: Shape, move: Callable[[np.ndarray], np.ndarray]) -> Shape:
    """Return the shape with its control points mapped by ``move`` ((n, 3) to (n, 3)); radii and
    semi-axes stay."""
    cones, ellipsoids, triangles = (
        shape.cones.copy(),
        shape.ellipsoids.copy(),
        shape.triangles.copy(),
    )
    if len(cones):
        cones[:, :6] = move(cones[:, :6].reshape(-1, 3)).reshape(-1, 6)
    if len(ellipsoids):
        ellipsoids[:, :3] = move(ellipsoids[:, :3])
    if len(triangles):
        triangles[:, :9] = move(triangles[:, :9].reshape(-1, 3)).reshape(-1, 9)
    return Shape(cones, ellipsoids, triangles)


def thickened(shape: Shape, factor: float) -> Shape:
    """Return the shape with all radii and semi-axes multiplied."""
    cones, ellipsoids, triangles = (
        shape.cones.copy(),
        shape.ellipsoids.copy(),
        shape.triangles.copy(),
    )
    cones[:, 6:] *= factor
    ellipsoids[:, 3:] *= factor
    triangles[:, 9:] *= factor
    return Shape(cones, ellipsoids, triangles)


def mirrored(shape: Shape) -> Shape:
    """Return the shape reflected in the sagittal plane."""
    return moved(shape, lambda points: points * _MIRROR)


def both_sides(shape: Shape) -> Shape:
    """Return a right-sided shape together with its mirror image."""
    return join(shape, mirrored(shape))


def bounds_mm(shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners of the box that encloses a shape, in mm."""
    low, high = [], []
    for points, radii in (
        (shape.cones[:, :6].reshape(-1, 2, 3), shape.cones[:, 6:]),
        (shape.triangles[:, :9].reshape(-1, 3, 3), shape.triangles[:, 9:]),
        (shape.ellipsoids[:, None, :3], shape.ellipsoids[:, None, 3:]),
    ):
        if len(points):
            padding = radii[..., None] if radii.ndim == 2 else radii
            low.append((points - padding).min((0, 1)))
            high.append((points + padding).max((0, 1)))
    return np.min(low, axis=0), np.max(high, axis=0)


def signed_distance(
    shapes: Shape | tuple[Shape, ...], grid: Grid, blend_mm: float = 0.0, margin_mm: float = 3.0
) -> tuple[Box, Float32[np.ndarray, "x y z"]]:
    """Return the distance to a shape's surface around it, negative inside.

    Args:
        shapes: One shape, or several that melt into each other; head-frame mm.
        grid: Grid to sample on.
        blend_mm: Width over which neighbouring shapes melt together; 0 keeps creases.
        margin_mm: How far outside the shape the distance is needed; beyond it the value is
            ``FAR_MM``.

    Returns:
        The box of the grid that encloses the shapes with their margin, and the distance in mm
        there.
    """
    shapes = (shapes,) if isinstance(shapes, Shape) else shapes
    low, high = bounds_mm(join(*shapes))
    box = grid.box_around(low - margin_mm, high + margin_mm)
    part = grid.box_grid(box)
    result = np.full(part.shape, FAR_MM, np.float32)
    if result.size:
        for shape in shapes:
            distance = _distance(shape, part, margin_mm)
            result = distance if shape is shapes[0] else melt(result, distance, blend_mm)
    return box, result


def melt(
    a: Float32[np.ndarray, "..."], b: Float32[np.ndarray, "..."], blend_mm: float
) -> Float32[np.ndarray, "..."]:
    """Return the smooth minimum of two distances: the union of two shapes with a fillet of about
    ``blend_mm``."""
    if blend_mm <= 0.0:
        return np.minimum(a, b)
    overlap = np.maximum(blend_mm - np.abs(a - b), 0.0) / blend_mm
    return (np.minimum(a, b) - overlap * overlap * (0.25 * blend_mm)).astype(np.float32)


def _distance(shape: Shape, grid: Grid, margin_mm: float) -> np.ndarray:
    distance = np.full(grid.shape, FAR_MM, np.float32)
    origin, spacing = np.array(grid.origin_mm), np.array(grid.spacing_mm)
    _draw_cones(distance, origin, spacing, shape.cones, margin_mm)
    _draw_triangles(distance, origin, spacing, shape.triangles, margin_mm)
    _draw_ellipsoids(distance, origin, spacing, shape.ellipsoids, margin_mm)
    return distance


@njit(cache=True, nogil=True)
@no_type_check
def _span(origin, spacing, n, low, high):
    """First and one past the last index between two coordinates."""
    return max(0, int(np.ceil((low - origin) / spacing))), min(
        n, int(np.floor((high - origin) / spacing)) + 1
    )


@njit(cache=True, nogil=True)
@no_type_check
def _draw_cones(distance, origin, spacing, cones, margin):
    for c in range(cones.shape[0]):
        ax, ay, az, bx, by, bz, ra, rb = cones[c]
        ux, uy, uz = bx - ax, by - ay, bz - az
        length2 = max(ux * ux + uy * uy + uz * uz, 1e-12)
        pad = max(ra, rb) + margin
        i0, i1 = _span(
            origin[0], spacing[0], distance.shape[0], min(ax, bx) - pad, max(ax, bx) + pad
        )
        j0, j1 = _span(
            origin[1], spacing[1], distance.shape[1], min(ay, by) - pad, max(ay, by) + pad
        )
        k0, k1 = _span(
            origin[2], spacing[2], distance.shape[2], min(az, bz) - pad, max(az, bz) + pad
        )
        for i in range(i0, i1):
            px = origin[0] + spacing[0] * i - ax
            for j in range(j0, j1):
                py = origin[1] + spacing[1] * j - ay
                for k in range(k0, k1):
                    pz = origin[2] + spacing[2] * k - az
                    t = min(1.0, max(0.0, (px * ux + py * uy + pz * uz) / length2))
                    dx, dy, dz = px - t * ux, py - t * uy, pz - t * uz
                    d = np.sqrt(dx * dx + dy * dy + dz * dz) - (ra + t * (rb - ra))
                    if d < margin:
                        distance[i, j, k] = min(distance[i, j, k], d)


@njit(cache=True, nogil=True)
@no_type_check
def _draw_ellipsoids(distance, origin, spacing, ellipsoids, margin):
    for e in range(ellipsoids.shape[0]):
        cx, cy, cz, sx, sy, sz = ellipsoids[e]
        i0, i1 = _span(origin[0], spacing[0], distance.shape[0], cx - sx - margin, cx + sx + margin)
        j0, j1 = _span(origin[1], spacing[1], distance.shape[1], cy - sy - margin, cy + sy + margin)
        k0, k1 = _span(origin[2], spacing[2], distance.shape[2], cz - sz - margin, cz + sz + margin)
        for i in range(i0, i1):
            x = (origin[0] + spacing[0] * i - cx) / sx
            for j in range(j0, j1):
                y = (origin[1] + spacing[1] * j - cy) / sy
                for k in range(k0, k1):
                    z = (origin[2] + spacing[2] * k - cz) / sz
                    level = np.sqrt(x * x + y * y + z * z)
                    slope = np.sqrt((x / sx) ** 2 + (y / sy) ** 2 + (z / sz) ** 2)
                    d = -min(sx, sy, sz) if slope < 1e-9 else level * (level - 1.0) / slope
                    if d < margin:
                        distance[i, j, k] = min(distance[i, j, k], d)


@njit(cache=True, nogil=True)
@no_type_check
def _closest_weights(d1, d2, bb, bc, cc):
    """Barycentric weights (b, c) of the closest point of a triangle (Ericson, Real-Time Collision
    Detection, 5.1.5).

    d1, d2 are the products of the edges ab, ac with p - a; bb, bc, cc those of the edges with each
    other.
    """
    if d1 <= 0.0 and d2 <= 0.0:
        return 0.0, 0.0
    d3, d4 = d1 - bb, d2 - bc
    if d3 >= 0.0 and d4 <= d3:
        return 1.0, 0.0
    vc = d1 * d4 - d3 * d2
    if vc <= 0.0 and d1 >= 0.0 and d3 <= 0.0:
        return d1 / (d1 - d3), 0.0
    d5, d6 = d1 - bc, d2 - cc
    if d6 >= 0.0 and d5 <= d6:
        return 0.0, 1.0
    vb = d5 * d2 - d1 * d6
    if vb <= 0.0 and d2 >= 0.0 and d6 <= 0.0:
        return 0.0, d2 / (d2 - d6)
    va = d3 * d6 - d5 * d4
    if va <= 0.0 and d4 - d3 >= 0.0 and d5 - d6 >= 0.0:
        w = (d4 - d3) / ((d4 - d3) + (d5 - d6))
        return 1.0 - w, w
    scale = 1.0 / (va + vb + vc)
    return vb * scale, vc * scale


@njit(cache=True, nogil=True)
@no_type_check
def _draw_triangles(distance, origin, spacing, triangles, margin):
    for t in range(triangles.shape[0]):
        ax, ay, az, bx, by, bz, cx, cy, cz, ra, rb, rc = triangles[t]
        ux, uy, uz, vx, vy, vz = bx - ax, by - ay, bz - az, cx - ax, cy - ay, cz - az
        bb, bc, cc = (
            ux * ux + uy * uy + uz * uz,
            ux * vx + uy * vy + uz * vz,
            vx * vx + vy * vy + vz * vz,
        )
        pad = max(ra, rb, rc) + margin
        i0, i1 = _span(
            origin[0], spacing[0], distance.shape[0], min(ax, bx, cx) - pad, max(ax, bx, cx) + pad
        )
        j0, j1 = _span(
            origin[1], spacing[1], distance.shape[1], min(ay, by, cy) - pad, max(ay, by, cy) + pad
        )
        k0, k1 = _span(
            origin[2], spacing[2], distance.shape[2], min(az, bz, cz) - pad, max(az, bz, cz) + pad
        )
        for i in range(i0, i1):
            px = origin[0] + spacing[0] * i - ax
            for j in range(j0, j1):
                py = origin[1] + spacing[1] * j - ay
                for k in range(k0, k1):
                    pz = origin[2] + spacing[2] * k - az
                    b, c = _closest_weights(
                        px * ux + py * uy + pz * uz, px * vx + py * vy + pz * vz, bb, bc, cc
                    )
                    x, y, z = px - b * ux - c * vx, py - b * uy - c * vy, pz - b * uz - c * vz
                    d = np.sqrt(x * x + y * y + z * z) - ((1.0 - b - c) * ra + b * rb + c * rc)
                    if d < margin:
                        distance[i, j, k] = min(distance[i, j, k], d)
