import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from augment.morphable import load_face_model
from augment.morphable.prior import PriorSpec, draw_subject
from augment.morphable.template import PARTS
from augment.streams import stream

REACH_MM = 34.0  # about the middle of lips and nose, within which both lie
NEAR_MM = 7.0  # between the centres of triangles that can meet


def crossing_edges(vertices, first, second):
    """Which triangles of the first list have an edge that passes through their partner."""
    a, b, c = (vertices[second[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    crosses = np.zeros(len(first), bool)
    for k in range(3):
        p, q = vertices[first[:, k]], vertices[first[:, (k + 1) % 3]]
        above, below = (np.einsum("ni,ni->n", end - a, normal) for end in (p, q))
        share = above / np.where(above == below, np.inf, above - below)
        hit = p + share[:, None] * (q - p)
        within = above * below < 0
        for start, end in ((a, b), (b, c), (c, a)):
            turn = np.cross(end - start, hit - start)
            within &= np.einsum("ni,ni->n", turn, normal) > 0
        crosses |= within
    return crosses


def crossings(vertices, faces):
    """How many pairs of triangles without a common vertex cross."""
    pairs = cKDTree(vertices[faces].mean(axis=1)).query_pairs(NEAR_MM, output_type="ndarray")
    first, second = faces[pairs[:, 0]], faces[pairs[:, 1]]
    apart = ~(first[:, :, None] == second[:, None, :]).any(axis=(1, 2))
    first, second = first[apart], second[apart]
    cross = crossing_edges(vertices, first, second) | crossing_edges(vertices, second, first)
    return int(cross.sum())


def test_two_triangles_cross_where_one_pierces_the_other():
    flat = [[0.0, 0, 0], [4, 0, 0], [0, 4, 0]]
    upright = np.array([[1.0, 1, -1], [1, 1, 1], [2, 2, 1]])
    faces = np.arange(6).reshape(2, 3)
    assert crossings(np.concatenate([flat, upright]), faces) == 1
    assert crossings(np.concatenate([flat, upright + np.array([0, 0, 1.5])]), faces) == 0
    assert crossings(np.concatenate([flat, upright + np.array([3.0, 3.0, 0])]), faces) == 0


@pytest.mark.parametrize("ages", [(0.1, 1.0), (1.0, 6.0), (6.0, 18.0), (18.0, 80.0)])
def test_lips_and_nostrils_of_a_drawn_head_do_not_pass_through_themselves(ages):
    model = load_face_model()
    skin = model.faces[model.part_of_triangle == PARTS.index("skin")].numpy()
    middle = model.landmarks(model.mean[None], ("stomion", "pronasale"))[0].mean(dim=0).numpy()
    near = np.linalg.norm(model.mean.numpy()[skin].mean(axis=1) - middle, axis=1) < REACH_MM
    spec = PriorSpec(age_years=ages)
    drawn = [draw_subject(model, stream(11, k, "subject"), spec).identity for k in range(8)]
    heads = model.rest(torch.as_tensor(np.stack(drawn), dtype=torch.float32)).double().numpy()
    assert [crossings(head, skin[near]) for head in heads] == [0] * len(heads)
