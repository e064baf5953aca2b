"""Object stores by URL (`s3://bucket/prefix`, and what else fsspec knows): the only file that
imports fsspec.

Every request is tried again with growing waits, for a store that is busy or down for a while; what
more patience does not change (no such bucket, no right to it) is said at once.
"""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Any, TypeVar, final

from augment.errors import AssetError, RecipeError

log = logging.getLogger(__name__)
Result = TypeVar("Result")

URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")
SECRET = re.compile(r"(?<=://)[^/@]*@")
# Protocols whose folders have to be made before a file.
WITH_FOLDERS = {"file", "local", "ftp", "sftp", "ssh", "smb", "hdfs", "webhdfs"}
# Mistakes of set-up, known by name for their classes belong to packages that may be absent.
HOPELESS = {
    "NoCredentialsError",
    "PartialCredentialsError",
    "ProfileNotFound",
    "ParamValidationError",
}


@dataclass(frozen=True)
class Patience:
    """How long a store that refuses is asked again.

    Attributes:
        tries: Requests in all before the run ends.
        first_s: Wait after the first refusal, s; each further one is twice as long.
        longest_s: The longest wait, s.
    """

    tries: int = 10
    first_s: float = 0.5
    longest_s: float = 30.0

    def waits_s(self) -> list[float]:
        """Return the waits between the tries, s."""
        return [min(self.first_s * 2**k, self.longest_s) for k in range(self.tries - 1)]


def is_url(out: str) -> bool:
    """Return whether a place is a URL, and not a folder."""
    return URL.match(out) is not None


@final
class Store:
    """A prefix in a store; objects are named by their path below it.

    Attributes:
        url: The URL without a password that it may hold, for messages.
        n_refused: Requests that were refused and tried again.
    """

    def __init__(self, url: str, patience: Patience | None = None) -> None:
        """Connect to a store.

        Args:
            url: Protocol, bucket or host, and prefix.
            patience: How long a refusing store is asked again.

        Raises:
            RecipeError: If nobody knows the protocol, or the URL names no prefix.
            AssetError: If the package of the protocol is not installed.
        """
        self.url = SECRET.sub("", url.rstrip("/"))
        self.n_refused = 0
        self._patience = patience or Patience()
        self._given_up = Event()
        self._fs, self._root = _connect(url, self.url)
        self._has_folders = not WITH_FOLDERS.isdisjoint(_protocols(self._fs))
        self._folders: set[str] = set()

    def sizes(self) -> dict[str, int]:
        """Return every object below the prefix: path to size in bytes."""

        def list_objects() -> dict[str, int]:
            self._fs.invalidate_cache()
            found, start = self._fs.find(self._root, detail=True), f"{self._root}/"
            return {
                path.removeprefix(start): int(facts["size"])
                for path, facts in found.items()
                if facts["type"] == "file" and path.startswith(start)
            }

        try:
            return self._patiently(list_objects)
        except FileNotFoundError:
            return {}

    def read(self, path: str) -> bytes:
        """Return the content of an object.

        Raises:
            FileNotFoundError: If there is none.
        """
        return bytes(self._patiently(lambda: self._fs.cat_file(f"{self._root}/{path}")))

    def write(self, path: str, content: bytes, *, beside: bool = False) -> None:
        """Write an object whole.

        Args:
            path: Path below the prefix; with `beside`, what is added to the prefix itself.
            content: Its bytes.
            beside: Write beside the prefix and not below it.
        """
        full = f"{self._root}{path}" if beside else f"{self._root}/{path}"

        def put() -> None:
            folder = full.rpartition("/")[0]
            if self._has_folders and folder not in self._folders:
                self._fs.makedirs(folder, exist_ok=True)
                self._folders.add(folder)
            self._fs.pipe_file(full, content)

        try:
            self._patiently(put)
        except FileNotFoundError as error:
            raise AssetError(
                f"out expects a bucket that is there, got '{self.url}' ({error}); make it, or name"
                " another"
            ) from error

    def remove(self, path: str) -> None:
        """Remove an object; nothing happens if there is none."""

        def remove() -> None:
            try:
                self._fs.rm_file(f"{self._root}/{path}")
            except FileNotFoundError:
                return

        self._patiently(remove)

    def give_up(self) -> None:
        """End waits of other threads; from now on a refusal ends a request."""
        self._given_up.set()

    @property
    def is_given_up(self) -> bool:
        """Whether requests are tried once alone."""
        return self._given_up.is_set()

    def _patiently(self, request: Callable[[], Result]) -> Result:
        for wait_s in self._patience.waits_s():
            try:
                return request()
            except Exception as error:
                # Each store raises the errors of its own library.
                self._check(error)
                if self._given_up.is_set():
                    raise self._unreachable(error) from error
                self.n_refused += 1
                log.warning("'%s' refused (%s), again in %.1f s", self.url, error, wait_s)
                self._given_up.wait(wait_s)
        try:
            return request()
        except Exception as error:
            self._check(error)
            # Others that wait for the same store need not find out one by one.
            self.give_up()
            raise self._unreachable(error) from error

    def _check(self, error: Exception) -> None:
        """Raise at once what more patience does not change."""
        if isinstance(error, FileNotFoundError):
            raise error
        if isinstance(error, PermissionError) or type(error).__name__ in HOPELESS:
            raise AssetError(
                f"cannot use '{self.url}' ({error}); see that the bucket is yours and that your"
                " credentials may list, read, write and delete there"
            ) from error

    def _unreachable(self, error: Exception) -> AssetError:
        waited = sum(self._patience.waits_s())
        return AssetError(
            f"'{self.url}' refused {self._patience.tries} times in {waited:.0f} s"
            f" ({type(error).__name__}: {error}); what was finished is kept, see that the store can"
            " be reached and repeat the same command"
        )


def _connect(url: str, shown: str) -> tuple[Any, str]:
    try:
        import fsspec
    except ImportError as error:
        raise _missing(shown) from error
    try:
        fs, root = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise _missing(shown) from error
    except ValueError as error:
        raise RecipeError(
            f"out expects a folder or a URL that fsspec knows, for example s3://bucket/prefix, got"
            f" '{shown}': {error}"
        ) from error
    root = root.rstrip("/")
    if "/" not in root.strip("/"):
        raise RecipeError(f"out expects a prefix below a bucket, s3://bucket/prefix, got '{shown}'")
    return fs, root


def _missing(shown: str) -> AssetError:
    return AssetError(
        f"out='{shown}' expects the package of its protocol, which is not installed;"
        ' pip install "facies[storage]" for s3, or the package that fsspec names for another'
    )


def _protocols(fs: Any) -> set[str]:
    return {fs.protocol} if isinstance(fs.protocol, str) else set(fs.protocol)
