"""A small folder of labelled pictures of a target group, for fine-tuning the heads to it.

Either a data set that `facies generate` wrote, whose healthy views bring coefficients and pose too,
or pictures with landmarks alone: beside each `NAME.jpg` (or png, …) a `NAME.pts` of 300-W or a
`NAME.csv` with 68 rows of x and y.
"""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from augment.errors import AssetError
from augment.face_training.batches import Batch, collated, varied
from augment.face_training.renders import FaceRender
from augment.face_training.truth import TruthTable
from augment.face_training.variation import draw_crop
from augment.morphable.pose import ARTICULATION, POSE_NAMES
from augment.pipeline.plain import read_camera
from augment.portrait.picture_file import read_photograph
from augment.portrait.pose import pose_of_camera
from augment.recipe.face_network import FaceTrainingSpec
from augment.sample import N_EXPRESSION, N_IDENTITY
from augment.streams import stream

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
N_LANDMARKS = 68
PTS_ORIGIN = 0.5
"""The centre of the upper left pixel is (1, 1) in a .pts file and (0.5, 0.5) here."""
SUBJECT_ARRAYS = ("identity", "expression", "pose")
FRONTAL = {"head_y": -900.0, "principal_x": 0.5, "principal_y": 0.5}
KEPT = ("trunk.", "attention.")
"""Parts whose weights stay as they are."""


def is_head(name: str) -> bool:
    """Return whether a weight belongs to what is fine-tuned."""
    return not name.startswith(KEPT)


class FolderBatches:
    """Batches of a folder's pictures, varied like renders.

    Args:
        folder: A data set, or pictures with landmarks.
        truth: What is true of crops.
        spec: Size of batches and crops, ranges of the variation, seed.

    Raises:
        AssetError: If there is no labelled picture, or a file holds no 68 landmarks.
    """

    def __init__(self, folder: Path, truth: TruthTable, spec: FaceTrainingSpec) -> None:
        """Read everything into memory: some hundred pictures."""
        is_data_set = (folder / "dataset.json").is_file()
        self.rows = _data_set(folder) if is_data_set else _pictures(folder)
        if not self.rows:
            raise AssetError(
                f"adapt expects a data set of `facies generate`, or pictures with NAME.pts or"
                f" NAME.csv beside them, got '{folder}' with none"
            )
        self.truth, self.spec = truth, spec

    def __call__(self, step: int) -> Batch:
        """Return the batch of a step, the same whenever it is asked for."""
        spec, size = self.spec, self.spec.network.input_px
        rng = stream(spec.seed, step, "adapt batch")
        crops, has_shape = [], []
        for number in rng.integers(len(self.rows), size=spec.training.batch):
            render, knows_shape = self.rows[number]
            crop = draw_crop(rng, render.landmarks_px, spec.variation, size)
            is_mirrored = bool(rng.random() < spec.variation.mirrored)
            crops.append(varied(rng, render, self.truth, crop, (is_mirrored, True), spec))
            has_shape.append(knows_shape)
        return collated(crops, np.zeros((0, 8, 8, 3), np.uint8), has_shape)


def _data_set(folder: Path) -> list[tuple[FaceRender, bool]]:
    rows = []
    for path in sorted(folder.glob("samples/*/healthy/view_*/image.png")):
        parameters = json.loads((path.parents[2] / "parameters.json").read_text(encoding="utf-8"))
        values = {k: np.array(parameters["subject"][k], dtype=np.float64) for k in SUBJECT_ARRAYS}
        camera = read_camera(json.loads((path.parent / "camera.json").read_text(encoding="utf-8")))
        pose = pose_of_camera(camera)
        pose[ARTICULATION] = values["pose"][ARTICULATION]
        landmarks = read_landmarks(path.parent / "landmarks.csv")
        rows.append((_row(path, landmarks, values["identity"], values["expression"], pose), True))
    return rows


def _pictures(folder: Path) -> list[tuple[FaceRender, bool]]:
    pose = np.zeros(len(POSE_NAMES))
    for name, value in FRONTAL.items():
        pose[POSE_NAMES.index(name)] = value
    rows = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in PICTURE_SUFFIXES:
            continue
        for label in (path.with_suffix(".pts"), path.with_suffix(".csv")):
            if label.is_file():
                nobody = np.zeros(N_IDENTITY), np.zeros(N_EXPRESSION)
                rows.append((_row(path, read_landmarks(label), *nobody, pose), False))
                break
    return rows


def _row(
    path: Path,
    landmarks_px: Float[np.ndarray, "68 2"],
    identity: Float[np.ndarray, "99"],
    expression: Float[np.ndarray, "79"],
    pose: Float[np.ndarray, "21"],
) -> FaceRender:
    return FaceRender(
        picture=read_photograph(path),
        landmarks_px=landmarks_px.astype(np.float32),
        is_visible=np.ones(N_LANDMARKS, dtype=bool),
        identity=identity.astype(np.float32),
        expression=expression.astype(np.float32),
        pose=pose,
        albedo=np.zeros((0, 0, 3), np.uint8),
    )


def read_landmarks(path: Path) -> Float[np.ndarray, "68 2"]:
    """Return the 68 landmarks of a file, in pixels whose centres lie at .5.

    Args:
        path: A `.pts` file of 300-W (the first pixel's centre is (1, 1)), or a `.csv` whose header
            names `x` and `y` (or `x_px` and `y_px`) in our pixels; of a file with more than 68
            rows those named `ibug_00` to `ibug_67` count.

    Raises:
        AssetError: If it holds anything else.
    """
    try:
        text = path.read_text(encoding="utf-8")
        points = _pts(text) if path.suffix == ".pts" else _csv(text.splitlines())
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise AssetError(
            f"expected {N_LANDMARKS} landmarks in '{path}', got something else"
            f" ({type(error).__name__}); see `augment.face_training.adapt`"
        ) from error
    if points.shape != (N_LANDMARKS, 2) or not np.isfinite(points).all():
        raise AssetError(
            f"expected {N_LANDMARKS} landmarks in '{path}', got {len(points)}; leave its picture"
            " out"
        )
    return points


def _pts(text: str) -> Float[np.ndarray, "points 2"]:
    inside = text[text.index("{") + 1 : text.index("}")].split()
    return np.array(inside, dtype=np.float64).reshape(-1, 2) - PTS_ORIGIN


def _csv(lines: Sequence[str]) -> Float[np.ndarray, "points 2"]:
    rows = list(csv.DictReader(lines))
    named = [row for row in rows if (row.get("name") or "").startswith("ibug_")]
    names = ("x_px", "y_px") if "x_px" in rows[0] else ("x", "y")
    return np.array([[float(row[name]) for name in names] for row in named or rows])
