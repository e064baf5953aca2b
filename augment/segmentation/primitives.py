"""Images of random geometric primitives with exact labels, to pre-train on without any anatomy.

Tadokoro et al., "Primitive geometry segment pre-training for 3D medical image segmentation"
(PrimGeoSeg), BMVC 2023, arXiv:2401.03665. A competitor of the synthetic data, written from the
paper: an ellipse or a random polygon of 3 to 9 corners is swept along one axis while its size
follows one of four profiles (pillar, concave, cone, convex); that gives 32 classes. Twenty objects
lie in a volume, the largest first, and cover at most a share of each other. The image shows
surfaces only (one grey value), the label is the filled body: the network learns to close it.

In two dimensions there is no sweep: eight classes, the cross-sections themselves.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, UInt8
from scipy import ndimage
from skimage.draw import polygon2mask

CORNERS = (0, 3, 4, 5, 6, 7, 8, 9)
"""Corners of the cross-section; 0 is an ellipse."""
PROFILES = ("pillar", "concave", "cone", "convex")
N_CLASSES_2D, N_CLASSES_3D = len(CORNERS), len(CORNERS) * len(PROFILES)
N_OBJECTS = 20
MAX_OVERLAP = 0.7
MAX_TRIES = 20
"""The paper tries a hundred places; an object without one by then is left out."""
# Sizes as shares of the image's shortest side: the paper's 30-80 across and 10-50 high of 96.
WIDTH, HEIGHT = (0.31, 0.83), (0.10, 0.52)
SMALLEST_RADIUS = 0.375  # of the largest, the paper's 15 of 40
ELLIPSE_POINTS = 48
MIN_SIDE = 24


@dataclass(frozen=True)
class Primitive:
    """One object in its own box.

    Attributes:
        label: Class, 1 or greater.
        body: Filled body.
        shell: Its surface, one pixel thick.
    """

    label: int
    body: Bool[np.ndarray, "*space"]
    shell: Bool[np.ndarray, "*space"]


def primitive_images(
    rng: np.random.Generator, n_images: int, shape: tuple[int, ...]
) -> tuple[Float[np.ndarray, "batch 1 *space"], UInt8[np.ndarray, "batch *space"]]:
    """Draw images of primitives with their labels.

    Args:
        rng: Where everything is drawn.
        n_images: How many, 1 or more.
        shape: Two or three sizes in pixels, each at least 24.

    Returns:
        Images (float32, 1 on surfaces, 0 elsewhere) and labels (0 background, then
        1 + class; N_CLASSES_2D or N_CLASSES_3D classes).

    Raises:
        ValueError: If the shape is not two- or three-dimensional, or too small.
    """
    if len(shape) not in (2, 3) or min(shape) < MIN_SIDE:
        raise ValueError(
            f"shape expects two or three sizes of at least {MIN_SIDE} pixels, got {shape!r}"
        )
    images = np.zeros((n_images, 1, *shape), dtype=np.float32)
    labels = np.zeros((n_images, *shape), dtype=np.uint8)
    for number in range(n_images):
        objects = [draw_primitive(rng, shape) for _ in range(N_OBJECTS)]
        for item in sorted(objects, key=lambda item: -int(item.body.sum())):
            _place(rng, item, images[number, 0], labels[number])
    return images, labels


def draw_primitive(rng: np.random.Generator, shape: tuple[int, ...]) -> Primitive:
    """Draw one object: cross-section, profile, size and direction.

    Args:
        rng: Where it is drawn.
        shape: Shape of the image that it must fit into.

    Returns:
        The object in the smallest box around it.
    """
    side = min(shape)
    section = int(rng.integers(len(CORNERS)))
    outline = draw_outline(rng, CORNERS[section]) * rng.uniform(*WIDTH) * side / 2
    if len(shape) == 2:
        return _boxed(1 + section, _filled(outline, side))
    profile = int(rng.integers(len(PROFILES)))
    n_slices = round(rng.uniform(*HEIGHT) * side)
    scale = draw_profile(rng, PROFILES[profile], n_slices)
    body = np.stack([_filled(outline * factor, side) for factor in scale], axis=-1)
    body = np.moveaxis(body, -1, int(rng.integers(3)))
    return _boxed(1 + section * len(PROFILES) + profile, body)


def draw_outline(rng: np.random.Generator, n_corners: int) -> Float64[np.ndarray, "points 2"]:
    """Draw a cross-section within the unit circle.

    Args:
        rng: Where radii and angles are drawn: one corner in each of n equal sectors.
        n_corners: 3 or more, or 0 for an ellipse.

    Returns:
        Corners of a closed outline around the origin.
    """
    turn = rng.uniform(0, 2 * np.pi)
    if n_corners == 0:
        angle = np.linspace(0, 2 * np.pi, ELLIPSE_POINTS, endpoint=False)
        points = np.stack([np.cos(angle), np.sin(angle)], 1) * rng.uniform(SMALLEST_RADIUS, 1, 2)
        cosine, sine = np.cos(turn), np.sin(turn)
        return points @ np.array([[cosine, sine], [-sine, cosine]])
    sectors = np.arange(n_corners) + rng.uniform(0, 1, n_corners)
    angle = turn + sectors * 2 * np.pi / n_corners
    radius = rng.uniform(SMALLEST_RADIUS, 1, n_corners)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def draw_profile(
    rng: np.random.Generator, profile: str, n_slices: int
) -> Float64[np.ndarray, " slices"]:
    """Draw how the cross-section's size changes along the sweep: two straight pieces.

    Args:
        rng: Where the bend and the sizes are drawn.
        profile: One of PROFILES.
        n_slices: 1 or more.

    Returns:
        Size of each slice, 0 to 1.
    """
    bend = rng.uniform(0.2, 0.8)
    wide, narrow = rng.uniform(0.8, 1.0, 2), rng.uniform(0.3, 0.5, 2)
    sizes = {
        "pillar": (1.0, 1.0, 1.0),
        "concave": (wide[0], narrow[0], wide[1]),
        "cone": (0.0, bend, 1.0),
        "convex": (narrow[0], wide[0], narrow[1]),
    }[profile]
    return np.interp(np.linspace(0, 1, n_slices), (0.0, bend, 1.0), sizes)


def _filled(outline: Float64[np.ndarray, "points 2"], side: int) -> Bool[np.ndarray, "side side"]:
    return np.asarray(polygon2mask((side, side), outline + side / 2), dtype=bool)


def _boxed(label: int, body: Bool[np.ndarray, "*space"]) -> Primitive:
    """Cut a body to its box and find its surface."""
    found = ndimage.find_objects(body.astype(np.uint8))
    body = body[found[0]] if found else body[(slice(0, 1),) * body.ndim]
    return Primitive(label, body, body & ~ndimage.binary_erosion(body))


def _place(
    rng: np.random.Generator,
    item: Primitive,
    image: Float[np.ndarray, "*space"],
    label: UInt8[np.ndarray, "*space"],
) -> None:
    """Put an object where it covers little of others, in place; leave it out if nowhere."""
    for _ in range(MAX_TRIES):
        corner = [
            int(rng.integers(size - part + 1))
            for size, part in zip(label.shape, item.body.shape, strict=True)
        ]
        where = tuple(
            slice(start, start + part) for start, part in zip(corner, item.body.shape, strict=True)
        )
        covered = int((label[where] > 0)[item.body].sum())
        if covered <= MAX_OVERLAP * item.body.sum():
            label[where][item.body] = item.label
            image[where][item.shell] = 1.0
            return
