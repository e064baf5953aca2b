"""Four ways to disturb a run; each brings it to its end and counts what it did and saw."""

import json
import os
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from hashlib import md5, sha256
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from shutil import rmtree

import standins
from refusing_s3 import BUCKET, RefusingS3
from watch import Watcher, digests

from augment import cli
from augment.streams import stream

REAL = (
    "render.size_px=32",
    "render.supersample=1",
    "render.labels=[regions]",
    "meshes=false",
    "twins=false",
    "pathologies=[]",
)
REFUSED_SHARE = 0.2
POLL_S = 0.01
MB = 1 << 20
TMPFS_MB = (24, 40, 400)
MOST_COMMANDS = 1000
FULL = "the disk is full"
LISTED = "listed.json"


@dataclass
class Run:
    """The command that is disturbed.

    Attributes:
        out: Folder for everything.
        samples: Samples of the data set.
        kills: SIGKILLs of the command or a worker.
        ray_kills: SIGKILLs of Ray's workers.
        found: Path to SHA-256 of the disturbed data set, once it is finished.
        twice: Rows of its table of files that are there more than once.
    """

    out: Path
    samples: int
    kills: int
    ray_kills: int
    found: dict[str, str] = field(default_factory=dict)
    twice: int = 0

    @property
    def whole(self) -> Path:
        """The undisturbed data set."""
        return self.out / "whole"

    @property
    def killed(self) -> Path:
        """The disturbed one."""
        return self.out / "killed"

    def start(self, out: Path | str, *words: str) -> BaseProcess:
        """Start the command in a process of its own."""
        real = REAL if standins.is_real() else ()
        command = ["generate", "face_demo", f"samples={self.samples}", f"out={out}", "--quiet"]
        log = ["--log", str(self.out / "run.log")]
        process = get_context("fork").Process(
            target=_drive, args=([*command, *log, *real, *words],)
        )
        process.start()
        return process

    def once(self, out: Path | str, *words: str) -> int:
        """Run the command undisturbed; return its exit code."""
        process = self.start(out, *words)
        process.join()
        return int(process.exitcode or 0)

    def begin(self) -> Watcher:
        """Clear what an earlier way left, and look on from now."""
        rmtree(self.killed, ignore_errors=True)
        return Watcher(self.killed, digests(self.whole))

    def end(self, root: Path) -> None:
        """Note what the disturbed data set has become."""
        self.found = digests(root)
        rows = (root / "files.csv").read_text(encoding="utf-8").splitlines()
        self.twice = len(rows) - len(set(rows))


def _drive(words: list[str]) -> None:
    # The way of a real command out: nothing of the script that forked it is run.
    os._exit(cli.main(words))


def kill_processes(run: Run) -> Counter[str]:
    """Kill the command or a worker whenever its progress passes a number drawn at random."""
    rng, counts, watcher = stream(0, 0, "kills"), Counter[str](), run.begin()
    moments = sorted(rng.choice(run.samples - 20, run.kills, replace=False).tolist())
    for _ in range(MOST_COMMANDS):
        process = run.start(run.killed, "workers=2")
        counts["commands"] += 1
        while moments and await_samples(process, run.killed, moments[0]):
            time.sleep(float(rng.uniform(0.0, 0.05)))
            victims = [int(process.pid or 0), *children(process.pid)]
            victim = victims[int(rng.integers(len(victims)))]
            if not process.is_alive():
                break
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
                moments.pop(0)
                is_command = victim == process.pid
                counts["command killed" if is_command else "worker killed"] += 1
                if is_command:
                    break
        process.join()
        if process.exitcode == 0:
            break
    run.end(run.killed)
    return counts + Counter(watcher.stop())


def kill_ray_workers(run: Run) -> Counter[str]:
    """Kill a worker of Ray that makes a sample, at numbers of samples drawn at random."""
    rng, counts, watcher = stream(0, 0, "ray kills"), Counter[str](), run.begin()
    moments = sorted(rng.choice(run.samples - 20, run.ray_kills, replace=False).tolist())
    process = run.start(run.killed, "workers=2", "engine=ray")
    counts["commands"] += 1
    while moments and await_samples(process, run.killed, moments[0]):
        victims = [pid for pid in descendants(process.pid) if is_ray_worker(pid)]
        if not victims:
            time.sleep(POLL_S)
            continue
        with suppress(ProcessLookupError):
            os.kill(victims[int(rng.integers(len(victims)))], signal.SIGKILL)
            moments.pop(0)
            counts["worker killed"] += 1
    process.join()
    if process.exitcode:
        raise SystemExit(f"the run on Ray ended with {process.exitcode}")
    run.end(run.killed)
    return counts + Counter(watcher.stop())


def refuse_requests(run: Run) -> Counter[str]:
    """Write to a store that refuses a fifth of all requests."""
    rmtree(run.killed, ignore_errors=True)
    sizes = {path: (run.whole / path).stat().st_size for path in digests(run.whole)}
    server = RefusingS3(REFUSED_SHARE, sizes, "data")
    url = f"s3://{BUCKET}/data"
    # In processes of their own, for s3fs starts threads that no fork survives.
    run.killed.mkdir()
    for step in (_make_bucket, partial(_generate, run, url), partial(_list, run, url)):
        process = get_context("fork").Process(target=step)
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(f"{step} ended with {process.exitcode}")
    run.end(run.killed)
    run.found = json.loads((run.out / LISTED).read_text(encoding="utf-8"))
    return Counter(commands=1, **server.stop())


def _make_bucket() -> None:
    from augment.writer.store import Store

    Store(f"s3://{BUCKET}/data")._fs.mkdir(BUCKET)


def _generate(run: Run, url: str) -> None:
    raise SystemExit(run.once(url, "workers=2", f"spool={run.out / 'spool'}"))


def _list(run: Run, url: str) -> None:
    """Write down which objects are there and with which content, as the server says by MD5."""
    from augment.writer.store import Store

    store = Store(url)
    found = {}
    for path, facts in store._fs.find(url.removeprefix("s3://"), detail=True).items():
        name, whole = path.removeprefix(f"{BUCKET}/data/"), b""
        if (run.whole / name).is_file():
            whole = (run.whole / name).read_bytes()
        is_same = facts["ETag"].strip('"') == md5(whole, usedforsecurity=False).hexdigest()
        found[name] = sha256(whole).hexdigest() if is_same else "another"
    (run.killed / "files.csv").write_bytes(store.read("files.csv"))
    (run.out / LISTED).write_text(json.dumps(found), encoding="utf-8")


def fill_disk(run: Run) -> Counter[str]:
    """Let the disk be full once until the run ends, and once until room is made."""
    rmtree(run.killed, ignore_errors=True)
    run.killed.mkdir(parents=True)
    mount(f"size={TMPFS_MB[0]}M", run.killed)
    try:
        return _fill_disk(run)
    finally:
        subprocess.run(["umount", str(run.killed)], check=True)


def _fill_disk(run: Run) -> Counter[str]:
    root = run.killed / "data"
    counts, watcher = Counter[str](), Watcher(root, digests(run.whole))
    log = run.out / "run.log"
    log.unlink(missing_ok=True)
    if run.once(root, "workers=2") != cli.BAD_INPUT or FULL not in log.read_text("utf-8"):
        raise SystemExit("a full disk did not end the run")
    counts.update(commands=1, **{"full and stopped": 1})
    mount(f"remount,size={TMPFS_MB[1]}M", run.killed)
    log.unlink()
    process = run.start(root, "workers=2")
    counts["commands"] += 1
    while process.is_alive() and free_mb(run.killed) > 0.1:
        time.sleep(POLL_S)
    time.sleep(2.0)
    mount(f"remount,size={TMPFS_MB[2]}M", run.killed)
    process.join()
    if process.exitcode or FULL not in log.read_text("utf-8"):
        raise SystemExit(f"the run ended with {process.exitcode}, or was never short of room")
    counts["full and given room"] += 1
    run.end(root)
    return counts + Counter(watcher.stop())


def mount(options: str, folder: Path) -> None:
    """Mount a file system in memory, or change the one that is there."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    subprocess.run(command, check=True)


def free_mb(folder: Path) -> float:
    """Return what is left of a file system."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize / MB


def await_samples(process: BaseProcess, root: Path, n_samples: int) -> bool:
    """Wait until so many samples are visible; False if the command has ended."""
    folder = root / "samples"
    while process.is_alive():
        if folder.is_dir() and sum(1 for _ in os.scandir(folder)) >= n_samples:
            return True
        time.sleep(POLL_S)
    return False


def children(pid: int | None) -> list[int]:
    """Return the child processes of a process."""
    try:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(child) for child in found.split()]


def descendants(pid: int | None) -> list[int]:
    """Return all processes that came from a process."""
    found = children(pid)
    for child in list(found):
        found += descendants(child)
    return found


def is_ray_worker(pid: int) -> bool:
    """Return whether a process is a worker of Ray that makes a sample."""
    try:
        return b"ray::_run" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
