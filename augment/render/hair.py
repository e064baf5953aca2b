"""Hair of a subject: a style fitted to the head as ribbons, and how strands shine.

Ribbons are real triangles: labels show them where the picture does.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from augment.render.groom import N_KNOTS, STYLES, Groom
from augment.render.hair_colour import HairColour
from augment.render.noise import NoiseTile
from augment.render.reflect import Lit
from augment.render.scene import Attachment
from augment.render.skin_sheets import (
    HAIRLINE_SPAN_MM,
    ZONE_SIZE,
    ZONES,
    SkinSheets,
    texel_rows,
)
from augment.sample import Subject

SHADE_CHANNELS = 7
"""Tangent (3), layer, share of the length, place across the ribbon (-1 to 1), chance of the lock."""

# How often each style is worn; bald, buzz and horseshoe have no ribbons on top.
_MALE = {
    "bald": 0.08, "buzz": 0.16, "horseshoe": 0.05, "crop": 0.24, "short": 0.18, "quiff": 0.10,
    "side_part": 0.12, "curls": 0.03, "tied": 0.01, "bob": 0.02, "long_part": 0.01,
}  # fmt: skip
_FEMALE = {
    "tied": 0.20, "bob": 0.14, "long_part": 0.18, "long_side": 0.20, "fringe": 0.12, "short": 0.05,
    "crop": 0.03, "side_part": 0.03, "curls": 0.03, "buzz": 0.01, "bald": 0.01,
}  # fmt: skip
_TIGHT = {"crop": "buzz", "short": "afro", "quiff": "afro", "side_part": "buzz", "curls": "afro",
          "fringe": "curls", "bob": "afro"}  # fmt: skip


@dataclass(frozen=True)
class Hair:
    """What was drawn for a subject's hair.

    Attributes:
        style: Key of STYLES, or bald, buzz or horseshoe.
        length: Share of the style's length that is left, 0 to 1.
        volume: Height of the locks as a multiple of the style's.
        frizz_mm: Size of irregular bends.
        wave_mm: Size of regular waves.
        density: Share of the locks that is left.
        cover: Coverage of the scalp by roots and stubble, 0 to 1.
        recession_mm: How far the hairline of temples and forehead has moved back.
        shine: Strength of the highlights.
        offset: Where the subject's part of the strand tile starts.
    """

    style: str
    length: float
    volume: float
    frizz_mm: float
    wave_mm: float
    density: float
    cover: float
    recession_mm: float
    shine: float
    offset: tuple[float, float]


def draw_hair(rng: np.random.Generator, subject: Subject) -> Hair:
    """Draw hair; sex steers the style, ancestry its curl, age how much is left."""
    is_male = subject.sex == "male" if subject.sex else bool(rng.random() < 0.5)
    age = 40.0 if subject.age_years is None else subject.age_years
    african = (subject.ancestry or {}).get("african", 0.33)
    table = dict(_MALE if is_male else _FEMALE)
    if is_male:
        table["horseshoe"] += float(np.clip((age - 40.0) / 120.0, 0.0, 0.3))
    chances = np.array(list(table.values()))
    style = str(rng.choice(list(table), p=chances / chances.sum()))
    if rng.random() < np.clip(african * 1.5 - 0.35, 0.0, 0.85):
        style = _TIGHT.get(style, style)
    recession = max(rng.normal((age - 35.0) / 4.0 if is_male else 0.0, 5.0), 0.0)
    cover = {"bald": rng.uniform(0.0, 0.25), "buzz": rng.uniform(0.6, 0.95)}
    return Hair(
        style=style,
        length=float(rng.uniform(0.55, 1.0)),
        volume=float(rng.uniform(0.7, 1.25)),
        frizz_mm=float(rng.uniform(0.3, 1.6)),
        wave_mm=float(max(rng.normal(0.0, 2.2), 0.0)) * (1.0 if STYLES.get(style) else 0.0),
        density=float(rng.uniform(0.85, 1.0)),
        cover=float(cover.get(style, 0.9)),
        recession_mm=float(min(recession, 22.0)),
        shine=float(rng.uniform(0.5, 1.3)),
        offset=(float(rng.uniform()), float(rng.uniform())),
    )


def wear_hair(hair: Hair, groom: Groom, moved: Float[Tensor, "vertices 3"]) -> Attachment:
    """Return a subject's hair as ribbons.

    Args:
        hair: What was drawn.
        groom: Its style on the template.
        moved: Healthy level-0 vertices of the subject minus the template's, mm.
    """
    n_steps = groom.points.shape[1]
    left = max(3, round(hair.length * (n_steps - 1)) + 1)
    kept = torch.nonzero(groom.chance < hair.density)[:, 0]
    kept = kept[_has_root(hair, groom.points[kept, 0])]
    cut = (kept, slice(0, left))
    knots = (moved[groom.bound[kept]] * groom.weight[kept][..., None]).sum(2)
    follow = _knot_weights(n_steps, moved.device)[:left]
    outward, across, along = groom.outward[cut], groom.across[cut], groom.along[cut]
    share = torch.linspace(0.0, 1.0, left, device=moved.device)[:, None]
    chance = groom.chance[kept][:, None, None]
    lift = STYLES[hair.style].lift_mm * (hair.volume - 1.0) * (0.3 + groom.layer[kept])
    points = groom.points[cut] + torch.einsum("kj,ljc->lkc", follow, knots)
    points = points + outward * (lift[:, None, None] * share.clamp_max(0.4) * 2.0)
    points = points + groom.curl[cut] * (hair.frizz_mm * share)
    turns = 6.2832 * (share * left * STYLES[hair.style].step_mm / 55.0 + chance)
    points = points + (across * turns.sin() + outward * turns.cos()) * (hair.wave_mm * share)
    width = 0.5 * groom.width_mm * (0.45 + 1.1 * share) * (1.0 - share**3 * 0.85)
    edges = torch.stack((points - across * width, points + across * width), 2)
    return Attachment(
        vertices=edges.reshape(-1, 3),
        normals=outward[:, :, None].expand_as(edges).reshape(-1, 3),
        faces=_ribbon_faces(len(kept), left, moved.device),
        part="hair",
        shade=_shade(groom, kept, along, share, edges.shape),
    )


def _has_root(hair: Hair, root: Tensor) -> Tensor:
    """Return which roots a receding hairline has left."""
    x, y, z = root.unbind(-1)
    front = 76.0 - hair.recession_mm * (0.7 + 0.6 * torch.exp(-(((x.abs() - 38.0) / 18.0) ** 2)))
    return (y < front) | (z < 60.0)


def scalp_cover(hair: Hair, zones: UInt8[Tensor, "points zones"]) -> Float[Tensor, " points"]:
    """Return how much of the skin roots and stubble cover, 0 to 1.

    Args:
        hair: What was drawn.
        zones: Texels of the painted traits.
    """
    scalp, crown, front = (
        zones[:, ZONES.index(name)].float() for name in ("scalp", "crown", "front")
    )
    behind_mm = (scalp - 127.5) * (HAIRLINE_SPAN_MM / 255.0) - hair.recession_mm * front / 255.0
    cover = torch.sigmoid(behind_mm / 1.6) * hair.cover
    return cover * (1.0 - crown / 255.0) if hair.style == "horseshoe" else cover


def haired_skin(
    hair: Hair, sheets: SkinSheets, uv: Float[Tensor, "*points 2"]
) -> Bool[Tensor, "*points"]:
    """Return where the skin counts as hair: more than half of it is covered.

    Args:
        hair: What was drawn.
        sheets: Painted sheets of the model.
        uv: Texture coordinates of skin.
    """
    flat = uv.reshape(-1, 2)
    cover = scalp_cover(hair, sheets.zones.index_select(0, texel_rows(flat, ZONE_SIZE)))
    return (cover > 0.5).reshape(uv.shape[:-1])


def _knot_weights(n_steps: int, device: torch.device) -> Float[Tensor, "steps knots"]:
    """Return the linear interpolation from knots to the points of a lock."""
    at = torch.linspace(0.0, N_KNOTS - 1.0, n_steps, device=device)[:, None]
    return (1.0 - (at - torch.arange(N_KNOTS, device=device)).abs()).clamp_min(0.0)


def _ribbon_faces(n_locks: int, n_steps: int, device: torch.device) -> Tensor:
    """Return two triangles for each segment of each lock."""
    lock = torch.arange(n_locks, device=device)[:, None] * (2 * n_steps)
    first = (lock + 2 * torch.arange(n_steps - 1, device=device)[None]).reshape(-1)
    upper = torch.stack((first, first + 1, first + 2), -1)
    lower = torch.stack((first + 1, first + 3, first + 2), -1)
    return torch.cat((upper, lower))


def _shade(
    groom: Groom, kept: Tensor, along: Tensor, share: Tensor, shape: torch.Size
) -> Float[Tensor, "vertices channels"]:
    n_locks, n_steps = shape[:2]
    table = torch.zeros((n_locks, n_steps, 2, SHADE_CHANNELS), device=along.device)
    table[..., :3] = along[:, :, None]
    table[..., 3] = groom.layer[kept][:, None, None]
    table[..., 4] = share
    table[:, :, 0, 5], table[:, :, 1, 5] = -1.0, 1.0
    table[..., 6] = groom.chance[kept][:, None, None]
    return table.reshape(-1, SHADE_CHANNELS)


def hair_radiance(
    hair: Hair,
    colour: HairColour,
    tile: NoiseTile,
    lit: Lit,
    shade: Float[Tensor, "points channels"],
    pixel_mm: float,
) -> Float[Tensor, "points 3"]:
    """Return the light off strands: Kajiya and Kay (SIGGRAPH 1989) with Marschner's two highlights.

    Args:
        hair: What was drawn.
        colour: Its colours.
        tile: Noise along strands.
        lit: Points; their normal is the head's.
        shade: The channels of `wear_hair`.
        pixel_mm: Size of a pixel, mm.
    """
    tangent = torch.nn.functional.normalize(shade[:, :3], dim=-1)
    layer, share, across, chance = shade[:, 3:].unbind(-1)
    place = torch.stack((across * 0.045 + chance * 37.0, share * 0.35 + chance * 11.0), -1)
    fine, middle, coarse, _ = tile.at(place, hair.offset, footprint=pixel_mm / 140.0).unbind(-1)
    tone = torch.exp(0.22 * fine + 0.18 * middle + 0.16 * coarse + 0.5 * (chance - 0.5))
    root, tip = lit.normal.new_tensor(colour.root), lit.normal.new_tensor(colour.tip)
    albedo = root + (share * 0.9 + 0.1 * coarse).clamp(0.0, 1.0)[:, None] * (tip - root)
    albedo = albedo * tone[:, None]
    if colour.grey > 0.02:
        is_grey = ((chance * 7.0) % 1.0 < colour.grey).float()[:, None]
        albedo = albedo * (0.75 + 0.5 * is_grey)
    open_ = (0.25 + 0.75 * layer) * (0.45 + 0.55 * share.clamp(0.0, 0.5) * 2.0)
    open_ = open_ * (1.0 + 0.12 * fine)
    along = tangent @ lit.lamps.T
    n_lamp = lit.normal @ lit.lamps.T
    sine = (1.0 - along * along).clamp_min(0.0).sqrt()
    facing = ((n_lamp + 0.35) / 1.35).clamp_min(0.0)
    diffuse = (0.25 + 0.75 * sine) * facing * open_[:, None]
    v_along = (tangent * lit.view).sum(-1)
    shift = 0.10 * middle + 0.08 * fine
    first = _lobe(along + v_along[:, None] - (0.10 + shift)[:, None], 0.13) * facing
    second = _lobe(along + v_along[:, None] + (0.16 - shift)[:, None], 0.26) * facing
    white, tinted = 0.10 * hair.shine, 0.55 * hair.shine
    direct = albedo * (diffuse @ lit.colours)
    direct = direct + open_[:, None] * white * (first @ lit.colours)
    direct = direct + albedo.sqrt() * albedo.sqrt() * open_[:, None] * tinted * (
        second @ lit.colours
    )
    return direct + (albedo * 0.9 + 0.006 * hair.shine) * lit.ambient * open_[:, None]


def _lobe(offset: Tensor, width: float) -> Tensor:
    """Return a Gaussian highlight about a cone of strands."""
    return torch.exp(-(offset * offset) * (1.0 / (2.0 * width * width)))
