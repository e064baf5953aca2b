"""Scores of one segmented case: Dice, 95 % Hausdorff distance and surface Dice of every class.

A boundary is the set of pixels of a class with a neighbour (across a face) outside it or at the
border of the image. Distances are between centres of boundary pixels, with the image's spacing.

What is not there is scored as follows, so that a mean over cases is always defined:

=================  ====  ==================================  ============
prediction, truth  Dice  HD95                                surface Dice
=================  ====  ==================================  ============
empty, empty       1     0                                   1
one of them empty  0     diagonal of the image               0
=================  ====  ==================================  ============
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Integer
from scipy import ndimage

PERCENTILE = 95.0


@dataclass(frozen=True)
class Score:
    """How well one class of one case was found.

    Attributes:
        label: Name of the class.
        dice: Twice the overlap over the sum of both sizes, 0 to 1 (Dice 1945).
        hd95_mm: The larger of the two directed 95th percentiles of boundary distances, in the
            unit of the spacing.
        surface_dice: Share of both boundaries within the tolerance of the other one, 0 to 1
            (Nikolov et al. 2018, arXiv:1809.04430), each boundary pixel counting once.
        tolerance_mm: That tolerance.
    """

    label: str
    dice: float
    hd95_mm: float
    surface_dice: float
    tolerance_mm: float


def score_case(
    predicted: Integer[np.ndarray, "*found_space"],
    truth: Integer[np.ndarray, "*space"],
    spacing_mm: Sequence[float],
    labels: Mapping[int, str],
    tolerance_mm: float | Mapping[str, float],
) -> list[Score]:
    """Score every class of one case, in two or three dimensions.

    Args:
        predicted: Class number of every pixel or voxel.
        truth: The same of the reference, on the same grid.
        spacing_mm: Distance of neighbouring centres along each axis, greater than 0.
        labels: Class number to name; only these are scored (name the background to score it).
        tolerance_mm: Tolerance of the surface Dice, 0 or greater: one for all, or one a name.

    Returns:
        One score a class, in the order of `labels`.

    Raises:
        ValueError: If the grids differ, the spacing does not fit them, or a tolerance is missing
            or negative.
    """
    if predicted.shape != truth.shape:
        raise ValueError(
            f"a prediction expects the grid of its reference, {truth.shape}, got"
            f" {predicted.shape}; resample it to the case before scoring"
        )
    if len(spacing_mm) != truth.ndim or not all(step > 0 for step in spacing_mm):
        raise ValueError(
            f"spacing_mm expects {truth.ndim} positive numbers, one an axis, got"
            f" {tuple(spacing_mm)!r}"
        )
    tolerances = _tolerances(labels, tolerance_mm)
    return [
        _score_class(predicted == number, truth == number, spacing_mm, name, tolerances[name])
        for number, name in labels.items()
    ]


def _tolerances(
    labels: Mapping[int, str], tolerance_mm: float | Mapping[str, float]
) -> dict[str, float]:
    """Return the tolerance of every class by name."""
    if not isinstance(tolerance_mm, Mapping):
        tolerance_mm = dict.fromkeys(labels.values(), tolerance_mm)
    missing = [name for name in labels.values() if not tolerance_mm.get(name, -1.0) >= 0]
    if missing:
        raise ValueError(
            f"tolerance_mm expects 0 or more for every class, got {dict(tolerance_mm)!r};"
            f" name one for {', '.join(missing)}"
        )
    return {name: float(tolerance_mm[name]) for name in labels.values()}


def _score_class(
    found: Bool[np.ndarray, "*space"],
    real: Bool[np.ndarray, "*space"],
    spacing_mm: Sequence[float],
    name: str,
    tolerance_mm: float,
) -> Score:
    n_found, n_real = int(found.sum()), int(real.sum())
    if n_found == 0 and n_real == 0:
        return Score(name, 1.0, 0.0, 1.0, tolerance_mm)
    if n_found == 0 or n_real == 0:
        diagonal = float(np.linalg.norm(np.multiply(found.shape, spacing_mm)))
        return Score(name, 0.0, diagonal, 0.0, tolerance_mm)
    # Both boundaries lie inside the box of the union; nothing outside it is looked at.
    box = ndimage.find_objects((found | real).astype(np.uint8))[0]
    found, real = found[box], real[box]
    dice = 2.0 * int((found & real).sum()) / (n_found + n_real)
    to_real, to_found = boundary_distances(found, real, spacing_mm)
    hd95 = max(
        float(np.percentile(to_real, PERCENTILE)), float(np.percentile(to_found, PERCENTILE))
    )
    n_near = int((to_real <= tolerance_mm).sum()) + int((to_found <= tolerance_mm).sum())
    return Score(name, dice, hd95, n_near / (len(to_real) + len(to_found)), tolerance_mm)


def boundary_distances(
    first: Bool[np.ndarray, "*space"],
    second: Bool[np.ndarray, "*space"],
    spacing_mm: Sequence[float],
) -> tuple[Float64[np.ndarray, " first"], Float64[np.ndarray, " second"]]:
    """Return how far each boundary pixel of one mask is from the boundary of the other.

    Args:
        first: Mask, not empty. The border of the array counts as outside.
        second: Mask on the same grid, not empty.
        spacing_mm: Distance of neighbouring centres along each axis.

    Returns:
        Distances of the first boundary to the second, and of the second to the first.
    """
    edges = [mask & ~ndimage.binary_erosion(mask) for mask in (first, second)]
    fields = [ndimage.distance_transform_edt(~edge, sampling=spacing_mm) for edge in edges]
    return fields[1][edges[0]], fields[0][edges[1]]
