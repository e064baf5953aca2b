"""Renders kept on disk in chunks, so that each is made once and seen several times.

Pictures are kept as JPEG of high quality: what a network is shown is compressed far more. A chunk
that is missing or damaged is made again; several processes may fill one folder.
"""

import os
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from zipfile import BadZipFile

import cv2
import numpy as np
from jaxtyping import UInt8

from augment.face_training.renders import FaceRender

CHUNK = 64
QUALITY = 95
PICTURES = ("picture", "albedo")
CLAIM_SECONDS = 300.0
"""A chunk that a process began so long ago was given up."""
POLL_SECONDS = 1.0


@dataclass(frozen=True, eq=False)
class PackedRender:
    """A render whose pictures are compressed.

    Attributes:
        arrays: The attributes of `FaceRender` by name; picture and albedo as JPEG.
    """

    arrays: dict[str, np.ndarray]

    def open(self) -> FaceRender:
        """Return the render with its pictures decoded."""
        return FaceRender(**{k: decoded(v) if k in PICTURES else v for k, v in self.arrays.items()})


class RenderStore:
    """The renders of one recipe.

    Args:
        folder: Where chunks are kept; made where it is missing.
        n_renders: How many renders there are.
        make: Makes a render by its number; asked only for those that are not on disk.
    """

    def __init__(self, folder: Path, n_renders: int, make: Callable[[int], FaceRender]) -> None:
        """Open the folder."""
        self.folder, self.n_renders, self.make = folder, n_renders, make
        self.folder.mkdir(parents=True, exist_ok=True)
        self.memory: OrderedDict[int, list[PackedRender]] = OrderedDict()
        self.making_seconds = 0.0

    @property
    def n_chunks(self) -> int:
        """Number of chunks."""
        return -(-self.n_renders // CHUNK)

    def render(self, number: int) -> FaceRender:
        """Return a render, from memory, from disk or newly made."""
        chunk = number // CHUNK
        if chunk not in self.memory:
            self.memory[chunk] = self._load(chunk)
        return self.memory[chunk][number % CHUNK].open()

    def numbers(self, chunk: int) -> range:
        """Return the numbers of the renders of a chunk."""
        return range(chunk * CHUNK, min((chunk + 1) * CHUNK, self.n_renders))

    def path(self, chunk: int) -> Path:
        """Return the file of a chunk."""
        return self.folder / f"{chunk:05d}.npz"

    def fill(self, chunks: Sequence[int]) -> None:
        """Make those chunks that are neither on disk nor being made by another process."""
        for chunk in chunks:
            if not self.path(chunk).is_file() and self._claim(chunk):
                self._make(chunk)

    def _load(self, chunk: int) -> list[PackedRender]:
        start = time.perf_counter()
        while True:
            found = _read(self.path(chunk), len(self.numbers(chunk)))
            if found is not None:
                break
            if self._claim(chunk):
                self._make(chunk)
            else:
                time.sleep(POLL_SECONDS)
        self.making_seconds += time.perf_counter() - start
        return found

    def _claim(self, chunk: int) -> bool:
        """Say to other processes that this one makes a chunk, unless another does."""
        claim = self.path(chunk).with_suffix(".claim")
        try:
            claim.touch(exist_ok=False)
        except FileExistsError:
            try:
                age = time.time() - claim.stat().st_mtime
            except FileNotFoundError:
                return False
            if age < CLAIM_SECONDS:
                return False
            claim.touch()
        return True

    def _make(self, chunk: int) -> None:
        path = self.path(chunk)
        partial = path.with_suffix(f".{os.getpid()}.partial.npz")
        rows = [_packed(self.make(number)) for number in self.numbers(chunk)]
        np.savez(partial, allow_pickle=False, **_columns(rows))
        partial.replace(path)
        path.with_suffix(".claim").unlink(missing_ok=True)


def _packed(render: FaceRender) -> dict[str, np.ndarray]:
    values = {item.name: getattr(render, item.name) for item in fields(FaceRender)}
    return {k: _encoded(v) if k in PICTURES else v for k, v in values.items()}


def _columns(rows: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return one array for each attribute; compressed pictures lie behind each other."""
    columns = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        if name in PICTURES:
            columns[f"{name}_end"] = np.cumsum([len(value) for value in values])
            columns[name] = np.concatenate(values)
        else:
            columns[name] = np.stack(values)
    return columns


def _read(path: Path, n_rows: int) -> list[PackedRender] | None:
    """Return the renders of a file, or None where it is missing or damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            columns = {key: archive[key] for key in archive.files}
        for name in PICTURES:
            ends = columns.pop(f"{name}_end")
            columns[name] = np.split(columns[name], ends[:-1])
        rows = [
            PackedRender({name: values[k] for name, values in columns.items()})
            for k in range(n_rows)
        ]
    except (OSError, ValueError, KeyError, IndexError, EOFError, BadZipFile):
        return None
    return rows


def _encoded(picture: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, " bytes"]:
    settings = [int(cv2.IMWRITE_JPEG_QUALITY), QUALITY]
    return cv2.imencode(".jpg", picture[..., ::-1], settings)[1].reshape(-1)


def decoded(encoded: UInt8[np.ndarray, " bytes"]) -> UInt8[np.ndarray, "height width 3"]:
    """Return a picture that a store keeps compressed."""
    return np.ascontiguousarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1])
