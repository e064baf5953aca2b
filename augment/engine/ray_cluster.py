"""Making samples on a Ray cluster: the only file that imports `ray`.

A task makes one sample and writes it into the data set's folder, which every machine of the cluster
must reach under the same path. A task is safe to repeat, for a sample is there whole or not at all:
Ray runs those of a lost worker or machine again.
"""

import os
from collections.abc import Sequence
from typing import Any

from augment.engine.local import WINDOW, Job, Made, Samples, make_in_worker
from augment.engine.threads import single_threaded, single_threaded_children
from augment.errors import AssetError, FaciesError

RETRIES = 20
"""How often a sample is begun again after its worker was lost."""
NICENESS = "RAY_worker_niceness"
"""Ray's own choice is 15: beside anything else on the machine its workers would come last."""


def make_samples_on_ray(
    job: Job, indexes: Sequence[int], workers: int, address: str | None
) -> Samples:
    """Make and write samples.

    Args:
        job: What to make and where.
        indexes: Numbers of the samples.
        workers: Samples made at once, one CPU each.
        address: Address of a running cluster, or None to start one here with that many CPUs.

    Yields:
        One for each sample as it is finished, in any order.

    Raises:
        AssetError: If Ray is not installed or the cluster cannot be reached.
        FaciesError: If a sample is impossible.
    """
    ray = _ray()
    _connect(ray, workers, address)
    task = ray.remote(num_cpus=1, max_retries=RETRIES)(_make)
    shared = ray.put(job)
    waiting, running = iter(indexes), []
    try:
        for index in waiting:
            running.append(task.remote(shared, index))
            if len(running) >= WINDOW * workers:
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


def _connect(ray: Any, workers: int, address: str | None) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault(NICENESS, "0")
    options: dict[str, Any] = {} if address else {"num_cpus": workers, "include_dashboard": False}
    try:
        # Workers of a cluster elsewhere get one thread from Ray, which counts a task's CPUs.
        with single_threaded_children():
            ray.init(address=address, logging_level="ERROR", log_to_driver=False, **options)
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        where = "this machine" if address is None else f"ray_address={address}"
        raise AssetError(
            f"engine=ray expects a cluster at {where}, got {str(error).splitlines()[0]}"
        ) from error


def _make(job: Job, index: int) -> Made | FaciesError:
    try:
        with single_threaded():
            return make_in_worker(job, index)
    except FaciesError as error:
        # Returned, not raised: Ray would wrap it, and a mistake of the recipe is not to be retried.
        return error


def _results(ray: Any, done: Sequence[Any]) -> Samples:
    for found in ray.get(list(done)):
        if isinstance(found, FaciesError):
            raise found
        yield found
