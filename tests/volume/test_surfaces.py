"""Surfaces of labels: closed, wound outwards, where the voxels are."""

import numpy as np
import pytest
import trimesh

from augment.volume.surfaces import mask_surface

RADIUS_MM = 14.0


def ball(cut=False):
    points = np.stack(np.meshgrid(*[np.arange(-20.0, 21.0)] * 3, indexing="ij"), axis=-1)
    mask = np.linalg.norm(points, axis=-1) < RADIUS_MM
    return mask[:, :, 15:] if cut else mask


AFFINES = {
    "upright": np.diag([1.0, 1.0, 1.0, 1.0]),
    "flipped": np.diag([-1.0, 1.0, 1.0, 1.0]),
    "turned": np.array([[0, -1.0, 0, 5], [1.0, 0, 0, -7], [0, 0, 1.0, 9], [0, 0, 0, 1]]),
}


@pytest.mark.parametrize("affine", AFFINES.values(), ids=AFFINES.keys())
@pytest.mark.parametrize("cut", [False, True], ids=["whole", "cut by the field of view"])
def test_a_surface_is_watertight_and_holds_its_volume(affine, cut):
    mask = ball(cut)
    mesh = trimesh.Trimesh(*mask_surface(mask, affine), process=True)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    # Positive only where triangles are wound outwards.
    assert mesh.volume == pytest.approx(mask.sum(), rel=0.03)
    centre = affine[:3, :3] @ np.argwhere(mask).mean(0) + affine[:3, 3]
    np.testing.assert_allclose(mesh.center_mass, centre, atol=0.2)


def test_nothing_has_no_surface():
    assert mask_surface(np.zeros((5, 5, 5), bool), np.eye(4)) is None
