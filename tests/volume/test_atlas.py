"""The atlas of the default template, coarse: what is where, how much of it, and that it repeats."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from augment.volume.anatomy.spec import FULL_ARCH, AtlasSpec, ToothState, draw_atlas_spec
from augment.volume.atlas import build_atlas
from augment.volume.labels import LABELS, MANDIBLE, NUMBER
from augment.volume.template import load_template

SPACING_MM = 2.0
ABSENT = {
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
        (("brain", "csf"), 1000, 1700),
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
