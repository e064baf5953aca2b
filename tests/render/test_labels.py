"""Labels of whole views: exact geometry at pixel centres, and tables that are complete."""

import numpy as np
import pytest
import torch

from augment.morphable.landmarks import IBUG_NAMES
from augment.morphable.regions import REGION_ID, REGIONS
from augment.render.labels import FACE_CLASSES, LABEL_NAMES, face_class_of_region, sheet_lookup
from augment.render.photograph import render_views
from augment.render.scene import PART_ID

DEPTH_TOLERANCE_MM = 0.01
REPROJECTION_TOLERANCE_PX = 0.01
SHIFT_MM = (1.5, -2.0, 0.5)


@pytest.fixture(scope="module")
def shifted(model, portrait, spec):
    """Return the views of twins of which one is the other, moved by SHIFT_MM."""
    vertices, camera, appearance = portrait()
    moved = vertices + torch.tensor(SHIFT_MM)
    return render_views(model, vertices, moved, camera, [appearance], spec)


def test_all_labels_are_there_with_one_size(shifted, spec):
    for view in shifted:
        assert tuple(view.labels) == LABEL_NAMES
        assert {image.shape[:2] for image in view.labels.values()} == {view.image.shape[:2]}
        assert view.image.dtype == np.uint8


def test_displacement_is_the_twin_minus_the_healthy_head(shifted):
    for view in shifted:
        part, moved = view.labels["parts"], view.labels["displacement_mm"]
        body = (part > 0) & (part < PART_ID["hair"])
        assert body.any()
        assert np.abs(moved[body] - SHIFT_MM).max() < 1e-4
        assert (moved[~body] == 0).all()


def test_only_the_pathological_twin_is_marked(shifted):
    healthy, pathological = shifted
    part = pathological.labels["parts"]
    assert not healthy.labels["pathology"].any()
    assert ((part > 0) & (part < PART_ID["hair"]) == (pathological.labels["pathology"] == 1)).all()


def test_pathology_mask_follows_the_threshold(model, portrait, spec):
    from dataclasses import replace

    vertices, camera, appearance = portrait()
    twin = vertices.clone()
    twin[:, model.part_vertices("skin")] += torch.tensor([0.0, 0.8, 0.0])
    for moved_mm, expected in ((0.7, True), (0.9, False)):
        views = render_views(
            model, vertices, twin, camera, [appearance], replace(spec, moved_mm=moved_mm)
        )
        assert bool((views[1].labels["pathology"] == 1).any()) is expected


def test_depth_unprojects_to_the_position(shifted):
    for view in shifted:
        depth = torch.from_numpy(view.labels["depth_mm"])[None]
        points = view.camera.unproject(view.camera.pixel_centres(), depth)[0].numpy()
        hit = view.labels["parts"] > 0
        assert np.abs(points - view.labels["position_mm"])[hit].max() < DEPTH_TOLERANCE_MM
        assert (view.labels["depth_mm"][~hit] == 0).all()


def test_normals_are_unit_and_face_the_camera_on_the_face(shifted):
    view = shifted[0]
    normals, regions = view.labels["normals"], view.labels["regions"]
    length = np.linalg.norm(normals, axis=-1)
    assert np.abs(length[view.labels["parts"] > 0] - 1).max() < 1e-5
    face = np.isin(regions, [REGION_ID["glabella"], REGION_ID["nasal_dorsum"], REGION_ID["chin"]])
    towards = view.camera.position()[0].numpy() - view.labels["position_mm"]
    assert ((normals * towards).sum(-1)[face] > 0).mean() > 0.98


def test_regions_agree_with_parts(shifted):
    labels = shifted[0].labels
    of = {
        part: set(np.unique(labels["regions"][labels["parts"] == k])) for part, k in PART_ID.items()
    }
    assert of["none"] == {0}
    assert of["clothing"] == {REGION_ID["clothing"]}
    for side in ("left", "right"):
        assert of[f"eye_{side}"] <= {REGION_ID[f"sclera_{side}"], REGION_ID[f"iris_{side}"]}
    assert 0 not in of["skin"]
    assert {REGION_ID["nasal_tip"], REGION_ID["upper_lip"], REGION_ID["forehead_left"]} <= of[
        "skin"
    ]


def test_landmarks_reproject_and_visible_ones_lie_on_what_is_seen(shifted):
    for view in shifted:
        points = torch.from_numpy(view.landmarks_mm)[None]
        pixels, _ = view.camera.project(points)
        error = np.abs(pixels[0].numpy() - view.landmarks_px)
        assert error.max() < REPROJECTION_TOLERANCE_PX
        assert view.is_visible.sum() > 40
        x, y = np.floor(view.landmarks_px[view.is_visible]).astype(int).T
        seen = view.labels["depth_mm"][y, x]
        assert (seen > 0).mean() > 0.8
        assert len(IBUG_NAMES) == len(view.landmarks_px)


def test_landmarks_of_the_face_are_hidden_from_behind(model, portrait, spec):
    from augment.geometry.camera import Camera, look_at

    vertices, camera, appearance = portrait()
    behind = look_at(
        torch.tensor([[0.0, -900.0, 0.0]]).double(),
        torch.tensor([[0.0, 0.0, 0.0]]).double(),
        torch.tensor([[0.0, 0.0, 1.0]]).double(),
    )
    camera = Camera(
        camera.focal_px * 0 + 150.0, camera.principal_px, behind, camera.width, camera.height
    )
    view = render_views(model, vertices, None, camera, [appearance], spec)[0]
    assert not view.is_visible[17:].any()


def test_class_table_gives_every_region_one_class():
    table = face_class_of_region()
    assert len(table) == len(REGIONS)
    named = {name: FACE_CLASSES[int(k)] for name, k in zip(REGIONS, table, strict=True)}
    assert named["background"] == "background"
    assert named["brow_left"] == named["hair"] == "hair"
    assert named["iris_right"] == named["sclera_left"] == "eyes"
    assert named["upper_lip"] == "mouth"
    assert named["nasal_ala_left"] == "nose"
    assert named["ear_left"] == named["neck"] == "skin"
    assert set(named.values()) == set(FACE_CLASSES)


def test_sheet_lookup_takes_the_nearest_texel():
    sheet = torch.arange(16, dtype=torch.uint8).reshape(4, 4)
    uv = torch.tensor([[0.1, 0.9], [0.9, 0.9], [0.1, 0.1], [1.0, 0.0]])
    assert sheet_lookup(sheet, uv).tolist() == [0, 3, 12, 15]
