"""Meets every bad input in one process of its own: `python hostile_runner.py FOLDER`.

Each case gets a new folder. What came out goes to `FOLDER/results.json`: exit status, what was
printed to stderr, also by libraries, processor seconds, how far memory grew, what was left behind.
"""

import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from hostile_cases import CALLS
from hostile_list import CASES

from augment import cli
from augment.errors import FaciesError

LONGEST_S = 600
LONGEST_CPU_S = 60
MOST_BYTES = 8 << 30


def peak_mb() -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def meet(words: tuple[str, ...]) -> int:
    if words[0] not in CALLS:
        return cli.main(words)
    try:
        CALLS[words[0]]()
    except FaciesError as error:
        sys.stderr.write(f"error: {error}\n")
        return cli.BAD_INPUT
    return 0


def listing() -> set[str]:
    return {str(path) for path in Path().rglob("*")}


def one(words: tuple[str, ...]) -> dict[str, object]:
    """Run one case in the current folder."""
    before = listing()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    begin, saved = time.process_time(), os.dup(2)
    with tempfile.TemporaryFile() as stream:
        os.dup2(stream.fileno(), 2)
        signal.setitimer(signal.ITIMER_PROF, LONGEST_CPU_S)
        signal.alarm(LONGEST_S)
        try:
            code = meet(words)
        except BaseException:
            traceback.print_exc()
            code = -1
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        sys.stderr.flush()
        os.dup2(saved, 2)
        os.close(saved)
        stream.seek(0)
        said = stream.read().decode("utf-8", "replace")
    return {
        "code": code,
        "said": said,
        "cpu_s": time.process_time() - begin,
        "peak_mb": peak_mb(),
        "left": sorted(listing() - before),
    }


def main() -> None:
    """Meet all cases."""
    root = Path(sys.argv[1]).resolve()
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
    results = []
    for number, case in enumerate(CASES):
        folder = root / f"{number:02d}"
        folder.mkdir(parents=True)
        os.chdir(folder)
        case.make()
        result = one(case.words)
        result["said"] = str(result["said"]).replace(str(folder), "")
        results.append(result)
        sys.stdout.write(f"{number} {result['cpu_s']:.1f} s {result['peak_mb']:.0f} MB\n")
        sys.stdout.flush()
    (root / "results.json").write_text(json.dumps(results), encoding="utf-8")


if __name__ == "__main__":
    main()
