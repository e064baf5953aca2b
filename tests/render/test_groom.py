"""Hair and clothes as geometry: bound to the head, outside the skin, exact at their cut."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from augment.render.clothes import CUTS, neckline_depth
from augment.render.groom import STYLES, Head, scalp_roots
from augment.render.hair import draw_hair, scalp_cover, wear_hair
from augment.render.scene import REFINEMENT_LEVEL, refined_normals
from augment.render.wardrobe import wardrobe
from augment.sample import Subject
from augment.streams import stream

FLOAT32_MM = 1e-3


@pytest.fixture(scope="module")
def shared(model):
    return wardrobe(model)


@pytest.fixture
def hair():
    subject = Subject(np.zeros(99), age_years=30.0, sex="female")
    drawn = draw_hair(stream(0, 0, "hair"), subject)
    return replace(drawn, style="bob", length=1.0, volume=1.0, frizz_mm=0.0, wave_mm=0.0,
                   density=1.0, recession_mm=0.0)  # fmt: skip


def test_hair_moves_with_the_head(shared, model, hair):
    groom, shift = shared.grooms["bob"], torch.tensor([3.0, -2.0, 5.0])
    still = wear_hair(hair, groom, torch.zeros_like(model.mean))
    moved = wear_hair(hair, groom, shift.expand_as(model.mean))
    assert (moved.vertices - still.vertices - shift).abs().max() < FLOAT32_MM
    assert torch.equal(moved.faces, still.faces)


@pytest.mark.parametrize("style", list(STYLES))
def test_locks_stay_outside_the_skin(shared, model, style):
    head = Head(model)
    points = shared.grooms[style].points.reshape(-1, 3).double().numpy()
    height, _ = head.beneath(points)
    assert np.quantile(height, 0.02) > -2.0


def test_shorter_hair_is_a_prefix_of_longer_hair(shared, model, hair):
    still = torch.zeros_like(model.mean)
    whole = wear_hair(hair, shared.grooms["bob"], still)
    half = wear_hair(replace(hair, length=0.5), shared.grooms["bob"], still)
    assert len(half.faces) < len(whole.faces)
    assert int(half.faces.max()) < len(half.vertices)


def test_roots_lie_apart(model):
    roots = scalp_roots(Head(model), 20.0, stream(0, 0, "roots"))
    gap = np.linalg.norm(roots[:, None] - roots[None], axis=-1) + 1e9 * np.eye(len(roots))
    assert gap.min() > 0.7 * 20.0
    assert len(roots) > 50


def test_a_receding_hairline_uncovers_skin_and_bald_heads_have_none(hair):
    scalp = torch.linspace(0.3, 0.9, 50)
    none, front = torch.zeros(50), torch.ones(50)
    cover = scalp_cover(hair, scalp, none, front)
    receded = scalp_cover(replace(hair, recession_mm=15.0), scalp, none, front)
    assert (cover.diff() >= 0).all()
    assert (receded <= cover).all()
    assert scalp_cover(replace(hair, cover=0.0), scalp, none, front).max() == 0


@pytest.mark.parametrize("cut", list(CUTS))
def test_clothes_end_exactly_on_their_neckline(shared, model, cut):
    garment = shared.garments[cut]
    mean = model.refinement(REFINEMENT_LEVEL).apply(model.mean[None])[0]
    base = (mean[garment.bound] * garment.weight[..., None]).sum(1).double().numpy()
    depth = neckline_depth(CUTS[cut], base)
    assert depth.min() > -1.0  # linear along an edge, the neckline is curved
    assert (np.abs(depth) < 1.0).sum() > 40


def test_covered_skin_is_far_below_the_neckline(shared, model):
    finer = model.refinement(REFINEMENT_LEVEL)
    mean = finer.apply(model.mean[None])[0].double().numpy()
    depth = neckline_depth(CUTS["crew"], mean)[finer.faces.numpy()]
    assert depth[shared.garments["crew"].covers.numpy()].min() > 0


def test_refined_normals_equal_the_naive_sum(model):
    from augment.geometry.mesh import vertex_normals

    finer = model.refinement(REFINEMENT_LEVEL)
    vertices = finer.apply(torch.stack((model.mean, model.mean * 1.1)))
    assert torch.allclose(
        refined_normals(finer, vertices), vertex_normals(vertices, finer.faces), atol=1e-4
    )
