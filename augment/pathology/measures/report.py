"""Every measure that a landmarked mesh allows, with its unit and healthy value, as a table."""

import csv
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from augment.errors import AssetError, GeometryError
from augment.morphable.anthropometry import DISTANCES, distance_mm
from augment.pathology.measures import cephalometric, vault
from augment.pathology.measures.frame import Named
from augment.untrusted import read_bounded, shown

SIDES = ("right", "left")
MAX_LANDMARK_BYTES = 1_000_000


@dataclass(frozen=True)
class Measured:
    """One row of the report: name, value, unit and what is healthy (empty where not stated)."""

    name: str
    value: float
    unit: str
    norm: str


# Name → function of points, unit, norm. A name with {side} is taken on both sides.
_OF_POINTS: dict[str, tuple[Callable[..., float], str, str]] = {
    "SNA": (cephalometric.sna_deg, "deg", "82 (Steiner)"),
    "SNB": (cephalometric.snb_deg, "deg", "80 (Steiner)"),
    "ANB": (cephalometric.anb_deg, "deg", "2 (Steiner)"),
    "SN-GoGn": (cephalometric.sn_gogn_deg, "deg", "32 (Steiner)"),
    "bony_interorbital": (cephalometric.interorbital_mm, "mm", "25 f, 28 m (Tessier)"),
    "zygomatic_axis": (cephalometric.zygomatic_axis_deg, "deg", "98.1 at 9 years"),
    "go_gn": (cephalometric.gonion_gnathion_mm, "mm", ""),
    "lip_height": (cephalometric.lip_height_mm, "mm", ""),
    "malar_depression_{side}": (cephalometric.malar_depression_mm, "mm", "0"),
    "menton_deviation_{side}": (cephalometric.menton_deviation_mm, "mm", "< 3"),
    "nasal_axis_{side}": (cephalometric.nasal_axis_deg, "deg", "0-2"),
    "oral_cant_{side}": (cephalometric.oral_cant_deg, "deg", "< 3"),
    "hemiface_loss_{side}": (cephalometric.hemiface_loss_mm, "mm", "0"),
    "subnasale_deviation_{side}": (cephalometric.subnasale_deviation_mm, "mm", "0"),
    "hertel_{side}": (cephalometric.hertel_mm, "mm", "13.9"),
    "lid_margin_{side}": (cephalometric.lid_margin_mm, "mm", "4"),
    "ramus_height_{side}": (cephalometric.ramus_height_mm, "mm", ""),
    "ramus_ratio_{side}": (cephalometric.ramus_ratio, "ratio", "1"),
}
_OF_VAULT: dict[str, tuple[Callable[..., float], str, str]] = {
    "cephalic_ratio": (vault.cephalic_ratio_percent, "percent", "75-90"),
    "SSI-A": (vault.scaphocephaly_index_percent, "percent", "> 77"),
    "vault_height": (vault.vault_height_percent, "percent", ""),
    "interfrontal_angle": (vault.interfrontal_angle_deg, "deg", "144.8 ± 8.5"),
    "CVAI_{side}": (vault.cvai_percent, "percent", "< 3.5"),
    "forehead_asymmetry_{side}": (vault.forehead_asymmetry_percent, "percent", "0 ± 1.1"),
}


def measure_mesh(
    points: Named,
    vertices: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "triangles 3"],
) -> list[Measured]:
    """Return every measure that the landmarks and the mesh allow.

    Args:
        points: Landmark name → position in the mesh's frame, mm.
        vertices: Vertices of the head, mm.
        faces: Its triangles.

    Raises:
        GeometryError: If the landmarks allow no measure at all.
    """
    rows = [
        Measured(name, distance_mm(points, *pair), "mm", "")
        for name, pair in DISTANCES.items()
        if all(end in points for end in pair)
    ]
    rows += _rows(_OF_POINTS, points)
    with suppress(GeometryError):  # no landmarks of the vault, or no surface above them
        rows += _rows(_OF_VAULT, vault.vault_of(points, vertices, faces))
    if not rows:
        raise GeometryError(
            "none of the measures can be taken with the landmarks "
            f"{', '.join(sorted(points)) or '(none)'}: name them as `facies` does, for example "
            "tragion_right, orbitale_left, nasion"
        )
    return rows


def _rows(table: dict[str, tuple[Callable[..., float], str, str]], of: object) -> list[Measured]:
    rows = []
    for name, (function, unit, norm) in table.items():
        for side in SIDES if "{side}" in name else (None,):
            arguments = (of,) if side is None else (of, side)
            try:
                value = function(*arguments)
            except GeometryError:  # this landmark or section is not there
                continue
            rows.append(Measured(name.format(side=side), value, unit, norm))
    return rows


def read_landmarks(path: Path) -> dict[str, np.ndarray]:
    """Read named points from a CSV file with the columns name, x, y, z.

    Raises:
        AssetError: If the file is missing, its columns are others, or a number is not finite.
    """
    content = read_bounded(path, "a file of landmarks", MAX_LANDMARK_BYTES)
    try:
        rows = list(csv.DictReader(StringIO(content.decode("utf-8"), newline="")))
        points = {row["name"]: np.array([float(row[a]) for a in "xyz"]) for row in rows}
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise AssetError(
            f"expected the columns name, x, y, z with numbers in {str(path)!r}, got"
            f" {shown(error)}; correct the file"
        ) from error
    for name, point in points.items():
        if not np.isfinite(point).all():
            raise AssetError(
                f"expected finite numbers in {str(path)!r}, got NaN or infinity for {shown(name)};"
                " remove the landmark"
            )
    return points
