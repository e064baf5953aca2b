"""Making one sample: the only place that knows the order of the stages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float32
from torch import Tensor

from augment.errors import FaciesError, RecipeError
from augment.morphable import FaceModel
from augment.pathology import PATHOLOGIES, Case, PathologyBasis, find_pathology, solve_case
from augment.pathology.dynamic import lost_expression
from augment.pathology.screening import head_class, head_map_mm
from augment.photometric import Photometric
from augment.pipeline.anchoring import Anchor
from augment.pipeline.assign import assign_pathologies
from augment.pipeline.heads import HeadPair, Move, head_pair
from augment.pipeline.plain import plain, plain_camera
from augment.pipeline.series import Frame, at_age, frame_case, frame_of, fullest
from augment.pipeline.stages import (
    Shot,
    attempt_stage,
    posed_vertices,
    rest_vertices,
    sample_shots,
    sample_subject,
)
from augment.pipeline.stopwatch import Stopwatch
from augment.pipeline.volume_plan import VolumePlan, draw_plan
from augment.pipeline.volumes import VolumeMaker
from augment.recipe import RecipeSpec
from augment.record import (
    HEALTHY,
    PATHOLOGICAL,
    LandmarkRecord,
    SampleRecord,
    TwinRecord,
    ViewRecord,
    VolumeRecord,
)
from augment.render.photograph import View, render_views
from augment.render.scene import REFINEMENT_LEVEL
from augment.sample import Subject
from augment.streams import stream

# A severity is a value of the measure, not a change of it: severe prognathism does not fit every
# healthy jaw. Subject and request are drawn again until they fit together; a request that fits none
# of so many heads is impossible.
MAX_ATTEMPTS = 16


@dataclass(frozen=True)
class Pipeline:
    """Makes samples; what is the same for all of them is loaded once.

    Attributes:
        spec: A checked recipe.
        model: The face model, on the device that renders.
        basis: The pathologies' displacements on that model.
        fitted: The subject of every sample where it was fitted to a file, or None.
        photometric: Variation of finished pictures, or None.
        volumes: What makes volumes: of generated heads, or of a real CT; None for none.
    """

    spec: RecipeSpec
    model: FaceModel
    basis: PathologyBasis
    fitted: Subject | None = None
    photometric: Photometric | None = None
    volumes: VolumeMaker | Anchor | None = None

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
        # Draws depend on the case, which several frames share.
        number = frame_of(self.spec, index).case
        case, attempt = self.possible_case(index, watch)
        subject = case.subject
        with watch.stage("view"):
            vertices = self._vertices(subject, case)
            shots = sample_shots(self.spec, self.model, subject, vertices[:1], number)
        with watch.stage("render"):
            views = [self.views(vertices, shot) for shot in shots]
        if self.photometric is not None:
            with watch.stage("photometric"):
                views = [self._varied(pair, number, n) for n, pair in enumerate(views)]
        plan = draw_plan(self.spec, number) if isinstance(self.volumes, VolumeMaker) else None
        volumes: dict[str, VolumeRecord] = {}
        if self.volumes is not None:
            with watch.stage("volume"):
                pair = head_pair(self.basis, subject, solved_moves(case))
                volumes = self.volume_records(pair, plan, number)
        with watch.stage("collect"):
            twins = self._twins(case, vertices, views, shots, volumes)
            parameters = {
                **_parameters(self.spec, case, shots, index, attempt),
                "volume": plain(plan),
            }
        return SampleRecord(
            index=index,
            subject=self._subject_row(subject, case, index),
            severities=(*severity_rows(case), *fracture_rows(plan, volumes)),
            twins=twins if self.spec.twins else twins[-1:],
            faces=self.model.refinement(REFINEMENT_LEVEL).faces.cpu().numpy(),
            parameters=parameters,
            seconds=watch.seconds,
        )

    def possible_case(self, index: int, watch: Stopwatch) -> tuple[Case, int]:
        """Draw subject and requests until they fit together, and say how often it took.

        Args:
            index: Number of the sample.
            watch: What counts the time of the stages.

        Raises:
            RecipeError: If none of 16 heads takes what is asked for.
        """
        frame = frame_of(self.spec, index)
        full = fullest(self.spec, frame)
        attempt = 0
        while True:
            with watch.stage("pathology"):
                rng = stream(self.spec.seed, frame.case, attempt_stage("pathology", attempt))
                requests = assign_pathologies(self.spec, frame.case, rng, PATHOLOGIES)
            subject = self._subject(full, attempt, watch)
            try:
                with watch.stage("pathology"):
                    case = solve_case(self.basis, subject, requests)
                break
            except RecipeError:
                attempt += 1
                if attempt == MAX_ATTEMPTS:
                    raise
        if frame != full:
            subject = self._subject(frame, attempt, watch)
            with watch.stage("pathology"):
                case = frame_case(self.basis, subject, requests, frame)
        return case, attempt

    def _subject(self, frame: Frame, attempt: int, watch: Stopwatch) -> Subject:
        with watch.stage("subject"):
            spec = at_age(self.spec, frame)
            return sample_subject(spec, self.model, self.fitted, frame.case, attempt)

    def _vertices(self, subject: Subject, case: Case) -> Float32[Tensor, "twins vertices 3"]:
        rest = [rest_vertices(self.model, subject)]
        if case.pathologies or self.spec.volume.is_broken:
            solved = [(find_pathology(s.name), s.side, s.coefficient) for s in case.pathologies]
            lost = lost_expression(self.basis, solved, subject.expression)
            rest.append(rest[0] + case.offset_mm + lost)
        return posed_vertices(self.model, subject, rest)

    def views(self, vertices: Float32[Tensor, "twins vertices 3"], shot: Shot) -> list[View]:
        """Return one picture of each twin, with labels.

        Args:
            vertices: Posed vertices of the healthy head and, if any, of the pathological one.
            shot: How the view is taken.
        """
        pathological = vertices[1:] if len(vertices) > 1 else None
        return render_views(
            self.model,
            vertices[:1],
            pathological,
            shot.camera.to(self.model.device),
            [shot.appearance],
            self.spec.render,
        )

    def volume_records(
        self, pair: HeadPair, plan: VolumePlan | None, index: int
    ) -> dict[str, VolumeRecord]:
        """Return the volume of each twin by its name.

        Args:
            pair: Healthy and pathological head.
            plan: What was drawn for a generated volume; None for a real CT.
            index: Number of the sample.
        """
        if isinstance(self.volumes, Anchor):
            return self.volumes.volumes(pair.moves, self.spec.volume.files)
        if isinstance(self.volumes, VolumeMaker) and plan is not None:
            return self.volumes(pair, plan, index)
        return {}

    def _varied(self, pair: Sequence[View], index: int, number: int) -> list[View]:
        # One stream for both twins, so that their pictures still differ by the pathology alone.
        varied = []
        for view in pair:
            rng = stream(self.spec.seed, index, f"photometric {number}")
            image = view.image if self.photometric is None else self.photometric(view.image, rng)
            varied.append(replace(view, image=image))
        return varied

    def head_shapes(self, case: Case) -> list[np.ndarray]:
        """Return the head-shape map of each twin at rest, mm."""
        is_pair = bool(case.pathologies) or self.spec.volume.is_broken
        twins = [case.healthy_mm, case.pathological_mm] if is_pair else [case.healthy_mm]
        return [head_map_mm(self.basis, vertices) for vertices in twins]

    def _twins(
        self,
        case: Case,
        vertices: Float32[Tensor, "twins vertices 3"],
        views: Sequence[Sequence[View]],
        shots: Sequence[Shot],
        volumes: Mapping[str, VolumeRecord],
    ) -> tuple[TwinRecord, ...]:
        meshes: list[np.ndarray | None] = [None] * len(vertices)
        shapes = self.head_shapes(case) if self.spec.head_shape else [None] * len(vertices)
        if self.spec.meshes:
            # Pictures show the refined surface; that is the mesh on which labels are exact.
            refinement = self.model.refinement(REFINEMENT_LEVEL)
            meshes = list(refinement.apply(vertices).cpu().numpy())
        return tuple(
            TwinRecord(
                name,
                mesh,
                tuple(
                    _view_record(pair[number], shot)
                    for pair, shot in zip(views, shots, strict=True)
                ),
                volumes.get(name),
                shape,
            )
            for number, (name, mesh, shape) in enumerate(
                zip((HEALTHY, PATHOLOGICAL)[: len(meshes)], meshes, shapes, strict=True)
            )
        )

    def _subject_row(self, subject: Subject, case: Case, index: int) -> dict[str, Any]:
        is_shared = self.spec.subject.one or self.fitted is not None
        frame = frame_of(self.spec, index)
        return {
            "subject": "0" if is_shared else str(frame.case),
            "source": subject.source,
            "age_years": subject.age_years,
            "sex": subject.sex,
            **(subject.ancestry or {}),
            "seed": self.spec.seed,
            "pathologies": ";".join(solved.name for solved in case.pathologies),
            **self._head_class(case),
            **_time(frame),
        }

    def _head_class(self, case: Case) -> dict[str, str]:
        names = [solved.name for solved in case.pathologies]
        return {"head_class": head_class(names)} if self.spec.head_shape else {}


def _time(frame: Frame) -> dict[str, Any]:
    """Return the columns of a frame of a series."""
    if frame.course is None:
        return {}
    return {"time": frame.time, "time_unit": frame.course.unit}


def solved_moves(case: Case) -> list[Move]:
    """Return what a case's pathologies move, without what they were measured by."""
    return [
        Move(solved.name, solved.side, solved.coefficient, solved.associated)
        for solved in case.pathologies
    ]


def severity_rows(case: Case) -> list[dict[str, Any]]:
    """Return one row of the table of severities for each pathology of a case."""
    return [
        {
            "pathology": solved.name,
            "side": solved.side,
            "parameter": solved.parameter,
            "unit": solved.unit,
            "requested": solved.requested,
            "measured": solved.measured,
            "difference": solved.measured - solved.requested,
            "healthy": solved.healthy,
            "grade": solved.grade,
            "basis": solved.basis,
        }
        for solved in case.pathologies
    ]


def fracture_rows(
    plan: VolumePlan | None, volumes: Mapping[str, VolumeRecord]
) -> list[dict[str, Any]]:
    """Return the row of the table of severities for a fracture; none where nothing broke."""
    if plan is None or plan.fracture is None or PATHOLOGICAL not in volumes:
        return []
    bone, side = plan.fracture.name.rsplit("_", 1)
    measured, requested = volumes[PATHOLOGICAL].fragment_mm, plan.fracture.displacement_mm
    return [
        {
            "pathology": f"{bone}_fracture",
            "side": side,
            "parameter": "shift of the fragment",
            "unit": "mm",
            "requested": requested,
            "measured": measured,
            "difference": None if measured is None else measured - requested,
            "healthy": 0.0,
            "grade": None,
            "basis": "proposal",
        }
    ]


def _view_record(view: View, shot: Shot) -> ViewRecord:
    landmarks = LandmarkRecord(view.landmarks_px, view.landmarks_mm, view.is_visible)
    return ViewRecord(view.image, view.labels, landmarks, plain_camera(shot.camera))


def _parameters(
    spec: RecipeSpec, case: Case, shots: Sequence[Shot], index: int, attempt: int
) -> dict[str, Any]:
    return {
        "seed": spec.seed,
        "index": index,
        "attempt": attempt,
        # A fitted subject's detail is the same for all samples and stands once, in subject.json.
        "subject": plain(replace(case.subject, detail_mm=None)),
        "pathologies": [
            {
                "name": solved.name,
                "side": solved.side,
                "coefficient": solved.coefficient,
                "associated": solved.associated,
            }
            for solved in case.pathologies
        ],
        "drift": plain(case.drift),
        "views": [
            {"camera": plain_camera(shot.camera), "appearance": plain(shot.appearance)}
            for shot in shots
        ],
    }
