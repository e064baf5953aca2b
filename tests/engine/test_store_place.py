"""A data set in a store is the folder's, byte for byte, whatever the store refuses."""

import json

import pytest
from fakes import (
    LANDMARKS,
    LEGEND,
    fake_sample,
    open_failing_maker,
    open_fake_deriver,
    open_fake_maker,
)
from fsspec.implementations.memory import MemoryFileSystem
from stores import RefusingFs, s3_server, store_contents

from augment import cli
from augment.commands import report
from augment.engine import generate, store_place
from augment.engine.generate import generate_dataset
from augment.engine.repair import repair_store
from augment.engine.store_place import StorePlace
from augment.errors import AssetError, RecipeError
from augment.recipe import compose_recipe
from augment.writer.sample_folder import write_sample
from augment.writer.store import Patience, Store
from augment.writer.verify_store import verify_store

N_SAMPLES = 6
QUICK = Patience(10, 0.0005, 0.01)


@pytest.fixture(autouse=True)
def fake_pipeline(monkeypatch):
    monkeypatch.setattr(generate, "check_recipe", lambda spec: None)
    monkeypatch.setattr(generate, "fit_subject", lambda spec: None)
    monkeypatch.setattr(generate, "data_set_legend", lambda spec, fitted: LEGEND)
    monkeypatch.setattr(generate, "open_pipeline", lambda spec, subject: open_fake_maker(spec.seed))
    MemoryFileSystem.store.clear()
    yield
    MemoryFileSystem.store.clear()


def spec_of(out, tmp_path, *words):
    texts = [f"samples={N_SAMPLES}", f"out={out}", f"spool={tmp_path / 'spool'}", "workers=1"]
    return compose_recipe("face_demo", [*texts, *words])


@pytest.fixture
def reference(tmp_path):
    root = tmp_path / "reference"
    generate_dataset(spec_of(root, tmp_path))
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@pytest.fixture
def refusing(monkeypatch):
    """Let stores of a run refuse a share of all requests; returns their file systems."""
    made = []

    def make(share):
        def open_store(url):
            store = Store(url, QUICK)
            store._fs = RefusingFs(store._fs, share)
            made.append(store._fs)
            return store

        monkeypatch.setattr(generate, "Store", open_store)
        return made

    return make


def test_a_store_holds_the_bytes_of_a_folder(reference, tmp_path):
    out = "memory://bucket/data"
    summary = generate_dataset(spec_of(out, tmp_path))
    assert (summary.n_made, summary.n_samples) == (N_SAMPLES, N_SAMPLES)
    assert store_contents(Store(out)) == reference
    assert list((tmp_path / "spool").iterdir()) == []
    record = json.loads(MemoryFileSystem().cat_file("/bucket/data.run.json"))
    assert (record["made"], record["finished"], record["store"]) == (6, True, {"refused": 0})


def test_a_real_s3_server_holds_the_bytes_of_a_folder(reference, tmp_path, monkeypatch):
    with s3_server(monkeypatch):
        with pytest.raises(AssetError, match="expects a bucket that is there"):
            generate_dataset(spec_of("s3://nobody/data", tmp_path))
        out = "s3://bucket/some/data"
        generate_dataset(spec_of(out, tmp_path, "samples=3"))
        summary = generate_dataset(spec_of(out, tmp_path))
        assert summary.n_made == 3
        store = Store(out)
        assert store_contents(store) == reference
        assert json.loads(store._fs.cat_file("bucket/some/data.run.json"))["made"] == 3


def test_a_store_that_refuses_a_fifth_of_all_requests_ends_in_the_same_bytes(
    reference, tmp_path, refusing
):
    made = refusing(0.2)
    generate_dataset(spec_of("memory://bucket/data", tmp_path))
    (fs,) = made
    assert fs.n_requests > 100
    assert 0.1 < fs.n_refused / fs.n_requests < 0.3
    assert store_contents(Store("memory://bucket/data")) == reference


def test_a_store_that_is_down_stops_the_run_which_then_goes_on(reference, tmp_path, monkeypatch):
    out = "memory://bucket/data"
    spec = spec_of(out, tmp_path)
    real = Store

    def open_down(url):
        store = real(url, Patience(3, 0.001, 0.001))
        store._fs = RefusingFs(store._fs, 0.0)
        # After opening and some samples nothing is answered any more.
        pipe, left = store._fs.pipe_file, [60]

        def pipe_file(path, content):
            left[0] -= 1
            if left[0] < 0:
                raise ConnectionError("no route to host")
            pipe(path, content)

        store._fs.pipe_file = pipe_file
        return store

    monkeypatch.setattr(generate, "Store", open_down)
    monkeypatch.setattr(store_place, "UPLOADS", 1)
    with pytest.raises(AssetError, match=r"refused 3 times .*repeat the same command"):
        generate_dataset(spec)
    partly = store_contents(real(out))
    assert "SHA256SUMS" not in partly
    assert 0 < sum(path.endswith("rows.json") for path in partly) < N_SAMPLES
    assert_marked_samples_are_whole(partly)
    monkeypatch.setattr(generate, "Store", real)
    generate_dataset(spec)
    assert store_contents(real(out)) == reference


def assert_marked_samples_are_whole(objects):
    for path, content in objects.items():
        if path.endswith("rows.json"):
            for row in json.loads(content)["files"]:
                assert len(objects[row["path"]]) == row["bytes"]


def test_the_marker_of_a_sample_is_written_after_its_files(tmp_path, monkeypatch):
    store = Store("memory://bucket/data")
    written, write = [], store.write

    def noted(path, content, **options):
        written.append(path)
        write(path, content, **options)

    monkeypatch.setattr(store, "write", noted)
    monkeypatch.setattr(generate, "Store", lambda url: store)
    generate_dataset(spec_of("memory://bucket/data", tmp_path))
    for index in range(N_SAMPLES):
        of_sample = [path for path in written if path.startswith(f"samples/{index:06d}/")]
        assert len(of_sample) > 10
        assert of_sample[-1] == f"samples/{index:06d}/rows.json"
    assert written[-2:] == ["SHA256SUMS", ".run.json"]


def test_damaged_objects_are_made_again_and_whole_ones_are_not(reference, tmp_path):
    out = "memory://bucket/data"
    generate_dataset(spec_of(out, tmp_path))
    store = Store(out)
    store.write("samples/000001/healthy/mesh.ply", b"torn")
    store.remove("samples/000002/parameters.json")
    store.write("samples/000003/rows.json", b"{")
    store.remove("samples/000004/rows.json")
    assert generate_dataset(spec_of(out, tmp_path)).n_made == 4
    assert store_contents(store) == reference
    assert generate_dataset(spec_of(out, tmp_path)).n_made == 0
    assert store_contents(store) == reference


def test_samples_left_in_the_spool_are_uploaded_and_not_made_again(
    reference, tmp_path, monkeypatch
):
    spec = spec_of("memory://bucket/data", tmp_path)
    place = StorePlace(Store(spec.out), spec.spool)
    identity = generate.identify(spec)
    place.open(identity, N_SAMPLES, range(N_SAMPLES))
    for index in (1, 4):
        write_sample(place.root, fake_sample(index, seed=spec.seed), LANDMARKS)
    work = place.open(identity, N_SAMPLES, range(N_SAMPLES))
    assert (work.missing, work.waiting) == ([0, 2, 3, 5], [1, 4])
    generate_dataset(spec)
    assert store_contents(Store(spec.out)) == reference


def test_shards_from_machines_that_share_nothing_but_the_store(reference, tmp_path):
    out = "memory://bucket/data"
    for shard in ("2/3", "1/3", "3/3"):
        spec = spec_of(out, tmp_path, f"shard={shard}", f"spool={tmp_path / shard[0]}")
        generate_dataset(spec)
        assert "SHA256SUMS" not in Store(out).sizes()
    summary = generate_dataset(spec_of(out, tmp_path, f"spool={tmp_path / 'last'}"))
    assert summary.n_made == 0
    assert store_contents(Store(out)) == reference


def test_other_content_or_another_recipe_is_refused_and_kept(tmp_path):
    store = Store("memory://bucket/data")
    store.write("thesis.txt", b"mine")
    with pytest.raises(RecipeError, match="expects a new or empty prefix"):
        generate_dataset(spec_of(store.url, tmp_path))
    assert store_contents(store) == {"thesis.txt": b"mine"}
    generate_dataset(spec_of("memory://bucket/first", tmp_path))
    before = store_contents(Store("memory://bucket/first"))
    with pytest.raises(RecipeError, match="holds samples of another recipe"):
        generate_dataset(spec_of("memory://bucket/first", tmp_path, "seed=5"))
    with pytest.raises(RecipeError, match="already holds 6 samples, got samples=2"):
        generate_dataset(spec_of("memory://bucket/first", tmp_path, "samples=2"))
    assert store_contents(Store("memory://bucket/first")) == before


def test_a_run_that_makes_nothing_leaves_nothing(tmp_path, monkeypatch):
    def refuse(spec, subject):
        raise RecipeError("severity expects at most 9.1 mm, got 40.0")

    monkeypatch.setattr(generate, "open_pipeline", refuse)
    with pytest.raises(RecipeError, match=r"at most 9\.1 mm"):
        generate_dataset(spec_of("memory://bucket/data", tmp_path))
    assert MemoryFileSystem().find("/bucket") == []
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_full_spool_keeps_what_is_finished(reference, tmp_path, monkeypatch, capsys):
    def open_once_full(spec, subject):
        return open_failing_maker(3, "full disk", tmp_path / "was full")

    monkeypatch.setattr(generate, "open_pipeline", open_once_full)
    words = ["generate", "face_demo", f"samples={N_SAMPLES}", "out=memory://bucket/data"]
    words += [f"spool={tmp_path / 'spool'}", "workers=1"]
    assert cli.main(words) == 2
    assert "the disk is full" in capsys.readouterr().err
    partly = Store("memory://bucket/data").sizes()
    assert sum(path.endswith("rows.json") for path in partly) == 3
    assert cli.main(words) == 0
    out = capsys.readouterr().out
    assert "(3 were there already)" in out
    assert "look first at memory://bucket/data/contact_sheet.png" in out
    assert store_contents(Store("memory://bucket/data")) == reference
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_store_is_verified_object_by_object(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(report, "open_deriver", open_fake_deriver)
    out = "memory://bucket/data"
    generate_dataset(spec_of(out, tmp_path))
    store = Store(out)
    assert cli.main(["verify", out, "--sample", "0.5"]) == 0
    assert f"{out} is whole: every byte and label" in capsys.readouterr().out
    good = {path: store.read(path) for path in ("samples/000001/healthy/mesh.ply", "files.csv")}
    store.write(
        "samples/000001/healthy/mesh.ply", b"x" * len(good["samples/000001/healthy/mesh.ply"])
    )
    store.write("files.csv", b"sample\n")
    store.write("more.txt", b"mine")
    assert cli.main(["verify", out]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "more.txt is not listed in SHA256SUMS",
        "files.csv has changed",
        "samples/000001/healthy/mesh.ply has changed; remove what does not belong there, then run"
        f" `facies repair {out}`",
    ]
    store.remove("SHA256SUMS")
    assert cli.main(["verify", out]) == 2
    assert f"'{out}' is not a data set of facies, it has no SHA256SUMS" in capsys.readouterr().err
    store.write(".incoming/run.json", b"{}")
    assert cli.main(["verify", out]) == 2
    assert "has not finished; repeat its `facies generate`" in " ".join(
        capsys.readouterr().err.split()
    )


def test_labels_in_a_store_are_derived_again(tmp_path):
    generate_dataset(spec_of("memory://bucket/data", tmp_path))

    def open_wrong_deriver(root):
        derive = open_fake_deriver(root)
        return lambda index: ((t, v, kind, values + 1) for t, v, kind, values in derive(index))

    problems = verify_store(Store("memory://bucket/data"), 0.3, open_wrong_deriver)
    assert {problem.split("/")[1] for problem in problems} == {"000000", "000005"}


def test_exactly_the_broken_samples_of_a_store_are_made_again(reference, tmp_path, capsys):
    out = "memory://bucket/data"
    generate_dataset(spec_of(out, tmp_path))
    store = Store(out)
    mesh = "samples/000001/healthy/mesh.ply"
    store.write(mesh, b"x" * len(reference[mesh]))
    store.remove("samples/000002/parameters.json")
    store.write("samples/000003/notes.txt", b"mine")
    store.write("samples/000004/rows.json", b"{")
    store.write("severities.csv", b"nothing")
    written, write = [], MemoryFileSystem.pipe_file

    def noted(fs, path, content, **options):
        written.append(path)
        write(fs, path, content, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemoryFileSystem, "pipe_file", noted)
        repair = repair_store(out)
    assert (repair.samples, repair.changed) == ((1, 2, 3, 4), ())
    assert store_contents(store) == reference
    made_again = {path.split("/")[4] for path in written if "/samples/" in path}
    assert made_again == {"000001", "000002", "000003", "000004"}
    assert cli.main(["repair", out, "--quiet"]) == 0
    assert store_contents(store) == reference
    assert cli.main(["repair", out]) == 0
    assert f"tables and checksums of {out} are as" in capsys.readouterr().out


def test_a_store_that_cannot_be_repaired_is_left_alone(tmp_path, capsys):
    out = "memory://bucket/data"
    assert cli.main(["repair", out]) == 2
    said = f"repair expects a data set whose dataset.json can be read, got '{out}'"
    assert said in capsys.readouterr().err
    generate_dataset(spec_of(out, tmp_path))
    store = Store(out)
    facts = json.loads(store.read("dataset.json"))
    facts["versions"]["numpy"] = "1.0"
    store.write("dataset.json", json.dumps(facts).encode())
    store.write("samples/000001/healthy/mesh.ply", b"broken, and not to be removed")
    before = store_contents(store)
    with pytest.raises(RecipeError, match="holds samples of another recipe, input or version"):
        repair_store(out)
    assert store_contents(store) == before
