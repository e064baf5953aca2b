"""How surfaces return light: soft skin, gloss, and matt surfaces in occluding folds.

Points run along the last axis, so that one number a point meets three colours without a copy;
radiance is linear RGB.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

# How far red, green and blue light creep beneath skin into shade, as a share of a wrapped cosine
# (the effect that d'Eon and Luebke, GPU Gems 3, ch. 14, model with sums of Gaussians).
SKIN_WRAP = (0.36, 0.15, 0.09)
RELIEF_SEEN = (0.35, 0.75, 1.0)
"""Share of the fine relief that red, green and blue light show: red comes from deeper."""
SKIN_F0 = 0.028
"""Reflectance of skin at normal incidence (index 1.4)."""


@dataclass(frozen=True, eq=False)
class Lit:
    """Points with the light that reaches them.

    Attributes:
        normal: Unit vectors, head frame.
        view: Unit vectors towards the camera.
        lamps: Unit vectors towards the lamps.
        colours: Linear RGB of the lamps.
        unhidden: Share of each lamp's light that is not shadowed.
        ambient: Irradiance of the surroundings over pi, without occlusion.
        openness: Share of the surroundings that is not hidden.
    """

    normal: Float[Tensor, "3 points"]
    view: Float[Tensor, "3 points"]
    lamps: Float[Tensor, "lamps 3"]
    colours: Float[Tensor, "lamps 3"]
    unhidden: Float[Tensor, "lamps points"]
    ambient: Float[Tensor, "3 points"]
    openness: Float[Tensor, " points"]

    def turned(self, normal: Float[Tensor, "3 points"]) -> "Lit":
        """Return the points with other normals."""
        return replace(self, normal=normal)


def dot(first: Float[Tensor, "3 points"], second: Float[Tensor, "3 points"]) -> Tensor:
    """Return the products of vectors, point by point."""
    return (first * second).sum(0)


def unit(vectors: Float[Tensor, "3 points"]) -> Float[Tensor, "3 points"]:
    """Return vectors of length 1."""
    return vectors * dot(vectors, vectors).clamp_min_(1e-20).rsqrt_()


def reflected_ambient(lit: Lit, albedo: Float[Tensor, "3 points"]) -> Float[Tensor, "3 points"]:
    """Return the surroundings' light off a matt surface, with light that bounces in its folds.

    The bounce brightens and saturates occlusion by albedo (Jimenez et al., Practical real-time
    strategies for accurate indirect occlusion, SIGGRAPH 2016 course).
    """
    open_ = lit.openness
    bounced = torch.add(2.0404 * albedo, -0.3324).mul_(open_)
    bounced.sub_(torch.add(4.7951 * albedo, -0.6417)).mul_(open_)
    bounced.add_(torch.add(2.7552 * albedo, 0.6903)).mul_(open_)
    return torch.maximum(bounced, open_).mul_(lit.ambient).mul_(albedo)


def lambert(lit: Lit, albedo: Float[Tensor, "3 points"]) -> Float[Tensor, "3 points"]:
    """Return the light off a matt surface."""
    cosine = (lit.lamps @ lit.normal).clamp_min_(0.0).mul_(lit.unhidden)
    return (lit.colours.T @ cosine).mul_(albedo).add_(reflected_ambient(lit, albedo))


def soft_skin(
    lit: Lit, smooth: Float[Tensor, "3 points"], albedo: Float[Tensor, "3 points"]
) -> Float[Tensor, "3 points"]:
    """Return the light out of skin: red reaches further round and smooths the relief.

    Args:
        lit: Points whose normal carries the fine relief.
        smooth: Normals without it.
        albedo: Reflectance.
    """
    smooth_cosine = lit.lamps @ smooth
    relief = (lit.lamps @ lit.normal).sub_(smooth_cosine)
    penumbra = lit.unhidden.sqrt().sub_(lit.unhidden)
    radiance = torch.zeros_like(albedo)
    for k, (wrap, seen) in enumerate(zip(SKIN_WRAP, RELIEF_SEEN, strict=True)):
        cosine = torch.add(smooth_cosine, relief, alpha=seen).add_(wrap)
        cosine = cosine.clamp_min_(0.0).mul_(1.0 / (1.0 + wrap))
        cosine.mul_(torch.add(lit.unhidden, penumbra, alpha=0.5 * wrap))
        radiance[k] = lit.colours[:, k] @ cosine
    return radiance.mul_(albedo).add_(reflected_ambient(lit, albedo))


def gloss(
    lit: Lit,
    roughness: Float[Tensor, " points"] | float,
    f0: float,
    ambient_share: float = 1.0,
) -> Float[Tensor, "3 points"]:
    """Return the highlights of a smooth layer: GGX (Walter et al., EGSR 2007), Schlick's Fresnel.

    Args:
        lit: Points.
        roughness: Perceptual roughness; its square is the width of the facets' slopes.
        f0: Reflectance at normal incidence.
        ambient_share: How much of the surroundings is mirrored.
    """
    n_view = dot(lit.normal, lit.view).clamp_(0.02, 1.0)
    alpha2 = roughness**4
    n_lamp = (lit.lamps @ lit.normal).clamp_min_(0.0)
    v_lamp = lit.lamps @ lit.view
    half_length = torch.add(v_lamp, 1.0).mul_(2.0).clamp_min_(1e-4).rsqrt_()
    n_half = torch.add(n_lamp, n_view).mul_(half_length).clamp_(0.0, 1.0)
    spread = n_half.square_().mul_(alpha2 - 1.0).add_(1.0)
    # One minus the cosine between lamp and half vector, to the fifth power.
    grazing = torch.add(v_lamp, 1.0).mul_(half_length).neg_().add_(1.0).clamp_min_(0.0)
    grazing = grazing.square().square_().mul_(grazing).mul_(1.0 - f0).add_(f0)
    # Visibility term after Hammon (GDC 2017), for a middle roughness.
    visible = (1.4 * n_lamp).mul_(n_view).add_(torch.add(n_lamp, n_view), alpha=0.3).add_(1e-3)
    direct = n_lamp.mul_(grazing).mul_(lit.unhidden).mul_(0.25 * alpha2)
    direct.div_(visible.mul_(spread.square_()))
    rim = (1.0 - n_view).pow(5).mul_(0.5 * (1.0 - f0)).add_(f0).mul_(lit.openness)
    return torch.addcmul(lit.colours.T @ direct, lit.ambient, rim.mul_(ambient_share))
