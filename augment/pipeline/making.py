"""Making one sample: the only place that knows the order of the stages."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from augment.errors import FaciesError
from augment.morphable import FaceModel
from augment.pipeline.plain import plain, plain_camera
from augment.pipeline.stages import (
    Shot,
    posed_vertices,
    rest_vertices,
    sample_shots,
    sample_subject,
)
from augment.pipeline.stopwatch import Stopwatch
from augment.recipe import RecipeSpec
from augment.record import (
    HEALTHY,
    PATHOLOGICAL,
    LandmarkRecord,
    SampleRecord,
    TwinRecord,
    ViewRecord,
)
from augment.render.photograph import View, render_views
from augment.render.scene import REFINEMENT_LEVEL
from augment.sample import Subject


@dataclass(frozen=True)
class Pipeline:
    """Makes samples; what is the same for all of them is loaded once.

    Attributes:
        spec: A checked recipe.
        model: The face model, on the device that renders.
        fitted: The subject of every sample where it was fitted to a file, or None.
    """

    spec: RecipeSpec
    model: FaceModel
    fitted: Subject | None

    def __call__(self, index: int) -> SampleRecord:
        """Return sample `index`: the same whether others are made before, after or never.

        Raises:
            FaciesError: If what the recipe asks for is impossible on this subject.
        """
        try:
            return self._sample(index)
        except FaciesError as error:
            raise type(error)(f"sample {index}: {error}") from error

    def _sample(self, index: int) -> SampleRecord:
        watch = Stopwatch()
        with watch.stage("subject"):
            subject = sample_subject(self.spec, self.model, self.fitted, index)
        with watch.stage("pathology"):
            rest = [rest_vertices(self.model, subject)]
        with watch.stage("view"):
            vertices = posed_vertices(self.model, subject, rest)
            shots = sample_shots(self.spec, self.model, subject, vertices[:1], index)
        with watch.stage("render"):
            pathological = vertices[1:] if len(rest) > 1 else None
            views = [
                render_views(
                    self.model,
                    vertices[:1],
                    pathological,
                    shot.camera,
                    [shot.appearance],
                    self.spec.render,
                )
                for shot in shots
            ]
        with watch.stage("collect"):
            refinement = self.model.refinement(REFINEMENT_LEVEL)
            refined = refinement.apply(vertices).cpu().numpy()
            twins = [
                TwinRecord(
                    name,
                    refined[number],
                    tuple(
                        _view_record(pair[number], shot)
                        for pair, shot in zip(views, shots, strict=True)
                    ),
                )
                for number, name in enumerate((HEALTHY, PATHOLOGICAL)[: len(rest)])
            ]
            parameters = self._parameters(subject, shots, index)
        return SampleRecord(
            index=index,
            subject=self._subject_row(subject, index),
            severities=(),
            twins=tuple(twins if self.spec.twins else twins[-1:]),
            faces=refinement.faces.cpu().numpy(),
            parameters=parameters,
            seconds=watch.seconds,
        )

    def _subject_row(self, subject: Subject, index: int) -> dict[str, Any]:
        is_shared = self.spec.subject.one or self.fitted is not None
        return {
            "subject": "0" if is_shared else str(index),
            "source": subject.source,
            "age_years": subject.age_years,
            "sex": subject.sex,
            **(subject.ancestry or {}),
            "seed": self.spec.seed,
            "pathologies": "",
        }

    def _parameters(self, subject: Subject, shots: Sequence[Shot], index: int) -> dict[str, Any]:
        return {
            "seed": self.spec.seed,
            "index": index,
            "subject": plain(replace(subject, detail_mm=None)),
            "pathologies": [],
            "views": [
                {"camera": plain_camera(shot.camera), "appearance": plain(shot.appearance)}
                for shot in shots
            ],
        }


def _view_record(view: View, shot: Shot) -> ViewRecord:
    landmarks = LandmarkRecord(view.landmarks_px, view.landmarks_mm, view.is_visible)
    return ViewRecord(view.image, view.labels, landmarks, plain_camera(shot.camera))
