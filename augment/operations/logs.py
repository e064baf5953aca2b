"""Logs of a run as JSON lines: one object a line, with time, level, event and its facts."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, final

PACKAGE = "augment"
log = logging.getLogger(__name__)


def tell(logger: logging.Logger, event: str, level: int = logging.INFO, **facts: Any) -> None:
    """Log an event with facts, which a JSON line keeps apart and a console leaves out.

    Args:
        logger: Logger of the module that tells.
        event: What happened, in a few words that do not change.
        level: Level of `logging`.
        facts: What JSON can hold.
    """
    logger.log(level, event, extra={"facts": facts})


@contextmanager
def logged_to(path: Path | None) -> Iterator[None]:
    """Append what the package logs inside this block to a file, and how the block ended.

    Args:
        path: The file; None leaves logging as it is.

    Raises:
        OSError: If the file cannot be written.
    """
    if path is None:
        yield
        return
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(JsonLine())
    logger = logging.getLogger(PACKAGE)
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    except BaseException as error:
        tell(log, "stopped", logging.ERROR, error=type(error).__name__, message=str(error))
        raise
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)
        handler.close()


@final
class JsonLine(logging.Formatter):
    """Formats a record as one JSON object: `time` (UTC), `level`, `event`, `logger`, and facts."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record, without its end."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)
