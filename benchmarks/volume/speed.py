"""Speed in one run, medians: `python speed.py OUT.md`. TorchIO is timed where it is installed.

Warping: a 160³ CT with its labels through a dense field, against TorchIO's
RandomElasticDeformation on the same pair. Case: 200 x 240 x 256 voxels at 1 mm, both twins with
labels, field and Jacobian, written and read back; the atlas is built.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from augment.morphable import load_face_model
from augment.morphable.prior import PriorSpec, draw_subject
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
from augment.volume.grid import grid_over
from augment.volume.lattice import Field, grid_points


def main() -> None:
    """Time everything and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    lines = ["| What | median, s |", "|---|---|"]
    ours, theirs = warping(arguments.repeats)
    lines.append(f"| 160³ CT + labels warped, here | {ours:.3f} |")
    if theirs:
        lines.append(f"| the same, TorchIO RandomElasticDeformation | {theirs:.3f} |")
        lines.append(f"| ratio | {theirs / ours:.0f} |")
    for name, seconds in case(arguments.repeats).items():
        lines.append(f"| {name} | {seconds:.2f} |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    lines.append(f"| peak memory, GB | {peak:.2f} |")
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


def case(repeats: int) -> dict[str, float]:
    """Return median seconds of the parts of a complete case."""
    model, template = load_face_model(), load_template(1.0)
    times: dict[str, list[float]] = {}
    for index in range(repeats + 1):
        clock = [time.perf_counter()]
        subject = draw_subject(model, stream(5, index, "subject"), PriorSpec())
        identity = torch.tensor(subject.identity[None], dtype=torch.float32)
        vertices = model.vertices(identity)[0].numpy().astype(float)[template.vertex_of_model]
        scan = draw_scan(stream(5, index, "scan"), "diagnostic")
        fields = twin_fields(template.vertices, vertices, [], template.body, scan.head_grid())
        clock.append(time.perf_counter())
        atlas = build_atlas(
            template.body, draw_atlas_spec(stream(5, index, "atlas")), template.seat
        )
        clock.append(time.perf_counter())
        volumes = scan_twins(atlas, fields, scan, stream(5, index, "noise"))
        clock.append(time.perf_counter())
        with tempfile.TemporaryDirectory() as folder:
            write_case(Path(folder), volumes)
        clock.append(time.perf_counter())
        parts = dict(
            zip(
                ("case: fields", "case: atlas", "case: both twins scanned", "case: written"),
                np.diff(clock),
                strict=True,
            )
        )
        for name, seconds in {**parts, "case: all": clock[-1] - clock[0]}.items():
            times.setdefault(name, []).append(float(seconds))
    return {name: float(np.median(values[1:])) for name, values in times.items()}


if __name__ == "__main__":
    main()
