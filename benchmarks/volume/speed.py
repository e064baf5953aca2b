"""Speed in one run, medians: `python speed.py OUT.md`. TorchIO is timed where it is installed.

Warping: a 160³ CT with its labels through a dense field, against TorchIO's
RandomElasticDeformation on the same pair. Case: 200 x 240 x 256 voxels at 1 mm, both twins with
labels, field and Jacobian, written and read back; the atlas is built and a mandibular prognathism
solved. Wall and processor time; the load of the machine is noted.
"""

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from augment.morphable import load_face_model
from augment.morphable.prior import PriorSpec, draw_subject
from augment.pathology import PathologyBasis, Request, solve_case
from augment.streams import stream
from augment.volume import (
    build_atlas,
    draw_atlas_spec,
    draw_scan,
    load_template,
    scan_twins,
    twin_fields,
    write_case,
)
from augment.volume.anchored import anchored_twin
from augment.volume.field.lattice import Field, grid_points
from augment.volume.grid import grid_over


def main() -> None:
    """Time everything and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    load, cores = os.getloadavg()[0], os.cpu_count()
    lines = [f"{cores} cores, load {load:.1f} at the start.", ""]
    lines += ["| What | median, s | processor, s |", "|---|---|---|"]
    ours, theirs = warping(arguments.repeats)
    lines.append(f"| 160³ CT + labels warped, here | {ours:.3f} | |")
    if theirs:
        lines.append(f"| the same, TorchIO RandomElasticDeformation | {theirs:.3f} | |")
        lines.append(f"| ratio | {theirs / ours:.0f} | |")
    for name, (wall, processor) in case(arguments.repeats).items():
        lines.append(f"| {name} | {wall:.2f} | {processor:.2f} |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    lines.append(f"| peak memory, GB | {peak:.2f} | |")
    arguments.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def median_s(action, repeats: int) -> float:
    """Return the median duration, after one call that compiles."""
    action()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return float(np.median(times))


def warping(repeats: int) -> tuple[float, float | None]:
    """Return seconds here and in TorchIO."""
    rng = np.random.default_rng(0)
    image = rng.integers(-1000, 1500, (160, 160, 160)).astype(np.int16)
    labels = (image > 500).astype(np.uint8)
    affine = np.eye(4)
    affine[:3, 3] = -80
    lattice = grid_over((-90, -90, -90), (90, 90, 90), 6.0)
    waves = 4.0 * np.sin(grid_points(lattice) / 20)
    field = Field(lattice, waves.astype(np.float32))
    ours = median_s(lambda: anchored_twin(image, affine, field, np.eye(4), labels), repeats)
    try:
        import torchio
    except ImportError:
        return ours, None
    subject = torchio.Subject(
        ct=torchio.ScalarImage(tensor=torch.tensor(image[None].astype(np.float32))),
        labels=torchio.LabelMap(tensor=torch.tensor(labels[None])),
    )
    return ours, median_s(lambda: torchio.RandomElasticDeformation()(subject), min(repeats, 2))


def case(repeats: int) -> dict[str, tuple[float, float]]:
    """Return median wall and processor seconds of the parts of a complete case."""
    model, template = load_face_model(), load_template(1.0)
    basis = PathologyBasis(model)
    spent = np.array([one_case(model, template, basis, index) for index in range(repeats + 1)])[1:]
    parts = np.median(spent, axis=0)
    whole = np.median(spent.sum(axis=1), axis=0)
    names = ("fields", "atlas", "both twins scanned", "written")
    rows = {f"case: {n}": (float(p[0]), float(p[1])) for n, p in zip(names, parts, strict=True)}
    return rows | {"case: all": (float(whole[0]), float(whole[1]))}


def one_case(model, template, basis, index: int) -> np.ndarray:
    """Return wall and processor seconds of fields, atlas, scans and files (4, 2)."""
    subject = draw_subject(model, stream(5, index, "subject"), PriorSpec())
    solved = solve_case(basis, subject, [Request("mandibular_prognathism", 3.0)])
    moves = [(p.deformation, p.coefficient) for p in solved.pathologies]
    vertices = solved.healthy_mm[template.vertex_of_model]
    scan = draw_scan(stream(5, index, "scan"), "diagnostic")
    clock = [(time.perf_counter(), time.process_time())]
    fields = twin_fields(template.vertices, vertices, moves, template.body, scan.head_grid())
    clock.append((time.perf_counter(), time.process_time()))
    atlas = build_atlas(template.body, draw_atlas_spec(stream(5, index, "atlas")), template.seat)
    clock.append((time.perf_counter(), time.process_time()))
    volumes = scan_twins(atlas, fields, scan, stream(5, index, "noise"))
    clock.append((time.perf_counter(), time.process_time()))
    with tempfile.TemporaryDirectory() as folder:
        write_case(Path(folder), volumes)
    clock.append((time.perf_counter(), time.process_time()))
    return np.diff(np.array(clock), axis=0)


if __name__ == "__main__":
    main()
