"""The network's grid: cases go in with one spacing and one range of values, scores come back out.

In: a `Case` on its own grid. Out: a `Prepared` image (channels first, float32) and its label, and
from class probabilities there the class numbers on the case's own grid.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Float32, Shaped, UInt8
from scipy import ndimage

from augment.recipe.experiment import InputSpec
from augment.segmentation.tasks import Case

CLIP_HU, CENTRE_HU, SCALE_HU = (-200.0, 1300.0), 200.0, 500.0
"""Window of a CT for bone: HU clipped, less the centre, over the scale."""
BODY_HU = -300.0
"""What is denser belongs to the body or the couch."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A case on the network's grid.

    Attributes:
        image: Values in the network's range.
        label: Class numbers.
        low: Where its first voxel lies on the uncropped grid.
        full: Shape of the uncropped grid.
    """

    image: Float32[np.ndarray, "channels *space"]
    label: UInt8[np.ndarray, "*space"]
    low: tuple[int, ...]
    full: tuple[int, ...]


def prepare(case: Case, spec: InputSpec) -> Prepared:
    """Bring a case to the network's grid and range.

    Args:
        case: Image and label on their own grid.
        spec: The grid.
    """
    return (
        _picture(case, spec)
        if case.image.ndim == 3 and case.affine is None
        else _volume(case, spec)
    )


def normalised(image: Shaped[np.ndarray, "..."], intensity: str) -> Float32[np.ndarray, "..."]:
    """Return values in the network's range.

    Args:
        image: RGB values, channels last, or the values of a volume.
        intensity: Key `input.intensity` of the recipe.
    """
    values = image.astype(np.float32)
    if intensity == "ct":
        return (np.clip(values, *CLIP_HU) - CENTRE_HU) / SCALE_HU
    # One mean and spread for all colours: the hue of skin and hair stays.
    return (values - values.mean()) / (values.std() + 1e-3)


def air_value(intensity: str) -> float:
    """Return what surrounds a volume, in the network's range; pictures repeat their border."""
    return (CLIP_HU[0] - CENTRE_HU) / SCALE_HU if intensity == "ct" else -1.0


def _picture(case: Case, spec: InputSpec) -> Prepared:
    rows, columns = case.image.shape[:2]
    size = spec.height_px, max(round(columns * spec.height_px / rows), 8)
    mode = cv2.INTER_AREA if spec.height_px <= rows else cv2.INTER_LINEAR
    image = cv2.resize(case.image, size[::-1], interpolation=mode)
    image = normalised(image, spec.intensity).transpose(2, 0, 1)
    return Prepared(np.ascontiguousarray(image), resized_label(case.label, size), (0, 0), size)


def resized_label(
    label: UInt8[np.ndarray, "rows columns"], size: tuple[int, int]
) -> UInt8[np.ndarray, "rows2 columns2"]:
    """Return the class that covers most of each new pixel."""
    best = np.zeros(size, np.float32)
    result = np.zeros(size, np.uint8)
    mode = cv2.INTER_AREA if size[0] <= label.shape[0] else cv2.INTER_LINEAR
    for number in np.unique(label):
        share = cv2.resize((label == number).astype(np.float32), size[::-1], interpolation=mode)
        result[share > best] = number
        best = np.maximum(best, share)
    return result


def _volume(case: Case, spec: InputSpec) -> Prepared:
    spacing = _spacing(case, spec)
    coarse, label = _resampled(case, spacing / np.array(case.spacing))
    full = label.shape
    low, high = _body_box(coarse, spec, float(spacing[2]))
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    image = normalised(coarse[box], spec.intensity)[None]
    return Prepared(image, np.ascontiguousarray(label[box]), tuple(low), full)


def _resampled(
    case: Case, step: Float[np.ndarray, "3"]
) -> tuple[Float32[np.ndarray, "x y z"], UInt8[np.ndarray, "x y z"]]:
    """Return image and label on voxels so many times as large; as they are if the step is 1."""
    values = case.image.astype(np.float32)
    if (step == 1).all():
        return values, case.label
    full = tuple(int(n) for n in np.ceil(np.array(case.image.shape) / step))
    coarse = ndimage.affine_transform(values, step, output_shape=full, order=1, mode="nearest")
    label, best = np.zeros(full, np.uint8), np.full(full, 0.5, np.float32)
    for number in np.unique(case.label[case.label > 0]):
        share = ndimage.affine_transform(
            (case.label == number).astype(np.float32), step, output_shape=full, order=1
        )
        label[share > best] = number
        best = np.maximum(best, share)
    return coarse, label


def _spacing(case: Case, spec: InputSpec) -> Float[np.ndarray, "3"]:
    """Return the voxel that the network sees: the recipe's, or the case's own."""
    return np.array(spec.spacing_mm or case.spacing, float)


def _body_box(
    values: Float[np.ndarray, "x y z"], spec: InputSpec, slice_mm: float
) -> tuple[list[int], list[int]]:
    """Return the first and one past the last voxel of what is looked at."""
    low, high = [0, 0, 0], list(values.shape)
    if spec.intensity == "ct":
        parts, n_parts = ndimage.label(ndimage.binary_opening(values > BODY_HU))
        if n_parts:
            # The largest part is the body; couch, mask and rails are others.
            body = np.argwhere(parts == np.bincount(parts.ravel())[1:].argmax() + 1)
            low, high = body.min(0).tolist(), (body.max(0) + 1).tolist()
    if spec.length_mm:
        low[2] = max(low[2], high[2] - round(spec.length_mm / slice_mm))
    return low, high


def on_case_grid(
    chances: Float32[np.ndarray, "classes *space"], prepared: Prepared, case: Case, spec: InputSpec
) -> UInt8[np.ndarray, "..."]:
    """Return the most likely class on the case's own grid.

    Args:
        chances: Class probabilities on the network's grid.
        prepared: The case there.
        case: The case on its own grid.
        spec: The network's grid.
    """
    best = np.full(case.label.shape, -1.0, np.float32)
    result = np.zeros(case.label.shape, np.uint8)
    for number in reversed(range(len(chances))):
        chance = _returned(chances[number], number == 0, prepared, case, spec)
        result[chance > best] = number
        best = np.maximum(best, chance)
    return result


def _returned(
    chance: Float32[np.ndarray, "*space"],
    is_background: bool,
    prepared: Prepared,
    case: Case,
    spec: InputSpec,
) -> Float32[np.ndarray, "..."]:
    if case.affine is None:
        return cv2.resize(chance, case.label.shape[::-1], interpolation=cv2.INTER_LINEAR)
    whole = np.full(prepared.full, 1.0 if is_background else 0.0, np.float32)
    box = tuple(
        slice(start, start + size) for start, size in zip(prepared.low, chance.shape, strict=True)
    )
    whole[box] = chance
    step = np.array(case.spacing) / _spacing(case, spec)
    return ndimage.affine_transform(
        whole, step, output_shape=case.label.shape, order=1, mode="nearest"
    )
