import numpy as np
import pytest

from augment.pathology.defect import CENTRE_MM, ELONGATION, MIDDLE_MM
from augment.pathology.deformation import Deformation
from augment.volume.atlas import Atlas
from augment.volume.field.defect import cut_bone, opened_atlas
from augment.volume.grid import grid_over
from augment.volume.labels import NUMBER

BONE, BRAIN, MUSCLE = (NUMBER[name] for name in ("cranium_cortical", "brain", "muscle"))


@pytest.fixture(scope="module")
def skull():
    """A sphere of bone of 6 mm around the middle of the vault, brain within."""
    grid = grid_over(MIDDLE_MM - 74.0, MIDDLE_MM + 74.0, 1.0)
    axes = [grid.axis_mm(axis) - MIDDLE_MM[axis] for axis in range(3)]
    radius = np.sqrt(sum(a**2 for a in np.meshgrid(*axes, indexing="ij")))
    labels = np.where(radius < 70, np.where(radius < 64, BRAIN, BONE), 0).astype(np.uint8)
    return Atlas(labels, grid, np.zeros((0, 3)), None)


def test_the_volume_of_the_cut_is_that_of_its_cone(skull):
    size = 30.0
    lost = skull.labels == BONE
    opened = cut_bone(skull, "right", size)
    lost &= opened.labels == MUSCLE
    assert (opened.labels[skull.labels != BONE] == skull.labels[skull.labels != BONE]).all()
    # Solid angle of an elliptic cone, by the density d / (d² + |q|²)^1.5 over its oval.
    d = np.linalg.norm(CENTRE_MM - MIDDLE_MM)
    x, y = np.meshgrid(np.linspace(-45, 45, 1801), np.linspace(-45, 45, 1801))
    oval = np.hypot(x / ELONGATION, y) < size
    angle = (d / (d * d + x * x + y * y) ** 1.5)[oval].sum() * 0.05**2
    assert lost.sum() == pytest.approx(angle * (70**3 - 64**3) / 3, rel=0.02)


def test_left_is_the_mirror_image_of_right(skull):
    right, left = (cut_bone(skull, side, 25.0).labels for side in ("right", "left"))
    np.testing.assert_array_equal(left, right[::-1])
    assert (right != left).any()


def test_only_a_cut_opens_the_anatomy(skull):
    def still(points):
        return 0.0 * points

    moved = Deformation("crooked_nose", "left", still, 1.0, 1.0)
    assert opened_atlas(skull, [(moved, 5.0)]) is None
    cut = Deformation("cranial_defect", "left", still, 0.0, 1.0)
    opened = opened_atlas(skull, [(moved, 5.0), (cut, 25.0)])
    np.testing.assert_array_equal(opened.labels, cut_bone(skull, "left", 25.0).labels)
