from dataclasses import replace

import cv2
import numpy as np
import pytest

from augment.cli import BAD_INPUT, main
from augment.commands.atlas import NORM_CHARACTERS, draw_page
from augment.commands.atlas_case import PLANES, SHOWN, VIEWS, draw_atlas_case, severities
from augment.pathology import PATHOLOGIES
from augment.pipeline.opening import open_pipeline
from augment.recipe import compose_recipe

MOST_BYTES = 150_000


@pytest.fixture(scope="module")
def shown():
    make = open_pipeline(compose_recipe("pathology_atlas", ["render.size_px=96"]), None)
    return draw_atlas_case(make, PATHOLOGIES["crooked_nose"], with_volume=False)


def test_a_page_shows_what_was_solved(shown):
    assert len(shown.cases) == 3
    for case, severity in zip(shown.cases, severities(shown.entry), strict=True):
        assert case.pathologies[0].measured == pytest.approx(severity, abs=0.05)
    assert tuple(shown.views) == SHOWN["crooked_nose"]
    for pictures in shown.views.values():
        assert [picture.shape for picture in pictures] == [(96, 96, 3)] * 4
        assert (pictures[0] != pictures[3]).any()
    largest = [moved.max() for moved in shown.moved_mm]
    assert largest == sorted(largest)
    # The skin that a picture shows moves no farther than the skin does.
    assert 0.5 < largest[-1] <= np.linalg.norm(shown.cases[-1].offset_mm, axis=1).max() + 0.1


def test_a_page_is_a_compact_picture_that_names_numbers_and_source(shown, tmp_path):
    page = draw_page(shown)
    text = " ".join(piece.get_text() for piece in page.texts)
    assert shown.entry.source[:30] in text
    assert "asked 7.5, measured 7.50" in text
    page.savefig(tmp_path / "page.jpg", dpi=100)
    picture = cv2.imread(str(tmp_path / "page.jpg"))
    assert picture.shape[1] == 960
    assert (tmp_path / "page.jpg").stat().st_size < MOST_BYTES
    assert draw_page(replace(shown, slices=(np.zeros((9, 9)), np.ones((9, 9))), plane="axial"))


def test_tables_of_the_pages_name_pathologies_and_views():
    assert set(SHOWN) | set(PLANES) <= set(PATHOLOGIES)
    assert {view for views in SHOWN.values() for view in views} <= set(VIEWS)


def test_an_unknown_pathology_is_named_with_the_nearest(capsys):
    assert main(["atlas", "crooked_noze"]) == BAD_INPUT
    assert "did you mean 'crooked_nose'" in capsys.readouterr().err


def test_the_head_of_a_page_is_healthy_where_it_shall_be():
    make = open_pipeline(compose_recipe("pathology_atlas", ["render.size_px=96"]), None)
    entry = PATHOLOGIES["maxillary_hypoplasia"]
    shown = draw_atlas_case(make, entry, with_volume=False)
    assert shown.cases[0].pathologies[0].healthy > entry.grades[0].high  # SNA falls with severity
    largest = [moved.max() for moved in shown.moved_mm]
    assert largest == sorted(largest)


def test_a_long_norm_stays_in_its_column(shown):
    page = draw_page(replace(shown, entry=PATHOLOGIES["zygomatic_depression"]))
    (caption,) = (text.get_text() for text in page.texts if "healthy twin" in text.get_text())
    assert max(map(len, caption.splitlines())) <= NORM_CHARACTERS
