"""Volumes of a sample: both twins of a generated head on one grid, with labels, field, surfaces and
radiographs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32

from augment.morphable import FaceModel
from augment.pipeline.films import film_records
from augment.pipeline.heads import HeadPair
from augment.pipeline.own_atlas import OwnAtlas, open_own_atlas
from augment.pipeline.volume_plan import VolumePlan
from augment.recipe.schema import CEPHALOGRAMS, VolumeSpec
from augment.record import HEALTHY, PATHOLOGICAL, FilmRecord, MeshRecord, VolumeRecord
from augment.streams import stream
from augment.volume.atlas import Atlas, build_atlas
from augment.volume.case_scan import HeadVolume, scan_head, scan_twins
from augment.volume.cephalometry import atlas_points
from augment.volume.defect import opened_atlas
from augment.volume.labels import MANDIBLE_CONTOUR
from augment.volume.lattice import Field
from augment.volume.subject import subject_fields
from augment.volume.surfaces import BONES, Mesh, mask_surface
from augment.volume.template import Template, load_template, with_open_jaw
from augment.volume.twins import twin_fields

# Steps of 1/1024 mm: far below what the inverse is good to, and noise below it costs no space.
DISPLACEMENT_STEPS_PER_MM = 1024
JACOBIAN_STEPS = 4096

# A healthy head alone: how finely its field follows the skin, by the voxel size of the scan.
COARSE_MM, COARSE_STEP_MM, FINE_STEP_MM = 2.5, 6.0, 3.0


@dataclass(frozen=True)
class _Head:
    """One head in the scanner: its vertices and fields, what was scanned, where it moved from, its
    bones in template space."""

    name: str
    vertices_mm: Float[np.ndarray, "vertices 3"]
    head_from_template: Field
    volume: HeadVolume
    moved: Mapping[str, np.ndarray]
    bones: Mapping[str, Mesh]


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
        atlas = build_atlas(template.body, plan.anatomy, template.seat)
        if plan.own_atlas is not None:
            atlas = self.own_atlases[plan.own_atlas].painted(atlas)
        heads = self._heads(pair, atlas, plan, index)
        films = [kind for kind in CEPHALOGRAMS if kind in self.wanted.files]
        points = atlas_points(atlas) if films else {}
        records = {}
        for head in heads:
            moved = {
                name: head.head_from_template.move(point[None])[0] for name, point in points.items()
            }
            films_and_angles = film_records(
                films, head.volume.image_hu, plan.scan.grid, {**pair.points_mm[head.name], **moved}
            )
            records[head.name] = self._record(head, plan, films_and_angles)
        return records

    def _heads(self, pair: HeadPair, atlas: Atlas, plan: VolumePlan, index: int) -> list[_Head]:
        template, scan = self._template(plan), plan.scan
        structure = MANDIBLE_CONTOUR if "mandible_share" in self.wanted.files else ()
        rng = stream(self.seed, index, "noise")
        bones = self._bones(atlas)
        healthy_mm = with_open_jaw(self.model, pair.healthy_mm.astype(float), plan.opening_deg)
        skin = healthy_mm[template.vertex_of_model]
        if pair.pathological_mm is None:
            step_mm = COARSE_STEP_MM if min(scan.grid.spacing_mm) >= COARSE_MM else FINE_STEP_MM
            alone = subject_fields(template.vertices, skin, step_mm)
            to_head, to_template = alone.head_from_template, alone.template_from_head
            volume = scan_head(atlas, to_template, to_head, scan, rng, structure)
            return [_Head(HEALTHY, healthy_mm, to_head, volume, {}, bones)]
        grid = scan.head_grid()
        fields = twin_fields(template.vertices, skin, pair.moves, template.body, grid)
        opened = opened_atlas(atlas, pair.moves)
        case = scan_twins(atlas, fields, scan, rng, structure, opened)
        left = bones if opened is None else self._bones(opened)
        moved = {
            "displacement_mm": rounded(case.displacement_mm, DISPLACEMENT_STEPS_PER_MM),
            "jacobian": rounded(case.jacobian, JACOBIAN_STEPS),
        }
        healthy, pathological = fields.healthy_from_template, fields.pathological_from_template
        return [
            _Head(HEALTHY, healthy_mm, healthy, case.healthy, {}, bones),
            _Head(PATHOLOGICAL, pair.pathological_mm, pathological, case.pathological, moved, left),
        ]

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
