"""The contact sheet: what a person wants to look at first, read back from the written files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8

from augment.writer.decode import read_image, read_pixels
from augment.writer.encode import encode_png

MAX_SAMPLES = 48
TILE_PX = 176
CAPTION_PX = 18
GAP_PX = 6
SHEET_WIDTH_PX = 2200
# Displacement that the heat picture shows in its brightest colour.
HEAT_MM = 10.0
REGION_SHARE = 0.55

Rows = Sequence[Mapping[str, Any]]
Image = UInt8[np.ndarray, "_height _width 3"]


def contact_sheet(root: Path, files: Rows, severities: Rows) -> bytes:
    """Return a PNG that shows the first view of evenly chosen samples.

    Each sample shows its healthy twin, its pathological twin, how far the skin moved, and the
    regions; what it does not have is left out.

    Args:
        root: Folder of the data set.
        files: Rows of the table of files.
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
    if len(chosen) > MAX_SAMPLES:
        places = np.linspace(0, len(chosen) - 1, MAX_SAMPLES).round().astype(int)
        chosen = [chosen[place] for place in places]
    captions = {sample: _caption(sample, severities) for sample in chosen}
    blocks = [_block(_panels(paths[sample]), captions[sample]) for sample in chosen]
    return encode_png(_grid(blocks))


def _panels(paths: Mapping[tuple[str, str], Path]) -> list[Image]:
    panels = []
    shown = ""
    for twin in ("healthy", "pathological"):
        if (twin, "image") in paths:
            panels.append(_tile(read_image(paths[twin, "image"])))
            shown = twin
    if (shown, "displacement_mm") in paths and shown == "pathological":
        panels.append(_heat(panels[-1], paths[shown, "displacement_mm"]))
    if (shown, "regions") in paths:
        labels = read_pixels(paths[shown, "regions"], "regions")
        panels.append(_overlay(_tile(read_image(paths[shown, "image"])), _tile(labels, exact=True)))
    return panels


def _tile(image: np.ndarray, *, exact: bool = False) -> np.ndarray:
    method = cv2.INTER_NEAREST if exact else cv2.INTER_AREA
    return np.asarray(cv2.resize(image, (TILE_PX, TILE_PX), interpolation=method))


def _heat(picture: Image, path: Path) -> Image:
    moved = np.linalg.norm(read_pixels(path, "displacement_mm"), axis=-1)
    moved = _tile(moved, exact=True)
    level = np.clip(moved / HEAT_MM * 255, 0, 255).astype(np.uint8)
    colours = cv2.cvtColor(cv2.applyColorMap(level, cv2.COLORMAP_TURBO), cv2.COLOR_BGR2RGB)
    share = np.clip(moved / 2.0, 0, 0.75)[..., None]
    grey = picture.mean(axis=-1, keepdims=True)
    return (grey * (1 - share) + colours * share).round().astype(np.uint8)


def _overlay(picture: Image, labels: UInt8[np.ndarray, "height width"]) -> Image:
    hue = (labels.astype(np.uint16) * 67 % 180).astype(np.uint8)
    full = np.full_like(hue, 200)
    colours = cv2.cvtColor(np.stack((hue, full, full), axis=-1), cv2.COLOR_HSV2RGB)
    share = REGION_SHARE * (labels > 0)[..., None]
    return (picture * (1 - share) + colours * share).round().astype(np.uint8)


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


def _block(panels: list[Image], caption: str) -> Image:
    width = TILE_PX * len(panels)
    strip = np.full((CAPTION_PX, width, 3), 255, dtype=np.uint8)
    text = caption.encode("ascii", "replace").decode()
    cv2.putText(strip, text, (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (20, 20, 20), 1, cv2.LINE_AA)
    return np.concatenate((strip, np.concatenate(panels, axis=1)))


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
