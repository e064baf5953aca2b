"""Pictures as bytes: what may change them and what may not."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from augment.geometry.camera import Camera
from augment.render.groom import STYLES
from augment.render.photograph import HEALTHY, PATHOLOGICAL, render_views


def bytes_of(views):
    """Return everything that a data set would hold of views."""
    return [
        (view.image.tobytes(), *(image.tobytes() for image in view.labels.values()))
        for view in views
    ]


def test_the_same_call_gives_the_same_bytes_on_any_number_of_threads(model, portrait, spec):
    vertices, camera, appearance = portrait()
    before, results = torch.get_num_threads(), []
    for n_threads in (1, 2, 1):
        torch.set_num_threads(n_threads)
        results.append(bytes_of(render_views(model, vertices, None, camera, [appearance], spec)))
    torch.set_num_threads(before)
    assert results[0] == results[1] == results[2]


def test_the_healthy_view_does_not_depend_on_the_twin(model, portrait, spec):
    vertices, camera, appearance = portrait(1)
    twin = vertices + torch.tensor([0.0, 3.0, 0.0])
    alone = render_views(model, vertices, None, camera, [appearance], spec)
    pair = render_views(model, vertices, twin, camera, [appearance], spec)
    assert [view.twin for view in pair] == [HEALTHY, PATHOLOGICAL]
    assert np.array_equal(alone[0].image, pair[0].image)
    for name in set(alone[0].labels) - {"displacement_mm"}:
        assert np.array_equal(alone[0].labels[name], pair[0].labels[name]), name


def test_equal_twins_have_equal_pictures(model, portrait, spec):
    vertices, camera, appearance = portrait(2)
    first, second = render_views(model, vertices, vertices.clone(), camera, [appearance], spec)
    assert np.array_equal(first.image, second.image)
    assert not second.labels["pathology"].any()


def test_a_batch_gives_the_bytes_of_its_samples_alone(model, portrait, spec):
    jobs = [portrait(k) for k in (3, 4)]
    alone = [bytes_of(render_views(model, v, None, c, [a], spec))[0] for v, c, a in jobs]
    cameras = Camera(
        torch.cat([c.focal_px for _, c, _ in jobs]),
        torch.cat([c.principal_px for _, c, _ in jobs]),
        torch.cat([c.camera_from_world for _, c, _ in jobs]),
        jobs[0][1].width,
        jobs[0][1].height,
    )
    vertices = torch.cat([v for v, _, _ in jobs])
    together = render_views(model, vertices, None, cameras, [a for _, _, a in jobs], spec)
    assert bytes_of(together) == alone


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_labels_do_not_depend_on_super_sampling(model, portrait, spec, factor):
    vertices, camera, appearance = portrait()
    view = render_views(
        model, vertices, None, camera, [appearance], replace(spec, supersample=factor)
    )[0]
    plain = render_views(model, vertices, None, camera, [appearance], replace(spec, supersample=1))[
        0
    ]
    # Ties within 1e-5 px of an edge may fall to the other side on a finer grid.
    assert (view.labels["regions"] != plain.labels["regions"]).mean() < 1e-3


@pytest.mark.parametrize("style", [*STYLES, "bald", "buzz", "horseshoe"])
def test_every_hairstyle_is_worn_and_labelled(model, portrait, spec, style):
    from augment.morphable.regions import REGION_ID

    vertices, camera, appearance = portrait()
    hair = replace(appearance.hair, style=style, cover=0.0 if style == "bald" else 0.9)
    view = render_views(model, vertices, None, camera, [replace(appearance, hair=hair)], spec)[0]
    share = (view.labels["regions"] == REGION_ID["hair"]).mean()
    if style == "bald":
        assert share == 0
    else:
        assert share > (0.0 if style == "horseshoe" else 0.005)


@pytest.mark.parametrize(
    ("place", "wide_mm", "moved_mm"),
    [("pronasale", 15.0, (0.0, 6.0, 0.0)), ("palpebrale_superius_right", 6.0, (0.0, 0.0, 4.0))],
)
def test_the_pathological_view_is_what_its_head_alone_would_give(
    model, portrait, spec, place, wide_mm, moved_mm
):
    vertices, camera, appearance = portrait(5)
    twin = vertices.clone()
    middle = model.landmarks(vertices, (place,))[0, 0]
    bump = torch.exp(-(((vertices[0] - middle) / wide_mm) ** 2).sum(-1))
    bump[bump < 1e-3] = 0.0
    bump[model.faces[model.part_of_triangle > 1].unique()] = 0.0  # globes stay
    twin[0] += bump[:, None] * torch.tensor(moved_mm)
    pair = render_views(model, vertices, twin, camera, [appearance], spec)
    alone = render_views(model, twin, None, camera, [appearance], spec)
    # Hair and clothes follow the healthy head, which differs here by nose or lid alone.
    assert np.array_equal(pair[1].image, alone[0].image)
    assert (pair[0].image != pair[1].image).any()


def test_pictures_are_neither_dark_nor_burnt(model, portrait, spec):
    for k in range(4):
        vertices, camera, appearance = portrait(k)
        view = render_views(model, vertices, None, camera, [appearance], spec)[0]
        face = view.image[(view.labels["parts"] == 1)]
        assert 40 < face.mean() < 215
        assert face.std() > 8
