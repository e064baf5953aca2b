"""Looking at a data set while it is made: whatever is visible must be whole."""

import os
from collections import Counter
from collections.abc import Mapping
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path

INCOMING = ".incoming"
PAUSE_S = 0.02

Digests = Mapping[str, str]


def digests(root: Path) -> dict[str, str]:
    """Return path to SHA-256 of every file of a data set, what is not yet whole left out."""
    return {
        path.relative_to(root).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file() and INCOMING not in path.relative_to(root).parts
    }


class Watcher:
    """A process that looks at a folder again and again until it is asked what it saw."""

    def __init__(self, root: Path, expected: Digests) -> None:
        """Begin to look.

        Args:
            root: Folder of the data set that is being made.
            expected: Path to SHA-256 of every file of the finished one.
        """
        context = get_context("fork")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_look_on, args=(root, expected, theirs), daemon=True)
        self._process.start()

    def stop(self) -> dict[str, int]:
        """Return the counts: looks, samples, files (seen for the first time), partial."""
        self._ours.send("stop")
        found: dict[str, int] = self._ours.recv()
        self._process.join()
        return found


def _look_on(root: Path, expected: Digests, pipe: object) -> None:
    by_sample: dict[str, dict[str, str]] = {}
    others = {}
    for path, digest in expected.items():
        first, _, rest = path.partition("/")
        if first == "samples":
            by_sample.setdefault(rest.split("/")[0], {})[path] = digest
        else:
            others[path] = digest
    counts, seen = Counter(looks=0, samples=0, files=0, partial=0), set[str]()
    while not pipe.poll(PAUSE_S):  # type: ignore[attr-defined]
        counts["looks"] += 1
        _look(root, by_sample, others, seen, counts)
    pipe.send(dict(counts))  # type: ignore[attr-defined]


def _look(
    root: Path,
    by_sample: Mapping[str, Digests],
    others: Digests,
    seen: set[str],
    counts: Counter[str],
) -> None:
    """Compare what has become visible since the last look, at once and whole."""
    folder = root / "samples"
    names = {entry.name for entry in os.scandir(folder)} if folder.is_dir() else set()
    for name in sorted(names - seen):
        found = {
            path.relative_to(root).as_posix(): sha256(path.read_bytes()).hexdigest()
            for path in (folder / name).rglob("*")
            if path.is_file()
        }
        counts["samples"] += 1
        counts["files"] += len(found)
        counts["partial"] += found != by_sample.get(name)
    seen |= names
    # A finished sample never goes away again.
    counts["partial"] += len(seen - names)
    for path in root.iterdir() if root.is_dir() else ():
        if path.is_file():
            try:
                digest = sha256(path.read_bytes()).hexdigest()
            except FileNotFoundError:  # checksums are taken away before a run goes on
                continue
            counts["files"] += 1
            counts["partial"] += others.get(path.name) != digest
