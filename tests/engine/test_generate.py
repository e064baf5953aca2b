import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from stores import s3_server, store_contents

from augment import cli
from augment.engine.generate import generate_dataset, identify
from augment.engine.place import alone
from augment.engine.ray_cluster import NICENESS, Cluster, _connect
from augment.errors import AssetError, RecipeError
from augment.pipeline import open_deriver
from augment.recipe import compose_recipe
from augment.recipe.sharing import own_part
from augment.writer.store import Store
from augment.writer.verify import verify_folder

OVERRIDES = ("render.size_px=40", "render.supersample=1", "samples=6")


def contents(root):
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """The data set that every other way of making it has to equal, byte for byte."""
    root = tmp_path_factory.mktemp("reference") / "data"
    generate_dataset(compose_recipe("face_demo", [*OVERRIDES, f"out={root}", "workers=1"]))
    return root


def test_labels_follow_from_the_recorded_parameters(reference):
    assert verify_folder(reference, 1.0, open_deriver) == []


def test_derived_labels_are_the_same_bytes(reference):
    from augment.writer.decode import read_pixels
    from augment.writer.kinds import PIXEL_KINDS

    derived = list(open_deriver(reference)(4))
    assert len(derived) == 2 * 7
    for twin, view, kind, values in derived:
        path = reference / f"samples/000004/{twin}/view_{view}" / PIXEL_KINDS[kind].file_name
        stored = read_pixels(path, kind)
        assert (stored == values.astype(stored.dtype)).all()


def test_two_processes_give_the_same_bytes(reference, tmp_path):
    out = tmp_path / "two"
    summary = generate_dataset(compose_recipe("face_demo", [*OVERRIDES, f"out={out}", "workers=2"]))
    assert (summary.n_made, summary.workers) == (6, 2)
    assert contents(out) == contents(reference)


def test_a_ray_cluster_gives_the_same_bytes(reference, tmp_path):
    out = tmp_path / "ray"
    words = [*OVERRIDES, f"out={out}", "workers=2", "engine=ray"]
    summary = generate_dataset(compose_recipe("face_demo", words))
    assert (summary.n_made, summary.workers) == (6, 2)
    assert contents(out) == contents(reference)


def test_a_mistake_reaches_the_user_through_ray_as_it_is(tmp_path):
    words = ["out=" + str(tmp_path / "ray"), "engine=ray", "workers=1", "samples=1"]
    words += ["pathologies=[{name: chin_deviation, side: left, severity: 90}]"]
    with pytest.raises(RecipeError, match=r"sample 0: .*90"):
        generate_dataset(compose_recipe("face_demo", words))


def test_workers_of_our_own_cluster_come_no_later_than_local_ones(monkeypatch):
    seen = {}

    def init(**options):
        seen.update(options, niceness=os.environ[NICENESS])

    monkeypatch.delenv(NICENESS, raising=False)
    _connect(SimpleNamespace(init=init), Cluster(None, 2))
    assert (seen["niceness"], seen["num_cpus"], seen["address"]) == ("0", 2, None)
    monkeypatch.setenv(NICENESS, "5")
    _connect(SimpleNamespace(init=init), Cluster(None, 2))
    assert seen["niceness"] == "5", "what a user has set stays"


def test_shards_in_any_order_give_the_same_bytes(reference, tmp_path):
    out = tmp_path / "shards"
    for shard in ("3/4", "1/4", "4/4", "1/4", "2/4"):
        words = [*OVERRIDES, f"out={out}", f"shard={shard}"]
        summary = generate_dataset(compose_recipe("face_demo", words))
        assert not (out / "SHA256SUMS").exists()
    assert summary.n_made == 2
    last = generate_dataset(compose_recipe("face_demo", [*OVERRIDES, f"out={out}"]))
    assert last.n_made == 0
    assert contents(out) == contents(reference)


def test_an_s3_server_holds_the_same_bytes(reference, tmp_path, monkeypatch):
    out = "s3://bucket/data"
    with s3_server(monkeypatch):
        for shard in ("2/2", "1/2", None):
            words = [*OVERRIDES, f"out={out}", f"spool={tmp_path / str(shard)[0]}", "workers=1"]
            words += [f"shard={shard}"] if shard else []
            generate_dataset(compose_recipe("face_demo", words))
        assert store_contents(Store(out)) == contents(reference)


def test_the_array_of_the_readme_makes_each_sample_once():
    """What SLURM runs is each job's words; together they are all samples, none twice."""
    text = " ".join((Path(__file__).parents[2] / "README.md").read_text("utf-8").split())
    found = re.search(r"sbatch --array=1-(\d+) --wrap 'facies (.*?)'", text)
    n_jobs, words = int(found[1]), found[2].split()
    assert words.pop(0) == "generate"
    specs = [
        compose_recipe(words[0], [w.replace("$SLURM_ARRAY_TASK_ID", str(job)) for w in words[1:]])
        for job in (1, 2, n_jobs)
    ]
    assert [spec.shard for spec in specs] == [f"{job}/{n_jobs}" for job in (1, 2, n_jobs)]
    assert len({(spec.out, spec.fingerprint()) for spec in specs}) == 1
    shards = [replace(specs[0], shard=f"{job}/{n_jobs}") for job in range(1, n_jobs + 1)]
    made = [index for spec in shards for index in own_part(spec.shard, spec.samples)]
    assert sorted(made) == list(range(specs[0].samples))


def test_a_shard_runs_beside_others_but_not_beside_itself_or_the_whole(tmp_path):
    root = tmp_path / "data"
    (root / ".incoming").mkdir(parents=True)
    with alone(root, "1/2"), alone(root, "2/2"):
        for shard in ("1/2", None):
            with pytest.raises(RecipeError, match="another run is writing to"), alone(root, shard):
                pass
    error = pytest.raises(RecipeError, match="another run is writing to")
    with alone(root, None), error, alone(root, "1/2"):
        pass


@pytest.mark.parametrize("shard", ["0/4", "5/4", "2", "a/b", "1/0"])
def test_a_shard_is_one_of_so_many(shard):
    with pytest.raises(RecipeError, match=f"shard expects k/n with k from 1 to n, .*'{shard}'"):
        compose_recipe("face_demo", [f"shard='{shard}'"])


def test_an_address_expects_ray():
    with pytest.raises(RecipeError, match="ray_address=auto expects engine=ray, got local"):
        compose_recipe("face_demo", ["ray_address=auto"])


def test_a_run_killed_three_times_gives_the_same_bytes(reference, tmp_path):
    out = tmp_path / "killed"
    words = ["generate", "face_demo", *OVERRIDES, f"out={out}", "workers=1"]
    for n_finished in (1, 2, 4):
        with subprocess.Popen([sys.executable, "-m", "augment.cli", *words]) as run:
            deadline = time.monotonic() + 120
            while len(list(out.glob("samples/*"))) < n_finished and run.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.002)
            run.send_signal(signal.SIGKILL)
    assert cli.main(words) == 0
    assert contents(out) == contents(reference)


def test_more_samples_keep_the_first_ones(reference, tmp_path):
    out = tmp_path / "grown"
    for n_samples in (2, 6):
        words = [*OVERRIDES, f"out={out}", f"samples={n_samples}"]
        summary = generate_dataset(compose_recipe("face_demo", words))
        assert summary.n_samples == n_samples
    assert summary.n_made == 4
    assert contents(out) == contents(reference)


def test_inputs_are_part_of_the_identity(tmp_path):
    path = tmp_path / "scan.nii"
    path.write_bytes(b"one")
    spec = compose_recipe("ct_subject", [f"subject.path={path}"])
    first = identify(spec)
    path.write_bytes(b"two")
    assert identify(spec).inputs != first.inputs
    assert identify(spec).versions == first.versions
    path.unlink()
    with pytest.raises(AssetError, match=r"scan\.nii': no such file"):
        identify(spec)
