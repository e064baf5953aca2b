"""Labels from what a data set recorded, without drawing anything again."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from augment.errors import AssetError
from augment.morphable import load_face_model
from augment.pathology import PATHOLOGIES, PathologyBasis
from augment.pipeline.making import Pipeline
from augment.pipeline.plain import read_camera, read_plain
from augment.pipeline.stages import Shot, posed_vertices, rest_vertices
from augment.pipeline.subject_file import SUBJECT_FILE, read_subject
from augment.recipe.check import read_spec
from augment.recipe.schema import RecipeSpec
from augment.render.appearance import Appearance
from augment.sample import Subject

Label = tuple[str, int, str, Shaped[np.ndarray, "..."]]


def open_deriver(root: Path) -> Callable[[int], Iterator[Label]]:
    """Return a function that derives the labels of a sample of a data set again.

    Coefficients, cameras and appearances are read from the sample's `parameters.json`; only then
    vertices, fragments and labels are computed, as they were when the sample was made.

    Args:
        root: Folder of a finished data set.

    Returns:
        From the number of a sample to its labels: twin, view, kind, values.

    Raises:
        AssetError: If `dataset.json` does not describe a data set of this version.
    """
    values = json.loads((root / "dataset.json").read_text(encoding="utf-8"))
    mistakes: list[str] = []
    spec = read_spec(RecipeSpec, values["recipe"], "recipe", mistakes)
    if mistakes:
        raise AssetError(f"'{root}/dataset.json' is not of this version: {'; '.join(mistakes)}")
    model = load_face_model(device=spec.device)
    path = root / SUBJECT_FILE
    fitted = read_subject(path, model) if path.is_file() else None
    pipeline = Pipeline(spec, model, PathologyBasis(model), fitted)

    def derive(index: int) -> Iterator[Label]:
        path = root / "samples" / f"{index:06d}" / "parameters.json"
        return _derive(pipeline, json.loads(path.read_text(encoding="utf-8")))

    return derive


def _derive(pipeline: Pipeline, parameters: Mapping[str, Any]) -> Iterator[Label]:
    subject = read_plain(Subject, parameters["subject"])
    if pipeline.fitted is not None:
        subject = replace(subject, detail_mm=pipeline.fitted.detail_mm)
    rest = [rest_vertices(pipeline.model, subject)]
    if parameters["pathologies"]:
        offset = np.zeros(rest[0].shape)
        for solved in parameters["pathologies"]:
            column = pipeline.basis.column(PATHOLOGIES[solved["name"]], solved["side"])
            offset += solved["coefficient"] * column.vertices
        rest.append(rest[0] + offset)
    vertices = posed_vertices(pipeline.model, subject, rest)
    for number, view in enumerate(parameters["views"]):
        shot = Shot(read_camera(view["camera"]), read_plain(Appearance, view["appearance"]))
        pictures = pipeline.views(vertices, shot)
        for picture in pictures if pipeline.spec.twins else pictures[-1:]:
            for kind, values in picture.labels.items():
                yield picture.twin, number, kind, values
