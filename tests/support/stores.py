"""Stores for tests: one that refuses requests, and the bytes of any of them."""

import errno

from augment.streams import stream


class RefusingFs:
    """A file system of fsspec that refuses a share of all requests, each as a store would."""

    def __init__(self, fs, share, seed=0):
        self._fs, self._share, self._rng = fs, share, stream(seed, 0, "refusals")
        self.n_requests = self.n_refused = 0

    def __getattr__(self, name):
        found = getattr(self._fs, name)
        if name not in ("find", "cat_file", "pipe_file", "rm_file"):
            return found

        def request(*words, **options):
            self.n_requests += 1
            if self._rng.random() < self._share:
                self.n_refused += 1
                raise OSError(errno.EBUSY, "Please reduce your request rate.")
            return found(*words, **options)

        return request


def store_contents(store):
    return {path: store.read(path) for path in store.sizes()}
