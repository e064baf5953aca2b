"""The written report: its parts, its pictures, and that both forms say the same."""

import json
import re
from html.parser import HTMLParser

import cv2
import numpy as np
import pandas as pd
import pytest
from few_shot_table import CASES, few_shot_table

from augment.errors import AssetError
from augment.segmentation.comparison import compare_with_real
from augment.segmentation.document import Heading, Paragraph, Picture, Table, to_html, to_markdown
from augment.segmentation.gallery import chosen_cases
from augment.segmentation.overlays import CLASS_COLOURS, RealCase, draw_overlay
from augment.segmentation.report import write_report
from augment.segmentation.score_table import arrange_scores

GAINS = {"pretrain": {1: 0.08, 12: -0.03}, "synthetic": {0: 0.80}}


def plane_case(name):
    truth = np.zeros((60, 40), dtype=np.uint8)
    truth[10:40, 8:30] = 1
    truth[15:20, 12:18] = 2
    image = np.full((60, 40, 3), 90, dtype=np.uint8)
    return RealCase(image, truth, (1.0, 1.0), {0: "background", 1: "skin", 2: "eyes"})


def volume_case(size=(20, 24, 16)):
    truth = np.zeros(size, dtype=np.uint8)
    truth[5:15, 8:16, 4:10] = 1
    image = np.where(truth == 1, 1000, 0).astype(np.int16)
    return RealCase(image, truth, (2.0, 2.0, 3.0), {1: "mandible"}, (-200.0, 1200.0))


def experiment(folder, gains=None):
    """Scores, predictions and a record, as an experiment writes them."""
    table = few_shot_table(gains or GAINS, case_gains={("pretrain", 1, "004"): -0.11})
    table.to_csv(folder / "metrics.csv", index=False)
    for run in ("real_1_0", "pretrain_1_0"):
        (folder / "predictions" / run).mkdir(parents=True)
        for case in CASES:
            mask = np.roll(plane_case(case).truth, 2, axis=0)
            np.savez_compressed(folder / "predictions" / run / f"{case}.npz", mask=mask)
    record = {"recipe": {"steps": 500}, "versions": {"monai": "1.6"}, "unit_of_distance": "pixel"}
    (folder / "experiment.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


class Reader(HTMLParser):
    """Text and pictures of a page; fails on anything that is loaded from elsewhere."""

    def __init__(self):
        super().__init__()
        self.text, self.pictures, self.open = [], [], []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        assert tag not in ("script", "link", "iframe")
        for key in ("src", "srcset"):
            if key in found:
                assert found[key].startswith("data:image/")
                self.pictures.append(tag)
        if tag not in ("meta", "img", "source"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open and "title" not in self.open:
            self.text.append(data)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = experiment(tmp_path_factory.mktemp("experiment"))
    files = write_report(folder, plane_case)
    return folder, files


def test_the_first_sentence_stands_first_in_both_forms(written):
    folder, _ = written
    sentence = "Synthetic pre-training raises the mean Dice at n = 1 by "
    markdown = (folder / "report.md").read_text(encoding="utf-8")
    assert markdown.startswith(f"**{sentence}")
    assert ", and lowers it at n = 12 by 3.0 (" in markdown.splitlines()[0]
    page = (folder / "report.html").read_text(encoding="utf-8")
    lead = re.search(r'<p class="lead">(.*?)</p>', page)
    assert lead.group(1).replace("&nbsp;", " ") == markdown.splitlines()[0].strip("*")


def test_the_page_is_whole_and_loads_nothing(written):
    folder, _ = written
    reader = Reader()
    reader.feed((folder / "report.html").read_text(encoding="utf-8"))
    assert reader.open == []
    text = " ".join(reader.text)
    for part in ("Learning curves", "Gain and harm", "Cases gained and lost", "Label efficiency"):
        assert part in text
    for part in ("Scores by class", "Single cases", "Cost", "Limits", "What was run", "monai: "):
        assert part in text
    assert "distance, pixel." in text
    # Three figures for light and dark, and the best, median and worst case; the worst lost most.
    assert reader.pictures.count("source") == 3
    assert reader.pictures.count("img") == 6
    assert "Worst, largest loss: case 004." in text


def test_both_forms_hold_the_same_numbers(written):
    folder, _ = written
    reader = Reader()
    reader.feed((folder / "report.html").read_text(encoding="utf-8"))
    numbers = [
        sorted(re.findall(r"\d\.\d{3}", text))
        for text in (" ".join(reader.text), (folder / "report.md").read_text(encoding="utf-8"))
    ]
    # Markdown tells a picture's caption twice, as alternative text and below it.
    assert set(numbers[0]) == set(numbers[1])
    assert len(numbers[0]) > 50


def test_every_link_of_the_markdown_is_a_file(written):
    folder, files = written
    links = re.findall(r"!\[.*?\]\((.*?)\)", (folder / "report.md").read_text(encoding="utf-8"))
    assert len(links) == 6
    assert {folder / link for link in links} <= set(files)
    assert all(path.stat().st_size > 0 for path in files)


def test_tables_are_written_as_csv(written):
    folder, _ = written
    rows = pd.read_csv(folder / "tables" / "comparisons.csv").set_index(["arm", "n", "label"])
    assert rows.loc[("pretrain", 12, "mean"), "difference"] == pytest.approx(-0.03, abs=0.004)
    assert set(pd.read_csv(folder / "tables" / "means.csv")["label"]) == {"mean", "skin", "eyes"}
    cases = pd.read_csv(folder / "tables" / "cases.csv", dtype={"case": str})
    assert cases["difference"].idxmin() in cases.index[cases["case"].isin(CASES)]
    cost = pd.read_csv(folder / "tables" / "cost.csv")
    assert len(cost) == 3 * 7
    assert cost.groupby("arm")["minutes"].first().to_dict() == {
        "pretrain": 4.0,
        "real": 3.0,
        "synthetic": 4.0,
    }


def test_the_same_scores_give_the_same_bytes(written, tmp_path):
    _, files = written
    again = write_report(experiment(tmp_path), plane_case)
    assert len(again) == len(files)
    for first, second in zip(files, again, strict=True):
        assert first.read_bytes() == second.read_bytes()


def test_real_cases_alone_are_reported_without_comparison(tmp_path):
    few_shot_table().to_csv(tmp_path / "metrics.csv", index=False)
    write_report(tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert text.startswith("**Only real cases were run: nothing is compared yet.**")
    assert "No experiment.json lies beside the scores." in text


def test_a_missing_prediction_is_an_error(tmp_path):
    folder = experiment(tmp_path)
    (folder / "predictions" / "pretrain_1_0" / "004.npz").unlink()
    with pytest.raises(AssetError, match=r"004\.npz, which is missing; repeat the run"):
        write_report(folder, plane_case)


def test_shown_cases_are_the_best_the_median_the_worst_and_the_most_lost():
    extra = {("mix", 3, case): 0.01 * k for k, case in enumerate(CASES)}
    extra["mix", 3, "008"] = -0.05
    table = few_shot_table({"mix": {3: 0.0}}, case_gains=extra, spread=0.0)
    table.loc[(table["arm"] == "mix") & (table["case"] == "000"), "dice"] -= 0.2
    table.loc[(table["arm"] == "real") & (table["case"] == "000"), "dice"] -= 0.2
    scores = arrange_scores(table)
    (item,) = compare_with_real(scores)
    assert chosen_cases(scores.cell("mix", 3), item) == {
        "Best": "009",
        "Median": "003",
        "Worst": "000",
        "Largest loss": "008",
    }


def test_text_is_escaped_and_marks_are_coloured():
    blocks = [
        Heading("a < b"),
        Paragraph("x & y"),
        Table("c", ("arm", "d"), [["<b>", "+1.0 ▲"], ["e|f", "-1.0 ▼"]]),
        Picture("p.jpg", 'say "so"', b"12"),
    ]
    page = to_html("t", blocks)
    assert "a &lt; b" in page
    assert "x &amp; y" in page
    assert '<td class="name">&lt;b&gt;</td><td class="gain">+1.0 ▲</td>' in page
    assert '<td class="harm">-1.0 ▼</td>' in page
    assert "data:image/jpeg;base64,MTI=" in page
    assert "| e\\|f | -1.0 ▼ |" in to_markdown("t", blocks, "figures")


def test_an_overlay_of_a_plane_outlines_prediction_over_reference():
    case = plane_case("a")
    same = draw_overlay(case, [case.truth])
    moved = draw_overlay(case, [np.roll(case.truth, 6, axis=0)])
    orange = np.array(CLASS_COLOURS[0])

    def count(image, colour):
        return int((np.abs(image.astype(int) - colour).max(axis=2) < 40).sum())

    assert same.shape == (420, 280, 3)
    assert count(same, orange) > 300
    # White shows where the prediction does not lie on the reference.
    assert count(same, np.array([255, 255, 255])) < 60
    assert count(moved, np.array([255, 255, 255])) > 200
    assert draw_overlay(case, [case.truth, case.truth]).shape == (420, 2 * 280 + 6, 3)


def test_an_overlay_of_a_volume_shows_three_upright_planes():
    case = volume_case()
    picture = draw_overlay(case, [case.truth])
    assert picture.shape[0] == 300
    # Frontal plane: a marker at the patient's right and top is seen on the left and above.
    marked = volume_case()
    marked.image[16, :, 13] = 4000
    change = np.abs(draw_overlay(marked, [case.truth]).astype(int) - picture).sum(axis=2) > 60
    sagittal, frontal = 300 * 48 // 48, 300 * 40 // 48
    rows, columns = np.nonzero(change[:, sagittal + 6 : sagittal + 6 + frontal])
    assert len(rows) > 0
    assert rows.mean() < 110
    assert columns.mean() < frontal / 2


def test_an_overlay_refuses_another_grid():
    case = plane_case("a")
    with pytest.raises(ValueError, match=r"predictions on the grid \(60, 40\), got \(40, 60\)"):
        draw_overlay(case, [case.truth.T])


def test_pictures_can_be_opened(written):
    folder, _ = written
    for path in (folder / "figures").glob("*.jpg"):
        assert cv2.imread(str(path)).shape == (420, 566, 3)
    for path in (folder / "figures").glob("*.svg"):
        assert path.read_text(encoding="utf-8").count("<svg") == 1
