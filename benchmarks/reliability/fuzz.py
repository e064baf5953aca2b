"""Break files until a reader fails: `python fuzz.py --minutes 30 nifti|mesh|recipe|image|subject`.

With atheris (`pip install "facies[fuzz]"`) the search is guided by the coverage of the Python code
of the reader and its libraries; without it the same mutations are drawn blindly. A reader may read
a file or refuse it with an error of ours. Anything else, more than 10 s of processor time for one
file, or more than 2 GB is a bug: its file is kept in `--keep`. Minutes are of the processor, not of
the clock: beside other work a search takes longer but tries as much. `--record` writes the counts
to `fuzz.md` and the files that reached new code to `tests/hostile/corpus`, from which the next
search begins.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
TESTS = HERE.parents[1] / "tests"
sys.path.insert(0, str(TESTS / "support"))
CORPUS = TESTS / "hostile" / "corpus"
# A corpus is committed: the smallest files, each of which reached code that no other had.
MAX_CORPUS_FILES = 200
MAX_CORPUS_BYTES = 400_000
# A disk would be waited for at each file.
MEMORY = Path("/dev/shm")

MAX_CPU_S = 10
MAX_MB = 2048
# By the clock, for what never returns; a busy machine or a pause must not look like it.
MAX_CLOCK_S = 1800
# Modules whose coverage guides the search, each after those that it imports.
INSTRUMENTED = {
    "nifti": ("augment.reconstruct.nifti_file", "augment.reconstruct.nifti"),
    "mesh": ("trimesh.exchange.ply", "trimesh.exchange.stl", "augment.geometry.mesh_file"),
    "recipe": ("augment.recipe.plain_yaml", "augment.recipe.check", "augment.recipe.compose"),
    "image": ("PIL.TiffImagePlugin", "PIL.PngImagePlugin", "augment.portrait.picture_file"),
    "subject": ("json.decoder", "augment.subject_folder", "augment.pipeline.subject_file"),
}
HEADER = (
    "| reader | search | minutes of processor, of clock | files tried | read | refused | bugs |"
    " slowest file, CPU s | peak memory, MB |"
)


class Attack:
    """Counts what files do to one reader."""

    def __init__(self, name: str, keep: Path) -> None:
        from fuzz_readers import READERS, read_recipe_often

        self.name, self.keep, self.reader = name, keep, READERS[name]
        if name == "recipe":
            self.reader = replace(self.reader, read=read_recipe_often)
        self.folder = Path(tempfile.mkdtemp("", "fuzz", MEMORY if MEMORY.is_dir() else None))
        self.counts = {"read": 0, "refused": 0, "slowest": 0.0}
        self.bugs: dict[str, int] = {}
        self.begin()

    def begin(self) -> None:
        """Count from here on."""
        self.counts.update(read=0, refused=0, slowest=0.0)
        self.start = self.last = time.monotonic()
        self.cpu_start = time.process_time()

    def cpu_seconds(self) -> float:
        """Return the processor time since the beginning."""
        return time.process_time() - self.cpu_start

    def one(self, content: bytes) -> None:
        """Try one file; its first byte chooses the kind."""
        from fuzz_readers import attack

        if not content:
            return
        suffix = self.reader.seeds[content[0] % len(self.reader.seeds)][0]
        begin = time.process_time()
        try:
            was_read = attack(self.reader, self.folder, suffix, content[1:])
            self.counts["read" if was_read else "refused"] += 1
        except Exception as error:
            self._note(error, suffix, content[1:])
        seconds = time.process_time() - begin
        if seconds > self.counts["slowest"]:
            self.counts["slowest"] = seconds
            if seconds > MAX_CPU_S:
                self._note(TimeoutError(f"{seconds:.0f} s"), suffix, content[1:])
        if time.monotonic() - self.last > 1.0:
            self.save()

    def _note(self, error: Exception, suffix: str, content: bytes) -> None:
        frame = traceback.extract_tb(error.__traceback__)[-1:]
        place = f"{Path(frame[0].filename).name}:{frame[0].lineno}" if frame else ""
        bug = f"{type(error).__name__} at {place}"
        if bug not in self.bugs:
            print(f"bug: {bug}: {error}", flush=True)
            (self.keep / f"{self.name}.{len(self.bugs)}{suffix}").write_bytes(content)
        self.bugs[bug] = self.bugs.get(bug, 0) + 1

    def save(self) -> None:
        """Write the counts, so that nothing is lost where the search ends the process."""
        self.last = time.monotonic()
        status = Path("/proc/self/status").read_text(encoding="ascii")
        peak = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
        state = {
            **self.counts,
            "bugs": self.bugs,
            "peak_mb": int(peak) // 1024,
            "seconds": self.last - self.start,
            "cpu_seconds": self.cpu_seconds(),
        }
        (self.keep / f"{self.name}.json").write_text(json.dumps(state), encoding="utf-8")


def search_blindly(attack: Attack, seconds: float) -> None:
    """Draw mutations at random until the time is over."""
    mutate = mutator(attack)
    while attack.cpu_seconds() < seconds:
        attack.one(mutate(b"", random.randrange(1 << 32)))
    attack.save()


def mutator(attack: Attack) -> Callable[[bytes, int], bytes]:
    """Return a function from a content (empty: any seed) and a number to a broken content."""
    from fuzz_readers import broken

    seeds = attack.reader.seeds

    def mutate(content: bytes, number: int) -> bytes:
        rng = random.Random(number)
        if not content:
            kind = rng.randrange(len(seeds))
            content = bytes([kind]) + seeds[kind][1]
        return content[:1] + broken(content[1:], attack.reader.tokens, rng.randint)

    return mutate


def search_guided(name: str, keep: Path, seconds: float) -> None:
    """Let atheris search; it ends the process."""
    import atheris

    attack = Attack(name, keep)
    for kind, (_, content) in enumerate(attack.reader.seeds):
        attack.one(bytes([kind]) + content)  # imports everything, as it is
    for module in INSTRUMENTED[name]:
        sys.modules.pop(module, None)
    with atheris.instrument_imports(include=list(INSTRUMENTED[name])):
        for module in INSTRUMENTED[name]:
            import_module(module)
    corpus = keep / f"{name}.corpus"
    corpus.mkdir(exist_ok=True)
    for kind, (_, content) in enumerate(attack.reader.seeds):
        (corpus / f"seed{kind}").write_bytes(bytes([kind]) + content)
    known = CORPUS / f"{name}.zip"
    if known.is_file():
        shutil.unpack_archive(known, corpus)
    mutate = mutator(attack)

    def custom(content: bytes, max_size: int, number: int) -> bytes:
        if number % 2:
            return bytes(atheris.Mutate(content, max_size))
        return mutate(content if number % 8 else b"", number)[:max_size]

    def one(content: bytes) -> None:
        attack.one(content)
        if attack.cpu_seconds() > seconds:
            attack.save()
            os._exit(0)  # libFuzzer itself counts by the clock

    attack.begin()
    flags = (
        f"-rss_limit_mb={MAX_MB}",
        f"-timeout={MAX_CLOCK_S}",
        "-max_len=65536",
        f"-artifact_prefix={keep}/{name}.",
        "-verbosity=0",
    )
    atheris.Setup([sys.argv[0], *flags, str(corpus)], one, custom_mutator=custom)
    atheris.Fuzz()


def record(name: str, search: str, state: dict[str, object]) -> None:
    """Replace the row of a reader in `fuzz.md`."""
    path = HERE / "fuzz.md"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    rows = {line.split("|")[1].strip(): line for line in lines if line.startswith("| ")}
    rows.pop("reader", None)
    tried = int(str(state["read"])) + int(str(state["refused"]))
    bugs = state["bugs"]
    assert isinstance(bugs, dict)
    tried += sum(bugs.values())

    def minutes(key: str) -> float:
        return float(str(state[key])) / 60

    rows[name] = (
        f"| {name} | {search} | {minutes('cpu_seconds'):.1f}, {minutes('seconds'):.1f} | {tried} |"
        f" {state['read']} | {state['refused']} | {len(bugs)} |"
        f" {float(str(state['slowest'])):.2f} | {state['peak_mb']} |"
    )
    text = [
        "# Fuzzing the readers",
        "",
        "Made by `python benchmarks/reliability/fuzz.py --minutes M READER --record`. A bug is"
        " anything but a value or an error of ours, more than 10 s of processor time for one file,"
        " or more than 2 GB. Every bug found is a test, its file lies in `tests/hostile/found`;"
        " what reached new code lies in `tests/hostile/corpus`.",
        "",
        HEADER,
        "|---|---|---|---|---|---|---|---|---|",
        *rows.values(),
    ]
    path.write_text("\n".join(text) + "\n", encoding="utf-8")


def keep_corpus(name: str, found: Path) -> None:
    """Store what reached new code, the smallest files first, in an archive of equal bytes."""
    files = sorted(found.glob("*"), key=lambda path: (path.stat().st_size, path.name))
    CORPUS.mkdir(exist_ok=True)
    n_bytes = 0
    with zipfile.ZipFile(CORPUS / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files[:MAX_CORPUS_FILES]:
            entry = zipfile.ZipInfo(path.name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
            n_bytes += archive.getinfo(path.name).compress_size
            if n_bytes > MAX_CORPUS_BYTES:
                break


def main() -> None:
    """Search for a while in a process of its own, then say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reader", choices=("nifti", "mesh", "recipe", "image", "subject"))
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--keep", type=Path, default=Path("out/fuzz"))
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    seconds, is_guided = 60 * arguments.minutes, find_spec("atheris") is not None
    arguments.keep.mkdir(parents=True, exist_ok=True)
    if arguments.inside:
        if is_guided:
            search_guided(arguments.reader, arguments.keep, seconds)
        else:
            search_blindly(Attack(arguments.reader, arguments.keep), seconds)
        return
    log = arguments.keep / f"{arguments.reader}.log"
    with log.open("w", encoding="utf-8") as stream:
        command = [sys.executable, *sys.argv, "--inside"]
        subprocess.run(command, stdout=stream, stderr=stream, check=False)
    state = json.loads((arguments.keep / f"{arguments.reader}.json").read_text(encoding="utf-8"))
    print(json.dumps(state, indent=1))
    if arguments.record:
        search = f"atheris {version('atheris')}" if is_guided else "blind"
        record(arguments.reader, search, state)
        if is_guided:
            keep_corpus(arguments.reader, arguments.keep / f"{arguments.reader}.corpus")


if __name__ == "__main__":
    main()
