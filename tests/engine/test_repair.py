"""Repair: broken samples get their first bytes again, whole ones are not touched."""

import json
import shutil

import pytest

from augment import cli
from augment.engine.generate import generate_dataset
from augment.engine.repair import repair_dataset
from augment.errors import AssetError, RecipeError
from augment.pipeline import open_deriver
from augment.recipe import compose_recipe
from augment.writer.verify import verify_folder


def contents(root):
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("made") / "data"
    words = ["render.size_px=32", "render.supersample=1", "samples=4", f"out={root}", "workers=1"]
    generate_dataset(compose_recipe("face_demo", words))
    return root


@pytest.fixture
def root(made, tmp_path):
    return shutil.copytree(made, tmp_path / "data")


def test_exactly_the_broken_samples_are_made_again(made, root):
    changed = root / "samples/000001/healthy/view_0/image.png"
    changed.write_bytes(changed.read_bytes()[:-1] + b"x")
    (root / "samples/000002/healthy/mesh.ply").unlink()
    (root / "samples/000003/notes.txt").write_text("mine", encoding="utf-8")
    (root / "severities.csv").write_text("nothing", encoding="utf-8")
    untouched = (root / "samples/000000/parameters.json").stat().st_mtime_ns
    assert verify_folder(root, 0.0, open_deriver) != []
    repair = repair_dataset(root)
    assert repair.samples == (1, 2, 3)
    assert repair.changed == ()
    assert contents(root) == contents(made)
    assert (root / "samples/000000/parameters.json").stat().st_mtime_ns == untouched


def test_a_whole_data_set_stays_as_it_is(made, root, capsys):
    assert cli.main(["repair", str(root)]) == 0
    assert "no sample was broken" in capsys.readouterr().out
    assert contents(root) == contents(made)


def test_a_wrong_manifest_is_corrected_and_named(made, root):
    path = root / "SHA256SUMS"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[5] = "0" * 64 + lines[5][64:]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    repair = repair_dataset(root)
    assert repair.samples == ()
    assert repair.changed == (lines[5][66:],)
    assert contents(root) == contents(made)


def test_what_cannot_be_repaired_is_left_alone(root):
    facts = json.loads((root / "dataset.json").read_text(encoding="utf-8"))
    facts["versions"]["numpy"] = "1.0"
    (root / "dataset.json").write_text(json.dumps(facts), encoding="utf-8")
    (root / "samples/000001/healthy/mesh.ply").write_bytes(b"broken, and not to be removed")
    before = contents(root)
    with pytest.raises(RecipeError, match="holds samples of another recipe, input or version"):
        repair_dataset(root)
    assert contents(root) == before
    (root / "dataset.json").write_text("{", encoding="utf-8")
    before = contents(root)
    with pytest.raises(AssetError, match=r"repair expects a data set whose dataset\.json can be"):
        repair_dataset(root)
    (root / "link").symlink_to(root / "README.md")
    with pytest.raises(AssetError, match="is a symbolic link, whose target lies outside"):
        repair_dataset(root)
    (root / "link").unlink()
    assert contents(root) == before
