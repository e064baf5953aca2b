"""Tasks: splits, and one sentence for everything that can be wrong with a user's cases."""

import json

import cv2
import numpy as np
import pytest

from augment.errors import AssetError, RecipeError
from augment.recipe.experiment import compose_experiment
from augment.segmentation.made_up import draw_cases
from augment.segmentation.plan import plan_study
from augment.segmentation.tasks import case_mistakes, read_case, read_splits, read_task


@pytest.fixture
def folder(tmp_path):
    draw_cases(tmp_path)
    return tmp_path


@pytest.fixture
def task(folder):
    return read_task(str(folder / "dataset.yaml"))


def plan(folder, *changes):
    settings = [f"data={folder}", f"dataset={folder / 'dataset.yaml'}", "arms=[real]", *changes]
    return plan_study(compose_experiment("few_shot_smoke", settings))


def test_a_whole_folder_is_read(folder, task):
    assert case_mistakes(task, folder, "012345") == []
    case = read_case(task, folder, "3")
    assert case.image.shape == (40, 36, 3)
    assert set(np.unique(case.label)) == {0, 1, 2}
    assert task.scored == {0: "background", 1: "disc", 2: "bar"}


def test_shipped_descriptions_are_tasks():
    assert read_task("fasseg").scored[5] == "eyes"
    assert read_task("openkbp").scored == {1: "mandible"}
    assert len(read_task("fasseg").splits["finetune"]) == 12
    with pytest.raises(RecipeError, match="got 'faseg', the nearest is 'fasseg'"):
        read_task("faseg")
    with pytest.raises(RecipeError, match=r"headsq.*layout.label expects a path with one \{case\}"):
        read_task("headsq")


def test_every_broken_case_is_named_at_once(folder, task):
    mask = cv2.imread(str(folder / "masks/0.png"), cv2.IMREAD_UNCHANGED)
    cv2.imwrite(str(folder / "masks/0.png"), mask[:-2])
    cv2.imwrite(str(folder / "masks/1.png"), np.where(mask == 1, 7, mask))
    (folder / "images/2.png").unlink()
    cv2.imwrite(str(folder / "masks/3.png"), np.where(mask == 2, 0, mask))
    (folder / "images/4.png").write_bytes(b"no picture")
    with pytest.raises(AssetError) as caught:
        plan(folder)
    text = str(caught.value)
    assert "case 0 expects a mask of its image's size (40, 36), got (38, 36)" in text
    assert "case 1 expects mask values [0, 1, 2], got 7; add them to labels" in text
    assert "case 1 has no pixel of disc" in text
    assert f"case 2 expects an image '{folder}/images/2.png', which is missing" in text
    assert "case 3 has no pixel of bar; leave the case out or label it" in text
    assert "case 4 cannot be read" in text
    assert "case 5" not in text


def test_more_cases_than_there_are_are_refused(folder):
    with pytest.raises(
        AssetError, match=r"n expects at most the 3 cases to fine-tune on .*, got 9"
    ):
        plan(folder, "n=[1,9]")


def test_splits_of_the_folder_come_first(folder, task):
    assert read_splits(task, folder)[0]["validation"] == ["3", "4", "5"]
    own = {"finetune": ["5"], "validation": ["0"]}
    (folder / "splits.json").write_text(json.dumps(own))
    assert read_splits(task, folder) == (own, str(folder / "splits.json"))
    (folder / "splits.json").write_text(json.dumps({"finetune": ["5"], "validation": ["9"]}))
    with pytest.raises(AssetError, match=r"name 9, which .* lacks; write a splits.json"):
        read_splits(task, folder)
    (folder / "splits.json").write_text(json.dumps({"finetune": ["5"], "validation": ["5"]}))
    with pytest.raises(AssetError, match="have 5 on both sides"):
        read_splits(task, folder)


def test_all_cases_of_a_folder_are_scored_after_training_elsewhere(folder, tmp_path_factory):
    others = tmp_path_factory.mktemp("others")
    draw_cases(others)
    made = plan(others, "validation=all", f"train_data={folder}")
    assert made.validation == tuple("012345")
    assert made.finetune == ("0", "1", "2")
    assert made.train_folder == folder
    with pytest.raises(RecipeError, match="training cases must lie elsewhere; add train_data"):
        plan(others, "validation=all")


def test_a_folder_without_cases_says_what_was_expected(task, tmp_path_factory):
    empty = tmp_path_factory.mktemp("empty")
    with pytest.raises(AssetError, match=r"data expects a folder with images/\{case\}.png"):
        read_splits(task, empty)


def test_windows_that_do_not_fit_the_network_are_refused(folder):
    with pytest.raises(
        AssetError, match=r"input.patch expects 2 multiples of 2, none below 32 .* got \[63, 64\]"
    ):
        plan(folder, "input.patch=[63,64]")


def test_settings_decide_which_jobs_are_the_same(folder):
    def settings(*changes):
        jobs = plan(folder, "arms=[real,anchored,primitives]", *changes).jobs
        return {job.facts.get("arm", job.kind): job.facts["settings"] for job in jobs}

    before, tuned = settings(), settings("finetuning.mix=0.3")
    assert tuned["pretrain"] == before["pretrain"]
    assert tuned["primitives"] != before["primitives"]
    assert tuned["real"] == before["real"]
    assert tuned["anchored"] == before["anchored"]
    assert settings("finetuning.anchored=0.3")["anchored"] != before["anchored"]
    assert settings("pretraining.positive_share=0.6")["real"] == before["real"]
    assert settings("network.features=[8,8,8,8,8,16]")["pretrain"] != before["pretrain"]
    assert settings("pretraining.once=true") == before
    other = settings("input.overlap=0.25")
    assert other["pretrain"] == before["pretrain"]
    assert other["real"] != before["real"]
    assert settings("n=[1]", "seeds=3", "workers=2") == before


def test_one_pretraining_may_serve_all_seeds(folder):
    jobs = plan(folder, "arms=[primitives]", "seeds=3", "pretraining.once=true").jobs
    assert [job.id for job in jobs if job.kind == "pretrain"] == ["pretrain-primitives-s0"]
    trained = [job for job in jobs if job.kind == "train"]
    assert {job.needs for job in trained} == {("pretrain-primitives-s0",)}
    assert len(trained) == 2 * 3
