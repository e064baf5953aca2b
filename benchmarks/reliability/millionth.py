"""Does the millionth sample cost what the thousandth does? `python millionth.py OUT`.

Stand-in samples of ten files each: a million samples are ten million rows of the table of files.

Tables: all rows are written; for each tenth, what a sample cost and the peak of memory. Then blocks
of samples go by turns to a new data set, past its thousandth sample, and to the one past its
millionth, so that whatever else the machine does meets both alike. Commits: the same by turns, into
a folder of a thousand samples and into one of a million (whose other samples are names alone).
Times are CPU time. Writes `millionth.md` beside this file.
"""

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from shutil import rmtree
from time import process_time

import numpy as np
from tables import commit, rows_of

from augment.operations.memory import peak_memory_bytes
from augment.streams import stream
from augment.writer.gather import Gathering
from augment.writer.sample_folder import sample_name

FILES_EACH = 10
EARLY, LATE = 1_000, 1_000_000
# Names of one file that a file system still takes.
MAX_LINKS = 30_000
BLOCK, N_BLOCKS = 200, 80
# Each begins a new data set: its end is not much later than the thousandth.
N_ROUNDS = 3
N_COMMITS = 1_500
N_ROWS = 2_000
PARTS = 10


def main() -> None:
    """Measure tables, then commits, and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--samples", type=int, default=LATE)
    words = parser.parse_args()
    words.out.mkdir(parents=True)
    lines = measure_tables(words.out, words.samples) + measure_commits(words.out, words.samples)
    rmtree(words.out)
    text = "\n".join([*HEAD, *lines])
    Path(__file__).with_suffix(".md").write_text(text + "\n", encoding="utf-8")


HEAD = (
    "# The millionth sample",
    "",
    "    python benchmarks/reliability/millionth.py OUT",
    "",
)


def measure_tables(out: Path, n_samples: int) -> list[str]:
    """Write the tables of so many samples and compare their end with a beginning."""
    lines = ["| rows of files | samples | ms a sample | memory added, MB |", "|---|---|---|---|"]
    before, start = peak_memory_bytes(), process_time()
    late = begin(out / "late")
    for index in range(n_samples):
        add(late, index)
        if (index + 1) % (n_samples // PARTS) == 0:
            each = 1000 * (process_time() - start) / (n_samples // PARTS)
            added = (peak_memory_bytes() - before) / 1e6
            rows = (index + 1) * FILES_EACH
            lines.append(f"| {rows:,} | {index + 1:,} | {each:.3f} | {added:.0f} |")
            print(lines[-1], flush=True)
            start = process_time()
    rounds = []
    for number in range(N_ROUNDS):
        early, first = begin(out / f"early{number}"), n_samples + number * N_BLOCKS * BLOCK
        for index in range(EARLY):
            add(early, index)
        rounds.append(by_turns(partial(add_from, early, EARLY), partial(add_from, late, first)))
        early.close()
    times = np.concatenate(rounds)
    start = process_time()
    late.end_tables()
    late.write_sums(out / "SHA256SUMS", {})
    closing = process_time() - start
    late.close()
    return [
        *lines,
        "",
        f"Closing tables and checksums: {1000 * closing:.0f} ms. Tables, ms a sample, by turns:",
        compared(times, EARLY, n_samples),
        "",
    ]


def measure_commits(out: Path, n_samples: int) -> list[str]:
    """Commit samples by turns into a folder of a thousand names and into one of a million."""
    roots = out / "few", out / "many"
    for root, n_names in zip(roots, (EARLY, n_samples), strict=True):
        (root / "samples").mkdir(parents=True)
        fill(root / "samples", n_names)
    times = by_turns(
        lambda index: commit(roots[0], EARLY + index),
        lambda index: commit(roots[1], n_samples + index),
        N_COMMITS,
        1,
    )
    return ["Commits, ms a sample, by turns:", compared(times, EARLY, n_samples)]


def begin(folder: Path) -> Gathering:
    """Begin tables in a new folder."""
    folder.mkdir()
    return Gathering(folder)


def add(gathering: Gathering, index: int) -> None:
    """Add a stand-in of ten files."""
    rows = ROWS[index % len(ROWS)]
    gathering.add(index, rows, rows["files"][0]["sha256"])


def add_from(gathering: Gathering, first: int, index: int) -> None:
    """Add a stand-in, numbered from one on."""
    add(gathering, first + index)


def stand_in_rows(index: int) -> dict[str, list[dict[str, object]]]:
    """Return the rows of a stand-in of ten files."""
    rows: dict[str, list[dict[str, object]]] = json.loads(rows_of(index))
    rows["files"] = rows["files"][:FILES_EACH]
    return rows


# Made once: making them is no part of what is measured.
ROWS = [stand_in_rows(index) for index in range(N_ROWS)]


def by_turns(
    early: Callable[[int], object],
    late: Callable[[int], object],
    n_blocks: int = N_BLOCKS,
    block: int = BLOCK,
) -> np.ndarray:
    """Return CPU seconds a sample of each block, one column for each of the two."""
    times = np.zeros((n_blocks, 2))
    for number in range(n_blocks):
        order = (0, 1) if number % 2 else (1, 0)
        for column in order:
            do = (early, late)[column]
            start = process_time()
            for index in range(number * block, (number + 1) * block):
                do(index)
            times[number, column] = (process_time() - start) / block
    return times


def compared(times: np.ndarray, early: int, late: int) -> str:
    """Return a sentence: both means, and their ratio with its bootstrap interval."""
    rng = stream(0, 0, "bootstrap")
    picks = rng.integers(0, len(times), (2000, len(times)))
    ratios = times[picks, 1].mean(axis=1) / times[picks, 0].mean(axis=1)
    low, high = np.quantile(ratios, (0.025, 0.975))
    first, last = 1000 * times.mean(axis=0)
    return (
        f"{first:.3f} after the {early:,}th, {last:.3f} after the {late:,}th, ratio"
        f" {last / first:.3f} (95 % of bootstraps {low:.3f} to {high:.3f}, {len(times)} pairs)."
    )


def fill(folder: Path, n_names: int) -> None:
    """Let a folder hold so many names, which cost next to nothing."""
    for index in range(n_names):
        number = index % MAX_LINKS
        if number == 0:
            first = folder / sample_name(index)
            first.touch()
        else:
            (folder / sample_name(index)).hardlink_to(first)


if __name__ == "__main__":
    main()
