"""One sample on disk: built beside the data set, then moved in with one rename."""

import os
from collections.abc import Iterable, Iterator
from hashlib import file_digest, sha256
from pathlib import Path
from shutil import rmtree
from socket import gethostname
from typing import Any

import numpy as np
import torch
from jaxtyping import Shaped

from augment.errors import AssetError
from augment.geometry.mesh import ply_bytes
from augment.record import SampleRecord, TwinRecord, ViewRecord
from augment.untrusted import read_json
from augment.writer.encode import encode_json, encode_landmarks, encode_npz, encode_png
from augment.writer.inside import inside
from augment.writer.kinds import HEAD_SHAPE, PIXEL_KINDS, VIEW_KINDS, Kind
from augment.writer.volume_entries import check_volume_files, volume_contents

INCOMING = ".incoming"
SAMPLES = "samples"
ROWS = "rows.json"
TABLES = {"samples", "severities", "files"}

# Relative path, twin, view, kind, content; twin is empty and view None where they do not apply.
Entry = tuple[str, str, int | None, str, bytes]


def sample_name(index: int) -> str:
    """Return the folder name of a sample."""
    return f"{index:06d}"


def sample_folder(root: Path, index: int) -> Path:
    """Return the folder of a sample."""
    return root / SAMPLES / sample_name(index)


def write_sample(root: Path, sample: SampleRecord, landmark_names: tuple[str, ...]) -> None:
    """Write all files of one sample; after a kill it is there whole or not at all.

    Args:
        root: Folder of the data set.
        sample: What to write.
        landmark_names: Names of the landmarks.

    Raises:
        AssetError: If a volume on disk differs from what was to be written.
    """
    name = sample_name(sample.index)
    # A cluster that lost sight of a machine begins its samples again elsewhere: two may write one.
    incoming = root / INCOMING / f"{name}.{gethostname()}.{os.getpid()}"
    rmtree(incoming, ignore_errors=True)
    incoming.mkdir(parents=True)
    rows = []
    folders = {incoming}
    for path, twin, view, kind, content in _entries(sample, landmark_names):
        target = incoming / path
        if target.parent not in folders:
            target.parent.mkdir(parents=True, exist_ok=True)
            folders.add(target.parent)
        target.write_bytes(content)
        rows.append(
            {
                "sample": sample.index,
                "twin": twin,
                "view": view,
                "kind": kind,
                "path": f"{SAMPLES}/{name}/{path}",
                "bytes": len(content),
                "sha256": sha256(content).hexdigest(),
            }
        )
    for head in sample.twins:
        if head.volume is not None:
            check_volume_files(incoming / head.name, head.volume)
    tables = {
        "samples": [{"sample": sample.index, **sample.subject}],
        "severities": [{"sample": sample.index, **row} for row in sample.severities],
        "files": rows,
    }
    (incoming / ROWS).write_bytes(encode_json(tables))
    (root / SAMPLES).mkdir(exist_ok=True)
    try:
        incoming.rename(root / SAMPLES / name)
    except OSError:
        if not is_whole(root, sample.index):
            raise
        rmtree(incoming)  # another one was first, with the same bytes


def read_rows(root: Path, index: int) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of the three tables that one sample has written."""
    path = root / SAMPLES / sample_name(index) / ROWS
    advice = "`facies repair` makes the sample again"
    rows: dict[str, list[dict[str, Any]]] = read_json(path, "the rows of a sample", advice)
    if not (isinstance(rows, dict) and set(rows) == TABLES and _are_rows(rows.values())):
        raise AssetError(
            f"expected the tables {', '.join(sorted(TABLES))} of rows in '{path}', got something"
            f" else; {advice}"
        )
    return rows


def _are_rows(tables: Iterable[Any]) -> bool:
    return all(isinstance(t, list) and all(isinstance(row, dict) for row in t) for t in tables)


def is_whole(root: Path, index: int) -> bool:
    """Return whether every file of a sample is there with the bytes that were written."""
    try:
        files = read_rows(root, index)["files"]
        return all(digest_of(inside(root, row["path"])) == row["sha256"] for row in files)
    except (OSError, ValueError, KeyError, TypeError, RecursionError, AssetError):
        return False


def is_as_made(root: Path, index: int) -> bool:
    """Return whether a sample has all of its files as they were made, and no other."""
    if not is_whole(root, index):
        return False
    folder = root / SAMPLES / sample_name(index)
    listed = {row["path"] for row in read_rows(root, index)["files"]}
    listed.add((folder / ROWS).relative_to(root).as_posix())
    found = {p.relative_to(root).as_posix() for p in folder.rglob("*") if p.is_file()}
    return found == listed


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def _entries(sample: SampleRecord, landmark_names: tuple[str, ...]) -> Iterator[Entry]:
    yield "parameters.json", "", None, "parameters", encode_json(sample.parameters)
    for twin in sample.twins:
        yield from _twin_entries(sample, twin, landmark_names)


def _twin_entries(
    sample: SampleRecord, twin: TwinRecord, landmark_names: tuple[str, ...]
) -> Iterator[Entry]:
    if twin.vertices_mm is not None:
        mesh = ply_bytes(twin.vertices_mm, sample.faces)
        yield f"{twin.name}/mesh.ply", twin.name, None, "mesh", mesh
    if twin.head_shape_mm is not None:
        shape = encode_npz(HEAD_SHAPE.name, twin.head_shape_mm.astype(np.float32, copy=False))
        yield f"{twin.name}/{HEAD_SHAPE.file_name}", twin.name, None, HEAD_SHAPE.name, shape
    for number, view in enumerate(twin.views):
        for kind, content in _view_contents(view, landmark_names):
            path = f"{twin.name}/view_{number}/{VIEW_KINDS[kind].file_name}"
            yield path, twin.name, number, kind, content
    if twin.volume is not None:
        for volume_kind, content in volume_contents(twin.volume):
            path = f"{twin.name}/{volume_kind.file_name}"
            yield path, twin.name, None, volume_kind.name, content


def _view_contents(
    view: ViewRecord, landmark_names: tuple[str, ...]
) -> Iterator[tuple[str, bytes]]:
    yield "image", encode_png(view.image)
    for name, values in view.labels.items():
        stored = _as_stored(values, PIXEL_KINDS[name])
        is_png = PIXEL_KINDS[name].suffix == "png"
        yield name, encode_png(stored) if is_png else encode_npz(name, stored)
    yield "landmarks", encode_landmarks(landmark_names, view.landmarks)
    yield "camera", encode_json(view.camera)


def _as_stored(
    values: Shaped[np.ndarray, "height width *channels"], kind: Kind
) -> Shaped[np.ndarray, "height width *channels"]:
    if kind.dtype is np.float16 and values.dtype == np.float32:
        # The same rounding as numpy's, some ten times faster.
        return torch.from_numpy(values).half().numpy()
    return values.astype(kind.dtype, copy=False)
