"""Skin: how much melanin and blood it holds, where, and the colour that follows.

Reflectance falls exponentially with the two pigments (Tsumura et al., Image-based skin color and
texture analysis/synthesis by extracting hemoglobin and melanin information, SIGGRAPH 2003; Jimenez
et al., A practical appearance model for dynamic facial color, SIGGRAPH Asia 2010):

    R = R_0 exp(-melanin · a_m - blood · a_b)        for R, G and B, linear
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from augment.render.hair import Hair, scalp_cover
from augment.render.hair_colour import HairColour
from augment.render.noise import SKIN_TILE_UV, NoiseTile, mip_level
from augment.render.skin_sheets import (
    SLOPE_LEVELS,
    STROKE_LEVELS,
    STROKE_SIZE,
    ZONE_SIZE,
    ZONES,
    SkinSheets,
    texel_rows,
)
from augment.sample import Subject

# Broad-band reflectance of the dermis without pigment, and absorbance of the pigments relative to
# green: melanin falls with the wavelength to the power 3.33 (Jacques, Phys Med Biol 2013;58:R37),
# flattened by the width of the colour bands; haemoglobin has its trough in red.
DERMIS = (0.86, 0.74, 0.57)
MELANIN_ABSORBANCE = (0.74, 1.0, 1.28)
BLOOD_ABSORBANCE = (0.13, 1.0, 0.78)

# Melanin of the cheek by ancestry, in absorbance of green.
MELANIN_RANGE = {"caucasian": (0.10, 0.50), "asian": (0.28, 0.75), "african": (0.95, 2.0)}
BLOOD_RANGE = (0.24, 0.44)
_ZONE = {name: k for k, name in enumerate(ZONES)}
# Absorbance of lip skin: thin, hardly pigmented, full of blood (values fitted by eye to portraits).
LIP_BLOOD, LIP_MELANIN = 2.1, 0.75


@dataclass(frozen=True)
class Skin:
    """What was drawn for a subject's skin; amounts without unit are shares of their usual size.

    Attributes:
        melanin: Of the cheek, in absorbance of green.
        blood: Of the cheek, in absorbance of green.
        flush: How much redder cheeks, nose and ears are.
        mottle: Strength of blotches.
        freckles: Share of dark spots.
        shadows: How dark the surroundings of the eyes are.
        oil: Strength of highlights.
        wrinkles: Depth of the lines of forehead, eyes and mouth.
        lip_blood: Redness of the lips.
        offset: Where the subject's part of the noise tile starts.
        mirrored: Whether the tile is mirrored.
        beard: Coverage of moustache, chin, cheeks and neck.
        beard_length: 0 is a shaved shadow, 1 a full beard.
        brow: Variant of the brows.
        brow_strength: Coverage of the brows.
        lash: Strength of the lash line.
    """

    melanin: float
    blood: float
    flush: float
    mottle: float
    freckles: float
    shadows: float
    oil: float
    wrinkles: tuple[float, float, float]
    lip_blood: float
    offset: tuple[float, float]
    mirrored: bool
    beard: tuple[float, float, float, float]
    beard_length: float
    brow: int
    brow_strength: float
    lash: float


def draw_skin(rng: np.random.Generator, subject: Subject) -> Skin:
    """Draw the skin of a subject; ancestry steers its tone, age its lines, sex its beard."""
    shares = subject.ancestry or {"caucasian": 1 / 3, "asian": 1 / 3, "african": 1 / 3}
    place = rng.uniform(0.0, 1.0)
    melanin = sum(
        share * (MELANIN_RANGE[name][0] * (1 - place) + MELANIN_RANGE[name][1] * place)
        for name, share in shares.items()
    )
    age = 40.0 if subject.age_years is None else subject.age_years
    lined = np.clip((age - 22.0) / 55.0, 0.0, 1.0) ** 1.1
    is_male = subject.sex == "male" if subject.sex else bool(rng.random() < 0.5)
    beard, length = _draw_beard(rng, is_male=is_male and age > 17)
    return Skin(
        melanin=float(melanin),
        blood=float(rng.uniform(*BLOOD_RANGE)),
        flush=float(rng.uniform(0.4, 1.3)),
        mottle=float(rng.uniform(0.4, 1.2)),
        freckles=float(max(rng.normal(0.15, 0.35), 0.0) * np.exp(-1.2 * melanin)),
        shadows=float(rng.uniform(0.3, 1.0) + 0.4 * lined),
        oil=float(rng.uniform(0.5, 1.5)),
        wrinkles=tuple(float(max(lined * rng.uniform(0.5, 1.3) + rng.normal(0, 0.05), 0.0))
                       for _ in range(3)),  # type: ignore[arg-type]
        lip_blood=float(rng.uniform(0.65, 1.15) if is_male else rng.uniform(0.8, 1.6)),
        offset=(float(rng.uniform()), float(rng.uniform())),
        mirrored=bool(rng.random() < 0.5),
        beard=beard,
        beard_length=length,
        brow=int(rng.choice(4, p=(0.3, 0.25, 0.15, 0.3) if is_male else (0.4, 0.15, 0.4, 0.05))),
        brow_strength=float(rng.uniform(0.7, 1.0) if is_male else rng.uniform(0.35, 0.8)),
        lash=float(rng.uniform(0.5, 0.9) if is_male else rng.uniform(0.7, 1.3)),
    )  # fmt: skip


def _draw_beard(
    rng: np.random.Generator, *, is_male: bool
) -> tuple[tuple[float, float, float, float], float]:
    """Return coverage of moustache, chin, cheeks, neck, and the length."""
    kind = rng.choice(5, p=(0.35, 0.35, 0.12, 0.06, 0.12))
    strength, length = rng.uniform(0.2, 1.0), rng.uniform(0.35, 0.9)
    if not is_male:
        return (0.0, 0.0, 0.0, 0.0), 0.0
    if kind == 0:
        return (0.25 * strength, 0.25 * strength, 0.2 * strength, 0.15 * strength), 0.0
    if kind == 1:
        return (0.8 * strength, 0.8 * strength, 0.7 * strength, 0.5 * strength), 0.12
    if kind == 2:
        return (1.0, 1.0, 0.15 * strength, 0.1 * strength), length
    if kind == 3:
        return (1.0, 0.2 * strength, 0.2 * strength, 0.1 * strength), length
    return (1.0, 1.0, 1.0, 0.35 * strength), length


@dataclass(frozen=True, eq=False)
class SkinSurface:
    """What the light meets at points of the skin.

    Attributes:
        albedo: Linear RGB reflectance.
        slope: Gradient of the fine relief in space, head frame.
        oil: Strength of the highlight.
        roughness: Of the highlight, 0 to 1.
        wetness: Share of lips and lid margins.
    """

    albedo: Float[Tensor, "points 3"]
    slope: Float[Tensor, "points 3"]
    oil: Float[Tensor, " points"]
    roughness: Float[Tensor, " points"]
    wetness: Float[Tensor, " points"]


def skin_surface(
    skin: Skin,
    hair: Hair,
    colour: HairColour,
    sheets: SkinSheets,
    tile: NoiseTile,
    uv: Float[Tensor, "points 2"],
    pixel_uv: float,
) -> SkinSurface:
    """Return colour and relief of skin at texture coordinates.

    Args:
        skin: The subject's skin.
        hair: The subject's hair, whose roots show on the scalp.
        colour: Colour of hair, brows and beard.
        sheets: Painted sheets of the model.
        tile: Noise of the skin.
        uv: Texture coordinates.
        pixel_uv: Size of a pixel in texture coordinates; finer patterns are averaged.
    """
    texel = texel_rows(uv, ZONE_SIZE)
    zones = sheets.zones.index_select(0, texel)
    zone = (zones.float() / 255.0).unbind(-1)
    size = pixel_uv / SKIN_TILE_UV
    noise = tile.at(uv / SKIN_TILE_UV, skin.offset, skin.mirrored, size).unbind(-1)
    coarse = tile.at(
        uv / (3.1 * SKIN_TILE_UV), skin.offset[::-1], skin.mirrored, size / 3.1
    ).unbind(-1)
    blotch, patch, grain, pore, *bumps, speck = noise
    lips = zone[_ZONE["lips"]]
    melanin, blood = _pigments(skin, zone, blotch, patch, grain, speck, coarse)
    albedo = pigment_colour(melanin, blood)
    albedo = albedo * (1.0 + (0.03 * pore + 0.015 * patch)[:, None])
    roots = scalp_cover(hair, zones) * (1.0 + 0.12 * grain + 0.10 * pore)
    roots = (roots * 0.95).clamp(0.0, 0.95)[:, None]
    albedo = albedo + roots * (0.75 * albedo.new_tensor(colour.root) + 0.04 * albedo - albedo)
    albedo = _with_hairs(albedo, skin, colour, sheets, uv, pixel_uv, zone, (grain, pore, speck))
    margin = zone[_ZONE["lid_margin"]]
    slope = torch.stack(bumps, -1) * (0.035 * (1.0 + 1.2 * lips))[:, None]
    slopes = sheets.slopes.index_select(0, texel).float() / SLOPE_LEVELS
    for k, depth in enumerate(skin.wrinkles):
        slope = slope + (1.7 * depth) * slopes[:, 3 * k : 3 * k + 3]
    oil = skin.oil * (0.35 + 0.9 * zone[_ZONE["oil"]]) * (1.0 + 0.25 * grain + 0.2 * patch)
    return SkinSurface(
        albedo=albedo.clamp(0.005, 0.95),
        slope=slope,
        oil=oil.clamp_min(0.05) * (1.0 - 0.4 * lips) * (1.0 - 0.7 * roots[:, 0]),
        roughness=0.46 - 0.10 * zone[_ZONE["oil"]] - 0.10 * lips,
        wetness=torch.maximum(lips * 0.7, margin),
    )


def _pigments(
    skin: Skin,
    zone: tuple[Tensor, ...],
    blotch: Tensor,
    patch: Tensor,
    grain: Tensor,
    speck: Tensor,
    coarse: tuple[Tensor, ...],
) -> tuple[Tensor, Tensor]:
    """Return melanin and blood at each point."""
    lips, shade, flush = zone[_ZONE["lips"]], zone[_ZONE["shade"]], zone[_ZONE["flush"]]
    freckle = (speck - 1.5).clamp(0.0, 0.6) * skin.freckles * (0.3 + flush)
    mole = (coarse[6] * 0.7 + speck * 0.7 - 3.0).clamp(0.0, 0.3) * 3.0
    tone = 1.0 + skin.mottle * (0.07 * blotch + 0.045 * patch + 0.03 * grain + 0.05 * coarse[0])
    dark = 0.16 + 0.25 * skin.melanin
    melanin = skin.melanin * tone + shade * skin.shadows * dark + freckle + mole
    melanin = melanin * (1.0 - 0.12 * zone[_ZONE["pale"]])
    blood = skin.blood * (
        1.0
        + skin.flush * flush * (0.75 + 0.18 * coarse[1] + 0.12 * blotch)
        + skin.mottle * (0.10 * patch + 0.06 * grain)
        + 0.25 * shade * skin.shadows
    )
    pimple = (coarse[4] * 0.6 + patch * 0.75 - 2.8).clamp(0.0, 0.35) * skin.mottle
    blood = (blood + pimple).clamp_min(0.05)
    lip_blood = skin.blood * LIP_BLOOD * skin.lip_blood * (1.0 + 0.06 * patch + 0.05 * grain)
    melanin = melanin + lips * (LIP_MELANIN - 1.0) * melanin
    blood = blood + lips * (lip_blood - blood)
    blood = blood + 0.9 * zone[_ZONE["lid_margin"]] * skin.blood
    return melanin, blood


def _with_hairs(
    albedo: Tensor,
    skin: Skin,
    hair: HairColour,
    sheets: SkinSheets,
    uv: Tensor,
    pixel_uv: float,
    zone: tuple[Tensor, ...],
    noise: tuple[Tensor, Tensor, Tensor],
) -> Tensor:
    """Return the colour of skin beneath brows, beard shadow and lashes."""
    grain, pore, speck = noise
    colour = albedo.new_tensor(hair.root)
    brow = brow_coverage(sheets, uv, pixel_uv)[:, skin.brow].float()
    brow = (brow * (skin.brow_strength / 255.0) * 1.15).clamp(0.0, 0.96)[:, None]
    albedo = albedo + brow * (albedo.new_tensor(hair.brow) - albedo)
    names = ("moustache", "goatee", "cheek_beard", "neck_beard")
    cover = sum(share * zone[_ZONE[name]] for share, name in zip(skin.beard, names, strict=True))
    if max(skin.beard) > 0:
        clumps = (1.0 + 0.25 * grain + 0.30 * pore + 0.15 * speck).clamp(0.2, 1.6)
        most = 0.34 + 0.6 * skin.beard_length
        cover = (cover * clumps * most).clamp(0.0, 0.93)[:, None]
        shadow = colour * 0.7 + 0.3 * albedo * albedo.new_tensor((0.62, 0.72, 0.80))
        albedo = albedo + cover * (shadow - albedo)
    lash = (zone[_ZONE["lash_line"]] * skin.lash).clamp(0.0, 0.92)[:, None]
    return albedo + lash * (albedo.new_tensor(hair.lash) - albedo)


def brow_coverage(
    sheets: SkinSheets, uv: Float[Tensor, "points 2"], pixel_uv: float
) -> UInt8[Tensor, "points brows"]:
    """Return the coverage by each variant's hairs, averaged over a pixel."""
    size, start = STROKE_SIZE, 0
    for _ in range(mip_level(pixel_uv, STROKE_SIZE, STROKE_LEVELS)):
        start, size = start + size * size, size // 2
    return sheets.strokes.index_select(0, texel_rows(uv, size) + start)


def pigment_colour(
    melanin: Float[Tensor, " points"], blood: Float[Tensor, " points"]
) -> Float[Tensor, "points 3"]:
    """Return the linear RGB reflectance of skin that holds melanin and blood."""
    table = melanin.new_tensor((MELANIN_ABSORBANCE, BLOOD_ABSORBANCE, DERMIS))
    absorbed = melanin[:, None] * table[0] + blood[:, None] * table[1]
    return table[2] * torch.exp(-absorbed)
