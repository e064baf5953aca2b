"""How long each stage of a sample takes, for the summary of a run; never written to a data set."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import final


@final
class Stopwatch:
    """Adds up wall time by stage.

    Attributes:
        seconds: Stage to seconds, in the order in which stages first ran.
    """

    def __init__(self) -> None:
        """Start with no stage."""
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time of this block to a stage."""
        start = perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + perf_counter() - start
