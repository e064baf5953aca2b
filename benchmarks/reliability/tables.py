"""What do tables and commits cost when a data set grows? `python tables.py OUT 10000 100000`.

Samples are stand-ins: one small file, and the rows of twenty. For each number of rows of the table
of files, in a process of its own: commits (time of a sample among the first and the last 500),
resuming (every committed sample is checked), and finishing (tables, card, checksums), with the
peak of memory. Times are CPU time of the process, which other work on the machine does not change
and which waiting for a disk is no part of. Lines are appended to `tables.md` beside this file.
"""

import argparse
import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from time import process_time

import numpy as np

from augment.operations.memory import peak_memory_bytes
from augment.recipe import RecipeSpec
from augment.record import Legend, SampleRecord
from augment.writer.encode import encode_json
from augment.writer.folder import Identity, finish_folder, open_folder
from augment.writer.gather import Gathering
from augment.writer.sample_folder import ROWS, read_rows, sample_folder, write_sample

ROWS_EACH = 20
MARK = 500
PARTS = 10
IDENTITY = Identity("f" * 64, {}, {"facies": "0"})
NO_FACES = np.zeros((0, 3), dtype=np.int64)
LEGEND = Legend(landmarks=(), regions={}, parts={}, pathologies={}, assets={})
HEAD = (
    "| rows of files | samples | commit, ms a sample: first, last 500 | resume, ms a sample"
    " | finish, ms a sample | finish, µs a row | memory added by finishing, MB |\n"
    "|---|---|---|---|---|---|---|\n"
)


def main() -> None:
    """Measure each size in a process of its own, or one size in this one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("rows", type=int, nargs="+")
    parser.add_argument("--tables-only", action="store_true", help="no files, rows alone")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.tables_only:
        print(measure_tables(words.out, words.rows[0] // ROWS_EACH), end="")
        return
    if words.here:
        print(measure(words.out / "data", words.rows[0] // ROWS_EACH))
        return
    path = Path(__file__).with_suffix(".md")
    for n_rows in words.rows:
        command = [sys.executable, __file__, str(words.out), str(n_rows), "--here"]
        line = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        with path.open("a", encoding="utf-8") as stream:
            stream.write(line if stream.tell() else HEAD + line)


def measure(root: Path, n_samples: int) -> str:
    """Return a line of the table."""
    commits = [commit(root, index) for index in open_folder(root, IDENTITY, n_samples)]
    for index in range(n_samples):
        multiply(root, index)
    start = process_time()
    if open_folder(root, IDENTITY, n_samples):
        raise SystemExit("a committed sample was not found again")
    resume = process_time() - start
    before, start = peak_memory_bytes(), process_time()
    spec = RecipeSpec(name="stand-in", samples=n_samples, out=str(root))
    finish_folder(root, spec, IDENTITY, LEGEND)
    finish, added = process_time() - start, peak_memory_bytes() - before
    rmtree(root)
    first, last = (1000 * sum(part) / len(part) for part in (commits[:MARK], commits[-MARK:]))
    n_rows = n_samples * ROWS_EACH
    return (
        f"| {n_rows} | {n_samples} | {first:.2f}, {last:.2f} | {1000 * resume / n_samples:.2f}"
        f" | {1000 * finish / n_samples:.2f} | {1e6 * finish / n_rows:.1f} | {added / 1e6:.0f} |"
    )


def measure_tables(folder: Path, n_samples: int) -> str:
    """Return lines of cost and memory, as the tables of so many samples are written."""
    folder.mkdir(parents=True)
    lines, before, start = "", peak_memory_bytes(), process_time()
    gathering = Gathering(folder)
    for index in range(n_samples):
        content = rows_of(index)
        gathering.add(index, json.loads(content), sha256(content).hexdigest())
        if (index + 1) % (n_samples // PARTS) == 0:
            spent = 1000 * (process_time() - start) / (n_samples // PARTS)
            added = (peak_memory_bytes() - before) / 1e6
            lines += f"| {(index + 1) * ROWS_EACH} | {index + 1} | {spent:.3f} | {added:.0f} |\n"
            start = process_time()
    gathering.end_tables()
    gathering.write_sums(folder / "SHA256SUMS", {})
    end = 1000 * (process_time() - start)
    gathering.close()
    rmtree(folder)
    added = (peak_memory_bytes() - before) / 1e6
    return lines + f"| closing: {end:.0f} ms in all | | | {added:.0f} |\n"


def rows_of(index: int) -> bytes:
    """Return the rows of a stand-in with twenty files."""
    name, digest = f"samples/{index:06d}", sha256(str(index).encode()).hexdigest()
    row = {"sample": index, "twin": "healthy", "kind": "camera", "bytes": 1000, "sha256": digest}
    files = [{**row, "view": view, "path": f"{name}/v{view}.json"} for view in range(ROWS_EACH)]
    subject = {"sample": index, "source": "prior", "age_years": 20.0 + index % 60}
    return encode_json({"samples": [subject], "severities": [], "files": files})


def commit(root: Path, index: int) -> float:
    """Write one stand-in; return its CPU time, s."""
    subject = {"subject": str(index), "source": "prior", "age_years": 20.0 + index % 60}
    sample = SampleRecord(index, subject, (), (), NO_FACES, {"index": index}, {})
    start = process_time()
    write_sample(root, sample, ())
    return process_time() - start


def multiply(root: Path, index: int) -> None:
    """Let the rows of a stand-in name its file so often as a sample has files."""
    tables = read_rows(root, index)
    (row,) = tables["files"]
    tables["files"] = [
        {**row, "view": number, "kind": "camera", "twin": "healthy"} for number in range(ROWS_EACH)
    ]
    (sample_folder(root, index) / ROWS).write_bytes(encode_json(tables))


if __name__ == "__main__":
    main()
