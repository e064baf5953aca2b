"""Making samples on this machine, in one process or in several, with the same bytes."""

import errno
import logging
import os
import signal
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import active_children, connection, get_context, parent_process
from pathlib import Path
from socket import gethostname
from threading import Thread
from time import perf_counter
from typing import Any

from augment.errors import AssetError
from augment.operations.logs import tell
from augment.operations.memory import peak_memory_bytes
from augment.operations.threads import single_threaded, single_threaded_children
from augment.record import SampleRecord
from augment.writer.sample_folder import is_whole, write_sample

log = logging.getLogger(__name__)

# Starting a process costs about as much as this many samples.
SAMPLES_PER_WORKER = 48
# Samples under way or waiting for each process; keeps memory flat however many are asked for.
WINDOW = 4

# A machine short of memory kills a process again and again; a stray kill is made good.
MOST_LOSSES = 3

# A full disk may be somebody else's doing and pass; after these waits the run ends.
DISK_WAITS_S = (1.0, 2.0, 4.0, 8.0)

MakeSample = Callable[[int], SampleRecord]


@dataclass(frozen=True)
class Job:
    """What a process needs to make samples.

    Attributes:
        root: Folder of the data set.
        open_maker: Called once in each process; returns the function from index to sample.
        landmarks: Names of the landmarks.
    """

    root: Path
    open_maker: Callable[[], MakeSample]
    landmarks: tuple[str, ...]


@dataclass(frozen=True)
class Made:
    """What is told of a finished sample.

    Attributes:
        index: Number of the sample.
        seconds: Stage to seconds; empty where the process that made it was lost before it told.
        process: Machine and number of the process, empty where it is not known.
        peak_bytes: The most memory that this process has had so far.
    """

    index: int
    seconds: Mapping[str, float]
    process: str
    peak_bytes: int


Samples = Generator[Made, None, None]


def choose_workers(workers: int, n_samples: int) -> int:
    """Return how many processes to use.

    Args:
        workers: Number that the recipe asks for; 0 leaves the choice here.
        n_samples: Samples to make.

    Returns:
        The number asked for, or one for each core as far as the work is worth their start.
    """
    if workers:
        return min(workers, max(n_samples, 1))
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(n_cores or 1, n_samples // SAMPLES_PER_WORKER))


def make_samples(job: Job, indexes: Sequence[int], workers: int) -> Samples:
    """Make and write samples.

    Args:
        job: What to make and where.
        indexes: Numbers of the samples.
        workers: Number of processes; 1 makes them in this one.

    Yields:
        One for each sample as it is finished, in any order.
    """
    if not indexes:
        return
    if workers > 1:
        yield from _make_in_processes(job, indexes, workers)
        return
    with single_threaded():
        make = job.open_maker()
        for index in indexes:
            yield _make_one(job, make, index)


def _make_one(job: Job, make: MakeSample, index: int) -> Made:
    sample = make(index)
    start = perf_counter()
    _write_patiently(job, sample)
    seconds = {**sample.seconds, "write": perf_counter() - start}
    return Made(index, seconds, f"{gethostname()}.{os.getpid()}", peak_memory_bytes())


def _write_patiently(job: Job, sample: SampleRecord) -> None:
    """Write a sample; on a full disk wait and try again, a few times."""
    for wait_s in DISK_WAITS_S:
        try:
            return write_sample(job.root, sample, job.landmarks)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            tell(log, "the disk is full, trying again", logging.WARNING, wait_s=wait_s)
            time.sleep(wait_s)
    return write_sample(job.root, sample, job.landmarks)


def _make_in_processes(job: Job, indexes: Sequence[int], workers: int) -> Samples:
    """Make samples in processes; those of a process that was killed are begun again."""
    left, losses = dict.fromkeys(indexes), 0
    while left:
        before = len(left)
        try:
            for made in _make_in_pool(job, list(left), workers):
                del left[made.index]
                yield made
        except BrokenProcessPool as error:
            losses = losses + 1 if len(left) == before else 1
            tell(log, "a process was lost", logging.WARNING, losses=losses, left=len(left))
            if losses == MOST_LOSSES:
                raise AssetError(
                    f"a process was killed {losses} times without finishing a sample, perhaps for"
                    f" want of memory; finished samples are kept, repeat the command with fewer"
                    f" than workers={workers}"
                ) from error
            # What was finished before the process was lost, and not yet told, is there.
            for index in [index for index in left if is_whole(job.root, index)]:
                del left[index]
                yield Made(index, {}, "", 0)


def _make_in_pool(job: Job, indexes: list[int], workers: int) -> Samples:
    others = active_children()
    with single_threaded_children():
        pool = ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, (job,))
        waiting = iter(indexes)
        running: set[Future[Made]] = set()
        try:
            for index in waiting:
                running.add(pool.submit(_work, index))
                if len(running) >= WINDOW * workers:
                    yield from _finished(running)
            while running:
                yield from _finished(running)
        except (KeyboardInterrupt, GeneratorExit):
            # Nobody waits for what is under way, and half a sample is never seen.
            for process in active_children():
                if process not in others:
                    process.kill()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _finished(running: set[Future[Made]]) -> Samples:
    """Wait for one sample or more, and take them out."""
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        running.remove(future)
        yield future.result()


# What a worker process keeps between samples; empty in every other process.
_WORKER: dict[str, Any] = {}


def _start_worker(job: Job) -> None:
    parent = parent_process()
    if parent is not None:
        Thread(target=leave_with, args=(parent.sentinel,), daemon=True).start()
    # Ctrl-C reaches every process of the terminal; the parent alone answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _WORKER["job"] = job


def _work(index: int) -> Made:
    return make_in_worker(_WORKER["job"], index)


def make_in_worker(job: Job, index: int) -> Made:
    """Make and write one sample; what the job opens is kept for the next one.

    Args:
        job: What to make and where.
        index: Number of the sample.

    Returns:
        What is told of it.
    """
    # Opened here and not at the start, so that an error travels back as it is.
    if _WORKER.get("root") != job.root:
        _WORKER.update(make=job.open_maker(), root=job.root)
    return _make_one(job, _WORKER["make"], index)


def leave_with(sentinel: int) -> None:
    """End this process when its parent ends; it would otherwise wait for work for ever.

    Args:
        sentinel: Handle of the parent that becomes ready when it ends.
    """
    connection.wait([sentinel])
    os._exit(1)
