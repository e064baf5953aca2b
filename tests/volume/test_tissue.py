"""Values of tissues: ranges, sources, random contrasts and a T1-like image."""

import numpy as np
import pytest

from augment.volume.imaging.tissue import (
    BONE_DENSITY,
    HOUNSFIELD,
    LARGEST_SIGNAL,
    Contrast,
    draw_tissue_values,
)
from augment.volume.labels import LABELS, NUMBER, Tissue


def drawn(contrast, n=200):
    values = [draw_tissue_values(np.random.default_rng(seed), contrast) for seed in range(n)]
    return np.array([v.mean for v in values]), np.array([v.spread for v in values])


def test_every_tissue_has_a_range_and_a_source():
    assert set(HOUNSFIELD) == set(Tissue)
    for entry in HOUNSFIELD.values():
        assert entry.low < entry.high
        assert entry.texture >= 0
        assert len(entry.source) > 8


@pytest.mark.parametrize("contrast", list(Contrast))
def test_every_label_gets_finite_values(contrast):
    mean, spread = drawn(contrast, 20)
    assert mean.shape == spread.shape == (20, len(LABELS))
    assert np.isfinite(mean).all()
    assert (spread >= 0).all()


def test_ct_means_stay_in_their_ranges():
    mean, _ = drawn(Contrast.CT)
    for label in LABELS:
        entry = HOUNSFIELD[label.tissue]
        low, high = entry.low, entry.high
        if entry.is_bone:
            low, high = min(low, low * BONE_DENSITY[0]), high * BONE_DENSITY[1]
        assert mean[:, label.number].min() >= low
        assert mean[:, label.number].max() <= high


def test_ct_tissues_are_ordered_and_labels_of_a_tissue_agree():
    mean, _ = drawn(Contrast.CT)
    order = ("air", "fat", "csf", "muscle", "mandible_cortical", "teeth_lower_crown")
    assert (np.diff(mean[:, [NUMBER[name] for name in order]], axis=1) > 0).mean() > 0.98
    np.testing.assert_array_equal(mean[:, NUMBER["muscle"]], mean[:, NUMBER["tongue"]])


def test_bones_of_a_person_are_dense_together():
    mean, _ = drawn(Contrast.CT)
    names = ("cranium_cortical", "mandible_cortical")
    assert np.corrcoef(*(mean[:, NUMBER[name]] for name in names))[0, 1] > 0.2


def test_random_contrast_takes_no_order_and_merges_some_labels():
    mean, _ = drawn(Contrast.RANDOM)
    assert 0 <= mean.min() <= mean.max() <= LARGEST_SIGNAL
    brighter = (mean[:, NUMBER["fat"]] > mean[:, NUMBER["mandible_cortical"]]).mean()
    assert 0.35 < brighter < 0.65
    assert abs((mean[:, NUMBER["air"]] == 0).mean() - 0.6) < 0.1
    bone = mean[:, NUMBER["cranium_cortical"] :]
    shared = np.mean([len(np.unique(row)) < len(row) for row in bone])
    assert shared > 0.8


def test_t1_has_bright_fat_and_neither_bone_nor_air():
    mean, _ = drawn(Contrast.T1)
    fat, muscle, fluid = (mean[:, NUMBER[name]] for name in ("fat", "muscle", "csf"))
    assert (fat > muscle).all()
    assert (muscle > fluid).all()
    for name in ("air", "cranium_cortical", "mandible_cortical", "teeth_upper_crown"):
        assert mean[:, NUMBER[name]].max() < 0.3 * fluid.min()
