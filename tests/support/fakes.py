"""Small samples without a model or a renderer, for tests of what happens to samples afterwards."""

import errno
import json
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from augment.errors import RecipeError
from augment.record import LandmarkRecord, Legend, SampleRecord, TwinRecord, ViewRecord
from augment.streams import stream

SIZE_PX = 24
LANDMARKS = ("nasion", "pronasale", "menton")
LEGEND = Legend(
    landmarks=LANDMARKS,
    regions={1: "nose", 2: "chin"},
    parts={1: "skin"},
    pathologies={"crooked_nose": {"parameter": "deviation", "unit": "deg"}},
    assets={"faces": "CC0"},
)
FACES = np.array([[0, 1, 2], [0, 2, 3]])


def fake_labels(vertices_mm: np.ndarray) -> dict[str, np.ndarray]:
    """Labels that follow from four vertices and from nothing else."""
    y, x = np.mgrid[:SIZE_PX, :SIZE_PX] / SIZE_PX
    depth = (500 + vertices_mm[:, 1].sum() * x + y).astype(np.float32)
    return {
        "regions": (1 + (x > 0.5)).astype(np.uint8),
        "pathology": (y > 0.5).astype(np.uint8),
        "parts": np.ones((SIZE_PX, SIZE_PX), dtype=np.uint8),
        "depth_mm": depth,
        "normals": np.stack((x, y, 1 - x), axis=-1).astype(np.float16),
        "uv": np.stack((x, y), axis=-1).astype(np.float32),
        "displacement_mm": np.stack((x, y, depth), axis=-1).astype(np.float32),
    }


def fake_view(rng: np.random.Generator, vertices_mm: np.ndarray) -> ViewRecord:
    return ViewRecord(
        image=rng.integers(0, 256, (SIZE_PX, SIZE_PX, 3)).astype(np.uint8),
        labels=fake_labels(vertices_mm),
        landmarks=LandmarkRecord(
            points_px=rng.uniform(0, SIZE_PX, (3, 2)),
            points_mm=rng.normal(0, 50, (3, 3)),
            is_visible=np.array([True, False, True]),
        ),
        camera={
            "focal_px": 40.0,
            "principal_px": [12.0, 12.0],
            "camera_from_world": np.eye(4).tolist(),
            "width": SIZE_PX,
            "height": SIZE_PX,
        },
    )


def fake_sample(index: int, *, seed: int = 0, n_views: int = 1, twins: bool = True) -> SampleRecord:
    rng = stream(seed, index, "fake")
    vertices = rng.normal(0, 50, (4, 3))
    names = ("healthy", "pathological") if twins else ("healthy",)
    heads = []
    for number, name in enumerate(names):
        moved = vertices + number
        views = tuple(fake_view(rng, moved) for _ in range(n_views))
        heads.append(TwinRecord(name, moved, views))
    severity = {
        "pathology": "crooked_nose",
        "side": "left",
        "parameter": "deviation",
        "unit": "deg",
        "requested": 4.0,
        "measured": 4.01,
        "difference": 0.01,
        "healthy": 0.5,
        "grade": "mild",
        "basis": "proposal",
    }
    return SampleRecord(
        index=index,
        subject={"subject": str(index), "source": "prior", "age_years": 40.5, "sex": None},
        severities=(severity,) if twins else (),
        twins=tuple(heads),
        faces=FACES,
        parameters={"vertices_mm": {head.name: head.vertices_mm.tolist() for head in heads}},
        seconds={"draw": 0.001},
    )


def open_fake_maker(seed: int = 0):
    return partial(fake_sample, seed=seed)


def open_thread_counter():
    import cv2
    import scipy.linalg  # noqa: F401
    import torch
    from threadpoolctl import threadpool_info

    def make(index: int) -> SampleRecord:
        counts = {"torch": float(torch.get_num_threads()), "cv2": float(cv2.getNumThreads())}
        counts["blas"] = float(max(library["num_threads"] for library in threadpool_info()))
        return replace(fake_sample(index), seconds=counts)

    return make


def open_slow_maker(spec, fitted):
    """A maker that takes a while for each sample, in place of `open_pipeline`."""

    def make(index: int) -> SampleRecord:
        time.sleep(0.1)
        return fake_sample(index, seed=spec.seed)

    return make


def run_cli_with_fakes(words: list[str]) -> int:
    """Run the command line as a process of its own would, with slow fake samples."""
    import sys

    from augment import cli
    from augment.engine import generate

    generate.check_recipe = lambda spec: None
    generate.fit_subject = lambda spec: None
    generate.data_set_legend = lambda spec, fitted: LEGEND
    generate.open_pipeline = open_slow_maker
    sys.argv = ["facies", *words]
    return cli.main()


def open_failing_maker(fail_at: int, kind: str, marker: Path | None = None):
    """A maker that fails at one sample; with a marker file it fails only the first time."""

    def make(index: int) -> SampleRecord:
        if index == fail_at and (marker is None or not marker.exists()):
            if marker is not None:
                marker.touch()
            if kind == "full disk":
                raise OSError(errno.ENOSPC, "No space left on device", "image.png")
            raise RecipeError("severity expects at most 9.1 mm, got 40.0")
        return fake_sample(index)

    return make


def open_fake_deriver(root):
    def derive(index):
        path = root / f"samples/{index:06d}/parameters.json"
        parameters = json.loads(path.read_text(encoding="utf-8"))
        for twin, vertices in parameters["vertices_mm"].items():
            for kind, values in fake_labels(np.array(vertices)).items():
                yield twin, 0, kind, values

    return derive
