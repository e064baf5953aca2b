"""The watcher of the kill test sees what it is there to see."""

import time
from importlib import import_module
from pathlib import Path
from shutil import copytree

import pytest

RELIABILITY = Path(__file__).parents[2] / "benchmarks" / "reliability"


@pytest.fixture
def watch(monkeypatch):
    monkeypatch.syspath_prepend(str(RELIABILITY))
    return import_module("watch")


@pytest.fixture
def finished(tmp_path):
    root = tmp_path / "finished"
    for name in ("000000", "000001"):
        (root / "samples" / name / "healthy").mkdir(parents=True)
        (root / "samples" / name / "rows.json").write_text(name, encoding="utf-8")
        (root / "samples" / name / "healthy/mesh.ply").write_text(f"mesh {name}", encoding="utf-8")
    (root / "files.csv").write_text("all", encoding="utf-8")
    return root


def seen(watch, root, finished, change):
    """What is counted when a data set is there at once, changed in one place."""
    copytree(finished, root, dirs_exist_ok=True)
    change(root)
    watcher = watch.Watcher(root, watch.digests(finished))
    time.sleep(0.3)
    return watcher.stop()


@pytest.mark.parametrize(
    ("change", "partial"),
    [
        (lambda root: None, False),
        (lambda root: (root / "samples/000001/healthy/mesh.ply").write_bytes(b"mesh"), True),
        (lambda root: (root / "samples/000001/rows.json").unlink(), True),
        (lambda root: (root / "samples/000001/more").touch(), True),
        (lambda root: (root / "samples/000002").mkdir(), True),
        (lambda root: (root / "files.csv").write_bytes(b"a"), True),
        (lambda root: (root / "notes.txt").touch(), True),
    ],
)
def test_whatever_is_visible_and_not_whole_is_counted(watch, finished, tmp_path, change, partial):
    counts = seen(watch, tmp_path / "seen", finished, change)
    assert counts["looks"] > 1
    assert counts["samples"] >= 2
    assert (counts["partial"] > 0) == partial
