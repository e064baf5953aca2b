import numpy as np
import torch

from augment.morphable import load_face_model
from augment.morphable.build import read_bank
from augment.morphable.contact import mouth_lining
from augment.morphable.prior import PriorSpec, draw_subject
from augment.morphable.template import PARTS
from augment.streams import stream


def turned(a, b):
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def before_the_skin(points, vertices, triangles):
    """Which points lie in front of every triangle that covers them in the frontal picture."""
    corners = vertices[triangles]
    a, b, c = (corners[:, k][:, [0, 2]] for k in range(3))
    area = turned(b - a, c - a)
    shown = []
    for x, y, z in points:
        p = np.array([x, z])
        u = turned(b - p, c - p) / area
        v = turned(c - p, a - p) / area
        covers = (u >= 0) & (v >= 0) & (u + v <= 1)
        weights = np.c_[u, v, 1 - u - v][covers]
        depth = (weights * corners[covers][:, :, 1]).sum(axis=1)
        shown.append(depth.size > 0 and y > depth.max() + 0.2)
    return np.array(shown)


def test_the_lining_of_an_infants_mouth_stays_behind_the_skin():
    model = load_face_model()
    template = read_bank().template
    skin = template.faces[template.part_of_triangle == PARTS.index("skin")]
    of_lining = mouth_lining(template)[skin].all(axis=1)
    outer, lining = skin[~of_lining], np.setdiff1d(skin[of_lining], skin[~of_lining])
    spec = PriorSpec(age_years=(0.3, 1.0))
    subjects = [draw_subject(model, stream(5, k, "subject"), spec) for k in range(16)]
    identity = torch.as_tensor(np.stack([s.identity for s in subjects]), dtype=torch.float32)
    heads = model.vertices(identity).double().numpy()
    lips = heads[0, np.intersect1d(outer, skin[of_lining])]
    near = np.linalg.norm(heads[0] - lips.mean(axis=0), axis=1) < 30.0
    near_skin = outer[near[outer].any(axis=1)]
    for head in heads:
        assert not before_the_skin(head[lining[near[lining]]], head, near_skin).any()
