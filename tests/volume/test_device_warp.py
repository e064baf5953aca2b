"""The torch warp against the compiled one."""

import numpy as np
import pytest
import torch

from augment.volume.anchored import anchored_twin
from augment.volume.field.device_warp import TOLERANCE_HU, warp_on_device
from augment.volume.field.lattice import Field, grid_points
from augment.volume.grid import grid_over

LATTICE = grid_over((-30, -30, -30), (30, 30, 30), 3.0)
TIES = 2e-3
"""Share of labels that may fall on the other side of midway between two voxels."""


def bump_field():
    points = grid_points(LATTICE)
    weight = np.clip(1 - (np.linalg.norm(points, axis=-1) / 18) ** 2, 0, None) ** 3
    return Field(LATTICE, (weight[..., None] * (4.0, -2.0, 3.0)).astype(np.float32))


def scan():
    rng = np.random.default_rng(0)
    image = rng.integers(-1000, 1500, (40, 36, 30)).astype(np.int16)
    turn = np.array([[0.0, -2, 0, 33], [2, 0, 0, -40], [0, 0, 2, -28], [0, 0, 0, 1.0]])
    return image, (image > 0).astype(np.uint8), turn


def compare(device):
    image, labels, affine = scan()
    twin = anchored_twin(image, affine, bump_field(), np.eye(4), labels)
    moved, moved_labels, displacement = (
        value.cpu().numpy()
        for value in warp_on_device(
            torch.as_tensor(image, device=device),
            torch.as_tensor(labels, device=device),
            affine,
            bump_field(),
        )
    )
    assert 0.02 < twin.support.mean() < 0.5
    np.testing.assert_allclose(displacement, twin.displacement_mm, atol=1e-4)
    difference = np.abs(moved.astype(int) - twin.image_hu)
    assert difference.max() <= TOLERANCE_HU
    assert (moved_labels != twin.labels).mean() < TIES
    np.testing.assert_array_equal(moved[~twin.support], image[~twin.support])


def test_the_torch_warp_equals_the_compiled_one():
    compare("cpu")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_torch_warp_equals_the_compiled_one_on_a_gpu():
    compare("cuda")
