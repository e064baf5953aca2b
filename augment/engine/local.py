"""Making samples on this machine, in one process or in several, with the same bytes."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from threading import Thread
from time import perf_counter
from typing import Any

from augment.engine.threads import single_threaded, single_threaded_children
from augment.errors import AssetError
from augment.record import SampleRecord
from augment.writer.sample_folder import is_whole, write_sample

# Starting a process costs about as much as this many samples.
SAMPLES_PER_WORKER = 48
# Samples under way or waiting for each process; keeps memory flat however many are asked for.
WINDOW = 4

# A machine short of memory kills a process again and again; a stray kill is made good.
MOST_LOSSES = 3

MakeSample = Callable[[int], SampleRecord]
Seconds = Mapping[str, float]


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


def make_samples(job: Job, indexes: Sequence[int], workers: int) -> Iterator[Seconds]:
    """Make and write samples.

    Args:
        job: What to make and where.
        indexes: Numbers of the samples.
        workers: Number of processes; 1 makes them in this one.

    Yields:
        Stage to seconds, once for each sample as it is finished, in any order.
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


def _make_one(job: Job, make: MakeSample, index: int) -> Seconds:
    sample = make(index)
    start = perf_counter()
    write_sample(job.root, sample, job.landmarks)
    return {**sample.seconds, "write": perf_counter() - start}


def _make_in_processes(job: Job, indexes: Sequence[int], workers: int) -> Iterator[Seconds]:
    """Make samples in processes; those of a process that was killed are begun again."""
    left, losses = dict.fromkeys(indexes), 0
    while left:
        before = len(left)
        try:
            for index, seconds in _make_in_pool(job, list(left), workers):
                del left[index]
                yield seconds
        except BrokenProcessPool as error:
            losses = losses + 1 if len(left) == before else 1
            if losses == MOST_LOSSES:
                raise AssetError(
                    f"a process was killed {losses} times without finishing a sample, perhaps for"
                    f" want of memory; finished samples are kept, repeat the command with fewer"
                    f" than workers={workers}"
                ) from error
            # What was finished before the process was lost, and not yet told, is there.
            for index in [index for index in left if is_whole(job.root, index)]:
                del left[index]
                yield {}


def _make_in_pool(job: Job, indexes: list[int], workers: int) -> Iterator[tuple[int, Seconds]]:
    with single_threaded_children():
        pool = ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, (job,))
        waiting = iter(indexes)
        running: dict[Future[Seconds], int] = {}
        try:
            for index in waiting:
                running[pool.submit(_work, index)] = index
                if len(running) >= WINDOW * workers:
                    yield from _finished(running)
            while running:
                yield from _finished(running)
        finally:
            pool.shutdown(cancel_futures=True)


def _finished(running: dict[Future[Seconds], int]) -> Iterator[tuple[int, Seconds]]:
    """Wait for one sample or more, and take them out."""
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        yield running.pop(future), future.result()


# What a worker process keeps between samples; empty in every other process.
_WORKER: dict[str, Any] = {}


def _start_worker(job: Job) -> None:
    parent = parent_process()
    if parent is not None:
        Thread(target=leave_with, args=(parent.sentinel,), daemon=True).start()
    # Ctrl-C reaches every process of the terminal; the parent alone answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _WORKER["job"] = job


def _work(index: int) -> Seconds:
    return make_in_worker(_WORKER["job"], index)


def make_in_worker(job: Job, index: int) -> Seconds:
    """Make and write one sample; what the job opens is kept for the next one.

    Args:
        job: What to make and where.
        index: Number of the sample.

    Returns:
        Stage to seconds.
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
