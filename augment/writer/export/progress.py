"""What an exporter calls after each case."""

from collections.abc import Callable

from augment.writer.export.source import Case

OnCase = Callable[[Case], None]
