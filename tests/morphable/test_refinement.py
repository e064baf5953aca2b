import numpy as np
import pytest
import torch

from augment.geometry.subdivision import loop_subdivision
from augment.morphable import load_face_model


@pytest.mark.parametrize("level", [1, 2])
def test_each_level_has_four_times_the_triangles_and_keeps_parts(level):
    model = load_face_model()
    finer = model.refinement(level)
    assert len(finer.faces) == len(model.faces) * 4**level
    assert torch.equal(finer.part_of_triangle[:: 4**level], model.part_of_triangle)


def test_landmarks_on_the_finer_mesh_stay_near_those_on_the_coarse_one():
    model = load_face_model()
    vertices = model.mean[None]
    coarse = model.landmarks(vertices)
    for level in (1, 2):
        finer = model.refinement(level)
        moved = (finer.landmarks(finer.apply(vertices)) - coarse).norm(dim=-1)
        assert moved.max() < 4.5  # Loop's smoothing pulls convex points inwards
        assert moved.median() < 0.4


def test_landmarks_follow_barycentric_points_exactly_under_linear_motion():
    # An affine map commutes with subdivision, so landmark positions must as well.
    model = load_face_model()
    finer = model.refinement(2)
    matrix = torch.tensor([[1.1, 0.2, 0.0], [-0.1, 0.9, 0.3], [0.0, 0.1, 1.2]])
    vertices = model.mean[None]
    before = finer.landmarks(finer.apply(vertices)) @ matrix.T
    after = finer.landmarks(finer.apply(vertices @ matrix.T))
    torch.testing.assert_close(before, after, atol=1e-3, rtol=0)
    np.testing.assert_allclose(finer.landmark_weights.sum(1), 1.0, atol=1e-5)


def test_apply_treats_each_head_and_channel_alone():
    model = load_face_model()
    finer = model.refinement(1)
    values = torch.rand(2, model.n_vertices, 3, generator=torch.Generator().manual_seed(0))
    together = finer.apply(values)
    torch.testing.assert_close(together[1:], finer.apply(values[1:]))
    ones = finer.apply(torch.ones(1, model.n_vertices, 1))
    torch.testing.assert_close(ones, torch.ones_like(ones))


def test_row_sums_equal_the_sparse_product_of_subdivision():
    model = load_face_model()
    step = loop_subdivision(model.faces.numpy(), model.n_vertices)
    expected = step.matrix @ model.mean.numpy().astype(np.float64)
    got = model.refinement(1).apply(model.mean[None])[0]
    np.testing.assert_allclose(got, expected, atol=1e-3)


def test_other_levels_are_refused():
    with pytest.raises(ValueError, match="level must be 0, 1 or 2, got 3"):
        load_face_model().refinement(3)
