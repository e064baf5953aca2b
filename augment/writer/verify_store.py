"""Verifying a data set in a store: every object is read once, little of it is kept."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from augment.errors import AssetError
from augment.writer.folder import DATASET, RUN, SUMS
from augment.writer.inside import below
from augment.writer.sample_folder import INCOMING, ROWS, SAMPLES, sample_name
from augment.writer.store import Store
from augment.writer.verify import (
    OpenDeriver,
    Progress,
    checked_samples,
    compare_labels,
    compare_sums,
    compare_tables,
)

READERS = 8


def verify_store(
    store: Store,
    share: float,
    open_deriver: OpenDeriver,
    on_progress: Progress = lambda done, total: None,
) -> list[str]:
    """Check a finished data set in a store, as `verify_folder` does one in a folder.

    Headers of volumes are not checked apart: the bytes are those that were written and checked.

    Args:
        store: Where the data set is.
        share: Share of samples whose labels are derived again, 0 to 1.
        open_deriver: From a local folder to a function that derives the labels of a sample.
        on_progress: Called with objects read, and how many there are.

    Returns:
        One sentence for each problem; empty if all is well.

    Raises:
        AssetError: If there is no data set, or one whose run has not finished.
    """
    sizes = store.sizes()
    if f"{INCOMING}/{RUN}" in sizes:
        raise AssetError(
            f"'{store.url}' holds a data set whose run has not finished; repeat its `facies"
            " generate` command to resume it"
        )
    for name in (SUMS, DATASET):
        if name not in sizes:
            raise AssetError(f"'{store.url}' is not a data set of facies, it has no {name}")
    with TemporaryDirectory(prefix="facies-verify-") as folder:
        root = Path(folder)
        sums = {}
        for done, (path, digest) in enumerate(_read(store, sorted(sizes), share, root)):
            on_progress(done + 1, len(sizes))
            if path != SUMS:
                sums[path] = digest
        problems = compare_sums((root / SUMS).read_bytes(), sums)
        if problems:
            return problems
        return compare_tables(root) + compare_labels(root, share, open_deriver)


def _read(store: Store, paths: list[str], share: float, root: Path) -> Iterator[tuple[str, str]]:
    """Read objects; keep tables, rows, and the samples whose labels are derived again."""
    n_samples = sum(path.startswith(f"{SAMPLES}/") and path.endswith(f"/{ROWS}") for path in paths)
    kept = {f"{SAMPLES}/{sample_name(index)}" for index in checked_samples(n_samples, share)}

    def read(path: str) -> tuple[str, str]:
        content = store.read(path)
        is_kept = not path.startswith(f"{SAMPLES}/") or path.endswith(f"/{ROWS}")
        if is_kept or "/".join(path.split("/")[:2]) in kept:
            target = root / below(root, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        return path, sha256(content).hexdigest()

    with ThreadPoolExecutor(READERS) as pool:
        for start in range(0, len(paths), 64 * READERS):
            yield from pool.map(read, paths[start : start + 64 * READERS])
