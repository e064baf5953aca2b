"""`facies measure`: clinical measures of a landmarked mesh, on the screen and in a file."""

import csv
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from augment.errors import AssetError
from augment.geometry.mesh_file import read_mesh
from augment.morphable import load_face_model
from augment.pathology.anchors import all_points, anchor_map
from augment.pathology.measures.report import Measured, measure_mesh, read_landmarks


def measure_and_report(mesh: Path, landmarks: Path | None, out: Path | None) -> int:
    """Measure a mesh, print a table and write it.

    Args:
        mesh: OBJ, PLY or STL file, mm.
        landmarks: CSV file with name, x, y, z in mm; None for a mesh with the template's vertices.
        out: CSV file to write, or None.

    Returns:
        0.

    Raises:
        AssetError: If a file cannot be read, or a foreign mesh comes without landmarks.
        GeometryError: If the landmarks allow no measure.
    """
    vertices, faces = read_mesh(mesh)
    points = _own_landmarks(mesh, vertices) if landmarks is None else read_landmarks(landmarks)
    rows = measure_mesh(points, np.asarray(vertices, np.float64), faces)
    table = Table("measure", "value", "unit", "healthy")
    for row in rows:
        table.add_row(row.name, f"{row.value:.2f}", row.unit, row.norm)
    Console().print(table)
    if out is not None:
        _write(out, rows)
    return 0


def _own_landmarks(mesh: Path, vertices: np.ndarray) -> dict[str, np.ndarray]:
    model = load_face_model()
    if len(vertices) != model.n_vertices:
        raise AssetError(
            f"expected landmarks=FILE for {str(mesh)!r}: it has {len(vertices)} vertices, and only "
            f"a mesh of the template's {model.n_vertices} vertices carries its landmarks with it"
        )
    anchors = anchor_map(model)
    return anchors.named(all_points(anchors, model, np.asarray(vertices, np.float64)))


def _write(path: Path, rows: list[Measured]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("measure", "value", "unit", "healthy"))
        writer.writerows((row.name, f"{row.value:.4f}", row.unit, row.norm) for row in rows)
