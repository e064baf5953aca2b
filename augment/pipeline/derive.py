"""Labels from what a data set recorded, without drawing anything again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from augment.errors import AssetError
from augment.morphable import load_face_model
from augment.pathology import PATHOLOGIES, PathologyBasis
from augment.pathology.dynamic import lost_expression
from augment.pathology.screening import head_map_mm
from augment.pathology.solve import healthy_vertices
from augment.pipeline.derive_volumes import VolumeDerivation
from augment.pipeline.heads import Move, head_pair
from augment.pipeline.making import Pipeline
from augment.pipeline.plain import read_camera, read_plain
from augment.pipeline.stages import Shot, posed_vertices, rest_vertices
from augment.pipeline.subject_file import FittedHead, read_subject
from augment.recipe.check import joined, read_spec
from augment.recipe.schema import RecipeSpec
from augment.record import HEALTHY, PATHOLOGICAL
from augment.render.appearance import Appearance
from augment.sample import Subject
from augment.subject_folder import SUBJECT_FILE
from augment.untrusted import read_json

AGAIN = "make the data set again"

Label = tuple[str, int | None, str, Shaped[np.ndarray, "..."]]


def open_deriver(root: Path) -> Callable[[int], Iterator[Label]]:
    """Return a function that derives the labels of a sample of a data set again.

    Coefficients, cameras and appearances are read from the sample's `parameters.json`; only then
    vertices, fragments and labels are computed, as they were when the sample was made.

    Args:
        root: Folder of a finished data set.

    Returns:
        From the number of a sample to its labels: twin, view (None for a volume), kind, values.

    Raises:
        AssetError: If `dataset.json` does not describe a data set of this version.
    """
    values = read_json(root / "dataset.json", "a description of the data set", AGAIN)
    mistakes: list[str] = []
    recipe = values.get("recipe") if isinstance(values, dict) else None
    spec = read_spec(RecipeSpec, recipe, "recipe", mistakes)
    if mistakes:
        raise AssetError(f"'{root}/dataset.json' is not of this version: {joined(mistakes)}")
    path = root / SUBJECT_FILE
    model = load_face_model(device=spec.device)
    fitted = read_subject(path, model) if path.is_file() else None
    derivation = _Derivation(root, spec, fitted)

    def derive(index: int) -> Iterator[Label]:
        path = root / "samples" / f"{index:06d}" / "parameters.json"
        return derivation.labels(index, read_json(path, "what was drawn for a sample", AGAIN))

    return derive


class _Derivation:
    """Derives labels of one data set; what all samples share is opened once."""

    def __init__(self, root: Path, spec: RecipeSpec, fitted: FittedHead | None) -> None:
        model = load_face_model(device=spec.device)
        subject = None if fitted is None else fitted.subject
        self.volumes = VolumeDerivation(root, spec, fitted, model)
        self.pipeline = Pipeline(spec, model, PathologyBasis(model), subject)

    def labels(self, index: int, parameters: Mapping[str, Any]) -> Iterator[Label]:
        subject = read_plain(Subject, parameters["subject"])
        if self.pipeline.fitted is not None:
            subject = replace(subject, detail_mm=self.pipeline.fitted.detail_mm)
        moves = [
            Move(
                solved["name"],
                solved["side"],
                solved["coefficient"],
                solved.get("associated", False),
            )
            for solved in parameters["pathologies"]
        ]
        yield from self._view_labels(subject, moves, parameters["views"])
        if self.pipeline.spec.volume.is_wanted:
            pair = head_pair(self.pipeline.basis, subject, moves)
            for twin, kind, values in self.volumes(index, pair, parameters["volume"]):
                yield twin, None, kind, values

    def _shape_labels(self, subject: Subject, moves: Sequence[Move]) -> Iterator[Label]:
        basis = self.pipeline.basis
        head = healthy_vertices(basis.model, subject)
        shapes = [(HEALTHY, head)]
        if moves or self.pipeline.spec.volume.is_broken:
            offset = np.zeros_like(head)
            for move in moves:
                offset += move.coefficient * move.column(basis).vertices
            shapes.append((PATHOLOGICAL, head + offset))
        for twin, vertices in shapes if self.pipeline.spec.twins else shapes[-1:]:
            yield twin, None, "head_shape_mm", head_map_mm(basis, vertices)

    def _view_labels(
        self, subject: Subject, moves: Sequence[Move], views: Sequence[Mapping[str, Any]]
    ) -> Iterator[Label]:
        pipeline = self.pipeline
        rest = [rest_vertices(pipeline.model, subject)]
        if moves or pipeline.spec.volume.is_broken:
            offset = np.zeros(rest[0].shape)
            for move in moves:
                offset += move.coefficient * move.column(pipeline.basis).vertices
            solved = [(PATHOLOGIES[move.name], move.side, move.coefficient) for move in moves]
            lost = lost_expression(pipeline.basis, solved, subject.expression)
            rest.append(rest[0] + offset + lost)
        if pipeline.spec.head_shape:
            yield from self._shape_labels(subject, moves)
        vertices = posed_vertices(pipeline.model, subject, rest)
        for number, view in enumerate(views):
            shot = Shot(read_camera(view["camera"]), read_plain(Appearance, view["appearance"]))
            pictures = pipeline.views(vertices, shot)
            for picture in pictures if pipeline.spec.twins else pictures[-1:]:
                for kind, values in picture.labels.items():
                    yield picture.twin, number, kind, values
