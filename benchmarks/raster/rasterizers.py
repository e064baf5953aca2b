"""Time every rasterizer on the model's own head and write results.md beside this file.

    python benchmarks/raster/rasterizers.py [--turns 8] [--out benchmarks/raster/results.md]

Each figure is the median of core-milliseconds an image (CPU time of the whole process, torch on one
thread) from vertices to triangle, barycentric coordinates and depth, with projection and the
building of acceleration structures. The rasterizers take turns of a few calls, so that a busy
machine is unfair to all of them alike; the fastest call tells how busy it was. PyTorch3D's CPU
rasterizer takes seconds and is timed once.
"""

import argparse
import importlib.util
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import torch

from augment.geometry.camera import Camera, look_at
from augment.geometry.subdivision import loop_subdivision
from augment.morphable import load_face_model
from augment.raster.fragments import NO_TRIANGLE
from augment.raster.interpolate import interpolate
from augment.raster.rasterize import rasterize

N_TRIANGLES_OF_THE_TARGET = 22_288
TARGET_MS = 2.0
SLOW = ("pytorch3d",)
CALLS_A_TURN = 5

Rasterizer = Callable[[torch.Tensor, torch.Tensor, Camera], np.ndarray]


class Mesh(NamedTuple):
    """Vertices (1, v, 3) float32 in mm, triangles (t, 3) int64."""

    vertices: torch.Tensor
    faces: torch.Tensor


class Row(NamedTuple):
    """One line of the table."""

    rasterizer: str
    n_triangles: int
    size_px: int
    median_ms: float
    fastest_ms: float
    agreement: float


def head_meshes() -> list[Mesh]:
    """Return the mean head as it is, cut finer to 22,288 triangles, and subdivided once."""
    model = load_face_model()
    coarse, faces = model.mean.double().numpy(), model.faces.numpy().astype(np.int64)
    step = loop_subdivision(faces, len(coarse))
    cut = split_longest_edges(coarse, faces, N_TRIANGLES_OF_THE_TARGET)
    meshes = ((coarse, faces), cut, (step.matrix @ coarse, step.faces))
    return [Mesh(torch.from_numpy(v).float()[None], torch.from_numpy(f)) for v, f in meshes]


def split_longest_edges(
    vertices: np.ndarray, faces: np.ndarray, n_triangles: int
) -> tuple[np.ndarray, np.ndarray]:
    """Halve the longest edges, each with its triangles, until there are enough triangles."""
    while len(faces) < n_triangles:
        sides = np.sort(np.stack((faces, np.roll(faces, -1, axis=1)), -1).reshape(-1, 2), axis=1)
        ends, edge_of_side = np.unique(sides, axis=0, return_inverse=True)
        order = np.argsort(edge_of_side.ravel(), kind="stable")
        of_edge = np.split(order // 3, np.cumsum(np.bincount(edge_of_side.ravel()))[:-1])
        lengths = np.linalg.norm(vertices[ends[:, 0]] - vertices[ends[:, 1]], axis=1)
        is_split = np.zeros(len(faces), dtype=bool)
        halves: list[np.ndarray] = []
        middles: list[np.ndarray] = []
        for edge in np.argsort(-lengths, kind="stable"):
            if len(faces) + len(halves) // 2 >= n_triangles:
                break
            if is_split[of_edge[edge]].any():
                continue
            is_split[of_edge[edge]] = True
            start, end = ends[edge]
            middle = len(vertices) + len(middles)
            middles.append((vertices[start] + vertices[end]) / 2)
            for corners in faces[of_edge[edge]]:
                halves.append(np.where(corners == start, middle, corners))
                halves.append(np.where(corners == end, middle, corners))
        vertices = np.concatenate((vertices, middles))
        faces = np.concatenate((faces[~is_split], halves))
    return vertices, faces


def portrait_camera(size_px: int) -> Camera:
    """Return a camera 700 mm before the face that shows head, neck and shoulders."""
    position = torch.tensor([[0.0, 700, 0]], dtype=torch.float64)
    target = torch.tensor([[0.0, 60, -20]], dtype=torch.float64)
    up = torch.tensor([[0.0, 0, 1]], dtype=torch.float64)
    return Camera(
        torch.tensor([2.3 * size_px], dtype=torch.float64),
        torch.full((1, 2), size_px / 2, dtype=torch.float64),
        look_at(position, target, up),
        size_px,
        size_px,
    )


def rasterizers() -> dict[str, Rasterizer]:
    """Return what is installed here, by name; each gives an image of triangle numbers."""
    names = ["numba", "reference"]
    if importlib.util.find_spec("pytorch3d"):
        names.append("pytorch3d")
    found: dict[str, Rasterizer] = {
        name: lambda v, f, c, name=name: rasterize(v, f, c, backend=name).triangle[0].numpy()
        for name in names
    }
    if importlib.util.find_spec("embreex"):
        found["embree"] = cast_rays
    return found


def cast_rays(vertices: torch.Tensor, faces: torch.Tensor, camera: Camera) -> np.ndarray:
    """Return the triangle under each pixel centre from Embree, through embreex."""
    from embreex.mesh_construction import TriangleMesh
    from embreex.rtcore_scene import EmbreeScene

    scene = EmbreeScene()
    in_camera = camera.points_in_camera(vertices)[0].float().numpy()
    TriangleMesh(scene, in_camera, faces.numpy().astype(np.int32))
    centres = camera.pixel_centres()[0].reshape(-1, 2)
    rays = torch.ones((len(centres), 3))
    rays[:, :2] = ((centres - camera.principal_px) / camera.focal_px).float()
    hits = scene.run(np.zeros(rays.shape, np.float32), rays.numpy(), output=True)
    triangle = np.where(hits["geomID"] >= 0, hits["primID"], NO_TRIANGLE)
    return triangle.reshape(camera.height, camera.width)


def time_all(mesh: Mesh, size_px: int, n_turns: int) -> list[Row]:
    """Return one row a rasterizer; they take turns of a few calls each."""
    camera, table = portrait_camera(size_px), rasterizers()
    exact = table["reference"](*mesh, camera)
    times: dict[str, list[float]] = {name: [] for name in table}
    agreement: dict[str, float] = {}
    for turn in range(n_turns):
        for name, run in table.items():
            if name in SLOW and turn:
                continue
            # The first call of a turn compiles, and warms caches that the others left cold.
            n_calls = 1 if name in SLOW else 1 + CALLS_A_TURN
            calls = [time_once(run, mesh, camera) for _ in range(n_calls)]
            times[name] += [elapsed_ms for elapsed_ms, _ in calls[-CALLS_A_TURN:]]
            agreement[name] = float((calls[-1][1] == exact).mean())
    return [
        Row(name, len(mesh.faces), size_px, median(times[name]), min(times[name]), agreement[name])
        for name in table
    ]


def time_once(run: Rasterizer, mesh: Mesh, camera: Camera) -> tuple[float, np.ndarray]:
    """Return core-milliseconds of one call and its triangles."""
    start = time.process_time()
    triangle = run(*mesh, camera)
    return 1e3 * (time.process_time() - start), triangle


def holes_on_pixel_centres(name: str) -> str:
    """Return how many of 45 x 45 pixels a grid with vertices on pixel centres leaves open."""
    camera = portrait_camera(64)
    k = torch.arange(46, dtype=torch.float64) + 4.5
    pixels = torch.stack(torch.meshgrid(k, k, indexing="xy"), -1).reshape(1, -1, 2)
    vertices = camera.unproject(pixels, torch.full(pixels.shape[:-1], 600.0)).float()
    corner = (torch.arange(45)[:, None] * 46 + torch.arange(45)).reshape(-1)
    upper = torch.stack((corner, corner + 1, corner + 47), 1)
    lower = torch.stack((corner, corner + 47, corner + 46), 1)
    triangle = rasterizers()[name](vertices, torch.cat((upper, lower)), camera)
    return f"{int((triangle[4:49, 4:49] < 0).sum())} of 2025"


def time_interpolation(mesh: Mesh, size_px: int, n_turns: int) -> float:
    """Return the median of core-milliseconds to interpolate 10 channels."""
    fragments = rasterize(*mesh, portrait_camera(size_px))
    values = torch.linspace(0, 1, 10).repeat(mesh.vertices.shape[1], 1)
    times = []
    for _ in range(CALLS_A_TURN * n_turns + 1):
        start = time.process_time()
        interpolate(fragments, mesh.faces, values)
        times.append(1e3 * (time.process_time() - start))
    return median(times[1:])


def report(rows: list[Row], interpolation: dict[tuple[int, int], float], load: float) -> str:
    """Return results.md."""
    numba_rows = {(r.n_triangles, r.size_px): r for r in rows if r.rasterizer == "numba"}
    names = list(dict.fromkeys(r.rasterizer for r in rows))
    goal = numba_rows.get((N_TRIANGLES_OF_THE_TARGET, 256))
    lines = [
        "# Rasterizers: core-milliseconds an image",
        "",
        f"{cpu_name()}, one core; Python {platform.python_version()}, torch {torch.__version__}.",
        "Written by `python benchmarks/raster/rasterizers.py`; medians of one run, the rasterizers "
        "taking turns (PyTorch3D once).",
        f"Load average {load:.1f} on {os.cpu_count()} CPUs while it ran: above that number, other "
        "programs slow every figure, and the fastest call is nearer to an idle machine's.",
        "",
        "| Triangles | Image | Rasterizer | median ms | fastest | times `numba` | pixels equal to "
        "`reference` |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in sorted(rows, key=lambda r: (r.n_triangles, r.size_px, r.median_ms)):
        ratio = r.median_ms / numba_rows[r.n_triangles, r.size_px].median_ms
        lines.append(
            f"| {r.n_triangles:,} | {r.size_px}² | {r.rasterizer} | {r.median_ms:,.2f} "
            f"| {r.fastest_ms:,.2f} | {ratio:,.1f} | {100 * r.agreement:.4f} % |"
        )
    lines += ["", "Interpolation of 10 float32 channels from the fragments:", ""]
    lines += ["| Triangles | Image | ms |", "|---|---|---|"]
    lines += [f"| {t:,} | {s}² | {ms:.2f} |" for (t, s), ms in interpolation.items()]
    lines += [
        "",
        "Pixels left open on a grid of triangles whose vertices sit on pixel centres:",
        "",
    ]
    lines += ["| Rasterizer | open |", "|---|---|"]
    lines += [f"| {name} | {holes_on_pixel_centres(name)} |" for name in names]
    if goal is not None:
        verdict = "met" if goal.median_ms <= TARGET_MS else "missed by the median"
        lines += [
            "",
            f"Target for `numba`, 22,288 triangles at 256²: {TARGET_MS} ms. Here "
            f"{goal.median_ms:.2f} (fastest {goal.fastest_ms:.2f}): {verdict}.",
        ]
    return "\n".join(lines) + "\n"


def cpu_name() -> str:
    """Return the processor's name where the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def main() -> None:
    """Run, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=8)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("results.md"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows: list[Row] = []
    interpolation: dict[tuple[int, int], float] = {}
    for mesh in head_meshes():
        for size_px in arguments.sizes:
            rows += time_all(mesh, size_px, arguments.turns)
            key = (len(mesh.faces), size_px)
            interpolation[key] = time_interpolation(mesh, size_px, arguments.turns)
    text = report(rows, interpolation, os.getloadavg()[0])
    arguments.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
