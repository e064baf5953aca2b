"""Work on a Ray cluster: the only file that imports `ray`.

A task makes one sample or does one job of a study, and writes it into a folder that every machine
of the cluster must reach under the same path. A task is safe to repeat, for its result is there
whole or not at all: Ray runs those of a lost worker or machine again.
"""

import os
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from augment.engine.local import WINDOW
from augment.errors import AssetError, FaciesError
from augment.operations.threads import single_threaded, single_threaded_children

RETRIES = 20
"""How often a task is begun again after its worker was lost."""
NICENESS = "RAY_worker_niceness"
"""Ray's own choice is 15: beside anything else on the machine its workers would come last."""

Context = TypeVar("Context")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Cluster:
    """What a run asks of Ray.

    Attributes:
        address: Address of a running cluster, or None to start one here with what is asked for.
        workers: Tasks at once.
        cpus: CPUs of a task.
        on_gpu: Whether a task needs a GPU, which it then has to itself.
    """

    address: str | None
    workers: int
    cpus: int = 1
    on_gpu: bool = False


def run_on_ray(
    task: Callable[[Context, int], Result],
    context: Context,
    numbers: Sequence[int],
    cluster: Cluster,
) -> Generator[Result, None, None]:
    """Do tasks, and again those whose worker was lost.

    Args:
        task: From the context and a number to what is told of it; importable by name.
        context: What all of them need, sent to each machine once.
        numbers: Numbers of the tasks.
        cluster: Where.

    Yields:
        What is told of each task as it is finished, in any order.

    Raises:
        AssetError: If Ray is not installed or the cluster cannot be reached.
        FaciesError: If a task is impossible.
    """
    ray = _ray()
    _connect(ray, cluster)
    wanted = {"num_cpus": cluster.cpus, "num_gpus": int(cluster.on_gpu), "max_retries": RETRIES}
    remote = ray.remote(**wanted)(_run)
    shared = ray.put(context)
    running: list[Any] = []
    try:
        for number in numbers:
            running.append(remote.remote(task, shared, number))
            if len(running) >= WINDOW * cluster.workers:
                done, running = ray.wait(running)
                yield from _results(ray, done)
        while running:
            done, running = ray.wait(running)
            yield from _results(ray, done)
    finally:
        for left in running:
            ray.cancel(left, force=True)
        ray.shutdown()


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise AssetError(
            'engine=ray expects the package ray, which is not installed; pip install "facies[ray]",'
            " or leave engine=local"
        ) from error
    return ray


def _connect(ray: Any, cluster: Cluster) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault(NICENESS, "0")
    own = {"num_cpus": cluster.workers * cluster.cpus, "include_dashboard": False}
    options: dict[str, Any] = {} if cluster.address else own
    try:
        # Workers of a cluster elsewhere get one thread from Ray, which counts a task's CPUs.
        with single_threaded_children():
            ray.init(address=cluster.address, logging_level="ERROR", log_to_driver=False, **options)
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        where = "this machine" if cluster.address is None else f"ray_address={cluster.address}"
        raise AssetError(
            f"engine=ray expects a cluster at {where}, got {str(error).splitlines()[0]}"
        ) from error


def _run(
    task: Callable[[Context, int], Result], context: Context, number: int
) -> Result | FaciesError:
    _one_thread()
    try:
        return task(context, number)
    except FaciesError as error:
        # Returned, not raised: Ray would wrap it, and a mistake of the recipe is not to be retried.
        return error


@cache
def _one_thread() -> ExitStack:
    """Give this worker one thread for good: to take and restore it costs 1 ms."""
    stack = ExitStack()
    stack.enter_context(single_threaded())
    return stack


def _results(ray: Any, done: Sequence[Any]) -> Generator[Any, None, None]:
    for found in ray.get(list(done)):
        if isinstance(found, FaciesError):
            raise found
        yield found
