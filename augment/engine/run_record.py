"""The record of a run: how fast, on what, with how much memory; beside a data set, not part of it.

Two runs of one recipe give the same data set and different records.
"""

import os
import platform
from collections import Counter
from datetime import UTC, datetime
from socket import gethostname
from time import perf_counter
from typing import Any, final

from augment.engine.local import Made
from augment.operations.memory import peak_memory_bytes
from augment.recipe import RecipeSpec

MB = 1e6


@final
class RunRecord:
    """Adds up what finished samples tell.

    Attributes:
        n_made: Samples that were finished.
        stage_seconds: Stage to the time of all its samples together.
    """

    def __init__(self) -> None:
        """Start the clock of the run."""
        self._start, self._started = perf_counter(), datetime.now(UTC)
        self._sample_start: float | None = None
        self._sample_seconds = 0.0
        self._peaks: dict[str, int] = {}
        self.n_made = 0
        self.stage_seconds: Counter[str] = Counter()

    def begin_samples(self) -> None:
        """Start the clock of the samples."""
        self._sample_start = perf_counter()

    def end_samples(self) -> None:
        """Stop the clock of the samples; what follows is tables and checksums."""
        self._sample_seconds = self.sample_seconds
        self._sample_start = None

    def add(self, made: Made) -> None:
        """Count a finished sample."""
        self.n_made += 1
        self.stage_seconds.update(made.seconds)
        if made.process:
            self._peaks[made.process] = max(made.peak_bytes, self._peaks.get(made.process, 0))

    @property
    def seconds(self) -> float:
        """Wall time since the run began."""
        return perf_counter() - self._start

    @property
    def sample_seconds(self) -> float:
        """Wall time of making samples so far."""
        running = 0.0 if self._sample_start is None else perf_counter() - self._sample_start
        return self._sample_seconds + running

    def values(self, spec: RecipeSpec, workers: int, is_finished: bool) -> dict[str, Any]:
        """Return the record as plain values.

        Args:
            spec: The recipe.
            workers: Processes that were asked for.
            is_finished: Whether the run came to its end.

        Returns:
            What the file beside the data set holds; `rate` is samples a second while making them,
            times are in s, memory in MB (10^6 bytes).
        """
        total = sum(self.stage_seconds.values())
        own = f"{gethostname()}.{os.getpid()}"
        workers_mb = sorted(peak / MB for key, peak in self._peaks.items() if key != own)
        return {
            "recipe": spec.name,
            "fingerprint": spec.fingerprint(),
            "started": self._started.isoformat(timespec="seconds"),
            "finished": is_finished,
            "engine": spec.engine,
            "shard": spec.shard,
            "workers": workers,
            "samples": spec.samples,
            "made": self.n_made,
            "seconds": round(self.seconds, 3),
            "sample_seconds": round(self.sample_seconds, 3),
            "rate": round(self.n_made / self.sample_seconds, 3) if self.n_made else 0.0,
            "stages": {
                stage: {"seconds": round(seconds, 3), "share": round(seconds / total, 4)}
                for stage, seconds in self.stage_seconds.items()
            },
            "peak_memory_mb": {
                "driver": round(peak_memory_bytes() / MB, 1),
                "workers": [round(peak, 1) for peak in workers_mb],
            },
            "machine": {
                "host": gethostname(),
                "cpus": os.cpu_count(),
                "system": platform.platform(),
                "python": platform.python_version(),
            },
        }
