"""COCO: pictures, one mask a label as run-length code, 68 landmarks as keypoints of a face.

COCO puts the centre of the first pixel at (0, 0), facies at (0.5, 0.5): keypoints are shifted by
half a pixel.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool

from augment.errors import AssetError
from augment.writer.content import decode_png
from augment.writer.encode import encode_json
from augment.writer.export.cases import Selection, describe_case, write_new
from augment.writer.export.progress import OnCase
from augment.writer.export.source import Case

PIXEL_CENTRE = 0.5
ABSENT, HIDDEN, VISIBLE = 0, 1, 2
# Chains of the 68 iBUG points, first and last; closed ones end where they begin.
CHAINS = ((0, 16), (17, 21), (22, 26), (27, 30), (31, 35))
RINGS = ((36, 41), (42, 47), (48, 59), (60, 67))
N_IBUG = 68
TEXT = (
    "`images/`, `annotations/instances.json` (one mask a label and picture, uncompressed"
    " run-length code, which pycocotools reads) and `annotations/keypoints.json` (68 iBUG landmarks"
    " of a face; visibility 2 seen, 1 hidden, 0 outside the picture). Keypoints follow COCO's"
    " convention: the centre of the first pixel is (0, 0). `landmarks/` holds the landmarks as"
    " facies wrote them, in pixels (first centre at (0.5, 0.5)) and in mm."
)

Entry = dict[str, Any]


def export_coco(selection: Selection, folder: Path, on_case: OnCase) -> tuple[Case, ...]:
    """Write pictures and annotations.

    Args:
        selection: What to write; pictures only.
        folder: Where to write; empty.
        on_case: Called after each case.

    Returns:
        The cases that were written.
    """
    images: list[Entry] = []
    masks: list[Entry] = []
    faces: list[Entry] = []
    landmark_names = [str(name) for name in selection.source.legend.get("landmarks", ())]
    for number, case in enumerate(selection.cases, start=1):
        labels = selection.read_labels(case)
        images.append(_write_picture(selection, case, number, folder))
        shape = images[-1]["height"], images[-1]["width"]
        if labels.shape != shape:
            raise AssetError(f"expected labels of {shape} pixels in {case.name}, as its picture")
        for value in selection.names:
            if (labels == value).any():
                entry = {"id": len(masks) + 1, "image_id": number, "category_id": value}
                masks.append({**entry, **_mask_entry(labels == value)})
        if "landmarks" in case.files:
            content = selection.source.read(case.files["landmarks"])
            write_new(folder / "landmarks" / f"{case.name}.csv", content)
            entry = {"id": len(faces) + 1, "image_id": number, "category_id": 1}
            faces.append({**entry, **_face_entry(_keypoints(content, landmark_names, shape))})
        on_case(case)
    _write(folder / "annotations/instances.json", selection, images, masks)
    if faces:
        _write(folder / "annotations/keypoints.json", selection, images, faces, landmark_names)
    return selection.cases


def _write_picture(selection: Selection, case: Case, number: int, folder: Path) -> Entry:
    path = folder / "images" / f"{case.name}.png"
    content = selection.source.read(selection.image_of(case))
    write_new(path, content)
    height, width = decode_png(content, path).shape[:2]
    facts = describe_case(case)
    return {
        "id": number,
        "file_name": path.name,
        "width": width,
        "height": height,
        "facies": facts,
    }


def run_length_code(mask: Bool[np.ndarray, "height width"]) -> list[int]:
    """Return the lengths of runs of 0 and 1 down the columns, beginning with 0.

    Args:
        mask: A mask.

    Returns:
        Lengths that add up to its number of pixels; the first is 0 if the first pixel is set.
    """
    flat = mask.ravel(order="F")
    starts = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    counts: list[int] = np.diff(np.concatenate(([0], starts, [flat.size]))).tolist()
    return [0, *counts] if flat[0] else counts


def _mask_entry(mask: Bool[np.ndarray, "height width"]) -> Entry:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return {
        "segmentation": {"size": list(mask.shape), "counts": run_length_code(mask)},
        "area": int(mask.sum()),
        "bbox": [
            int(columns[0]),
            int(rows[0]),
            int(columns[-1] - columns[0] + 1),
            int(rows[-1] - rows[0] + 1),
        ],
        "iscrowd": 0,
    }


def _face_entry(keypoints: list[int | float]) -> Entry:
    """Return keypoints with their convex hull, whose area scales their errors in OKS."""
    points = np.array(keypoints).reshape(-1, 3)
    points = points[points[:, 2] > ABSENT, :2].astype(np.float32) + np.float32(PIXEL_CENTRE)
    entry = {"keypoints": keypoints, "num_keypoints": len(points), "iscrowd": 0}
    if len(points) < 3:
        return {**entry, "segmentation": [], "area": 0, "bbox": [0, 0, 0, 0]}
    hull = cv2.convexHull(points)[:, 0]
    low, high = hull.min(axis=0), hull.max(axis=0)
    return {
        **entry,
        "segmentation": [hull.ravel().round(2).tolist()],
        "area": round(float(cv2.contourArea(hull)), 2),
        "bbox": np.concatenate((low, high - low)).round(2).tolist(),
    }


def _keypoints(content: bytes, names: list[str], shape: tuple[int, int]) -> list[int | float]:
    rows = {row["name"]: row for row in csv.DictReader(content.decode("utf-8").splitlines())}
    if set(rows) != set(names):
        raise AssetError(
            f"expected the {len(names)} landmarks that dataset.json names, got {len(rows)} others"
        )
    height, width = shape
    keypoints: list[int | float] = []
    for name in names:
        x, y = float(rows[name]["x_px"]), float(rows[name]["y_px"])
        if not (0 <= x < width and 0 <= y < height):
            keypoints += [0, 0, ABSENT]
            continue
        seen = VISIBLE if int(rows[name]["visible"]) else HIDDEN
        keypoints += [round(x - PIXEL_CENTRE, 4), round(y - PIXEL_CENTRE, 4), seen]
    return keypoints


def _skeleton() -> list[list[int]]:
    """Return pairs of landmarks that viewers join, counted from 1 as COCO does."""
    edges = [[i + 1, i + 2] for first, last in (*CHAINS, *RINGS) for i in range(first, last)]
    return edges + [[last + 1, first + 1] for first, last in RINGS]


def _write(
    path: Path,
    selection: Selection,
    images: list[Entry],
    annotations: list[Entry],
    landmark_names: Sequence[str] = (),
) -> None:
    licences = selection.source.legend["assets"].items()
    content = {
        "info": {"description": f"{selection.source.name}, made by facies", "version": "1"},
        "licenses": [
            {"id": number, "name": f"{asset}: {licence}", "url": ""}
            for number, (asset, licence) in enumerate(licences, start=1)
        ],
        "images": images,
        "annotations": annotations,
        "categories": _face(landmark_names) if landmark_names else _labels(selection),
    }
    write_new(path, encode_json(content))


def _labels(selection: Selection) -> list[Entry]:
    return [
        {"id": value, "name": label, "supercategory": selection.kind}
        for value, label in selection.names.items()
    ]


def _face(landmark_names: Sequence[str]) -> list[Entry]:
    skeleton = _skeleton() if len(landmark_names) == N_IBUG else []
    face: Entry = {"id": 1, "name": "face", "supercategory": "head"}
    return [{**face, "keypoints": list(landmark_names), "skeleton": skeleton}]
