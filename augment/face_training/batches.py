"""From the number of a step to its batch: which renders, which crops, which variation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from augment.face_training.renders import FaceRender
from augment.face_training.store import RenderStore
from augment.face_training.truth import CropTruth, TruthTable
from augment.face_training.variation import (
    BORDERS,
    draw_crop,
    draw_empty_crop,
    occluded,
    photometric,
)
from augment.portrait.crop import cut_crop
from augment.recipe.face_network import FaceTrainingSpec
from augment.streams import stream

FIRST_RENDERS = 256
RENDERS_A_STEP = 16 / 3
"""Renders that come into use with each step, so that a training need not wait for all of them."""
TEXTURE_SHARE = 0.25
"""Share of a batch that a texture is taught on; its truth changes slowly between renders."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Crops and their truth, see `CropTruth`.

    Attributes:
        pictures: RGB, 0 to 1.
        has_face: 1 for crops with a face, 0 for those without, whose other truth means nothing.
        landmarks: The 68 landmarks.
        identity: Coefficients; zeros where only landmarks are known.
        expression: Coefficients.
        pose: Raw pose numbers.
        has_shape: 1 where coefficients and pose are known.
        albedo: Colour of the skin of the first crops, 0 to 1.
    """

    pictures: Float[Tensor, "batch 3 size size"]
    has_face: Float[Tensor, " batch"]
    landmarks: Float[Tensor, "batch 68 2"]
    identity: Float[Tensor, "batch 99"]
    expression: Float[Tensor, "batch 79"]
    pose: Float[Tensor, "batch 12"]
    has_shape: Float[Tensor, " batch"]
    albedo: Float[Tensor, "textures 3 texels texels"]

    def to(self, device: str) -> "Batch":
        """Return the batch on a device."""
        return Batch(**{name: value.to(device) for name, value in vars(self).items()})


class RenderBatches:
    """Batches of varied renders.

    Args:
        store: The renders.
        truth: What is true of them.
        spec: Size of batches and crops, ranges of the variation, seed.
    """

    def __init__(self, store: RenderStore, truth: TruthTable, spec: FaceTrainingSpec) -> None:
        """Remember what batches are made of."""
        self.store, self.truth, self.spec = store, truth, spec

    def __call__(self, step: int) -> Batch:
        """Return the batch of a step, the same whenever it is asked for."""
        spec = self.spec
        rng = stream(spec.seed, step, "batch")
        numbers = rng.integers(renders_in_use(step, spec), size=spec.training.batch)
        n_textures = max(1, int(TEXTURE_SHARE * len(numbers)))
        crops, albedo = [], []
        for row, number in enumerate(numbers):
            render = self.store.render(int(number))
            crops.append(self._crop(rng, render, is_plain=row < n_textures))
            if row < n_textures:
                albedo.append(render.albedo)
        return collated(crops, np.stack(albedo))

    def _crop(
        self, rng: np.random.Generator, render: FaceRender, is_plain: bool
    ) -> tuple[UInt8[np.ndarray, "size size 3"], CropTruth, bool]:
        """Draw one crop; plain ones are neither mirrored nor empty, for their texture is taught."""
        spec, size = self.spec.variation, self.spec.network.input_px
        crop, has_face = draw_crop(rng, render.landmarks_px, spec, size), True
        if not is_plain and rng.random() < spec.without_face:
            empty = draw_empty_crop(rng, render.landmarks_px, len(render.picture), size)
            crop, has_face = (crop, True) if empty is None else (empty, False)
        is_mirrored = not is_plain and bool(rng.random() < spec.mirrored)
        return varied(rng, render, self.truth, crop, (is_mirrored, has_face), self.spec)


def varied(
    rng: np.random.Generator,
    render: FaceRender,
    truth: TruthTable,
    crop: Float[np.ndarray, "2 3"],
    states: tuple[bool, bool],
    spec: FaceTrainingSpec,
) -> tuple[UInt8[np.ndarray, "size size 3"], CropTruth, bool]:
    """Return a varied crop, its truth and whether it shows a face.

    Args:
        rng: Where the variation is drawn.
        render: The picture and its truth.
        truth: What is true of crops.
        crop: crop_from_picture.
        states: Whether it is mirrored, and whether it shows the face.
        spec: Ranges.
    """
    is_mirrored, has_face = states
    size = spec.network.input_px
    border = BORDERS[int(rng.integers(len(BORDERS)))]
    pixels = cut_crop(render.picture, crop, size, border)
    true = truth(render, crop, size, is_mirrored)
    if is_mirrored:
        pixels = pixels[:, ::-1]
    pixels = occluded(rng, pixels, true.landmarks * size, spec.variation)
    return photometric(rng, pixels, spec.variation), true, has_face


def renders_in_use(step: int, spec: FaceTrainingSpec) -> int:
    """Return how many renders, from the first on, the batch of a step is drawn from."""
    return min(spec.pictures.renders, int(FIRST_RENDERS + RENDERS_A_STEP * step))


def collated(
    crops: list[tuple[UInt8[np.ndarray, "size size 3"], CropTruth, bool]],
    albedo: UInt8[np.ndarray, "textures texels texels 3"],
    has_shape: Sequence[bool] | None = None,
) -> Batch:
    """Return crops as one batch.

    Args:
        crops: Picture, truth, whether it shows a face.
        albedo: Colour of the skin of the first crops.
        has_shape: Whether coefficients and pose are known; None where all faces' are.
    """
    pixels = np.stack([crop[0] for crop in crops])
    has_face = np.array([crop[2] for crop in crops], dtype=np.float32)

    def column(name: str) -> Tensor:
        return torch.from_numpy(np.stack([getattr(crop[1], name) for crop in crops]))

    return Batch(
        pictures=torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255.0,
        has_face=torch.from_numpy(has_face),
        landmarks=column("landmarks"),
        identity=column("identity"),
        expression=column("expression"),
        pose=column("pose"),
        has_shape=torch.from_numpy(
            has_face if has_shape is None else np.asarray(has_shape, np.float32)
        ),
        albedo=torch.from_numpy(albedo).permute(0, 3, 1, 2).float() / 255.0,
    )
