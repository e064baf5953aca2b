"""Stores for tests: one that refuses requests, and the bytes of any of them."""

import errno
from contextlib import contextmanager
from urllib.request import Request, urlopen

import pytest

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


@contextmanager
def s3_server(monkeypatch):
    """Run moto's S3 server on loopback for this process, with an empty bucket `bucket`."""
    server_of = pytest.importorskip("moto.server", reason="needs moto, flask and flask-cors")
    s3fs = pytest.importorskip("s3fs", reason="needs s3fs")
    server = server_of.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        # Moto keeps buckets for its process, beyond the server.
        urlopen(Request(f"http://{host}:{port}/moto-api/reset", method="POST")).close()
        # A file system that another test has opened knows another server.
        s3fs.S3FileSystem.clear_instance_cache()
        s3fs.S3FileSystem().mkdir("bucket")
        yield
    finally:
        server.stop()


def store_contents(store):
    return {path: store.read(path) for path in store.sizes()}
