"""A whole study on made-up cases, from the command line, twice with the same table."""

import csv
import json
from collections import Counter

import numpy as np
import pytest

from augment.cli import main
from augment.errors import RecipeError
from augment.recipe.experiment import compose_experiment, experiment_names
from augment.segmentation.made_up import with_cases
from augment.segmentation.plan import plan_study

FAST = ("seeds=2", "arms=[real,primitives]", "n=[1]")


def study(out, *changes):
    assert main(["experiment", "few_shot_smoke", f"out={out}", *FAST, *changes]) == 0
    with (out / "metrics.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [{key: row[key] for key in row if key != "minutes"} for row in rows]


def test_a_study_is_whole_and_the_same_twice(tmp_path):
    rows = study(tmp_path / "first")
    cells = Counter((row["arm"], row["n"], row["seed"]) for row in rows)
    assert set(cells.values()) == {3 * 3}  # cases times classes
    assert len(cells) == 2 * 2
    facts = json.loads((tmp_path / "first" / "experiment.json").read_text())
    assert facts["validation"] == ["3", "4", "5"]
    assert facts["versions"]["torch"]
    with np.load(tmp_path / "first" / "predictions" / "real_1_0" / "3.npz") as stored:
        assert stored["mask"].shape == (40, 36)
        assert stored["mask"].dtype == np.uint8
    # A second process would find the queue done; another folder must give the same numbers.
    removed = tmp_path / "first" / "runs" / "real-n1-s0" / "done.json"
    removed.unlink()
    assert study(tmp_path / "first") == rows


def test_shards_in_any_order_and_ray_give_the_same_table(tmp_path):
    rows = study(tmp_path / "whole")
    for shard in ("2/2", "1/2"):
        words = ["experiment", "few_shot_smoke", f"out={tmp_path / 'shards'}", *FAST]
        assert main([*words, f"shard={shard}"]) == 0
        assert not (tmp_path / "shards" / "metrics.csv").exists()
    done = sorted(path.parent for path in (tmp_path / "shards").glob("runs/*/done.json"))
    times = [path.stat().st_mtime_ns for path in done]
    assert study(tmp_path / "shards") == rows
    assert [path.stat().st_mtime_ns for path in done] == times, "nothing was left to do"
    assert len(list((tmp_path / "shards" / "runs").iterdir())) == len(done) == 2 + 4
    assert study(tmp_path / "ray", "engine=ray", "workers=2") == rows


def test_a_shard_does_its_runs_and_what_they_need(tmp_path):
    names = []
    for shard in ("1/3", "2/3", "3/3"):
        words = [f"out={tmp_path}", "n=[1]", "seeds=2", "arms=[real,primitives]", f"shard={shard}"]
        spec = with_cases(compose_experiment("few_shot_smoke", words), tmp_path)
        jobs = plan_study(spec).jobs
        ids = {job.id for job in jobs}
        assert all(need in ids for job in jobs for need in job.needs)
        names += [job.id for job in jobs if job.kind == "train"]
    assert sorted(names) == sorted(set(names)), "each run is of one shard"
    assert len(names) == 4


def test_an_address_of_a_study_expects_ray():
    with pytest.raises(RecipeError, match="ray_address=auto expects engine=ray, got local"):
        compose_experiment("few_shot_smoke", ["ray_address=auto"])
    with pytest.raises(RecipeError, match=r"device expects cpu or cuda .*, got cuda:1"):
        compose_experiment("few_shot_smoke", ["engine=ray", "device=cuda:1"])


def test_runs_of_earlier_commands_stay_in_the_table(tmp_path):
    first = study(tmp_path, "arms=[real]", "n=[1]", "seeds=1")
    both = study(tmp_path, "arms=[real]", "n=[2]", "seeds=1")
    assert [row for row in both if row["n"] == "1"] == first
    assert {row["n"] for row in both} == {"1", "2"}
    other = study(tmp_path, "arms=[real]", "n=[3]", "seeds=1", "training.steps=2")
    assert {row["n"] for row in other} == {"3"}  # other settings are another study


def test_an_arm_is_chosen_by_the_cases_that_it_may_train_on(tmp_path):
    words = ("arms=[real,carvemix,selected]", "selection.candidates=[carvemix]", "n=[2,3]")
    rows = study(tmp_path, *words, "seeds=1")
    runs = tmp_path / "runs"
    folds = sorted(path.name for path in runs.glob("fold*"))
    assert len(folds) == 2 * 3  # two ways to train, three cases held out in turn; none below three
    held_out = [json.loads((runs / name / "done.json").read_text())["held_out"] for name in folds]
    assert {case for scores in held_out for case in scores} == {"0", "1", "2"}
    few, choice = (json.loads((runs / f"select-n{n}-s0/done.json").read_text()) for n in (2, 3))
    assert (few["arm"], few["evidence"]) == ("real", "none")
    assert choice["evidence"] == "cross-validation"
    for n, arm in ((2, few["arm"]), (3, choice["arm"])):
        scores = {
            name: [row["dice"] for row in rows if (row["arm"], row["n"]) == (name, str(n))]
            for name in (arm, "selected")
        }
        assert scores["selected"] == scores[arm]


def test_a_choice_expects_arms_that_train(tmp_path, capsys):
    words = ["experiment", "few_shot_smoke", f"out={tmp_path}", "arms=[real,selected]"]
    assert main([*words, "selection.candidates=[synthetic]"]) == 2
    message = " ".join(capsys.readouterr().err.split())
    assert "selection.candidates expects arms that train on real cases, got 'synthetic'" in message


def test_a_dry_run_prints_the_plan_and_writes_nothing(tmp_path, capsys):
    words = ["experiment", "few_shot_smoke", "--dry-run", f"out={tmp_path / 'out'}", *FAST]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "3 cases to fine-tune on, 3 to score" in printed
    assert "2 pretrain, 4 train" in printed
    assert "primitives-n1-s1" in printed
    assert "optimiser steps of" in printed
    assert not (tmp_path / "out").exists()


def test_every_shipped_experiment_composes_in_both_profiles():
    names = experiment_names()
    assert list(names) == ["face_parsing_few_shot", "few_shot_smoke", "mandible_few_shot"]
    for name, text in names.items():
        assert "# Command: facies experiment" in text
        assert "# Cost:" in text
        spec = compose_experiment(name, ["data=somewhere"])
        assert spec.out == f"out/{name}"
        assert compose_experiment(name, ["data=somewhere", "profile=gpu"]).profile == "gpu"
    gpu = compose_experiment("mandible_few_shot", ["data=d", "profile=gpu"])
    assert (gpu.network.name, gpu.device) == ("dynunet", "cuda")


def test_all_mistakes_of_a_recipe_come_together():
    with pytest.raises(RecipeError) as caught:
        compose_experiment("mandible_few_shot", ["training.stepps=3", "seeds=0", "n=[0]"])
    text = str(caught.value)
    assert "unknown key 'training.stepps', the nearest known key is 'training.steps'" in text
    assert "seeds expects a whole number of 1 or more, got 0" in text
    assert "n[0] expects a whole number of 1 or more, got 0" in text
    with pytest.raises(RecipeError, match="data expects the folder of the real cases, got none"):
        compose_experiment("mandible_few_shot")
    with pytest.raises(RecipeError, match="unknown experiment 'mandible', the nearest known"):
        compose_experiment("mandible")


def test_what_primitives_taught_is_not_kept_by_the_small_rate(tmp_path):
    def rows(folder, rate):
        change = f"finetuning.rate={rate}"
        found = study(tmp_path / folder, "arms=[primitives]", "seeds=1", change)
        return [row["dice"] for row in found]

    assert rows("small", 1e-6) == rows("large", 1e-2)
