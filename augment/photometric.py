"""Photometric augmentation of pictures that are already made, through albumentations.

Only transforms of pixel values are known here: none can move a pixel, so no label ever changes.
Parameters are drawn from a numpy Generator, so that a picture of sample k is augmented alike in
every run.
"""

import os
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from augment.errors import RecipeError

Range = tuple[float, float]


@dataclass(frozen=True)
class PhotometricSpec:
    """How strongly pictures vary; a transform with probability 0 is left out.

    Attributes:
        brightness: Largest change of brightness and of contrast, shares.
        hue: Largest turn of the hue, of 180; saturation and value turn twice and once as far.
        gamma: Range of the exponent in percent, 100 is neutral.
        blur_px: Largest kernel of a Gaussian blur, odd, pixels.
        noise: Range of the standard deviation of Gaussian noise, share of white.
        jpeg: Range of the quality, 1 to 100.
        grey: Probability of a grey picture.
        probability: Of each of the others.
    """

    brightness: float = 0.2
    hue: float = 8.0
    gamma: Range = (80.0, 125.0)
    blur_px: int = 5
    noise: Range = (0.01, 0.04)
    jpeg: Range = (50.0, 95.0)
    grey: float = 0.02
    probability: float = 0.4


class Photometric:
    """A chain of pixel-level transforms of albumentations.

    Args:
        spec: How strongly pictures vary.

    Raises:
        RecipeError: If albumentations refuses a value.
    """

    def __init__(self, spec: PhotometricSpec | None = None) -> None:
        """Build the chain; `strict=True` makes albumentations refuse what it does not know."""
        self.spec = PhotometricSpec() if spec is None else spec
        self._chain = _chain(self.spec)

    @property
    def transforms(self) -> tuple[str, ...]:
        """Names of the transforms, in order."""
        return tuple(type(transform).__name__ for transform in self._chain.transforms)

    def __call__(
        self, image: UInt8[np.ndarray, "height width 3"], rng: np.random.Generator
    ) -> UInt8[np.ndarray, "height width 3"]:
        """Return an augmented picture.

        Args:
            image: RGB.
            rng: Stream of the augmentation; it alone decides the result.

        Returns:
            A new picture of the same size; the given one is left as it is.
        """
        self._chain.set_random_seed(int(rng.integers(2**31)))
        return np.ascontiguousarray(self._chain(image=image)["image"])


def _chain(spec: PhotometricSpec):  # type: ignore[no-untyped-def]  # albumentations has no types
    """Return the transforms of a spec as one albumentations chain."""
    # It would ask the package index for a newer version at import, and warn where there is no net.
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    import albumentations as A  # noqa: N812  (the name that its documentation uses)

    p = spec.probability
    try:
        transforms = [
            A.RandomBrightnessContrast(spec.brightness, spec.brightness, p=p),
            A.HueSaturationValue(spec.hue, 2 * spec.hue, spec.hue, p=p),
            A.RandomGamma(gamma_limit=spec.gamma, p=p),
            A.GaussianBlur(blur_limit=(3, spec.blur_px), p=p),
            A.GaussNoise(std_range=spec.noise, p=p),
            A.ImageCompression(quality_range=(int(spec.jpeg[0]), int(spec.jpeg[1])), p=p),
            A.ToGray(p=spec.grey),
        ]
        chosen = [transform for transform in transforms if transform.p > 0]
        _refuse_moving(chosen, A.ImageOnlyTransform)
        return A.Compose(chosen, strict=True)
    except ValueError as error:
        raise RecipeError(
            f"photometric expects values that albumentations accepts, got {spec!r}: {error}"
        ) from error


def _refuse_moving(transforms: list[object], pixel_level: type) -> None:
    """Refuse a transform that could move pixels, and with them what labels mean."""
    for transform in transforms:
        if not isinstance(transform, pixel_level):
            raise RecipeError(
                f"photometric expects pixel-level transforms, got {type(transform).__name__!r}, "
                "which moves pixels; labels would no longer fit"
            )
