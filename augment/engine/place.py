"""Where a data set is built: the same run writes to a folder or, through a spool, to a store."""

import fcntl
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from augment.engine.local import Samples
from augment.errors import RecipeError
from augment.recipe import RecipeSpec
from augment.record import Legend
from augment.writer.folder import Identity, abandon_folder, finish_folder, open_folder
from augment.writer.sample_folder import INCOMING


@dataclass(frozen=True)
class Work:
    """What is left to do of a data set.

    Attributes:
        missing: Numbers of the samples to make, in order.
        waiting: Numbers of those that are made and have yet to be committed.
    """

    missing: list[int]
    waiting: list[int]


class Place(ABC):
    """A data set under construction.

    Attributes:
        root: Local folder in which samples are made.
    """

    root: Path

    @abstractmethod
    def open(self, identity: Identity, n_samples: int, own: range) -> Work:
        """Prepare the place for a run and find out what is left to do.

        Args:
            identity: Identity of the run.
            n_samples: Samples of the finished data set.
            own: Numbers that this run may look at and make.

        Raises:
            RecipeError: If the place holds something else, or samples of another run.
        """

    @abstractmethod
    def committed(self, made: Samples, waiting: list[int]) -> Samples:
        """Commit samples as they are made; yields each when a killed run would find it again."""

    @abstractmethod
    def finish(
        self, spec: RecipeSpec, identity: Identity, legend: Legend, extra: Mapping[str, bytes]
    ) -> None:
        """Write what belongs to the whole data set; see `finish_folder`."""

    @abstractmethod
    def abandon(self) -> None:
        """Remove what a run that made nothing has left; keep everything otherwise."""

    @abstractmethod
    def keep_record(self, values: Mapping[str, Any], shard: str | None) -> None:
        """Write the record of the run beside the data set."""


@final
class FolderPlace(Place):
    """A folder of this machine, or one that machines share."""

    def __init__(self, root: Path) -> None:
        """Name the folder; nothing is touched."""
        self.root = root

    def open(self, identity: Identity, n_samples: int, own: range) -> Work:
        """See `Place.open`."""
        return Work(open_folder(self.root, identity, n_samples, own), [])

    def committed(self, made: Samples, waiting: list[int]) -> Samples:
        """See `Place.committed`; a sample is committed by the process that makes it."""
        return made

    def finish(
        self, spec: RecipeSpec, identity: Identity, legend: Legend, extra: Mapping[str, bytes]
    ) -> None:
        """See `Place.finish`."""
        finish_folder(self.root, spec, identity, legend, extra)

    def abandon(self) -> None:
        """See `Place.abandon`."""
        abandon_folder(self.root)

    def keep_record(self, values: Mapping[str, Any], shard: str | None) -> None:
        """See `Place.keep_record`."""
        path = self.root.with_name(record_name(self.root.name, shard))
        path.write_bytes(record_bytes(values))


def record_name(name: str, shard: str | None) -> str:
    """Return the file name of the record of a data set's last run, or of a shard's."""
    return f"{name}.run.json" if shard is None else f"{name}.run.{shard.replace('/', '.')}.json"


def record_bytes(values: Mapping[str, Any]) -> bytes:
    """Return the content of a record's file."""
    return json.dumps(values, indent=1).encode() + b"\n"


@contextmanager
def alone(root: Path, shard: str | None) -> Iterator[None]:
    """Hold a folder alone, or a shard of it beside other shards.

    Raises:
        RecipeError: If another run holds it.
    """
    with ExitStack() as stack:
        names = [("lock", fcntl.LOCK_EX if shard is None else fcntl.LOCK_SH)]
        if shard is not None:
            names.append((f"lock.{shard.replace('/', '.')}", fcntl.LOCK_EX))
        for name, how in names:
            lock = stack.enter_context((root / INCOMING / name).open("w", encoding="utf-8"))
            try:
                fcntl.flock(lock, how | fcntl.LOCK_NB)
            except OSError as error:
                raise RecipeError(
                    f"another run is writing to '{root}'; wait for it, or choose another out"
                ) from error
        yield
