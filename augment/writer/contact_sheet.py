"""The contact sheet: what a person wants to look at first, read back from the written files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from augment.writer.decode import read_image, read_pixels
from augment.writer.encode import encode_png
from augment.writer.tiles import TILE_PX, Image, heat, overlay, tile
from augment.writer.volume_panels import film_row, volume_rows

MAX_SAMPLES = 48
# A volume fills three rows and takes a second to read.
MAX_VOLUMES = 12
CAPTION_PX = 18
GAP_PX = 6
SHEET_WIDTH_PX = 2200

Rows = Sequence[Mapping[str, Any]]


def contact_sheet(root: Path, files: Rows, severities: Rows) -> bytes:
    """Return a PNG that shows the first view, and slices of the volume, of samples.

    Each sample shows its healthy twin, its pathological twin, how far the skin moved, and the
    regions; under them the same of its volume, cut through the voxel that moves most; what it does
    not have is left out.

    Args:
        root: Folder of the data set.
        files: Rows of the table of files, of the samples that are shown; see `sheet_samples`.
        severities: Rows of the table of severities.

    Returns:
        The PNG file; the same data set gives the same bytes.
    """
    paths: dict[int, dict[tuple[str, str], Path]] = {}
    for row in files:
        if row["view"] in (0, None):
            sample = paths.setdefault(row["sample"], {})
            sample[row["twin"], row["kind"]] = root / row["path"]
    chosen = sorted(paths)
    captions = {sample: _caption(sample, severities) for sample in chosen}
    blocks = [
        _block(
            [_panels(paths[sample]), *volume_rows(paths[sample]), film_row(paths[sample])],
            captions[sample],
        )
        for sample in chosen
    ]
    return encode_png(_grid(blocks))


def sheet_samples(n_samples: int, *, has_volumes: bool) -> list[int]:
    """Return the numbers of the samples that the contact sheet shows, evenly chosen.

    Args:
        n_samples: Samples of the data set.
        has_volumes: Whether they have volumes.
    """
    limit = MAX_VOLUMES if has_volumes else MAX_SAMPLES
    if n_samples <= limit:
        return list(range(n_samples))
    found: list[int] = np.linspace(0, n_samples - 1, limit).round().astype(int).tolist()
    return found


def _panels(paths: Mapping[tuple[str, str], Path]) -> list[Image]:
    panels = []
    shown = ""
    for twin in ("healthy", "pathological"):
        if (twin, "image") in paths:
            panels.append(tile(read_image(paths[twin, "image"])))
            shown = twin
    if (shown, "displacement_mm") in paths and shown == "pathological":
        moved = np.linalg.norm(
            read_pixels(paths[shown, "displacement_mm"], "displacement_mm"), axis=-1
        )
        panels.append(heat(panels[-1], tile(moved, exact=True)))
    if (shown, "regions") in paths:
        labels = read_pixels(paths[shown, "regions"], "regions")
        panels.append(overlay(tile(read_image(paths[shown, "image"])), tile(labels, exact=True)))
    return panels


def _caption(sample: int, severities: Rows) -> str:
    parts = [f"{sample}"]
    for row in severities:
        if row["sample"] == sample:
            side = f" {row['side']}" if row.get("side") else ""
            grade = f" ({row['grade']})" if row.get("grade") else ""
            parts.append(
                f"{row['pathology'].replace('_', ' ')}{side} {row['measured']:.1f}"
                f" {row['unit']}{grade}"
            )
    return "  ".join(parts)


def _block(rows: list[list[Image]], caption: str) -> Image:
    n_columns = max(1, *(len(row) for row in rows))
    blank = np.full((TILE_PX, TILE_PX, 3), 255, dtype=np.uint8)
    strip = np.full((CAPTION_PX, TILE_PX * n_columns, 3), 255, dtype=np.uint8)
    text = caption.encode("ascii", "replace").decode()
    cv2.putText(strip, text, (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (20, 20, 20), 1, cv2.LINE_AA)
    strips = [
        np.concatenate([*row, *[blank] * (n_columns - len(row))], axis=1) for row in rows if row
    ]
    return np.concatenate([strip, *strips])


def _grid(blocks: list[Image]) -> Image:
    height = max(block.shape[0] for block in blocks) + GAP_PX
    width = max(block.shape[1] for block in blocks) + GAP_PX
    n_columns = min(len(blocks), max(1, SHEET_WIDTH_PX // width))
    n_rows = -(-len(blocks) // n_columns)
    sheet = np.full((n_rows * height + GAP_PX, n_columns * width + GAP_PX, 3), 255, np.uint8)
    for number, block in enumerate(blocks):
        row, column = divmod(number, n_columns)
        top, left = row * height + GAP_PX, column * width + GAP_PX
        sheet[top : top + block.shape[0], left : left + block.shape[1]] = block
    return sheet
