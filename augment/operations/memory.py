"""How much memory a process has had."""

import re
import resource
from pathlib import Path

STATUS = Path("/proc/self/status")


def peak_memory_bytes() -> int:
    """Return the most memory that this process has held at once, in bytes.

    Linux states it of the running program (`VmHWM`); elsewhere it is the kernel's account of the
    process, which counts what ran under its number before.
    """
    if STATUS.is_file():
        found = re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text(encoding="ascii"))
        if found:
            return 1024 * int(found[1])
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
