"""One thread for each process: numbers must not depend on how many cores share a sum."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

# Read by BLAS, OpenMP, numba and OpenCV when a process first loads them.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
)


@contextmanager
def single_threaded() -> Iterator[None]:
    """Run torch, OpenCV and BLAS with one thread inside this block, and restore them after it."""
    import cv2
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        # A product that BLAS shares differs in the last place of some elements.
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])


@contextmanager
def single_threaded_children() -> Iterator[None]:
    """Let processes that are started inside this block load their libraries with one thread."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
