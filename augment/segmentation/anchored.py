"""Real cases turned into many by the head model: images and labels moved together.

In: one labelled case. Out: variants of it whose head has other proportions, another turn or a
pathology, with the texture of the original. Volumes are moved by fields in three dimensions
(`augment.volume.anchored`), photographs by the projected displacement of a fitted head.
"""

from collections.abc import Iterator
from functools import cache

import numpy as np
from jaxtyping import Float

from augment.errors import GeometryError
from augment.morphable import FaceModel, load_face_model
from augment.pathology import PATHOLOGIES, PathologyBasis
from augment.pathology.deformation import Deformation
from augment.recipe.experiment import AnchoredSpec, ExperimentSpec
from augment.reconstruct.ct import fit_volume
from augment.reconstruct.nifti import Volume
from augment.segmentation.photograph import deform_photograph, fit_photograph
from augment.segmentation.tasks import Case, Task
from augment.streams import stream
from augment.volume.anchored import anchored_field, anchored_twin
from augment.volume.field.lattice import Field, composed
from augment.volume.field.subject import subject_fields
from augment.volume.template import load_template

LARGEST_MOVE_MM = (3.0, 9.0)
"""Range of the largest displacement of a drawn pathology: mild to severe in most of them."""
TEMPLATE_MM, STEP_MM = 1.5, 6.0
N_IDENTITY = 40
"""Leading modes of identity that are changed; the rest are fractions of a millimetre."""
SIZE_SPREAD = 0.04
"""Spread of the logarithm of the head's size: adults."""
TRIES = 4


def deform_case(case: Case, task: Task, spec: ExperimentSpec) -> Iterator[Case]:
    """Make variants of a case; variant k of a case is the same in every study.

    Args:
        case: The labelled case.
        task: Its data set.
        spec: How many variants, and how strong.

    Raises:
        GeometryError: If the case shows no head that the model fits.
    """
    number = int.from_bytes(case.name.encode()[-7:], "big")
    if task.dimensions == 2:
        fit = fit_photograph(case, task, load_face_model())
        for k in range(spec.anchored.variants):
            rng = stream(number, k, "anchored")
            moved = fit.changed(*draw_change(rng, load_face_model(), spec.anchored))
            yield deform_photograph(case, fit, moved, rng, spec.anchored.turn_deg)
        return
    yield from _volumes(case, number, spec.anchored)


def draw_change(
    rng: np.random.Generator, model: FaceModel, spec: AnchoredSpec
) -> tuple[Float[np.ndarray, " identities"], Float[np.ndarray, "vertices 3"]]:
    """Draw a change of identity and, in a share of the variants, a pathology.

    Returns:
        Change of the identity coefficients, and displacement of the model's vertices, mm.
    """
    identity = np.zeros(model.identity_basis.shape[0])
    identity[:N_IDENTITY] = rng.standard_normal(N_IDENTITY) * spec.identity_sd
    drawn = _draw_pathology(rng, spec)
    if drawn is None:
        return identity, np.zeros((model.n_vertices, 3))
    name, side, largest_mm = drawn
    column = pathology_basis().column(PATHOLOGIES[name], side)
    return identity, column.vertices * _coefficient(column.vertices, largest_mm)


def _draw_pathology(
    rng: np.random.Generator, spec: AnchoredSpec
) -> tuple[str, str | None, float] | None:
    """Return name, side and largest displacement of a pathology, or None."""
    chance, number, side = rng.random(), rng.random(), rng.random()
    largest_mm = float(rng.uniform(*LARGEST_MOVE_MM))
    if chance >= spec.pathology:
        return None
    movers = [name for name in sorted(PATHOLOGIES)]
    name = movers[int(number * len(movers))]
    sides = PATHOLOGIES[name].sides or (None,)
    return name, sides[int(side * len(sides))], largest_mm


@cache
def pathology_basis() -> PathologyBasis:
    """Return the pathologies' displacements on the default model."""
    return PathologyBasis(load_face_model())


def _coefficient(displacement_mm: np.ndarray, largest_mm: float) -> float:
    largest = float(np.linalg.norm(displacement_mm, axis=1).max())
    return largest_mm / largest if largest > 0 else 0.0


def _volumes(case: Case, number: int, spec: AnchoredSpec) -> Iterator[Case]:
    model, template = load_face_model(), load_template(TEMPLATE_MM)
    fit = fit_volume(Volume(np.asarray(case.image, np.float32), np.asarray(case.affine)), model)
    chosen = template.vertex_of_model
    healthy = fit.head_mm[chosen].astype(float)
    basis = model.identity_basis.double().numpy()
    for k in range(spec.variants):
        field = None
        for attempt in range(TRIES):
            rng = stream(number, k, f"anchored {attempt}")
            identity = np.zeros(len(basis))
            identity[:N_IDENTITY] = rng.standard_normal(N_IDENTITY) * spec.identity_sd
            changed = _sized(healthy + np.tensordot(identity, basis, 1)[chosen], healthy, rng)
            try:
                field = _field(healthy, changed, _draw_pathology(rng, spec))
                break
            except GeometryError:
                continue  # too strong for this head: another draw
        if field is None:
            continue
        twin = anchored_twin(
            np.asarray(case.image, np.int16), np.asarray(case.affine), field,
            fit.world_from_head, case.label,
        )  # fmt: skip
        label = case.label if twin.labels is None else twin.labels
        yield Case(f"{case.name}-{k}", twin.image_hu, label, case.spacing, case.affine)


def _sized(changed: np.ndarray, healthy: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a changed head of about its old size: the prior spreads over all ages."""
    middle, new_middle = healthy.mean(0), changed.mean(0)
    factor = np.linalg.norm(healthy - middle) / np.linalg.norm(changed - new_middle)
    factor *= np.exp(rng.normal(0.0, SIZE_SPREAD))
    return np.asarray((changed - new_middle) * factor + middle)


def _field(
    healthy: np.ndarray, changed: np.ndarray, drawn: tuple[str, str | None, float] | None
) -> Field:
    """Return where each point of the changed, pathological head is in the healthy one."""
    template = load_template(TEMPLATE_MM)
    back = subject_fields(healthy, changed, STEP_MM).template_from_head
    if drawn is None:
        return back
    column = pathology_basis().column(PATHOLOGIES[drawn[0]], drawn[1])
    deformation: Deformation = column.deformation
    added: list[tuple[Deformation, float]] = [
        (deformation, _coefficient(column.vertices, drawn[2]))
    ]
    moved = anchored_field(template.vertices, changed, added, template.body, STEP_MM)
    return composed(moved, back, back.grid)
