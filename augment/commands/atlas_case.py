"""What one page of the atlas shows of a pathology: its grades on one head, seen and measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, UInt8

from augment.errors import GeometryError, RecipeError
from augment.pathology import Case, Pathology, Request, solve_case
from augment.pathology.dynamic import lost_expression
from augment.pipeline.heads import head_pair
from augment.pipeline.making import Pipeline, solved_moves
from augment.pipeline.stages import posed_vertices, rest_vertices, sample_subject
from augment.pipeline.volume_plan import draw_plan
from augment.pipeline.volumes import VolumeMaker
from augment.recipe import RecipeSpec
from augment.record import HEALTHY, PATHOLOGICAL, VolumeRecord
from augment.render.appearance import draw_appearance
from augment.render.framing import draw_camera, head_extent
from augment.render.hair import FULL_COVER
from augment.render.photograph import render_views
from augment.sample import Subject
from augment.streams import stream

Image = UInt8[np.ndarray, "height width 3"]

ADULT_YEARS, INFANT_YEARS = (25.0, 55.0), (0.4, 0.8)
ATTEMPTS = 24
# Name of a view → yaw and pitch of the camera in degrees, the head's share of the picture, and how
# far beneath the head's middle the picture's lies, as a share of the picture; the affected side is
# the right one.
VIEWS = {
    "front": (0.0, 0.0, 0.8, 0.04),
    "oblique": (-40.0, 0.0, 0.8, 0.04),
    "profile": (-90.0, 0.0, 0.7, 0.0),
    "from above": (0.0, 78.0, 0.75, 0.0),
    "from below": (0.0, -38.0, 1.0, 0.0),
    "smiling": (0.0, 0.0, 0.8, 0.04),
    "jaw": (0.0, 0.0, 1.2, 0.2),
    "temple": (-70.0, 22.0, 0.85, 0.0),
    "eyes": (0.0, 0.0, 1.9, 0.0),
    "eyes, oblique": (-35.0, 0.0, 1.9, 0.0),
    "eyes, profile": (-80.0, 0.0, 1.05, 0.0),
    "nose": (0.0, 0.0, 1.4, 0.2),
    "nose, from below": (0.0, -38.0, 1.6, 0.05),
}
# What shows a pathology best; its first view carries the displacement in colours.
SHOWN = {
    "sagittal_synostosis": ("from above", "profile", "front"),
    "metopic_synostosis": ("from above", "front", "oblique"),
    "coronal_synostosis": ("from above", "front", "oblique"),
    "plagiocephaly": ("from above", "front", "profile"),
    "brachycephaly": ("profile", "from above", "front"),
    "cranial_defect": ("temple", "front"),
    "hypertelorism": ("front", "oblique"),
    "orbital_blowout": ("eyes", "eyes, oblique"),
    "graves_exophthalmos": ("eyes", "eyes, oblique", "eyes, profile"),
    "lid_retraction": ("eyes", "eyes, oblique", "front"),
    "ptosis": ("eyes", "eyes, oblique", "front"),
    "zygomatic_depression": ("front", "oblique", "from below"),
    "maxillary_hypoplasia": ("profile", "front"),
    "midface_retrusion": ("profile", "front"),
    "crooked_nose": ("nose", "nose, from below"),
    "cleft_lip_nose": ("nose", "nose, from below"),
    "facial_palsy": ("front", "smiling"),
    "acromegaly": ("front", "profile"),
    "mandibular_prognathism": ("profile", "front"),
    "mandibular_retrognathia": ("profile", "front"),
    "long_face": ("front", "profile"),
    "chin_deviation": ("jaw", "oblique"),
    "facial_cant": ("jaw", "oblique"),
    "hemifacial_microsomia": ("front", "oblique"),
}
BALD = ("cranial_defect",)
BALD_COVER = 0.1
# Plane of the CT slice, for what bone shows.
PLANES = {
    "cranial_defect": "coronal",
    "hypertelorism": "axial",
    "orbital_blowout": "coronal",
    "graves_exophthalmos": "axial",
    "zygomatic_depression": "axial",
    "maxillary_hypoplasia": "sagittal",
    "midface_retrusion": "sagittal",
    "mandibular_prognathism": "sagittal",
    "mandibular_retrognathia": "sagittal",
    "hemifacial_microsomia": "coronal",
    "chin_deviation": "coronal",
    "cheek_swelling": "axial",
}
SLICE_MM = 1.25


@dataclass(frozen=True)
class AtlasCase:
    """One pathology on one head.

    Attributes:
        entry: The pathology.
        subject: The healthy head.
        cases: One for each grade, mild first.
        views: Name of a view to its pictures: healthy, then one a grade.
        moved_mm: How far the skin moved in the first view, one picture a grade.
        slices: CT of the healthy and of the severest head in one plane, or None.
        plane: That plane.
    """

    entry: Pathology
    subject: Subject
    cases: Sequence[Case]
    views: Mapping[str, Sequence[Image]]
    moved_mm: Sequence[Float[np.ndarray, "height width"]]
    slices: tuple[np.ndarray, np.ndarray] | None
    plane: str | None


def draw_atlas_case(make: Pipeline, entry: Pathology, with_volume: bool = True) -> AtlasCase:
    """Solve, photograph and scan the grades of a pathology.

    Args:
        make: A pipeline, whose recipe says how pictures are taken.
        entry: The pathology.
        with_volume: Also make the CT, which takes most of the time.

    Raises:
        RecipeError: If none of 24 heads takes all grades.
    """
    subject, cases = _solved(make, entry)
    shown = SHOWN.get(entry.name, ("front", "oblique"))
    views: dict[str, list[Image]] = {}
    moved: list[np.ndarray] = []
    for name in shown:
        pictures, motion = _seen(make, entry, subject, cases, name)
        views[name] = pictures
        moved = moved or motion
    plane = PLANES.get(entry.name) if with_volume else None
    slices = _slices(make, cases[-1], plane) if plane else None
    return AtlasCase(entry, subject, cases, views, moved, slices, plane)


def severities(entry: Pathology) -> list[float]:
    """Return what a page asks for: the middle of each grade, mild first."""
    return [(grade.low + grade.high) / 2 for grade in entry.grades]


def _years(entry: Pathology) -> tuple[float, float]:
    return INFANT_YEARS if entry.ages[1] < ADULT_YEARS[0] else ADULT_YEARS


def _solved(make: Pipeline, entry: Pathology) -> tuple[Subject, list[Case]]:
    """Return the first drawn head, healthy by the measure, that takes all grades, with its
    cases."""
    side = "right" if entry.sides else None
    spec = replace(
        make.spec, subject=replace(make.spec.subject, age_years=_years(entry), one=False)
    )
    for attempt in range(ATTEMPTS):
        subject = sample_subject(spec, make.model, None, attempt)
        subject = replace(subject, pose=0.0 * subject.pose)
        try:
            cases = [
                solve_case(make.basis, subject, [Request(entry.name, severity, side)])
                for severity in severities(entry)
            ]
        except RecipeError as error:
            refusal = str(error)
            continue
        if _is_healthy(entry, cases[0].pathologies[0].healthy):
            return subject, cases
        refusal = "their own values lie within its grades"
    raise RecipeError(f"no head of {ATTEMPTS} takes all grades of {entry.name}: {refusal}")


def _is_healthy(entry: Pathology, value: float) -> bool:
    """Return whether a value lies short of all grades, on the mild one's side."""
    mild, *_, severe = severities(entry)
    return entry.grade_of(value) is None and abs(value - mild) < abs(value - severe)


def _seen(
    make: Pipeline, entry: Pathology, subject: Subject, cases: Sequence[Case], view: str
) -> tuple[list[Image], list[np.ndarray]]:
    """Return the pictures of healthy head and grades from one side, and how far skin moved."""
    expression = subject.expression.copy()
    if view == "smiling":
        names = make.model.expression_names
        expression[[names.index(f"mouthSmile{side}") for side in ("Left", "Right")]] = 0.8
    subject = replace(subject, expression=expression)
    healthy = rest_vertices(make.model, subject)
    rest = [healthy]
    for case in cases:
        moves = [(entry, solved.side, solved.coefficient) for solved in case.pathologies]
        lost = lost_expression(make.basis, moves, expression)
        rest.append(healthy + case.offset_mm + lost)
    vertices = posed_vertices(make.model, subject, rest)
    yaw, pitch, fill, low = VIEWS[view]
    spec = replace(
        make.spec.render,
        yaw_deg=(yaw, yaw),
        pitch_deg=(pitch, pitch),
        fill=(fill, fill),
        labels=("displacement_mm",),
    )
    extent = head_extent(make.model.landmarks(vertices[:1], ("menton", "vertex"))[0])
    camera = draw_camera(stream(make.spec.seed, 0, "camera"), spec, head_mm=extent)
    middle = spec.size_px * torch.tensor([[0.5, 0.5 - low]], dtype=torch.float64)
    camera = replace(camera, principal_px=middle)
    appearance = draw_appearance(stream(make.spec.seed, 0, "appearance"), subject, spec)
    bald = entry.name in BALD or _years(entry) == INFANT_YEARS
    style, cover = ("bald", BALD_COVER) if bald else ("crop", FULL_COVER)
    hair = replace(appearance.hair, style=style, cover=cover)
    skin = replace(appearance.skin, beard=(0.0,) * 4)  # which hides lips
    appearance = replace(appearance, hair=hair, skin=skin)
    pictures: list[Image] = []
    moved: list[np.ndarray] = []
    for twin in range(1, len(rest)):
        pair = render_views(
            make.model,
            vertices[:1],
            vertices[twin : twin + 1],
            camera.to(make.model.device),
            [appearance],
            spec,
        )
        if not pictures:
            pictures.append(pair[0].image)
        pictures.append(pair[1].image)
        moved.append(np.linalg.norm(pair[1].labels["displacement_mm"], axis=-1))
    return pictures, moved


def _slices(make: Pipeline, case: Case, plane: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Return one slice of the CT of both twins through what moves or is cut most, in HU."""
    spec = _scanned(make.spec)
    maker = VolumeMaker(spec.volume, spec.seed, make.model)
    pair = head_pair(make.basis, case.subject, solved_moves(case))
    try:
        records = maker(pair, draw_plan(spec, 0), 0)
    except GeometryError:
        return None
    healthy, sick = records[HEALTHY], records[PATHOLOGICAL]
    axis = {"sagittal": 0, "coronal": 1, "axial": 2}[plane]
    number = _where(healthy, sick, axis)
    before, after = (np.take(r.arrays["image"], number, axis) for r in (healthy, sick))
    return _upright(before), _upright(after)


def _scanned(spec: RecipeSpec) -> RecipeSpec:
    volume = replace(
        spec.volume,
        protocol="diagnostic",
        spacing_mm=(SLICE_MM,) * 3,
        files=("image", "labels", "displacement_mm"),
    )
    return replace(spec, volume=volume)


def _where(healthy: VolumeRecord, sick: VolumeRecord, axis: int) -> int:
    """Return the slice in which most voxels changed their label."""
    changed = healthy.arrays["labels"] != sick.arrays["labels"]
    others = tuple(a for a in range(3) if a != axis)
    return int(changed.sum(axis=others).argmax())


def _upright(part: Float[np.ndarray, "a b"]) -> np.ndarray:
    """Return a slice with superior or anterior up; the patient's right, or the face, is left."""
    return np.asarray(part.T[::-1, ::-1])
