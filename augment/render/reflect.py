"""How surfaces return light: soft skin, gloss, and the shine of hair.

Every function takes one row a point and the lamps side by side; radiance is linear RGB.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

# How far red, green and blue light creep beneath skin into shade, as a share of a wrapped cosine
# (the effect that d'Eon and Luebke, GPU Gems 3, ch. 14, model with sums of Gaussians).
SKIN_WRAP = (0.36, 0.15, 0.09)
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

    normal: Float[Tensor, "points 3"]
    view: Float[Tensor, "points 3"]
    lamps: Float[Tensor, "lamps 3"]
    colours: Float[Tensor, "lamps 3"]
    unhidden: Float[Tensor, "points lamps"]
    ambient: Float[Tensor, "points 3"]
    openness: Float[Tensor, " points"]

    def where(self, chosen: Int64[Tensor, " chosen"]) -> "Lit":
        """Return some of the points."""
        return Lit(
            self.normal[chosen], self.view[chosen], self.lamps, self.colours,
            self.unhidden[chosen], self.ambient[chosen], self.openness[chosen],
        )  # fmt: skip


def reflected_ambient(lit: Lit, albedo: Float[Tensor, "points 3"]) -> Float[Tensor, "points 3"]:
    """Return the surroundings' light off a matt surface, with light that bounces in its folds.

    The bounce brightens and saturates occlusion by albedo (Jimenez et al., Practical real-time
    strategies for accurate indirect occlusion, SIGGRAPH 2016 course).
    """
    open_ = lit.openness[:, None]
    a, b, c = 2.0404 * albedo - 0.3324, 4.7951 * albedo - 0.6417, 2.7552 * albedo + 0.6903
    bounced = torch.maximum(open_, ((open_ * a - b) * open_ + c) * open_)
    return lit.ambient * bounced * albedo


def lambert(lit: Lit, albedo: Float[Tensor, "points 3"]) -> Float[Tensor, "points 3"]:
    """Return the light off a matt surface."""
    cosine = (lit.normal @ lit.lamps.T).clamp_min_(0.0) * lit.unhidden
    return albedo * (cosine @ lit.colours) + reflected_ambient(lit, albedo)


def soft_skin(
    lit: Lit, smooth: Float[Tensor, "points 3"], albedo: Float[Tensor, "points 3"]
) -> Float[Tensor, "points 3"]:
    """Return the light out of skin: red reaches further round and smooths the relief.

    Args:
        lit: Points whose normal carries the fine relief.
        smooth: Normals without it.
        albedo: Reflectance.
    """
    rough_cosine, smooth_cosine = lit.normal @ lit.lamps.T, smooth @ lit.lamps.T
    shadow = lit.unhidden
    channels = []
    for k, wrap in enumerate(SKIN_WRAP):
        keep = (0.35, 0.75, 1.0)[k]  # red sees the smooth shape, blue the relief
        cosine = smooth_cosine + keep * (rough_cosine - smooth_cosine)
        wrapped = ((cosine + wrap) / (1.0 + wrap)).clamp_min_(0.0)
        wrapped = wrapped * wrapped.clamp_max(1.0).sqrt() if wrap > 0.3 else wrapped
        softer = shadow + (wrap * 0.5) * (shadow.sqrt() - shadow)
        channels.append((wrapped * softer) @ lit.colours[:, k])
    return albedo * torch.stack(channels, -1) + reflected_ambient(lit, albedo)


def gloss(
    lit: Lit,
    roughness: Float[Tensor, " points"] | float,
    f0: float,
    ambient_share: float = 1.0,
) -> Float[Tensor, "points 3"]:
    """Return the highlights of a smooth layer: GGX (Walter et al., EGSR 2007), Schlick's Fresnel.

    Args:
        lit: Points.
        roughness: Perceptual roughness; its square is the width of the facets' slopes.
        f0: Reflectance at normal incidence.
        ambient_share: How much of the surroundings is mirrored.
    """
    n_view = (lit.normal * lit.view).sum(-1).clamp(0.02, 1.0)
    alpha2 = roughness**4 if isinstance(roughness, float) else (roughness**4)[:, None]
    n_lamp = (lit.normal @ lit.lamps.T).clamp_min_(0.0)
    v_lamp = lit.view @ lit.lamps.T
    half_length = (2.0 + 2.0 * v_lamp).clamp_min_(1e-4).rsqrt()
    n_half = ((n_lamp + n_view[:, None]) * half_length).clamp_(0.0, 1.0)
    v_half = ((1.0 + v_lamp) * half_length).clamp_(0.0, 1.0)
    spread = n_half * n_half * (alpha2 - 1.0) + 1.0
    distribution = alpha2 / (spread * spread)  # times 1 / pi, which lamp radiance carries
    fresnel = f0 + (1.0 - f0) * (1.0 - v_half).pow(5)
    # Visibility term after Hammon (GDC 2017), for a middle roughness.
    visible = 0.5 / (2.0 * n_lamp * n_view[:, None] * 0.7 + (n_lamp + n_view[:, None]) * 0.3 + 1e-3)
    direct = (distribution * fresnel * visible * n_lamp * lit.unhidden * 0.5) @ lit.colours
    rim = f0 + (1.0 - f0) * 0.5 * (1.0 - n_view).pow(5)
    mirrored = lit.ambient * (ambient_share * rim * lit.openness)[:, None]
    return direct + mirrored
