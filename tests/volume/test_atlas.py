"""The atlas of the default template, coarse: what is where, how much of it, and that it repeats."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from augment.volume.anatomy.spec import (
    FULL_ARCH,
    AtlasSpec,
    MandibleSpec,
    ToothState,
    draw_atlas_spec,
)
from augment.volume.atlas import build_atlas
from augment.volume.labels import LABELS, MANDIBLE, MANDIBLE_CONTOUR, NUMBER
from augment.volume.template import load_template

SPACING_MM = 2.0
ABSENT = {
    "bite_block",
    "airway_oral",
    "larynx_cartilage",
    "dental_metal",
    "ear_cartilage",
    "lens_left",
    "lens_right",
}
"""Labels that the average spec or this spacing may leave out."""


@pytest.fixture(scope="module")
def template():
    return load_template(SPACING_MM)


@pytest.fixture(scope="module")
def atlas(template):
    return build_atlas(template.body, AtlasSpec(), template.seat)


def millilitres(atlas, *names):
    return np.isin(atlas.labels, [NUMBER[name] for name in names]).sum() * atlas.grid.voxel_ml


def test_every_structure_is_there(atlas):
    present = set(np.unique(atlas.labels).tolist())
    missing = {label.name for label in LABELS if label.number not in present}
    assert missing <= ABSENT


@pytest.mark.parametrize(
    ("names", "low", "high"),
    [
        (("mandible_cortical", "mandible_trabecular", "teeth_lower_root"), 35, 75),
        (("brain", "white_matter", "csf"), 1000, 1700),
        (("globe_left", "lens_left"), 5, 10),
        (("maxillary_sinus",), 12, 45),
    ],
)
def test_volumes_are_those_of_an_adult(atlas, names, low, high):
    assert low < millilitres(atlas, *names) < high


def test_left_and_right_are_alike(atlas):
    for name in ("zygoma_{}_cortical", "globe_{}", "parotid_{}", "orbit_fat_{}"):
        left, right = (millilitres(atlas, name.format(side)) for side in ("left", "right"))
        assert abs(left - right) < 0.06 * (left + right)


def test_the_right_globe_lies_on_the_positive_side(atlas):
    voxels = np.argwhere(atlas.labels == NUMBER["globe_right"]).mean(0)
    assert (atlas.grid.head_from_voxel @ (*voxels, 1))[0] > 20


def test_a_joint_space_parts_mandible_and_skull(template):
    atlas = build_atlas(template.body, AtlasSpec(), template.seat)
    mandible = np.isin(atlas.labels, MANDIBLE)
    skull = np.isin(atlas.labels, [NUMBER["cranium_cortical"], NUMBER["petrous"]])
    touching = (ndimage.binary_dilation(mandible) & skull).sum()
    assert touching < 0.01 * mandible.sum()


def test_air_surrounds_and_skin_wraps_the_head(atlas):
    assert (atlas.labels[0] == 0).all()
    outside = atlas.labels == NUMBER["air"]
    rim = ndimage.binary_dilation(outside) & ~outside
    rim[:, :, :3] = False
    shown = np.bincount(atlas.labels[rim], minlength=len(LABELS)) / rim.sum()
    assert shown[NUMBER["skin"]] > 0.97


def test_the_same_spec_gives_the_same_bytes(template, atlas):
    again = build_atlas(template.body, AtlasSpec(), template.seat)
    np.testing.assert_array_equal(again.labels, atlas.labels)


def test_drawn_specs_repeat_and_differ():
    first, again, other = (draw_atlas_spec(np.random.default_rng(k)) for k in (1, 1, 2))
    assert first == again
    assert first != other


def test_missing_teeth_leave_no_tooth_and_crowns_are_metal(template):
    bare = replace(AtlasSpec(), teeth_lower=(ToothState.MISSING,) * 16)
    crowned = replace(AtlasSpec(), teeth_lower=(*FULL_ARCH[:4], ToothState.CROWNED, *FULL_ARCH[5:]))
    without = build_atlas(template.body, bare, template.seat)
    assert not (without.labels == NUMBER["teeth_lower_crown"]).any()
    with_crown = build_atlas(template.body, crowned, template.seat)
    assert (with_crown.labels == NUMBER["dental_metal"]).any()
    assert len(with_crown.metal_mm) == 1


def extent_mm(atlas, names, axis):
    found = np.argwhere(np.isin(atlas.labels, [NUMBER[name] for name in names]))[:, axis]
    return (found.max() - found.min() + 1) * SPACING_MM


def test_the_mandible_is_as_large_as_28_real_ones(atlas):
    """10th to 90th percentiles: width 111 to 128 mm, symphysis 25 to 33 high and 14 to 22 deep."""
    bone = ("mandible_cortical", "mandible_trabecular", "periosteum")
    assert 109 < extent_mm(atlas, bone, 0) < 128
    chosen = np.isin(atlas.labels, [NUMBER[name] for name in bone])
    middle = int(np.argmin(np.abs(atlas.grid.axis_mm(0))))
    symphysis = np.argwhere(chosen[middle])
    deep, high = (np.ptp(symphysis, axis=0) + 1) * SPACING_MM
    assert 11 < deep < 22
    assert 24 < high < 34


def test_the_contour_wraps_the_mandible_in_a_thin_layer(template, atlas):
    bone = np.isin(atlas.labels, MANDIBLE)
    contour = np.isin(atlas.labels, MANDIBLE_CONTOUR)
    assert not (bone & ~contour).any()
    beside = ndimage.binary_dilation(bone, np.ones((3, 3, 3)))
    assert not (contour & ~beside).any()
    thick = replace(AtlasSpec(), mandible=replace(MandibleSpec(), periosteum_mm=1.5))
    wider = build_atlas(template.body, thick, template.seat)
    assert np.isin(wider.labels, MANDIBLE_CONTOUR).sum() > 1.15 * contour.sum()


def test_an_open_jaw_keeps_its_distance_to_the_skin_and_leaves_the_skull(template, atlas):
    open_template = load_template(SPACING_MM, 10.0)
    spec = replace(AtlasSpec(), mandible=replace(MandibleSpec(), opening_deg=10.0))
    opened = build_atlas(open_template.body, spec, open_template.seat)
    skull = [NUMBER[name] for name in ("cranium_cortical", "teeth_upper_crown")]
    for number in skull:
        before, after = (
            a.grid.origin_mm[2] + SPACING_MM * np.argwhere(a.labels == number)[:, 2].min()
            for a in (atlas, opened)
        )
        assert abs(before - after) < 2 * SPACING_MM
    depths = []
    for body, volume in ((template.body, atlas), (open_template.body, opened)):
        bone = np.argwhere(np.isin(volume.labels, MANDIBLE))
        lowest = bone[bone[:, 2] == bone[:, 2].min()]
        depths.append(float(body.depth_mm[tuple(lowest.T)].mean()))
    low = [
        a.grid.origin_mm[2] + SPACING_MM * np.argwhere(np.isin(a.labels, MANDIBLE))[:, 2].min()
        for a in (atlas, opened)
    ]
    assert 4 < low[0] - low[1] < 16
    assert abs(depths[0] - depths[1]) < 3.0


def test_a_mouthpiece_lies_between_the_jaws(template):
    spec = replace(AtlasSpec(), bite_block=True, teeth_lower=(ToothState.MISSING,) * 16)
    volume = build_atlas(template.body, spec, template.seat)
    block = np.argwhere(volume.labels == NUMBER["bite_block"]).mean(0)
    lower = np.argwhere(np.isin(volume.labels, MANDIBLE)).mean(0)
    palate = np.argwhere(volume.labels == NUMBER["maxilla_cortical"]).mean(0)
    assert lower[2] < block[2] < palate[2]
    assert abs(block[0] - (volume.labels.shape[0] - 1) / 2) < 2
