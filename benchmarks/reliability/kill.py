"""Is anything lost when processes are killed? `python kill.py OUT --samples 2000 --kills 100`.

One data set is made undisturbed. Another is made by the same command, which is killed with SIGKILL
again and again, either itself or one of its workers, drawn at random, at random times after it has
made progress, and repeated until it ends. While it runs, every folder that is visible under
`samples/` must hold every file that it lists, whole. In the end both data sets must be the same,
byte for byte.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

from augment.streams import stream
from augment.writer.sample_folder import is_whole

RECIPE = ("generate", "face_demo", "render.size_px=32", "render.supersample=1", "meshes=false")
LONGEST_WAIT_S = 3.0


def main() -> None:
    """Run the comparison and write `results.md` beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=100)
    arguments = parser.parse_args()
    whole, killed = arguments.out / "whole", arguments.out / "killed"
    command = [sys.executable, "-m", "augment.cli", *RECIPE, f"samples={arguments.samples}"]
    subprocess.run([*command, f"out={whole}", "workers=1"], check=True, stdout=subprocess.DEVNULL)
    begin = time.perf_counter()
    counts, n_partial = disturbed([*command, f"out={killed}", "workers=2"], killed, arguments.kills)
    seconds = time.perf_counter() - begin
    ours, theirs = digests(whole), digests(killed)
    lines = [
        f"    python kill.py OUT --samples {arguments.samples} --kills {arguments.kills}",
        "",
        "| | |",
        "|---|---|",
        f"| samples | {arguments.samples} |",
        f"| SIGKILL of the command | {counts['driver']} |",
        f"| SIGKILL of a worker | {counts['worker']} |",
        f"| files lost | {len(ours.keys() - theirs.keys())} |",
        f"| files too many | {len(theirs.keys() - ours.keys())} |",
        f"| files with other bytes | {sum(theirs.get(p, d) != d for p, d in ours.items())} |",
        f"| partial samples seen while it ran | {n_partial} |",
        f"| time, s | {seconds:.0f} |",
    ]
    text = "# A run that is killed again and again\n\n" + "\n".join(lines) + "\n"
    (Path(__file__).parent / "results.md").write_text(text, encoding="utf-8")


def disturbed(command: list[str], root: Path, kills: int) -> tuple[dict[str, int], int]:
    """Run a command to its end with so many kills; return what was killed, and partial samples."""
    rng, counts, n_partial = stream(0, 0, "kills"), {"driver": 0, "worker": 0}, 0
    checked: set[int] = set()
    while True:
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as run:
            while sum(counts.values()) < kills:
                if not await_progress(run, root):
                    break
                time.sleep(float(rng.uniform(0.0, LONGEST_WAIT_S)))
                victims = children(run.pid)
                is_driver = bool(rng.random() < 0.5) or not victims
                victim = run.pid if is_driver else victims[int(rng.integers(len(victims)))]
                if run.poll() is not None:
                    break
                os.kill(victim, signal.SIGKILL)
                counts["driver" if is_driver else "worker"] += 1
                fresh = numbers(root) - checked
                n_partial += sum(not is_whole(root, number) for number in fresh)
                checked |= fresh
                if is_driver:
                    break
            if run.wait() == 0:
                return counts, n_partial


def await_progress(run: subprocess.Popen[bytes], root: Path) -> bool:
    """Wait for a further sample; False if the command has ended."""
    before = numbers(root)
    while run.poll() is None:
        if numbers(root) - before:
            return True
        time.sleep(0.05)
    return False


def numbers(root: Path) -> set[int]:
    """Return the numbers of the samples that are visible."""
    return {int(path.name) for path in (root / "samples").glob("[0-9]*")}


def children(pid: int) -> list[int]:
    """Return the worker processes of a command."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    found = [int(child) for child in path.read_text(encoding="ascii").split()]
    return [
        child for child in found if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def digests(root: Path) -> dict[str, str]:
    """Return path to SHA-256 of every file."""
    return {
        path.relative_to(root).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }


if __name__ == "__main__":
    main()
