"""An S3 server on loopback that refuses a share of all requests, and looks at what it is given."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from multiprocessing import get_context
from threading import Lock, Thread
from typing import Any

from augment.streams import stream

BUCKET = "bucket"
REFUSAL = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
Answer = Callable[..., Any]


class RefusingS3:
    """A process with moto's server behind a door that is shut for a share of all who knock."""

    def __init__(self, share: float, sizes: Mapping[str, int], prefix: str) -> None:
        """Start it, and let this process and its children use it.

        Args:
            share: Share of requests that are answered by 503.
            sizes: Path to bytes of every file of the finished data set.
            prefix: Where the data set goes, within the bucket.
        """
        context = get_context("fork")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(share, dict(sizes), prefix, theirs), daemon=True
        )
        self._process.start()
        os.environ.update(
            AWS_ENDPOINT_URL=f"http://127.0.0.1:{self._ours.recv()}",
            AWS_ACCESS_KEY_ID="testing",
            AWS_SECRET_ACCESS_KEY="testing",
            AWS_DEFAULT_REGION="us-east-1",
            # The refusals are ours to bear, not botocore's.
            AWS_MAX_ATTEMPTS="1",
        )

    def stop(self) -> dict[str, int]:
        """Return the counts: requests, refused, samples committed, partial."""
        self._ours.send("stop")
        found: dict[str, int] = self._ours.recv()
        self._process.join(5)
        self._process.kill()
        return found


def _serve(share: float, sizes: dict[str, int], prefix: str, pipe: Any) -> None:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Silent(WSGIRequestHandler):
        def log(self, type: str, message: str, *words: Any) -> None:
            """Say nothing."""

    door = _Door(DomainDispatcherApplication(create_backend_app), share, sizes, prefix)
    server = make_server("127.0.0.1", 0, door, True, request_handler=Silent)
    Thread(target=server.serve_forever, daemon=True).start()
    pipe.send(server.server_port)
    pipe.recv()
    pipe.send(dict(door.counts))


class _Door:
    """Refuses a share of the requests; notes which objects were stored, in order."""

    def __init__(self, app: Any, share: float, sizes: dict[str, int], prefix: str) -> None:
        self._app, self._share = app, share
        self._sizes: dict[str, dict[str, int]] = {}
        for path, size in sizes.items():
            folder, _, name = path.rpartition("samples/")[2].partition("/")
            self._sizes.setdefault(folder, {})[name] = size
        self._start = f"/{BUCKET}/{prefix}/"
        self._rng, self._lock = stream(0, 0, "refusals"), Lock()
        self._stored: dict[str, dict[str, int]] = {}
        self.counts = Counter(requests=0, refused=0, samples=0, partial=0)

    def __call__(self, environ: dict[str, Any], start_response: Answer) -> Iterable[bytes]:
        self.counts["requests"] += 1
        path = environ["PATH_INFO"]
        is_ours = path.startswith(self._start)
        if (is_ours or "list-type" in environ["QUERY_STRING"]) and self._rng.random() < self._share:
            self.counts["refused"] += 1
            # A client that sends a body must be heard out, or it sees a broken connection.
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start_response("503 Slow Down", [("Content-Type", "application/xml")])
            return [REFUSAL]
        if is_ours and environ["REQUEST_METHOD"] == "PUT":
            size = environ.get("HTTP_X_AMZ_DECODED_CONTENT_LENGTH") or environ["CONTENT_LENGTH"]
            self._note(path.removeprefix(self._start), int(size))
        return self._app(environ, start_response)

    def _note(self, path: str, size: int) -> None:
        """Note an object; the rows of a sample say that it is whole, so that it has to be."""
        folder, _, name = path.rpartition("samples/")[2].partition("/")
        with self._lock:
            stored = self._stored.setdefault(folder, {})
            stored[name] = size
            if name == "rows.json":
                self.counts["samples"] += 1
                self.counts["partial"] += stored != self._sizes.get(folder)
