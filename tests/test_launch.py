"""Shards as the jobs of Hydra's launchers: the documented array composes, and one runs here."""

import re
import shlex
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest
from hydra import compose, initialize
from hydra.core.config_store import ConfigStore

from augment import cli
from augment.engine.generate import generate_dataset
from augment.launch import CONFIG, Launch
from augment.recipe import compose_recipe, expand_sweeps
from augment.recipe.sharing import own_part

DOCUMENT = Path(__file__).parents[1] / "docs" / "scale.md"
TINY = "generate face_demo samples=5 render.size_px=40 render.supersample=1 workers=1"


def documented_words():
    text = DOCUMENT.read_text(encoding="utf-8").replace("\\\n", " ")
    (line,) = re.findall(r"python -m augment\.launch (.*)", text)
    shards = re.search(r"\$\(seq -s, -f %g/(\d+) (\d+)\)", line)
    assert shards[1] == shards[2]
    count = int(shards[1])
    return shlex.split(line.replace(shards[0], ",".join(f"{k + 1}/{count}" for k in range(count))))


def test_the_documented_array_is_one_slurm_job_for_each_shard():
    words = [word for word in documented_words() if not word.startswith("--")]
    ConfigStore.instance().store(CONFIG, Launch)
    jobs = expand_sweeps(words)
    with initialize(version_base="1.3"):
        configs = [compose(CONFIG, job, return_hydra_config=True) for job in (jobs[0], jobs[-1])]
    launcher = configs[0].hydra.launcher
    assert launcher._target_.endswith("SlurmLauncher")
    assert (launcher.timeout_min, launcher.array_parallelism) == (240, 50)
    assert [config.shard for config in configs] == ["1/100", "100/100"]
    command, recipe, *overrides = shlex.split(configs[0].command)
    spec = compose_recipe(recipe, [*overrides, f"shard={configs[0].shard}"])
    assert (command, spec.samples, spec.out) == ("generate", 100_000, "/shared/train")
    shards = [dict(word.split("=", 1) for word in job)["shard"] for job in jobs]
    assert len(shards) == 100
    made = chain.from_iterable(own_part(shard, spec.samples) for shard in shards)
    assert sorted(made) == list(range(spec.samples))


def contents(root):
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def launch(folder, *words):
    command = [sys.executable, "-m", "augment.launch", *words]
    environment = {"PYTHONPATH": str(Path(__file__).parents[1]), "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_an_array_of_submitit_gives_the_same_bytes(tmp_path):
    reference = tmp_path / "reference"
    assert cli.main([*TINY.split(), f"out={reference}"]) == 0
    words = ["--multirun", "hydra/launcher=submitit_local", f"command='{TINY} out=made'"]
    found = launch(tmp_path, *words, "shard=3/3,1/3,2/3")
    assert found.returncode == 0, found.stderr
    assert len(list(tmp_path.glob("multirun/*/*/.submitit/*/*_submitted.pkl"))) == 3
    records = sorted(path.name for path in tmp_path.glob("made.run.*.json"))
    assert records == ["made.run.1.3.json", "made.run.2.3.json", "made.run.3.3.json"]
    last = generate_dataset(
        compose_recipe("face_demo", [*TINY.split()[2:], f"out={tmp_path}/made"])
    )
    assert last.n_made == 0
    assert contents(tmp_path / "made") == contents(reference)


@pytest.mark.parametrize("mode", [(), ("--multirun",)])
def test_a_job_that_fails_says_why_and_fails(tmp_path, mode):
    found = launch(tmp_path, *mode, "command='generate nothing'", "shard=1/2")
    assert found.returncode == 1
    assert "unknown recipe 'nothing'" in found.stderr
    assert "`facies generate nothing shard=1/2` ended with 2" in found.stderr
