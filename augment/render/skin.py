"""Skin: how much melanin and blood it holds, where, and the colour that follows.

Reflectance falls exponentially with the two pigments (Tsumura et al., Image-based skin color and
texture analysis/synthesis by extracting hemoglobin and melanin information, SIGGRAPH 2003; Jimenez
et al., A practical appearance model for dynamic facial color, SIGGRAPH Asia 2010):

    R = R_0 exp(-melanin · a_m - blood · a_b)        for R, G and B, linear
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from augment.render.groom import STYLES
from augment.render.hair import Hair, scalp_cover
from augment.render.hair_colour import HairColour
from augment.render.noise import SKIN_CHANNELS, SKIN_TILE_UV, NoiseTile, mip_level
from augment.render.skin_sheets import (
    SLOPE_LEVELS,
    STROKE_LEVELS,
    STROKE_SIZE,
    ZONE_SIZE,
    ZONES,
    SkinSheets,
    texel_rows,
)
from augment.render.surface import planar
from augment.sample import Subject

# Broad-band reflectance of the dermis without pigment, and absorbance of the pigments relative to
# green: melanin falls with the wavelength to the power 3.33 (Jacques, Phys Med Biol 2013;58:R37),
# flattened by the width of the colour bands; haemoglobin has its trough in red.
DERMIS = (0.86, 0.72, 0.525)
MELANIN_ABSORBANCE = (0.78, 1.0, 1.18)
BLOOD_ABSORBANCE = (0.13, 1.0, 0.78)

# Melanin of the cheek by ancestry, in absorbance of green.
MELANIN_RANGE = {"caucasian": (0.10, 0.50), "asian": (0.28, 0.75), "african": (0.95, 2.0)}
BLOOD_RANGE = (0.24, 0.44)
# Absorbance of lip skin: thin, hardly pigmented, full of blood (values fitted by eye to portraits).
LIP_BLOOD, LIP_MELANIN = 1.95, 1.2


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


GROWN_BROW_YEARS, INFANT_BROW = 12.0, 0.3
"""Age at which brows are as in adults, and their coverage before the first hairs are replaced."""


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
    # Brows of infants are down; they fill until puberty and part by sex after it (look, no source).
    grown = float(np.clip(age / GROWN_BROW_YEARS, 0.0, 1.0))
    has_male_brow = is_male and age > GROWN_BROW_YEARS
    brows = (0.3, 0.25, 0.15, 0.3) if has_male_brow else (0.4, 0.15, 0.4, 0.05)
    return Skin(
        melanin=float(melanin),
        blood=float(rng.uniform(*BLOOD_RANGE)),
        flush=float(rng.uniform(0.5, 1.6)),
        mottle=float(rng.uniform(0.6, 1.6)),
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
        brow=int(rng.choice(4, p=brows)),
        brow_strength=float(rng.uniform(0.7, 1.0) if has_male_brow else rng.uniform(0.4, 0.85))
        * (INFANT_BROW + (1.0 - INFANT_BROW) * grown),
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

    albedo: Float[Tensor, "3 points"]
    slope: Float[Tensor, "3 points"]
    oil: Float[Tensor, " points"]
    roughness: Float[Tensor, " points"]
    wetness: Float[Tensor, " points"]


@dataclass(frozen=True, eq=False)
class _Texels:
    """What the sheets hold at points of the skin; noise has standard deviation 1."""

    zone: dict[str, Tensor]
    fine: dict[str, Tensor]
    coarse: dict[str, Tensor]
    strokes: Float[Tensor, "hairs points"]


def skin_surface(
    skin: Skin,
    hair: Hair,
    colour: HairColour,
    sheets: SkinSheets,
    tile: NoiseTile,
    uv: Float[Tensor, "2 points"],
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
    row = texel_rows(uv, ZONE_SIZE)
    texels = _texels(skin, sheets, tile, uv, row, pixel_uv)
    zone, fine = texels.zone, texels.fine
    lips, greasy = zone["lips"], zone["oil"]
    albedo = pigment_colour(*_pigments(skin, texels))
    albedo.mul_(torch.add(0.03 * fine["pore"], fine["patch"], alpha=0.015).add_(1.0))
    roots = scalp_cover(hair, zone["scalp"], zone["crown"], zone["front"])
    roots = roots * torch.add(0.12 * fine["grain"], fine["pore"], alpha=0.10).add_(1.0)
    roots = roots.mul_(0.97).clamp_(0.0, 0.97)
    deep = 0.5 if hair.style in STYLES else 0.8
    _blend(albedo, roots, deep * albedo.new_tensor(colour.root)[:, None] + 0.03 * albedo)
    _lay_hairs(albedo, skin, colour, texels)
    slope = torch.stack([fine["bump_x"], fine["bump_y"], fine["bump_z"]])
    slope = slope.mul_((1.0 + 1.2 * lips).mul_(0.035))
    if max(skin.wrinkles) > 0.0:
        depths = slope.new_tensor(skin.wrinkles) * (1.7 / SLOPE_LEVELS)
        lines = planar(sheets.slopes.index_select(0, row)).unflatten(0, (-1, 3))
        slope = slope + torch.einsum("k,kcp->cp", depths, lines)
    oil = (0.35 + 0.9 * greasy) * (1.0 + 0.25 * fine["grain"] + 0.2 * fine["patch"])
    return SkinSurface(
        albedo=albedo.clamp_(0.005, 0.95),
        slope=slope,
        oil=oil.mul_(skin.oil).clamp_min_(0.05) * (1.0 - 0.4 * lips) * (1.0 - 0.7 * roots),
        roughness=0.46 - 0.10 * greasy - 0.10 * lips,
        wetness=torch.maximum(lips * 0.7, zone["lid_margin"]),
    )


def _texels(
    skin: Skin, sheets: SkinSheets, tile: NoiseTile, uv: Tensor, row: Tensor, pixel_uv: float
) -> _Texels:
    """Return what the sheets hold at texture coordinates."""
    zones = planar(sheets.zones.index_select(0, row)).mul_(1.0 / 255.0)
    size = pixel_uv / SKIN_TILE_UV
    fine = tile.at(uv * (1.0 / SKIN_TILE_UV), skin.offset, skin.mirrored, size)
    wide = 1.0 / (3.1 * SKIN_TILE_UV)
    coarse = tile.at(uv * wide, skin.offset[::-1], skin.mirrored, pixel_uv * wide)
    return _Texels(
        zone=dict(zip(ZONES, zones, strict=True)),
        fine=dict(zip(SKIN_CHANNELS, fine, strict=True)),
        coarse=dict(zip(SKIN_CHANNELS, coarse, strict=True)),
        strokes=planar(stroke_coverage(sheets, uv, pixel_uv)).mul_(1.0 / 255.0),
    )


def _blend(colour: Tensor, share: Tensor, towards: Tensor) -> None:
    """Move a colour a share of the way to another, in place."""
    colour.add_((towards - colour).mul_(share))


def _pigments(skin: Skin, texels: _Texels) -> tuple[Tensor, Tensor]:
    """Return melanin and blood at each point."""
    zone, fine, coarse = texels.zone, texels.fine, texels.coarse
    lips, shade, flush = zone["lips"], zone["shade"], zone["flush"]
    blotch, patch, grain, speck = (fine[name] for name in ("blotch", "patch", "grain", "speck"))
    tone = (0.028 * blotch).add_(patch, alpha=0.02).add_(grain, alpha=0.022)
    tone = tone.add_(coarse["blotch"], alpha=0.02).mul_(skin.mottle).add_(1.0)
    dark = skin.shadows * (0.16 + 0.25 * skin.melanin)
    melanin = tone.mul_(skin.melanin).add_(shade, alpha=dark)
    if skin.freckles > 0:
        melanin.addcmul_((speck - 1.5).clamp_(0.0, 0.6), 0.3 + flush, value=skin.freckles)
    mole = (0.7 * coarse["bump_z"]).add_(speck, alpha=0.7).sub_(3.0).clamp_(0.0, 0.3)
    melanin.add_(mole, alpha=3.0).mul_(1.0 - 0.12 * zone["pale"])
    flushed = (0.18 * coarse["patch"]).add_(blotch, alpha=0.12).add_(0.75).mul_(flush)
    blood = flushed.mul_(skin.flush).add_(shade, alpha=0.25 * skin.shadows).add_(1.0)
    blood = blood.add_(patch, alpha=0.10 * skin.mottle).add_(grain, alpha=0.06 * skin.mottle)
    # Beneath much melanin little of the blood is seen.
    blood = blood.mul_(skin.blood * math.exp(-0.3 * skin.melanin))
    pimple = (0.6 * coarse["bump_x"]).add_(patch, alpha=0.75).sub_(2.8).clamp_(0.0, 0.35)
    blood = blood.add_(pimple, alpha=skin.mottle).clamp_min_(0.05)
    lip_blood = (0.06 * patch).add_(grain, alpha=0.05).add_(1.0)
    lip_blood = lip_blood.mul_(skin.blood * LIP_BLOOD * skin.lip_blood)
    melanin = melanin.mul_(torch.add(lips * (LIP_MELANIN - 1.0), 1.0))
    blood = blood.add_(lips * (lip_blood - blood))
    return melanin, blood.add_(zone["lid_margin"], alpha=0.3 * skin.blood)


def _lay_hairs(albedo: Tensor, skin: Skin, colour: HairColour, texels: _Texels) -> None:
    """Cover skin with brows, beard and lashes, in place."""
    zone, strokes = texels.zone, texels.strokes
    brow = (strokes[skin.brow] * (skin.brow_strength * 1.15)).clamp_(0.0, 0.96)
    _blend(albedo, brow, albedo.new_tensor(colour.brow)[:, None])
    if max(skin.beard) > 0:
        names = ("moustache", "goatee", "cheek_beard", "neck_beard")
        cover = torch.zeros_like(brow)
        for share, name in zip(skin.beard, names, strict=True):
            cover.add_(zone[name], alpha=share)
        hairs, long = strokes[-1], min(1.0, 2.5 * skin.beard_length)
        clumps = (0.12 * texels.fine["grain"]).add_(texels.fine["speck"], alpha=0.1)
        clumps = clumps.add_(hairs, alpha=1.1 * long).add_(0.75 - 0.45 * long).clamp_(0.1, 1.3)
        cover = cover.mul_(clumps).mul_(0.36 + 0.7 * skin.beard_length).clamp_(0.0, 0.95)
        bluish = albedo.new_tensor((0.62, 0.72, 0.80))[:, None]
        shadow = 0.75 * albedo.new_tensor(colour.root)[:, None] + 0.25 * bluish * albedo
        _blend(albedo, cover, shadow * (1.0 + 0.5 * long * (hairs - 0.4)))
    lash = (zone["lash_line"] * skin.lash).clamp_(0.0, 0.92)
    _blend(albedo, lash, albedo.new_tensor(colour.lash)[:, None])


def stroke_coverage(
    sheets: SkinSheets, uv: Float[Tensor, "2 points"], pixel_uv: float
) -> UInt8[Tensor, "points hairs"]:
    """Return the coverage by hairs of each brow variant and of a beard, averaged over a pixel."""
    size, start = STROKE_SIZE, 0
    for _ in range(mip_level(pixel_uv, STROKE_SIZE, STROKE_LEVELS)):
        start, size = start + size * size, size // 2
    return sheets.strokes.index_select(0, texel_rows(uv, size) + start)


def pigment_colour(
    melanin: Float[Tensor, " points"], blood: Float[Tensor, " points"]
) -> Float[Tensor, "3 points"]:
    """Return the linear RGB reflectance of skin that holds melanin and blood."""
    table = melanin.new_tensor((MELANIN_ABSORBANCE, BLOOD_ABSORBANCE, DERMIS))[..., None]
    return torch.addcmul(melanin * table[0], blood, table[1]).neg_().exp_().mul_(table[2])
