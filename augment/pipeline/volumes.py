"""Volumes of a sample: both twins of a generated head on one grid, with labels, field, surfaces and
radiographs."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32

from augment.morphable import FaceModel
from augment.pipeline.films import film_records
from augment.pipeline.heads import HeadPair
from augment.pipeline.own_atlas import OwnAtlas, open_own_atlas
from augment.pipeline.volume_motion import FacePose, face_pose
from augment.pipeline.volume_plan import VolumePlan
from augment.recipe.schema import CEPHALOGRAMS, VolumeSpec
from augment.record import HEALTHY, PATHOLOGICAL, FilmRecord, MeshRecord, VolumeRecord
from augment.streams import stream
from augment.volume.anatomy.sella import MEAN_SELLA_MM
from augment.volume.atlas import Atlas, build_atlas, with_sella
from augment.volume.case_scan import CaseVolumes, HeadVolume, scan_head, scan_twins
from augment.volume.cephalometry import atlas_points
from augment.volume.field.defect import opened_atlas
from augment.volume.field.fracture import (
    FracturedAtlas,
    fracture_of_size,
    fractured_displacement,
    jacobian_within,
)
from augment.volume.field.inversion import inverse_points
from augment.volume.field.lattice import Field
from augment.volume.field.subject import subject_fields
from augment.volume.field.twins import TwinFields, forward_fields, twin_fields
from augment.volume.grid import Grid
from augment.volume.imaging.protocol import Scan
from augment.volume.labels import MANDIBLE_CONTOUR
from augment.volume.surfaces import BONES, Mesh, mask_surface
from augment.volume.template import Template, load_template, with_open_jaw

# Steps of 1/1024 mm: far below what the inverse is good to, and noise below it costs no space.
DISPLACEMENT_STEPS_PER_MM = 1024
JACOBIAN_STEPS = 4096

# A healthy head alone: how finely its field follows the skin, by the voxel size of the scan.
COARSE_MM, COARSE_STEP_MM, FINE_STEP_MM = 2.5, 6.0, 3.0


@dataclass(frozen=True)
class _Head:
    """One head in the scanner: its vertices and fields, what was scanned, where it moved from, its
    bones and bony points in template space, its further points, how far a fragment moved."""

    name: str
    vertices_mm: Float[np.ndarray, "head_vertices 3"]
    head_from_template: Field
    volume: HeadVolume
    moved: Mapping[str, np.ndarray]
    bones: Mapping[str, Mesh]
    bony_mm: Mapping[str, np.ndarray]
    points_mm: Mapping[str, np.ndarray]
    fragment_mm: float | None = None


@dataclass(frozen=True)
class VolumeMaker:
    """Makes the volumes of generated heads.

    Attributes:
        wanted: What the recipe asks for.
        seed: Seed of the recipe.
        model: The face model.
        own_atlases: The user's own atlases, in the order of the recipe.
    """

    wanted: VolumeSpec
    seed: int
    model: FaceModel
    own_atlases: tuple[OwnAtlas, ...] = ()

    def __call__(self, pair: HeadPair, plan: VolumePlan, index: int) -> dict[str, VolumeRecord]:
        """Return the volume of each twin.

        Args:
            pair: The heads.
            plan: What was drawn.
            index: Number of the sample.

        Raises:
            GeometryError: If a pathology folds the volume.
        """
        template = self._template(plan)
        # The sella is painted when it is known where S of this subject lies in the template.
        later = None if plan.own_atlas is None else MEAN_SELLA_MM
        atlas = build_atlas(template.body, plan.anatomy, template.seat, later)
        if plan.own_atlas is not None:
            atlas = self.own_atlases[plan.own_atlas].painted(atlas)
        films = [kind for kind in CEPHALOGRAMS if kind in self.wanted.files]
        records = {}
        for head in self._heads(pair, atlas, plan, index):
            moved = {
                name: head.head_from_template.move(point[None])[0]
                for name, point in head.bony_mm.items()
            }
            films_and_angles = film_records(
                films, head.volume.image_hu, plan.scan.grid, {**head.points_mm, **moved}
            )
            records[head.name] = self._record(head, plan, films_and_angles)
        return records

    def _heads(self, pair: HeadPair, atlas: Atlas, plan: VolumePlan, index: int) -> list[_Head]:
        pose = face_pose(self.model, pair.subject, self.wanted.expression, plan.jaw_deg)
        rng = stream(self.seed, index, "noise")
        if pair.pathological_mm is None and pose is None and plan.fracture is None:
            return [self._alone(pair, atlas, plan, rng)]
        return self._twins(pair, atlas, plan, pose, rng)

    def _alone(
        self, pair: HeadPair, atlas: Atlas, plan: VolumePlan, rng: np.random.Generator
    ) -> _Head:
        """A healthy head at rest."""
        template, scan = self._template(plan), plan.scan
        healthy_mm = with_open_jaw(self.model, pair.healthy_mm.astype(float), plan.opening_deg)
        skin = healthy_mm[template.vertex_of_model]
        step_mm = COARSE_STEP_MM if min(scan.grid.spacing_mm) >= COARSE_MM else FINE_STEP_MM
        alone = subject_fields(template.vertices, skin, step_mm)
        to_head, to_template = alone.head_from_template, alone.template_from_head
        atlas = _seated(atlas, plan, pair, to_head)
        volume = scan_head(atlas, to_template, to_head, scan, rng, self._structure)
        bones, bony = self._bones(atlas), self._bony_points(atlas)
        return _Head(HEALTHY, healthy_mm, to_head, volume, {}, bones, bony, pair.points_mm[HEALTHY])

    def _twins(
        self,
        pair: HeadPair,
        atlas: Atlas,
        plan: VolumePlan,
        pose: FacePose | None,
        rng: np.random.Generator,
    ) -> list[_Head]:
        """Both twins, or a healthy head alone that is not at rest."""
        template, scan = self._template(plan), plan.scan
        motion = None if pose is None else pose.motion(self.model, template, atlas)
        skin = pair.healthy_mm.astype(float)[template.vertex_of_model]
        grid = scan.head_grid()
        fields = twin_fields(template.vertices, skin, pair.moves, template.body, grid, motion)
        atlas = _seated(atlas, plan, pair, fields.healthy_from_template)
        bones, bony = self._bones(atlas), self._bony_points(atlas)
        points = self._carried_points(pair, fields, grid, pose, template)
        there, back = fields.healthy_from_template, fields.template_from_healthy
        healthy_mm, pathological_mm = self._vertices(pair, pose)
        if pair.pathological_mm is None and plan.fracture is None:
            volume = scan_head(atlas, back, there, scan, rng, self._structure)
            return [_Head(HEALTHY, healthy_mm, there, volume, {}, bones, bony, points[HEALTHY])]
        opened = opened_atlas(atlas, pair.moves)
        left = bones if opened is None else self._bones(opened)
        gone, broken = fields.pathological_from_template, None
        if plan.fracture is not None:
            broken = fracture_of_size(opened or atlas, plan.fracture, gone)
            opened = broken.atlas
            left = {kind: (broken.carried(mesh[0]), mesh[1]) for kind, mesh in left.items()}
        case = scan_twins(atlas, fields, scan, rng, self._structure, opened)
        healthy = _Head(HEALTHY, healthy_mm, there, case.healthy, {}, bones, bony, points[HEALTHY])
        return [
            healthy,
            _Head(
                PATHOLOGICAL,
                pathological_mm,
                gone,
                case.pathological,
                _moved(case, fields, scan, broken),
                left,
                bony if broken is None else _each(broken.carried, bony),
                points[PATHOLOGICAL],
                None if broken is None else broken.measured_mm,
            ),
        ]

    def _vertices(self, pair: HeadPair, pose: FacePose | None) -> list[np.ndarray]:
        """Vertices of both twins as they lie in the scanner, head frame."""
        healthy = pair.healthy_mm.astype(float)
        changed = healthy if pair.pathological_mm is None else pair.pathological_mm.astype(float)
        if pose is None:
            return [healthy, changed]
        return [pose.posed(self.model, vertices) for vertices in (healthy, changed)]

    def _carried_points(
        self,
        pair: HeadPair,
        fields: TwinFields,
        grid: Grid,
        pose: FacePose | None,
        template: Template,
    ) -> Mapping[str, Mapping[str, np.ndarray]]:
        """Skin landmarks and bony points of both twins; with a pose they go along."""
        healthy = pair.points_mm[HEALTHY]
        points = {PATHOLOGICAL: healthy, **pair.points_mm}
        if pose is None or not self._has_films:
            return points
        skin = pair.healthy_mm.astype(float)[template.vertex_of_model]
        rest, _ = forward_fields(template.vertices, skin, [], template.body, grid)
        places = inverse_points(rest, np.stack(list(healthy.values())))
        return {
            twin: dict(zip(healthy, field.move(places), strict=True))
            for twin, field in (
                (HEALTHY, fields.healthy_from_template),
                (PATHOLOGICAL, fields.pathological_from_template),
            )
        }

    @property
    def _structure(self) -> tuple[int, ...]:
        return MANDIBLE_CONTOUR if "mandible_share" in self.wanted.files else ()

    @property
    def _has_films(self) -> bool:
        return any(kind in self.wanted.files for kind in CEPHALOGRAMS)

    def _bony_points(self, atlas: Atlas) -> dict[str, np.ndarray]:
        return atlas_points(atlas) if self._has_films else {}

    def _template(self, plan: VolumePlan) -> Template:
        return load_template(self.wanted.atlas_mm, plan.opening_deg)

    def _bones(self, atlas: Atlas) -> dict[str, Mesh]:
        """Surfaces in template space; twins carry the same triangles unless bone was cut."""
        if "meshes" not in self.wanted.files:
            return {}
        affine = atlas.grid.head_from_voxel
        meshes = {
            kind: mask_surface(np.isin(atlas.labels, numbers), affine)
            for kind, numbers in BONES.items()
        }
        return {kind: mesh for kind, mesh in meshes.items() if mesh is not None}

    def _record(
        self,
        head: _Head,
        plan: VolumePlan,
        films: tuple[dict[str, FilmRecord], dict[str, float]],
    ) -> VolumeRecord:
        volume, scan = head.volume, plan.scan
        arrays = {
            "image": volume.image_hu,
            "labels": volume.labels,
            "mandible_share": volume.share,
            **head.moved,
        }
        taken, angles = films
        return VolumeRecord(
            ras_from_voxel=scan.grid.head_from_voxel,
            arrays=chosen(arrays, self.wanted.files),
            meshes=self._meshes(head, plan),
            films=taken,
            angles_deg=angles,
            is_hu=self.wanted.contrast == "ct",
            fragment_mm=head.fragment_mm,
        )

    def _meshes(self, head: _Head, plan: VolumePlan) -> dict[str, MeshRecord]:
        if "meshes" not in self.wanted.files:
            return {}
        template = self._template(plan)
        to_scan = plan.scan.posture.scan_from_head
        skin = to_scan(head.vertices_mm[template.vertex_of_model].astype(float))
        meshes = {"mesh_skin": MeshRecord(skin, template.faces.astype(np.int64))}
        for kind, (vertices, faces) in head.bones.items():
            meshes[kind] = MeshRecord(to_scan(head.head_from_template.move(vertices)), faces)
        return meshes


def _seated(atlas: Atlas, plan: VolumePlan, pair: HeadPair, field: Field) -> Atlas:
    """The anatomy with the sella where S of the healthy head lies in the template."""
    if plan.own_atlas is not None:
        return atlas
    return with_sella(atlas, inverse_points(field, pair.points_mm[HEALTHY]["S"][None])[0])


def _moved(
    case: CaseVolumes, fields: TwinFields, scan: Scan, broken: FracturedAtlas | None
) -> dict[str, np.ndarray]:
    """The field between twins, its Jacobian, and what broke."""
    between, ratio = Field(case.grid, case.displacement_mm), case.jacobian
    marks = {}
    if broken is not None:
        between, found = fractured_displacement(fields, broken, scan.posture, between)
        ratio, marks = jacobian_within(between, found), {"fracture": found}
    return {
        "displacement_mm": rounded(between.displacement_mm, DISPLACEMENT_STEPS_PER_MM),
        "jacobian": rounded(ratio, JACOBIAN_STEPS),
        **marks,
    }


def _each(
    move: Callable[[np.ndarray], np.ndarray], points: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Move named points."""
    return {name: move(point[None])[0] for name, point in points.items()}


def open_maker(wanted: VolumeSpec, seed: int, model: FaceModel) -> VolumeMaker:
    """Return what makes the volumes of a recipe, with the user's own atlases read.

    Args:
        wanted: What the recipe asks for.
        seed: Its seed.
        model: The face model.
    """
    own = [open_own_atlas(Path(folder), model, wanted.atlas_mm) for folder in wanted.atlases]
    return VolumeMaker(wanted, seed, model, tuple(own))


def chosen(arrays: Mapping[str, np.ndarray | None], files: Iterable[str]) -> dict[str, np.ndarray]:
    """Return the arrays that are there and asked for, in their own order."""
    wanted = set(files)
    return {name: a for name, a in arrays.items() if a is not None and name in wanted}


def rounded(values: Float32[np.ndarray, "*shape"], steps: int) -> Float32[np.ndarray, "*shape"]:
    """Return values rounded to whole steps, so that compression finds them equal."""
    return np.rint(values * np.float32(steps)) / np.float32(steps) + np.float32(0.0)
