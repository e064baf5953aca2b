"""What does Ray cost beside local processes? `python ray_overhead.py OUT --samples 1000 --pairs 3`.

The same command runs by turns with `engine=local` and with `engine=ray`, two workers each, from an
empty folder, every start and import included. Each run has a control group of its own (cpuacct;
needs root on Linux), which adds up the processor time of all its processes, Ray's servers too: wall
time is of use on a machine that does nothing else, processor time on a shared one. Rows are
appended to `ray_overhead.md`.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from shutil import rmtree

import standins

from augment import cli

GROUPS = Path("/sys/fs/cgroup/cpuacct")
ENGINES = ("local", "ray")
HEADER = (
    "| samples | made of | pair | wall, s: local, ray | ratio | processor, s: local, ray | ratio |"
)


def main() -> None:
    """Run pairs, or be one run of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--stand-ins", action="store_true", help="samples that cost nothing")
    words, command = parser.parse_known_args()
    if command:
        if words.stand_ins:
            standins.use_stand_ins()
        sys.exit(cli.main(command))
    path = Path(__file__).with_suffix(".md")
    for pair in range(words.pairs):
        order = ENGINES if pair % 2 else ENGINES[::-1]
        found = {engine: measured(engine, words) for engine in order}
        (wall, cpu), (ray_wall, ray_cpu) = (found[engine] for engine in ENGINES)
        row = (
            f"| {words.samples} | {'stand-ins' if words.stand_ins else 'face_demo'} | {pair + 1} |"
            f" {wall:.1f}, {ray_wall:.1f} | {ray_wall / wall:.3f} |"
            f" {cpu:.1f}, {ray_cpu:.1f} | {ray_cpu / cpu:.3f} |"
        )
        print(row, flush=True)
        with path.open("a", encoding="utf-8") as stream:
            if not stream.tell():
                rule = "|" + "---|" * (HEADER.count("|") - 1)
                stream.write(f"# Ray beside local processes\n\n{HEADER}\n{rule}\n")
            stream.write(f"{row}\n")


def measured(engine: str, words: argparse.Namespace) -> tuple[float, float]:
    """Return wall and processor seconds of one run, all its processes together."""
    out, group = words.out / engine, GROUPS / f"facies-{os.getpid()}"
    rmtree(out, ignore_errors=True)
    command = [sys.executable, __file__, str(words.out), "generate", "face_demo", f"out={out}"]
    command += [f"samples={words.samples}", "workers=2", f"engine={engine}"]
    command += ["--stand-ins"] if words.stand_ins else []
    group.mkdir()
    start = time.perf_counter()
    # Ray's servers leave the tree of processes, but not the group.
    status = subprocess.run(within(group, command), check=False).returncode
    wall = time.perf_counter() - start
    if status:
        raise SystemExit(f"{engine} ended with {status}")
    await_empty(group)
    seconds = int((group / "cpuacct.usage").read_text(encoding="ascii")) / 1e9
    group.rmdir()
    return wall, seconds


def within(group: Path, command: Sequence[str]) -> list[str]:
    """Return a command that joins a control group before it begins."""
    return ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', str(group), *command]


def await_empty(group: Path) -> None:
    """Wait until no process of a group is left."""
    while (group / "cgroup.procs").read_text(encoding="ascii").strip():
        time.sleep(0.1)


if __name__ == "__main__":
    main()
