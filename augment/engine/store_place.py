"""A data set in a store: samples are made in a local spool, uploaded, and removed from the spool.

The objects are the files of a folder, byte for byte. `rows.json` of a sample is uploaded after its
other files: a sample is finished when it is there. `SHA256SUMS` is written last of all.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from typing import Any, final

from augment.engine.local import Made, Samples
from augment.engine.place import Place, Work, alone, record_bytes, record_name
from augment.errors import AssetError, RecipeError
from augment.morphable.model_cache import cache_folder
from augment.operations.logs import tell
from augment.recipe import RecipeSpec
from augment.record import Legend
from augment.writer.encode import encode_json
from augment.writer.folder import (
    DATASET,
    RUN,
    SUMS,
    Identity,
    finish_folder,
    read_identity,
    require_identity,
    require_room,
)
from augment.writer.inside import below
from augment.writer.sample_folder import (
    INCOMING,
    ROWS,
    SAMPLES,
    is_whole,
    read_rows,
    sample_folder,
    sample_name,
)
from augment.writer.store import Store

log = logging.getLogger(__name__)

UPLOADS = 8
# Samples that wait for their upload, at most: the engine then waits too, and the spool stays small.
MOST_WAITING = 4 * UPLOADS


@final
class StorePlace(Place):
    """A prefix of a store, filled through a spool on this machine."""

    def __init__(self, store: Store, spool: str | None, shard: str | None = None) -> None:
        """Name the store; nothing is touched.

        Args:
            store: Where the data set goes.
            spool: Folder for what is under way; None is in the cache folder.
            shard: Which shard the run makes, None for all samples.
        """
        self.store, self._shard = store, shard
        within = cache_folder() / "spool" if spool is None else Path(spool)
        self.root = within / f"facies-{sha256(store.url.encode()).hexdigest()[:16]}"
        self._is_empty = True

    def open(self, identity: Identity, n_samples: int, own: range) -> Work:
        """See `Place.open`; what is in the store is told from its listing."""
        (self.root / INCOMING).mkdir(parents=True, exist_ok=True)
        with alone(self.root, self._shard):
            return self._open(identity, n_samples, own)

    def _open(self, identity: Identity, n_samples: int, own: range) -> Work:
        sizes = self.store.sizes()
        stored = self._stored_identity(sizes)
        if stored is None and sizes.keys() - {f"{INCOMING}/{RUN}"}:
            raise RecipeError(
                f"out expects a new or empty prefix, or a data set of this recipe, got"
                f" '{self.store.url}' with other content; choose another out"
            )
        require_identity(self.store.url, stored, identity)
        self._open_spool(identity)
        marked = [path.split("/")[1] for path in sizes if path.endswith(f"/{ROWS}")]
        marked_own = sorted(int(name) for name in marked if name.isdecimal())
        require_room(self.store.url, marked_own, n_samples)
        with ThreadPoolExecutor(UPLOADS) as pool:
            mine = [index for index in marked_own if index in own]
            whole = pool.map(lambda index: self._is_there(index, sizes), mine)
            there = {index for index, found in zip(mine, whole, strict=True) if found}
        left = [index for index in own if index not in there]
        waiting = [index for index in left if is_whole(self.root, index)]
        missing = sorted(set(left) - set(waiting))
        for index in missing:
            rmtree(sample_folder(self.root, index), ignore_errors=True)
        self._is_empty = not marked_own and not waiting
        self.store.write(f"{INCOMING}/{RUN}", encode_json(identity.values(), indent=1))
        if left:
            self.store.remove(SUMS)
        return Work(missing, waiting)

    def committed(self, made: Samples, waiting: list[int]) -> Samples:
        """See `Place.committed`; a sample is committed when its upload has ended."""
        pool = ThreadPoolExecutor(UPLOADS, "upload")
        running: dict[Future[None], Made] = {}
        try:
            for index in waiting:
                running[pool.submit(self._upload, index)] = Made(index, {}, "", 0)
                yield from _uploaded(running, MOST_WAITING)
            for one in made:
                running[pool.submit(self._upload, one.index)] = one
                yield from _uploaded(running, MOST_WAITING)
            yield from _uploaded(running, 1)
        except (AssetError, KeyboardInterrupt, GeneratorExit):
            self.store.give_up()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        finally:
            pool.shutdown(wait=not self.store.is_given_up)

    def finish(
        self, spec: RecipeSpec, identity: Identity, legend: Legend, extra: Mapping[str, bytes]
    ) -> None:
        """See `Place.finish`."""
        finish_folder(self.root, spec, identity, legend, extra, self._fetch_samples)
        names = sorted(path.name for path in self.root.iterdir() if path.is_file())
        # Checksums say that the data set is finished, and come last.
        for name in [name for name in names if name != SUMS] + [SUMS]:
            self.store.write(name, (self.root / name).read_bytes())
        self.store.remove(f"{INCOMING}/{RUN}")
        rmtree(self.root)

    def abandon(self) -> None:
        """See `Place.abandon`."""
        if self._is_empty and not any((self.root / SAMPLES).glob("*")):
            rmtree(self.root, ignore_errors=True)
            self.store.give_up()
            try:
                self.store.remove(f"{INCOMING}/{RUN}")
            except AssetError as error:
                tell(log, "left behind", logging.WARNING, url=self.store.url, error=str(error))

    def keep_record(self, values: Mapping[str, Any], shard: str | None) -> None:
        """See `Place.keep_record`; a store that is down keeps none, and that is no error."""
        found = {**values, "store": {"refused": self.store.n_refused}}
        try:
            self.store.write(record_name("", shard), record_bytes(found), beside=True)
        except AssetError as error:
            tell(log, "no record kept", logging.WARNING, url=self.store.url, error=str(error))

    def _stored_identity(self, sizes: Mapping[str, int]) -> dict[str, Any] | None:
        for path in (f"{INCOMING}/{RUN}", DATASET):
            if path in sizes:
                found = read_identity(self.store.read(path))
                if found is not None:
                    return found
        return None

    def _open_spool(self, identity: Identity) -> None:
        """Make the spool; what a run of another recipe left in it is removed."""
        path = self.root / INCOMING / RUN
        if path.is_file() and read_identity(path.read_bytes()) != identity.values():
            rmtree(self.root)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_json(identity.values(), indent=1))

    def _is_there(self, index: int, sizes: Mapping[str, int]) -> bool:
        """Whether a sample's objects are there in full size; its rows are kept for the tables."""
        path = f"{SAMPLES}/{sample_name(index)}/{ROWS}"
        local = self.root / path
        is_known = local.is_file() and local.stat().st_size == sizes[path]
        content = local.read_bytes() if is_known else self.store.read(path)
        if not is_known and self._shard is None:
            local.parent.mkdir(parents=True, exist_ok=True)
            local.write_bytes(content)
        try:
            rows = json.loads(content)["files"]
            return all(sizes.get(row["path"]) == row["bytes"] for row in rows)
        except (ValueError, KeyError, TypeError):
            return False

    def _upload(self, index: int) -> None:
        """Upload a sample, its rows last, and keep nothing but them; a shard keeps nothing."""
        folder = sample_folder(self.root, index)
        if not folder.is_dir():
            raise AssetError(
                f"spool expects a folder that every machine of the cluster shares, got"
                f" '{self.root.parent}', where a finished sample does not arrive"
            )
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        rows = folder / ROWS
        for path in [path for path in files if path != rows] + [rows]:
            self.store.write(path.relative_to(self.root).as_posix(), path.read_bytes())
        if self._shard is not None:
            rmtree(folder)
            return
        for path in folder.iterdir():
            if path.is_dir():
                rmtree(path)
            elif path != rows:
                path.unlink()

    def _fetch_samples(self, indexes: Sequence[int]) -> None:
        """Fetch the samples that the contact sheet shows."""
        for index in indexes:
            for row in read_rows(self.root, index)["files"]:
                target = self.root / below(self.root, row["path"])
                if not target.is_file():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(self.store.read(row["path"]))


def _uploaded(running: dict[Future[None], Made], most: int) -> Samples:
    """Yield what has been uploaded; wait as long as there are so many under way or more."""
    while True:
        done, _ = wait(running, timeout=0)
        if not done and len(running) >= most:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            future.result()
            yield running.pop(future)
        if len(running) < most:
            return
