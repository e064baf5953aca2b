"""Reading files that strangers wrote: plain files of bounded size, JSON without surprises.

Enters: a path. Leaves: bytes or plain values, or one sentence. Nothing here runs code from a file.
"""

import json
import stat
from pathlib import Path
from typing import Any, NoReturn

from augment.errors import AssetError

MEGABYTE = 1_000_000
MAX_JSON_BYTES = 16 * MEGABYTE
"""JSON of this size is at most some 400 MB of Python values."""
MAX_SHOWN = 80
_KINDS = (
    (stat.S_ISDIR, "the folder"),
    (stat.S_ISFIFO, "the named pipe"),
    (stat.S_ISSOCK, "the socket"),
    (stat.S_ISCHR, "the device"),
    (stat.S_ISBLK, "the device"),
)


def plain_size(path: Path, what: str, max_bytes: int) -> int:
    """Return the size of a plain file; a pipe or device, which may never end, is not opened.

    Args:
        path: The file.
        what: What it is expected to hold, for the message: "a photograph".
        max_bytes: Largest size that is read.

    Raises:
        AssetError: If it is missing, no plain file, or larger.
    """
    try:
        found = path.stat()
    except (OSError, ValueError) as error:  # a name with a null byte is a ValueError
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise AssetError(f"expected {what} at '{path}': {reason}; check the path") from error
    for is_kind, name in _KINDS:
        if is_kind(found.st_mode):
            raise AssetError(f"expected {what}, got {name} '{path}'; name a plain file")
    if found.st_size > max_bytes:
        raise AssetError(
            f"expected {what} of at most {_megabytes(max_bytes)}, got {_megabytes(found.st_size)}"
            f" in '{path}'; reduce it"
        )
    return found.st_size


def read_bounded(path: Path, what: str, max_bytes: int) -> bytes:
    """Return the content of a plain file of bounded size.

    Args:
        path: The file.
        what: What it is expected to hold, for the message.
        max_bytes: Largest size that is read.

    Raises:
        AssetError: If it is missing, no plain file, unreadable or larger.
    """
    plain_size(path, what, max_bytes)
    try:
        with path.open("rb") as stream:
            return stream.read(max_bytes + 1)[:max_bytes]
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise AssetError(f"expected {what} at '{path}': {reason}; check the path") from error


def read_json(path: Path, what: str, advice: str, max_bytes: int = MAX_JSON_BYTES) -> Any:
    """Return the values of a JSON file.

    Args:
        path: The file.
        what: What it is expected to hold, for the message: "a fitted subject".
        advice: The next step where it holds something else: "make it again".
        max_bytes: Largest size that is read.

    Raises:
        AssetError: If it is missing, too large, no JSON, too deep, or holds NaN or infinity.
    """
    return parse_json(read_bounded(path, what, max_bytes), str(path), what, advice)


def parse_json(content: bytes, where: str, what: str, advice: str) -> Any:
    """Return the values of JSON; see `read_json`.

    Args:
        content: The text in UTF-8.
        where: Where it was read, for the message.
        what: What it is expected to hold, for the message.
        advice: The next step where it holds something else.

    Raises:
        AssetError: If it is no JSON, too deep, or holds NaN or infinity.
    """
    try:
        return json.loads(content.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise AssetError(
            f"expected {what} as JSON in '{where}', got something else ({shown(error)}); {advice}"
        ) from error


def shown(value: object) -> str:
    """Return the repr of a value, or the text of an error, short and printable, for a message."""
    return short(str(value) if isinstance(value, Exception) else _bounded_repr(value))


def short(text: str, most: int = MAX_SHOWN) -> str:
    """Return a text on one line, short and printable, for a message."""
    text = " ".join(text.split())
    text = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _bounded_repr(value: object) -> str:
    try:
        return repr(value)
    except ValueError:  # a whole number of more than 4300 digits
        return f"a {type(value).__name__} too long to show"


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"the number {word}")


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / MEGABYTE:,.0f} MB" if n_bytes >= MEGABYTE else f"{n_bytes:,} bytes"
