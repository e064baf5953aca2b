"""Scores against closed forms, a naive twin and MONAI's metrics."""

import numpy as np
import pytest

from augment.segmentation.metrics import score_case
from augment.streams import stream

ONE = {1: "disc"}


def score_one(found, real, spacing, tolerance=1.0):
    (score,) = score_case(found.astype(np.uint8), real.astype(np.uint8), spacing, ONE, tolerance)
    return score


def blobs(seed, shape):
    """Two overlapping random blobs, some of which touch the border."""
    rng = stream(seed, 0, "blobs")
    axes = np.meshgrid(*(np.arange(size) for size in shape), indexing="ij")
    masks = []
    for _ in range(2):
        centre = [rng.uniform(0.3, 0.7) * size for size in shape]
        radius = [rng.uniform(0.15, 0.5) * size for size in shape]
        inside = sum(((a - c) / r) ** 2 for a, c, r in zip(axes, centre, radius, strict=True))
        masks.append((inside + rng.normal(0, 0.1, shape)) < 1)
    return masks


def naive(found, real, spacing, tolerance):
    """Dice, HD95 and surface Dice by loops over all pairs of boundary pixels."""

    def boundary(mask):
        points = []
        for index in np.argwhere(mask):
            for axis in range(mask.ndim):
                for step in (-1, 1):
                    other = index.copy()
                    other[axis] += step
                    outside = other[axis] < 0 or other[axis] >= mask.shape[axis]
                    if outside or not mask[tuple(other)]:
                        points.append(tuple(index))
        return np.array(sorted(set(points))) * np.array(spacing)

    first, second = boundary(found), boundary(real)
    gaps = np.linalg.norm(first[:, None] - second[None], axis=-1)
    to_second, to_first = gaps.min(1), gaps.min(0)
    near = (to_second <= tolerance).sum() + (to_first <= tolerance).sum()
    return (
        2 * (found & real).sum() / (found.sum() + real.sum()),
        max(np.percentile(to_second, 95), np.percentile(to_first, 95)),
        near / (len(to_second) + len(to_first)),
    )


def as_tuple(score):
    return score.dice, score.hd95_mm, score.surface_dice


@pytest.mark.parametrize(
    ("shape", "spacing"), [((24, 17), (1.5, 0.7)), ((12, 9, 14), (1.0, 3.0, 2.2))]
)
@pytest.mark.parametrize("seed", range(3))
def test_scores_equal_the_naive_twin(seed, shape, spacing):
    found, real = blobs(seed, shape)
    assert as_tuple(score_one(found, real, spacing, 1.6)) == pytest.approx(
        naive(found, real, spacing, 1.6), abs=1e-9
    )


# MONAI's own call into its deprecated argument.
@pytest.mark.filterwarnings("ignore:monai.metrics.utils:FutureWarning")
def test_scores_equal_those_of_monai():
    metrics = pytest.importorskip("monai.metrics")
    torch = pytest.importorskip("torch")
    for seed, (shape, spacing) in enumerate(
        [((40, 31), (1.5, 0.7)), ((20, 18, 25), (1.0, 3.0, 2.2))]
    ):
        found, real = blobs(seed, shape)
        channels = [torch.tensor(np.stack([~m, m])[None].astype(np.float32)) for m in (found, real)]
        ours = score_one(found, real, spacing, 1.6)
        hausdorff = metrics.compute_hausdorff_distance(*channels, percentile=95, spacing=spacing)
        surface = metrics.compute_surface_dice(*channels, [1.6], spacing=list(spacing))
        dice = metrics.compute_dice(*channels, include_background=False)
        theirs = (float(dice), float(hausdorff), float(surface))
        assert as_tuple(ours) == pytest.approx(theirs, abs=1e-5)  # theirs are float32


def test_a_square_moved_by_two_pixels_has_known_scores():
    real = np.zeros((40, 40), dtype=bool)
    real[10:20, 10:20] = True
    found = np.roll(real, 2, axis=1)
    score = score_one(found, real, (1.0, 0.5))
    assert score.dice == pytest.approx(0.8)
    assert score.hd95_mm == pytest.approx(1.0)  # two columns of half a millimetre
    assert score.surface_dice == 1.0
    tighter = score_one(found, real, (1.0, 0.5), tolerance=0.0)
    # Of 36 boundary pixels, 16 of the long sides lie on the other boundary, both ways.
    assert tighter.surface_dice == pytest.approx(16 / 36)


def test_spacing_scales_distances_and_nothing_else():
    found, real = blobs(5, (30, 22))
    near = score_one(found, real, (1.0, 2.0), 1.5)
    far = score_one(found, real, (3.0, 6.0), 4.5)
    assert (far.dice, far.surface_dice) == (near.dice, near.surface_dice)
    assert far.hd95_mm == pytest.approx(3 * near.hd95_mm)


def test_swapping_prediction_and_truth_changes_nothing():
    found, real = blobs(6, (14, 12, 10))
    spacing = (1.0, 2.0, 1.5)
    assert as_tuple(score_one(found, real, spacing)) == as_tuple(score_one(real, found, spacing))


def test_empty_classes_have_defined_scores():
    empty = np.zeros((30, 40), dtype=bool)
    full = empty.copy()
    full[3:9, 4:20] = True
    assert as_tuple(score_one(empty, empty, (1.0, 1.0))) == (1.0, 0.0, 1.0)
    for pair in ((empty, full), (full, empty)):
        assert as_tuple(score_one(*pair, (2.0, 2.0))) == (0.0, 100.0, 0.0)


def test_classes_are_scored_one_by_one_with_their_own_tolerance():
    truth = np.zeros((20, 20), dtype=np.uint8)
    truth[:, 10:], truth[5:9, 3:7] = 2, 5
    found = truth.copy()
    found[5:9, 3:7] = 0
    scores = score_case(
        found, truth, (1.0, 1.0), {2: "skin", 5: "eyes"}, {"skin": 1.0, "eyes": 3.0}
    )
    assert [(s.label, s.dice, s.tolerance_mm) for s in scores] == [
        ("skin", 1.0, 1.0),
        ("eyes", 0.0, 3.0),
    ]


def test_mistakes_are_explained():
    mask = np.zeros((4, 5), dtype=np.uint8)
    with pytest.raises(ValueError, match=r"the grid of its reference, \(4, 5\), got \(5, 4"):
        score_case(mask.T, mask, (1.0, 1.0), ONE, 1.0)
    with pytest.raises(ValueError, match=r"2 positive numbers, one an axis, got \(1.0, 1.0, 1.0\)"):
        score_case(mask, mask, (1.0, 1.0, 1.0), ONE, 1.0)
    with pytest.raises(ValueError, match="name one for eyes"):
        score_case(mask, mask, (1.0, 1.0), {1: "skin", 2: "eyes"}, {"skin": 1.0})
