"""How fast a run goes, and how long it will take."""

from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import final

# Marks that the rate is taken over: enough to be steady, few enough to follow a change.
WINDOW = 256


@final
class Pace:
    """The rate of a run over its last samples; what was there before it began does not count."""

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        """Start with nothing seen.

        Args:
            clock: Returns seconds.
        """
        self._clock = clock
        self._marks: deque[tuple[float, int]] = deque(maxlen=WINDOW)
        self._is_begun = False

    def mark(self, done: int) -> None:
        """Note how many are done now; the first call tells what was there before."""
        # Opening and compiling lie before the first finished sample.
        if self._is_begun:
            self._marks.append((self._clock(), done))
        self._is_begun = True

    def each_second(self) -> float | None:
        """Return how many are done in a second; None as long as nobody knows."""
        if len(self._marks) < 2:
            return None
        (start, first), (end, last) = self._marks[0], self._marks[-1]
        return (last - first) / (end - start) if end > start and last > first else None

    def describe(self, left: int) -> str:
        """Return the rate and the time that so many more will take, in words."""
        rate = self.each_second()
        if rate is None:
            return ""
        speed = f"{rate:.1f} a second" if rate >= 1 else f"{1 / rate:.1f} s each"
        return f"{speed}, {duration(left / rate)} left"


def duration(seconds: float | int) -> str:
    """Return a time in its two largest units, for example `2 h 5 min`."""
    whole = round(seconds)
    days, hours, minutes = whole // 86400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"
