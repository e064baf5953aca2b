"""What a render goes through each time it is seen: crop, mirror, occlusion, photometric change.

Draws come from a numpy generator alone. Only the crop and the mirror move pixels, and they move
points with them.
"""

from collections.abc import Callable

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from augment.portrait.crop import Similarity, apply_similarity, landmark_crop
from augment.recipe.face_network import VariationSpec

Picture = UInt8[np.ndarray, "size size 3"]
BORDERS = (cv2.BORDER_REPLICATE, cv2.BORDER_CONSTANT, cv2.BORDER_REFLECT_101)
EYES = (slice(36, 42), slice(42, 48))
MAX_ROLL_RAD = 1.4
EMPTY_TRIES = 12
FACE_SHARE = 0.12
"""A crop with less of the face's box shows no face."""


def draw_crop(
    rng: np.random.Generator,
    landmarks_px: Float[np.ndarray, "68 2"],
    spec: VariationSpec,
    size: int,
) -> Similarity:
    """Draw the crop of a face as a detector might place it.

    Args:
        rng: Where it is drawn.
        landmarks_px: Of the face in its picture.
        spec: Ranges.
        size: Side of the crop in pixels.
    """
    roll = np.clip(rng.normal(0.0, np.radians(spec.roll_deg) / 2), -MAX_ROLL_RAD, MAX_ROLL_RAD)
    crop = landmark_crop(landmarks_px, float(rng.uniform(*spec.scale)), float(roll), size)
    box_share = size / max(float(np.ptp(apply_similarity(crop, landmarks_px), axis=0).max()), 1.0)
    crop[:, 2] += rng.uniform(-spec.shift, spec.shift, 2) * size / box_share
    return crop


def draw_empty_crop(
    rng: np.random.Generator,
    landmarks_px: Float[np.ndarray, "68 2"],
    picture_px: int,
    size: int,
) -> Similarity | None:
    """Draw a crop without the face, or None where a dozen tries all showed some of it.

    Args:
        rng: Where it is drawn.
        landmarks_px: Of the face in its picture.
        picture_px: Side of the picture.
        size: Side of the crop in pixels.
    """
    low, high = landmarks_px.min(0), landmarks_px.max(0)
    area = float(np.prod(high - low))
    for _ in range(EMPTY_TRIES):
        side = picture_px * rng.uniform(0.2, 0.6)
        corner = rng.uniform(-0.15 * side, picture_px - 0.85 * side, 2)
        shared = np.minimum(high, corner + side) - np.maximum(low, corner)
        if float(np.prod(np.maximum(shared, 0.0))) < FACE_SHARE * area:
            scale = size / side
            return np.array([[scale, 0, -scale * corner[0]], [0, scale, -scale * corner[1]]])
    return None


def occluded(
    rng: np.random.Generator, crop: Picture, points: Float[np.ndarray, "68 2"], spec: VariationSpec
) -> Picture:
    """Return a crop with something before the face: a block, a hand's shape, or glasses."""
    if rng.random() >= spec.occluded:
        return crop
    crop = np.ascontiguousarray(crop).copy()
    kind = rng.choice(3, p=(0.35, 0.25, 0.4))
    if kind == 2:
        return with_glasses(rng, crop, points)
    for _ in range(int(rng.integers(1, 4 if kind == 0 else 3))):
        crop = _covered(rng, crop, is_block=bool(kind == 0))
    return crop


def photometric(rng: np.random.Generator, crop: Picture, spec: VariationSpec) -> Picture:
    """Return a crop as another camera, another light or a hand might have drawn it."""
    steps: tuple[tuple[float, Callable[[np.random.Generator, np.ndarray], np.ndarray]], ...] = (
        (0.06, drawn),
        (0.25, _cast_light),
        (0.7, _toned),
        (0.5, _tinted),
        (0.2, _grey),
        (0.3, _blurred),
        (0.3, _coarse),
        (0.35, _noisy),
        (0.35, _compressed),
    )
    values = crop
    for chance, change in steps:
        if rng.random() < chance * spec.photometric:
            values = change(rng, values)
    return np.ascontiguousarray(values)


def _bytes(values: np.ndarray) -> UInt8[np.ndarray, "*shape"]:
    return np.clip(values + 0.5, 0, 255).astype(np.uint8)


def _colour(rng: np.random.Generator) -> np.ndarray:
    if rng.random() < 0.4:  # skin of some tone, as hands have
        return np.array([226, 170, 140]) * rng.uniform(0.3, 1.1) * rng.uniform(0.92, 1.08, 3)
    return rng.uniform(0, 255, 3)


def _covered(rng: np.random.Generator, crop: Picture, is_block: bool) -> Picture:
    """Lay one textured block, or one rounded shape, over a crop."""
    size = len(crop)
    mask = np.zeros((size, size), np.uint8)
    centre = rng.uniform(0.1, 0.9, 2) * size
    extent = rng.uniform(0.12, 0.45, 2) * size
    turn = float(rng.uniform(0, 180))
    if is_block:
        box = ((float(centre[0]), float(centre[1])), (float(extent[0]), float(extent[1])), turn)
        cv2.fillPoly(mask, [cv2.boxPoints(box).astype(np.int32)], 255)
    else:
        axes = (int(extent[0] * 0.6) + 1, int(extent[1] * 0.6) + 1)
        at = (int(centre[0]), int(centre[1]))
        cv2.ellipse(mask, at, axes, turn, 0, 360, 255, -1)
    coarse = rng.normal(0, rng.uniform(2, 45), (6, 6, 3)) + _colour(rng)
    texture = cv2.resize(coarse.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.3:
        texture = np.roll(crop, int(rng.integers(size)), axis=int(rng.integers(2)))[::-1]
    cover = (cv2.GaussianBlur(mask, (3, 3), 0) / 255.0)[..., None]
    return _bytes(crop * (1 - cover) + texture * cover)


def with_glasses(
    rng: np.random.Generator, crop: Picture, points: Float[np.ndarray, "68 2"]
) -> Picture:
    """Draw frames about both eyes, a bridge and arms towards the ears, tinted or clear glass.

    Args:
        rng: Where the glasses are drawn.
        crop: RGB.
        points: The 68 landmarks in it, pixels.
    """
    eyes = [points[eye] for eye in EYES]
    across = float(np.linalg.norm(eyes[0].mean(0) - eyes[1].mean(0)))
    width = max(1, round(rng.uniform(0.02, 0.09) * max(across, 8.0)))
    frame = tuple(int(v) for v in (_colour(rng) if rng.random() < 0.3 else rng.uniform(0, 70, 3)))
    glass, tint = np.array(_colour(rng)), rng.uniform(0.6, 0.97) if rng.random() < 0.3 else 0.08
    growth = np.array([rng.uniform(1.35, 2.0), rng.uniform(2.0, 4.2)])
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    power = rng.uniform(0.45, 1.0)  # 1 is an ellipse, less a rounded rectangle
    outline = np.stack([np.cos(angle), np.sin(angle)], 1)
    outline = np.sign(outline) * np.abs(outline) ** power
    rims = []
    for eye in eyes:
        across_eye = eye[3] - eye[0]
        down = np.array([-across_eye[1], across_eye[0]]) * 0.30
        axes = np.stack([across_eye / 2 * growth[0], down * growth[1] / 2])
        rims.append((eye.mean(0) + outline @ axes).astype(np.int32))
    mask = np.zeros(crop.shape[:2], np.uint8)
    cv2.fillPoly(mask, rims, 255)
    share = (mask / 255.0 * tint)[..., None]
    crop = _bytes(crop * (1 - share) + glass * share)
    for rim in rims:
        cv2.polylines(crop, [rim], True, frame, width, cv2.LINE_AA)
    bridge = [points[39], points[27], points[42]]
    lines = [
        np.array(bridge),
        np.array([points[36], points[0]]),
        np.array([points[45], points[16]]),
    ]
    for line in lines:
        cv2.polylines(crop, [line.astype(np.int32)], False, frame, width, cv2.LINE_AA)
    return crop


def drawn(
    rng: np.random.Generator, crop: UInt8[np.ndarray, "height width 3"]
) -> UInt8[np.ndarray, "height width 3"]:
    """Return a pencil drawing or a flat painting of a crop.

    Args:
        rng: Where its style is drawn.
        crop: RGB.
    """
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    soft = cv2.GaussianBlur(255 - grey, (0, 0), float(rng.uniform(2, 5)))
    pencil = cv2.divide(grey, np.maximum(255 - soft, 1).astype(np.uint8), scale=250)
    if rng.random() < 0.5:
        return np.repeat(pencil[..., None], 3, -1)
    flat = cv2.bilateralFilter(crop, 7, 60, 5)
    levels = float(rng.integers(3, 8))
    flat = np.round(flat / 255 * levels) / levels
    return _bytes(flat * np.minimum(pencil[..., None] / 235.0, 1.0) * 255)


def _cast_light(rng: np.random.Generator, crop: np.ndarray) -> np.ndarray:
    """Return a crop under a shadow, a gradient or a bright spot."""
    size = len(crop)
    turn = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[:size, :size] / size - 0.5
    along = np.cos(turn) * x + np.sin(turn) * y - rng.uniform(-0.3, 0.3)
    edge = 1 / (1 + np.exp(-along / rng.uniform(0.01, 0.3)))
    low, high = rng.uniform(0.25, 1.0), rng.uniform(1.0, 1.9)
    return _bytes(crop * (low + (high - low) * edge)[..., None])


def _toned(rng: np.random.Generator, crop: np.ndarray) -> np.ndarray:
    """Return a crop with another gamma, contrast and brightness."""
    table = np.linspace(0, 1, 256) ** np.exp(rng.normal(0, 0.35))
    table = (table - 0.45) * np.exp(rng.normal(0, 0.3)) + 0.45 + rng.normal(0, 0.09)
    return cv2.LUT(np.ascontiguousarray(crop), _bytes(table * 255))


def _tinted(rng: np.random.Generator, crop: np.ndarray) -> np.ndarray:
    """Return a crop with another white and another saturation."""
    grey = crop.mean(-1, keepdims=True)
    white = np.exp(rng.normal(0, 0.13, 3))
    return _bytes((grey + (crop - grey) * rng.uniform(0.2, 1.7)) * white)


def _grey(rng: np.random.Generator, crop: np.ndarray) -> np.ndarray:
    weights = rng.dirichlet((3, 5, 2))
    return np.repeat(_bytes(crop @ weights)[..., None], 3, -1)


def _blurred(rng: np.random.Generator, crop: np.ndarray) -> np.ndarray:
    """Return a crop out of focus or moved."""
    if rng.random() < 0.6:
        return cv2.GaussianBlur(crop, (0, 0), float(rng.uniform(0.4, 2.2)))
    length = int(rng.integers(2, 5)) * 2 + 1
    kernel = np.zeros((length, length), np.float32)
    turn, middle = rng.uniform(0, np.pi), length // 2
    end = np.round(np.array([np.cos(turn), np.sin(turn)]) * middle).astype(int)
    first, last = (middle - end).tolist(), (middle + end).tolist()
    cv2.line(kernel, first, last, 1.0)
    return cv2.filter2D(crop, -1, kernel / kernel.sum())


def _coarse(rng: np.random.Generator, crop: np.ndarray) -> np.ndarray:
    """Return a crop of a smaller picture."""
    size = len(crop)
    small = max(int(size * rng.uniform(0.2, 0.7)), 8)
    way = cv2.INTER_AREA if rng.random() < 0.7 else cv2.INTER_NEAREST
    back = cv2.INTER_LINEAR if rng.random() < 0.6 else cv2.INTER_CUBIC
    few = cv2.resize(crop, (small, small), interpolation=way)
    return cv2.resize(few, (size, size), interpolation=back)


def _noisy(rng: np.random.Generator, crop: np.ndarray) -> np.ndarray:
    channels = 1 if rng.random() < 0.4 else 3
    noise = rng.standard_normal((*crop.shape[:2], channels), dtype=np.float32)
    return _bytes(crop + noise * rng.uniform(2, 22))


def _compressed(rng: np.random.Generator, crop: np.ndarray) -> np.ndarray:
    settings = [int(cv2.IMWRITE_JPEG_QUALITY), int(rng.integers(12, 80))]
    encoded = cv2.imencode(".jpg", np.ascontiguousarray(crop[..., ::-1]), settings)[1]
    return cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1]
