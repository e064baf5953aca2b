"""A queue of jobs in a folder: any number of processes, on one machine or several that share the
folder, take jobs from it; what was interrupted goes on.

A job is a folder `runs/ID`. `job.json` says what it is, `claim.json` who works on it, `done.json`
that it is finished. A claim is made by creating its file, which only one process can do; it holds
as long as its process lives (same machine) or its file is touched (other machines).
"""

import json
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from augment.errors import AssetError

STALE_SECONDS = 900.0
"""A claim of another machine that was not touched for so long is void."""
POLL_SECONDS = 1.0


@dataclass(frozen=True)
class Job:
    """One piece of work.

    Attributes:
        id: Name of its folder.
        kind: What kind of work it is.
        needs: Ids of the jobs that must be done before.
        facts: What it needs to know, plain values.
    """

    id: str
    kind: str
    needs: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


@final
class Queue:
    """The jobs of one study in their folder."""

    def __init__(self, folder: Path, jobs: Sequence[Job]) -> None:
        """Write what the jobs are, as far as that is not there.

        Raises:
            AssetError: If the folder holds a job of the same id that is another one.
        """
        self.folder, self.jobs = folder, tuple(jobs)
        for job in jobs:
            self.path(job).mkdir(parents=True, exist_ok=True)
            description = self.path(job) / "job.json"
            values = {"id": job.id, "kind": job.kind, "needs": list(job.needs), **job.facts}
            text = json.dumps(values, indent=1, sort_keys=True) + "\n"
            if not description.is_file():
                write_text(description, text)
            elif description.read_text(encoding="utf-8") != text:
                raise AssetError(
                    f"'{self.path(job)}' holds another job than this study's {job.id}; choose"
                    " another out, or remove that folder"
                )

    def path(self, job: Job | str) -> Path:
        """Return a job's folder."""
        return self.folder / (job if isinstance(job, str) else job.id)

    def is_done(self, job: Job | str) -> bool:
        """Whether a job is finished."""
        return (self.path(job) / "done.json").is_file()

    def finish(self, job: Job, facts: Mapping[str, Any]) -> None:
        """Say that a job is finished, with what is to be known of it, and give up the claim."""
        write_text(self.path(job) / "done.json", json.dumps(dict(facts), indent=1) + "\n")
        (self.path(job) / "claim.json").unlink(missing_ok=True)

    def claim(self, job: Job) -> bool:
        """Try to take a job; only one process gets it."""
        path = self.path(job) / "claim.json"
        if path.is_file() and self._is_void(path):
            # Renamed first: of several processes that see a void claim, one succeeds.
            aside = path.with_name(f"claim.{socket.gethostname()}.{os.getpid()}.void")
            try:
                path.rename(aside)
            except FileNotFoundError:
                return False
            aside.unlink()
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            return False
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump({"host": socket.gethostname(), "pid": os.getpid()}, stream)
        if self.is_done(job):
            path.unlink(missing_ok=True)
            return False
        return True

    def release(self, job: Job) -> None:
        """Give up a claim without finishing."""
        (self.path(job) / "claim.json").unlink(missing_ok=True)

    def touch(self, job: Job) -> None:
        """Say that a claim still holds."""
        os.utime(self.path(job) / "claim.json")

    def work(self, run: Callable[[Job], Mapping[str, Any]], most: int | None = None) -> int:
        """Take jobs until all are finished, by this process or by others.

        Args:
            run: Does a job and returns what is to be known of it.
            most: Jobs after which to stop, None for no limit.

        Returns:
            How many jobs this process finished.
        """
        n_done = 0
        while n_done != most and not all(self.is_done(job) for job in self.jobs):
            job = self._take()
            if job is None:
                time.sleep(POLL_SECONDS)
                continue
            try:
                facts = run(job)
            except BaseException:
                self.release(job)
                raise
            self.finish(job, facts)
            n_done += 1
        return n_done

    def _take(self) -> Job | None:
        for job in self.jobs:
            if self.is_done(job) or not all(self.is_done(need) for need in job.needs):
                continue
            if self.claim(job):
                return job
        return None

    def _is_void(self, path: Path) -> bool:
        try:
            owner = json.loads(path.read_text(encoding="utf-8"))
            age = time.time() - path.stat().st_mtime
        except FileNotFoundError:
            return False
        except ValueError:
            # Another process has created the file and not yet written it.
            return time.time() - path.stat().st_mtime > STALE_SECONDS
        if owner["host"] == socket.gethostname():
            return not _is_alive(int(owner["pid"]))
        return age > STALE_SECONDS


def write_text(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
