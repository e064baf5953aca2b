import numpy as np
import pytest

from augment.recipe.experiment import InputSpec
from augment.segmentation.grid import on_case_grid, prepare
from augment.segmentation.tasks import Case

SPACING_MM = (3.7, 3.7, 2.5)


def ball_in_air() -> Case:
    """A ball of soft tissue with a bony core, on a grid of planning CT."""
    axes = [(np.arange(40) - 19.5) * step for step in SPACING_MM]
    radius = np.sqrt(sum(a**2 for a in np.meshgrid(*axes, indexing="ij")))
    image = np.where(radius < 45, 40, -1000) + np.where(radius < 20, 900, 0)
    label = (radius < 20).astype(np.uint8)
    return Case("ball", image.astype(np.int16), label, SPACING_MM, np.diag([*SPACING_MM, 1.0]))


def chances_of(label: np.ndarray) -> np.ndarray:
    return np.stack([label == 0, label == 1]).astype(np.float32)


def test_a_case_on_its_own_grid_comes_back_voxel_by_voxel():
    case, spec = ball_in_air(), InputSpec(intensity="ct")
    prepared = prepare(case, spec)
    assert prepared.full == case.image.shape
    box = tuple(
        slice(start, start + size)
        for start, size in zip(prepared.low, prepared.label.shape, strict=True)
    )
    np.testing.assert_array_equal(prepared.label, case.label[box])
    back = on_case_grid(chances_of(prepared.label), prepared, case, spec)
    np.testing.assert_array_equal(back, case.label)


def test_a_resampled_case_comes_back_nearly():
    case, spec = ball_in_air(), InputSpec(intensity="ct", spacing_mm=(4.0, 4.0, 3.0))
    prepared = prepare(case, spec)
    back = on_case_grid(chances_of(prepared.label), prepared, case, spec)
    overlap = 2 * (back & case.label).sum() / (back.sum() + case.label.sum())
    assert 0.9 < overlap < 1.0


@pytest.mark.parametrize("spacing_mm", [(), (3.0, 3.0, 2.5)])
def test_only_the_upper_part_is_kept(spacing_mm):
    case = ball_in_air()
    prepared = prepare(case, InputSpec(intensity="ct", spacing_mm=spacing_mm, length_mm=50.0))
    assert prepared.label.shape[2] == 20
