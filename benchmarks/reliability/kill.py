"""Is anything lost when a run is disturbed? `python kill.py OUT --samples 2000 [WAY …]`.

One data set is made undisturbed, by one process. Then the same command runs again in each way:

- `processes`: SIGKILL to the command or to one of its workers, drawn at random, at random moments
  of its progress; the command is repeated until it ends;
- `ray`: SIGKILL to a worker process of a Ray cluster;
- `store`: an S3 server on loopback refuses a fifth of all requests;
- `disk`: the disk is full twice; once for so long that the run ends, once it is given room in time
  (a tmpfs, so that this way needs root).

A process of its own looks all the while at what is visible: each sample, when it is seen first, and
each other file must be those of the finished data set, byte for byte. In the end both data sets
must be the same. Samples are stand-ins (`standins.py`) unless `--real`; processes are forked, not
spawned, unless `--spawn`. Rows are written to `kill.md`.
"""

import argparse
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import standins
from disturb import Run, fill_disk, kill_processes, kill_ray_workers, refuse_requests
from watch import digests

HEADER = (
    "| disturbed by | samples | made of | disturbances | commands | files lost | too many |"
    " other bytes | rows twice | partial, of samples seen | looks | time, s |"
)
PATH = Path(__file__).with_suffix(".md")
TITLE = "# Runs that are disturbed"
Way = Callable[[Run], Counter[str]]
WAYS: dict[str, tuple[Way, str]] = {
    "processes": (kill_processes, "SIGKILL of command or worker"),
    "ray": (kill_ray_workers, "SIGKILL of a Ray worker"),
    "store": (refuse_requests, "S3 refuses 20 % of requests"),
    "disk": (fill_disk, "disk full twice"),
}


def main() -> None:
    """Make the undisturbed data set, then disturb it in each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("ways", nargs="*", metavar="WAY", help=", ".join(WAYS))
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=100, help="SIGKILLs of command or worker")
    parser.add_argument("--ray-kills", type=int, default=10)
    parser.add_argument("--real", action="store_true", help="small real pictures, not stand-ins")
    parser.add_argument("--spawn", action="store_true", help="start processes as a user's run does")
    words = parser.parse_args()
    # For Ray's workers, which import the stand-ins by name.
    folders = [str(standins.HERE), str(standins.SUPPORT), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = ":".join(filter(None, folders))
    if not words.real:
        standins.use_stand_ins()
    if not words.spawn:
        standins.use_forks()
    words.out.mkdir(parents=True, exist_ok=True)
    run = Run(words.out, words.samples, words.kills, words.ray_kills)
    if not (run.whole / "SHA256SUMS").is_file() and run.once(run.whole, "workers=1"):
        raise SystemExit("the undisturbed run did not end")
    made_of = ("small pictures" if words.real else "stand-ins") + (
        ", spawned" if words.spawn else ", forked"
    )
    for name in words.ways or WAYS:
        way, what = WAYS[name]
        start = time.monotonic()
        found = way(run)
        write_row(what, made_of, run, found, time.monotonic() - start)


def write_row(what: str, made_of: str, run: Run, found: Counter[str], seconds: float) -> None:
    """Compare the data sets and put the row in its place in `kill.md`."""
    ours, theirs = digests(run.whole), run.found
    row = (
        f"| {what} | {run.samples} | {made_of} | {', '.join(describe(found))} |"
        f" {found['commands']} | {len(ours.keys() - theirs.keys())} |"
        f" {len(theirs.keys() - ours.keys())} |"
        f" {sum(theirs.get(path, digest) != digest for path, digest in ours.items())} |"
        f" {run.twice} | {found['partial']} of {found['samples']} | {found['looks']} |"
        f" {seconds:.0f} |"
    )
    print(row, flush=True)
    text = PATH.read_text(encoding="utf-8") if PATH.is_file() else f"{TITLE}\n"
    before, _, rest = text.partition(HEADER)
    lines, after = [], []
    for line in rest.splitlines()[2:]:
        (after if after or not line.startswith("|") else lines).append(line)
    start = "|".join(row.split("|")[:4])
    lines = [line for line in lines if not line.startswith(start)] + [row]
    table = "\n".join([HEADER, "|" + "---|" * (HEADER.count("|") - 1), *lines])
    end = "\n".join(after)
    PATH.write_text(f"{before.rstrip()}\n\n{table}\n{end}".rstrip() + "\n", encoding="utf-8")


def describe(found: Counter[str]) -> list[str]:
    """Return what was done, in words."""
    words = ("command killed", "worker killed", "requests", "refused")
    words += ("full and stopped", "full and given room")
    return [f"{found[word]} {word}" for word in words if found[word]]


if __name__ == "__main__":
    main()
