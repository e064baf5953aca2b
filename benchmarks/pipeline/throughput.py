"""How fast the whole pipeline is, where its time goes, and whether its memory stays flat.

    python benchmarks/pipeline/throughput.py --samples 400 --workers 2

makes a recipe's samples into a temporary folder and prints samples a second, core milliseconds a
sample (what counts on a machine that does other work too), wall time by stage, and the memory of
the largest process while samples were made.
"""

import argparse
import os
import shutil
import tempfile
from functools import partial
from pathlib import Path
from time import perf_counter

from augment.engine.generate import identify
from augment.engine.local import Job, make_samples
from augment.pipeline import check_recipe, data_set_legend, fit_subject, open_pipeline
from augment.recipe import compose_recipe
from augment.writer.folder import open_folder

MEMORY_MARKS = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="face_demo")
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("overrides", nargs="*")
    words = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="facies-"))
    try:
        measure(words.recipe, [f"samples={words.samples}", *words.overrides], words.workers, folder)
    finally:
        shutil.rmtree(folder)


def measure(recipe: str, overrides: list[str], workers: int, folder: Path) -> None:
    spec = compose_recipe(recipe, [*overrides, f"out={folder / 'data'}"])
    check_recipe(spec)
    root = Path(spec.out)
    indexes = open_folder(root, identify(spec), spec.samples)
    fitted = fit_subject(spec)
    maker = partial(open_pipeline, spec, fitted)
    job = Job(root, maker, data_set_legend(spec, fitted).landmarks)
    n_warm = 2 * 8 * workers
    stages: dict[str, float] = {}
    memory = []
    start = core = used = 0.0
    for done, made in enumerate(make_samples(job, indexes, workers), start=1):
        if done == n_warm:
            # Processes have started, compiled and cached; the steady rate begins here.
            start, core = perf_counter(), core_seconds()
            stages = {}
        for stage, value in made.seconds.items():
            stages[stage] = stages.get(stage, 0.0) + value
        if done % max(1, len(indexes) // MEMORY_MARKS) == 0:
            memory.append((done, max(resident_mb(pid) for pid in family())))
        if done == len(indexes):
            used = core_seconds() - core
        if done == 1:
            print(f"{recipe}, {spec.render.size_px} px, {workers} processes")
    n_steady = len(indexes) - n_warm
    wall = perf_counter() - start
    print(f"{n_steady / wall:.1f} samples a second over {n_steady} samples")
    print(
        f"{1000 * used / n_steady:.1f} core ms a sample: {workers} cores free of other work would"
    )
    print(f"make {workers * n_steady / used:.1f} samples a second; wall time by stage:")
    total = sum(stages.values())
    for stage, value in stages.items():
        print(f"  {stage:10s} {1000 * value / n_steady:7.1f} ms  {100 * value / total:4.0f} %")
    print(f"  {'all':10s} {1000 * total / n_steady:7.1f} ms of one process")
    print("memory of the largest process, MB: ", end="")
    print(", ".join(f"{size:.0f} after {done}" for done, size in memory))


def family() -> list[int]:
    """This process and its children."""
    here = os.getpid()
    children = Path(f"/proc/{here}/task/{here}/children").read_text(encoding="utf-8")
    return [here, *map(int, children.split())]


def core_seconds() -> float:
    """Processor time that this process and its children have used so far."""
    ticks = 0
    for pid in family():
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        user, system = stat.rpartition(")")[2].split()[11:13]
        ticks += int(user) + int(system)
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except FileNotFoundError:
        return 0.0
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS")] or ["VmRSS: 0 kB"]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
