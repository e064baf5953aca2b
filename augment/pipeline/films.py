"""Radiographs of a volume with their cephalometric points and angles."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Int16

from augment.pathology.measures import anb_deg, sn_gogn_deg, sna_deg, snb_deg
from augment.record import FilmRecord
from augment.volume.grid import Grid
from augment.volume.imaging.radiograph import cephalogram, on_film, project_landmarks

FILM_WHITE = 65535
VIEWS = {"cephalogram_lateral": "lateral", "cephalogram_pa": "pa"}
CEPHALOMETRIC = (
    "S",
    "N",
    "A",
    "B",
    "Pog",
    "Gn",
    "Me",
    "Go_right",
    "Go_left",
    "Or_right",
    "Or_left",
    "ANS",
    "PNS",
    "U1",
    "L1",
    "Co_right",
    "Co_left",
    "Ar_right",
    "Ar_left",
    "Po_right",
    "Po_left",
)
ANGLES = {"SNA": sna_deg, "SNB": snb_deg, "ANB": anb_deg, "SN-GoGn": sn_gogn_deg}


def film_records(
    films: Sequence[str],
    image_hu: Int16[np.ndarray, "x y z"],
    grid: Grid,
    points_mm: Mapping[str, np.ndarray],
) -> tuple[dict[str, FilmRecord], dict[str, float]]:
    """Return radiographs of an upright head and the angles of its bony points.

    Args:
        films: `cephalogram_lateral`, `cephalogram_pa`; none gives none.
        image_hu: HU.
        grid: Its grid, head frame.
        points_mm: Skin landmarks and points of bone and teeth by name, head frame; those that a
            film does not show are left out of it.
    """
    if not films:
        return {}, {}
    image = torch.from_numpy(image_hu.astype(np.float32))
    names = [name for name in CEPHALOMETRIC if name in points_mm]
    places = np.stack([points_mm[name] for name in names]).astype(float)
    records = {}
    for kind in films:
        film = cephalogram(image, grid.spacing_mm, grid.origin_mm, VIEWS[kind])
        projected = project_landmarks(film, torch.from_numpy(places))
        shown = on_film(film, projected).tolist()
        numbers = np.concatenate((projected.numpy(), places), axis=1)
        picture = np.rint(film.picture().numpy() * FILM_WHITE).astype(np.uint16)
        rows = {
            name: (row[0], row[1], row[2], row[3], row[4])
            for name, row, is_shown in zip(names, numbers.tolist(), shown, strict=True)
            if is_shown
        }
        records[kind] = FilmRecord(picture, film.pixel_mm, rows)
    return records, {name: float(angle(points_mm)) for name, angle in ANGLES.items()}
