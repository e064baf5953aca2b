import csv

import numpy as np
import pytest
import trimesh

from augment.cli import main
from augment.pathology.measures import report

POINTS = {
    "tragion_right": (60.0, 0.0, 0.0),
    "tragion_left": (-60.0, 0.0, 0.0),
    "orbitale_right": (30.0, 70.0, 0.0),
    "orbitale_left": (-30.0, 70.0, 0.0),
    "nasion": (0.0, 80.0, 0.0),
    "alare_right": (17.0, 90.0, -20.0),
    "alare_left": (-17.0, 90.0, -20.0),
}


@pytest.fixture
def head(tmp_path):
    sphere = trimesh.creation.icosphere(subdivisions=4)
    sphere.vertices = sphere.vertices * [70.0, 90.0, 80.0]
    sphere.export(tmp_path / "head.ply")
    lines = [f"{name},{x},{y},{z}" for name, (x, y, z) in POINTS.items()]
    (tmp_path / "points.csv").write_text("\n".join(["name,x,y,z", *lines]), encoding="utf-8")
    return tmp_path


def test_a_landmarked_mesh_is_measured_as_far_as_its_landmarks_go(head):
    words = [f"landmarks={head / 'points.csv'}", f"out={head / 'measures.csv'}"]
    assert main(["measure", str(head / "head.ply"), *words]) == 0
    with (head / "measures.csv").open(encoding="utf-8") as file:
        rows = {row["measure"]: row for row in csv.DictReader(file)}
    assert float(rows["cephalic_ratio"]["value"]) == pytest.approx(100 * 70 / 90, abs=0.3)
    assert float(rows["nasal_width"]["value"]) == pytest.approx(34.0)
    assert "SNA" not in rows


def test_mistakes_are_one_sentence(head, capsys):
    assert main(["measure", str(head / "head.ply")]) == 2
    assert "expected landmarks=FILE for" in capsys.readouterr().err
    assert main(["measure", str(head / "head.ply"), "points=x"]) == 2
    assert "measure expects landmarks=FILE or out=FILE, got 'points=x'" in capsys.readouterr().err
    (head / "points.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert main(["measure", str(head / "head.ply"), f"landmarks={head / 'points.csv'}"]) == 2
    assert "expected the columns name, x, y, z" in capsys.readouterr().err


def test_unknown_landmarks_are_told():
    with pytest.raises(report.GeometryError, match="none of the measures can be taken"):
        report.measure_mesh({"a": np.zeros(3)}, np.zeros((3, 3)), np.array([[0, 1, 2]]))
