"""The rooms and the way between them: imports point backwards, the wheel holds one name."""

import ast
import shutil
import subprocess
import sys
import tomllib
import zipfile
from graphlib import TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "augment"

# Each room may import rooms before it and those on its own line.
ORDER = (
    ("errors", "streams", "learning", "operations"),
    ("untrusted",),
    ("recipe", "recipes"),
    ("sample", "record", "subject_folder"),
    ("geometry",),
    ("raster",),
    ("morphable",),
    ("pathology",),
    ("render", "photometric"),
    ("portrait",),
    ("reconstruct",),
    ("volume",),
    ("pipeline",),
    ("writer",),
    ("engine",),
    ("commands",),
    ("segmentation", "face_training"),
    ("cli",),
    ("launch",),
)
RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}
FORBIDDEN_NAMES = ("utils", "util", "helpers", "common", "misc", "base")
MAX_LINES = 500


def sources():
    return sorted(PACKAGE.rglob("*.py"))


def room_of(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports_of(path):
    """Names within augment that a file imports, in parts, with the line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parts = tuple(name.split("."))
            if parts[0] == "augment" and len(parts) > 1:
                yield parts, node.lineno


def imported_rooms(path):
    """Rooms of augment that a file imports, with the line."""
    for parts, line in imports_of(path):
        yield parts[1], line


def test_every_room_has_a_place_in_the_order():
    rooms = {room_of(path) for path in sources()} - {"__init__"}
    assert rooms - set(RANK) == set()


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_backwards(path):
    room = room_of(path)
    if room == "__init__":
        return
    for imported, line in imported_rooms(path):
        assert RANK[imported] <= RANK[room], f"{path}:{line} imports augment.{imported}"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_follows_the_guide(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_LINES
    assert path.stem not in FORBIDDEN_NAMES
    assert "from __future__ import annotations" not in text


NESTED = sorted({path.parents[1] for path in PACKAGE.rglob("*/*/__init__.py")})


@pytest.mark.parametrize("folder", NESTED, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_folders_of_a_room_stand_in_no_circle(folder):
    prefix = folder.relative_to(ROOT).parts
    graph = {}
    for path in sorted(folder.rglob("*.py")):
        unit = path.relative_to(folder).with_suffix("").parts[0]
        if unit != "__init__":
            found = {parts[len(prefix)] for parts, _ in imports_of(path) if prefix == parts[:2]}
            graph.setdefault(unit, set()).update(found - {unit})
    # Raises CycleError.
    assert set(TopologicalSorter(graph).static_order()) >= set(graph)


def test_the_order_is_read_at_all():
    edges = {(room_of(path), name) for path in sources() for name, _ in imported_rooms(path)}
    assert ("cli", "recipe") in edges
    assert ("writer", "record") in edges
    assert all(RANK[first[0]] < RANK[second[0]] for first, second in pairwise(ORDER))


def test_the_list_of_packages_is_the_tree():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = settings["tool"]["setuptools"]["packages"]
    tree = {".".join(path.parent.relative_to(ROOT).parts) for path in PACKAGE.rglob("__init__.py")}
    assert listed == sorted(listed)
    assert set(listed) == tree | {"augment.datasets", "augment.recipes"}
    assert not list((ROOT / "recipes").glob("*/__init__.py"))


def test_the_only_top_level_of_the_wheel_is_augment(tmp_path):
    # A copy, for setuptools keeps what an earlier build left behind.
    source = tmp_path / "source"
    source.mkdir()
    for name in ("augment", "datasets", "recipes"):
        shutil.copytree(ROOT / name, source / name)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = ["pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(source)]
    subprocess.run([sys.executable, "-m", *command], check=True)
    (wheel,) = tmp_path.glob("facies-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"augment"}
    for folder in ("datasets", "recipes"):
        files = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*.yaml")}
        assert {name.removeprefix("augment/") for name in names} >= files
    assert "augment/py.typed" in names
    weights = {f"augment/portrait/weights/face_network.{end}" for end in ("safetensors", "json")}
    assert weights <= set(names)


def test_importing_the_package_imports_no_torch():
    code = "import sys, augment, augment.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
