"""The joint loss of the face network.

    L = 0.4 L_landmarks + 0.3 L_shape + 0.2 L_texture + 0.1 L_consistency

Places are in hundredths of the crop's side, lengths in centimetres, so that terms are of one size.

- ``L_landmarks = mean_k |p_k - p*_k|_1.5 + mean_k CE(G(p*_k), softmax(heat_k)) + BCE(score)``:
  soft-argmax against truth by a smooth L1 that is square below 1.5; cross-entropy of each heat map
  with a Gaussian of one cell about the truth (Nibali et al., Numerical coordinate regression,
  2018), so that a map's width says how sure it is; whether the crop shows a face.
- ``L_shape = mean_v |V - V*| + 0.02 (|a - a*|^2/99 + |b - b*|^2/79) + |r - r*| + R``: face
  vertices in the head frame; identity and expression coefficients; raw pose numbers; and R, the
  smooth L1 of where predicted vertices under the predicted pose appear, against the true landmarks.
- ``L_texture = 1 - MSSSIM(T, T*) + mean |T - T*|`` over the face's part of the sheet: structural
  similarity (Wang et al., 2003) at three scales, windows of 7 texels, 3 apart.
- ``L_consistency = mean_k |pi(V_k) - p_k|_1.5 + mean_k |I(pi(V_k)) - I(p_k)|``: the mesh's
  landmarks and the heat maps' agree on places, and on the colours that a texture would take there.

Terms are means over crops that have the truth for them.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from augment.face_training.batches import Batch
from augment.morphable import FaceModel
from augment.morphable.landmarks import IBUG_NAMES
from augment.morphable.regions import REGION_ID
from augment.portrait.crop_pose import read_pose
from augment.portrait.network import NetworkOutput
from augment.recipe.face_network import LossSpec
from augment.reconstruct.zones import face_zones

OUTSIDE = (
    "background", "scalp", "neck", "trunk", "mouth_cavity", "tongue", "teeth_upper", "teeth_lower",
    "hair", "clothing", "ear_left", "ear_right",
)  # fmt: skip
SIDE = 100.0
BEND = 1.5
"""Below so many hundredths of the crop's side the loss of a place is square."""
HEAT_WEIGHT, COEFFICIENT_WEIGHT, POSE_WEIGHT = 1.0, 0.02, 1.0
CELL_SD = 1.0
EVERY_VERTEX = 4
"""One in so many face vertices is compared."""
WINDOW, WINDOW_STEP, SCALES = 7, 3, 3
COLOUR_CELL = 4
"""Colours are compared between means of so many pixels a side."""
STABLE_MEAN, STABLE_SPREAD = 0.01**2, 0.03**2
MM_PER_CM = 10.0
REACH = 0.05
"""A landmark further outside the crop than this share of its side is not taught to heat maps."""


@dataclass(frozen=True, eq=False)
class FaceBasis:
    """The parts of the head model that the loss needs, small enough for every step.

    Attributes:
        mean: Mean of the chosen face vertices, then of the 68 landmarks, mm, head frame.
        basis: Their displacement per coefficient, identity first.
        n_vertices: How many of the points are face vertices.
        face_texels: 1 in the face's part of the texture sheet.
    """

    mean: Float[Tensor, "points 3"]
    basis: Float[Tensor, "178 coordinates"]
    n_vertices: int
    face_texels: Float[Tensor, "texels texels"]

    def points(self, output: NetworkOutput | Batch) -> Float[Tensor, "batch points 3"]:
        """Return face vertices and landmarks of coefficients, mm, head frame."""
        coefficients = torch.cat((output.identity, output.expression), 1).float()
        return self.mean + (coefficients @ self.basis).unflatten(1, (-1, 3))

    def to(self, device: str) -> "FaceBasis":
        """Return the basis on a device."""
        return FaceBasis(
            self.mean.to(device),
            self.basis.to(device),
            self.n_vertices,
            self.face_texels.to(device),
        )


def face_basis(model: FaceModel, texels: int) -> FaceBasis:
    """Return what the loss needs of a model.

    Args:
        model: The face model.
        texels: Side of the sheet of true colour.
    """
    zones = face_zones(model)
    chosen = torch.from_numpy(np.flatnonzero(zones.is_face)[::EVERY_VERTEX])
    modes = torch.cat((model.identity_basis, model.expression_basis))
    points = torch.cat((modes[:, chosen], model.landmarks(modes, IBUG_NAMES)), 1)
    mean = torch.cat((model.mean[chosen], model.landmarks(model.mean[None], IBUG_NAMES)[0]))
    return FaceBasis(mean, points.flatten(1), len(chosen), _face_texels(model, texels))


def _face_texels(model: FaceModel, texels: int) -> Float[Tensor, "texels texels"]:
    numbers = torch.tensor([REGION_ID[name] for name in OUTSIDE])
    step = len(model.region_map) // texels
    region = model.region_map[step // 2 :: step, step // 2 :: step].long()
    return (~torch.isin(region, numbers)).float()


def joint_loss(
    output: NetworkOutput, batch: Batch, basis: FaceBasis, spec: LossSpec
) -> tuple[Float[Tensor, ""], dict[str, float]]:
    """Return the weighted sum of the terms that are on, and each term's value.

    Args:
        output: Of the network on the batch.
        batch: Crops and truth.
        basis: Of the head model.
        spec: Weights.
    """
    shape, placed = output.pose.new_zeros(()), None
    if spec.shape or spec.consistency:
        points = basis.points(output)
        placed = read_pose(output.pose).project(points[:, basis.n_vertices :])
    terms = {}
    if spec.landmarks:
        terms["landmarks"] = landmark_loss(output, batch)
    if spec.shape and placed is not None:
        true = basis.points(batch)
        off_mm = (points - true)[:, : basis.n_vertices].norm(dim=-1).mean(1)
        shape = off_mm / MM_PER_CM + _coefficient_loss(output, batch)
        shape = shape + place_loss(placed, batch.landmarks).mean(1)
        terms["shape"] = _mean(shape, batch.has_shape)
    if spec.texture and output.texture is not None:
        terms["texture"] = texture_loss(output.texture, batch.albedo, basis.face_texels)
    if spec.consistency and placed is not None:
        terms["consistency"] = _mean(consistency(output, batch, placed), batch.has_face)
    total = torch.stack([getattr(spec, name) * value for name, value in terms.items()]).sum()
    return total, {name: float(value.detach()) for name, value in terms.items()}


def place_loss(
    found: Float[Tensor, "batch points 2"], true: Float[Tensor, "batch points 2"]
) -> Float[Tensor, "batch points"]:
    """Return the smooth L1 of places, in hundredths of the crop's side."""
    off = functional.smooth_l1_loss(SIDE * found, SIDE * true, reduction="none", beta=BEND)
    return off.sum(-1)


def landmark_loss(output: NetworkOutput, batch: Batch) -> Float[Tensor, ""]:
    """Return the loss of heat maps and score."""
    inside = ((batch.landmarks > -REACH) & (batch.landmarks < 1 + REACH)).all(-1).float()
    weight = inside * batch.has_face[:, None]
    places = place_loss(output.landmarks, batch.landmarks)
    target = gaussian_maps(batch.landmarks, output.heat.shape[2:])
    log_chance = output.heat.float().flatten(2).log_softmax(-1)
    heat = -(target.flatten(2) * log_chance).sum(-1)
    score = functional.binary_cross_entropy_with_logits(output.score.float(), batch.has_face)
    return _mean(places + HEAT_WEIGHT * heat, weight) + score


def gaussian_maps(
    places: Float[Tensor, "batch points 2"], size: tuple[int, ...]
) -> Float[Tensor, "batch points rows columns"]:
    """Return a Gaussian of one cell about each place; each map sums to 1."""
    axes = []
    for axis, count in ((1, size[0]), (0, size[1])):
        cells = torch.arange(count, device=places.device) + 0.5
        off = cells - (places[..., axis, None] * count)
        axes.append((-0.5 * (off / CELL_SD) ** 2).softmax(-1))
    return axes[0][..., :, None] * axes[1][..., None, :]


def texture_loss(
    found: Float[Tensor, "batch 3 sheet sheet"],
    true: Float[Tensor, "batch 3 texels texels"],
    face: Float[Tensor, "texels texels"],
) -> Float[Tensor, ""]:
    """Return 1 - MS-SSIM + L1 over the face's texels."""
    found = functional.interpolate(found.float(), true.shape[-2:], mode="area")
    size = (face * (found - true).abs().mean(1)).sum((1, 2)).mean() / face.sum()
    similarity, weight = found.new_zeros(()), face[None, None]
    for _ in range(SCALES):
        similar = _similarity(found, true).mean(1, keepdim=True)
        inner = functional.avg_pool2d(weight, WINDOW, WINDOW_STEP)
        similarity = similarity + (similar * inner).sum() / (inner.sum() * len(found)) / SCALES
        found, true = (functional.avg_pool2d(sheet, 2) for sheet in (found, true))
        weight = functional.avg_pool2d(weight, 2)
    return 1 - similarity + size


def _similarity(one: Tensor, two: Tensor) -> Tensor:
    """Return the structural similarity of each window of 7 x 7."""
    stack = torch.cat((one, two, one * one, two * two, one * two), 1)
    means = functional.avg_pool2d(stack, WINDOW, WINDOW_STEP)
    mean_1, mean_2, square_1, square_2, product = means.chunk(5, 1)
    both = mean_1 * mean_2
    spread = square_1 - mean_1**2 + square_2 - mean_2**2
    upper = (2 * both + STABLE_MEAN) * (2 * (product - both) + STABLE_SPREAD)
    lower = (mean_1**2 + mean_2**2 + STABLE_MEAN) * (spread + STABLE_SPREAD)
    return upper / lower


def consistency(
    output: NetworkOutput, batch: Batch, placed: Float[Tensor, "batch 68 2"]
) -> Float[Tensor, " batch"]:
    """Return how far mesh and heat maps disagree on places and on the colours found there."""
    places = place_loss(placed, output.landmarks).mean(1)
    pictures = functional.avg_pool2d(batch.pictures, COLOUR_CELL)
    colours = [
        functional.grid_sample(
            pictures, 2 * at[:, None] - 1, padding_mode="border", align_corners=False
        )
        for at in (placed, output.landmarks)
    ]
    return places + (colours[0] - colours[1]).abs().mean((1, 2, 3))


def _coefficient_loss(output: NetworkOutput, batch: Batch) -> Float[Tensor, " batch"]:
    identity = ((output.identity - batch.identity) ** 2).mean(1)
    expression = ((output.expression - batch.expression) ** 2).mean(1)
    pose = (output.pose.float() - batch.pose).abs().mean(1)
    return COEFFICIENT_WEIGHT * (identity + expression) + POSE_WEIGHT * pose


def _mean(values: Tensor, weight: Tensor) -> Float[Tensor, ""]:
    return (values * weight).sum() / weight.sum().clamp_min(1.0)
