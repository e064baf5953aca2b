"""Hair of a subject: a style fitted to the head as ribbons, and how strands shine.

Ribbons are real triangles: labels show them where the picture does.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from augment.render.groom import STYLES, Groom
from augment.render.hair_colour import HairColour
from augment.render.noise import NoiseTile
from augment.render.reflect import Lit, dot, unit
from augment.render.scene import Attachment
from augment.render.skin_sheets import (
    HAIRLINE_SPAN_MM,
    ZONE_SIZE,
    ZONES,
    SkinSheets,
    texel_rows,
)
from augment.sample import Subject

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


FULL_COVER = 0.98
"""Coverage of the scalp by the roots of a full head of hair."""


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
    cover = {"bald": rng.uniform(0.0, 0.25), "buzz": rng.uniform(0.75, 0.97)}
    return Hair(
        style=style,
        length=float(rng.uniform(0.55, 1.0)),
        volume=float(rng.uniform(0.7, 1.25)),
        frizz_mm=float(rng.uniform(0.3, 1.6)),
        wave_mm=float(max(rng.normal(0.0, 2.2), 0.0)) * (1.0 if STYLES.get(style) else 0.0),
        density=float(rng.uniform(0.85, 1.0)),
        cover=float(cover.get(style, FULL_COVER)),
        recession_mm=float(min(recession, 22.0)),
        shine=float(rng.uniform(0.5, 1.3)),
        offset=(float(rng.uniform()), float(rng.uniform())),
    )


def wear_hair(hair: Hair, groom: Groom, moved: Float[Tensor, "vertices 3"]) -> Attachment:
    """Return a subject's hair as ribbons; a lock that is thinned out has no width.

    Args:
        hair: What was drawn.
        groom: Its style on the template.
        moved: Healthy level-0 vertices of the subject minus the template's, mm.
    """
    style, (n_steps, n_locks, _) = STYLES[hair.style], groom.points.shape
    left = steps_left(hair, n_steps)
    share = torch.linspace(0.0, 1.0, left, device=moved.device)[:, None, None]
    layer, outward, across = groom.layer[:, None], groom.outward[:left], groom.across[:left]
    points = groom.points[:left] + _followed(groom, moved, left)
    lift = style.lift_mm * (hair.volume - 1.0) * (0.6 + 2.0 * layer)
    points.addcmul_(outward, lift * share.clamp_max(0.4))
    points.addcmul_(groom.curl[:left], share, value=hair.frizz_mm)
    if hair.wave_mm > 0.0:
        turns = 6.2832 * (share * (left * style.step_mm / 55.0) + groom.chance[:, None])
        wave = across * turns.sin() + outward * turns.cos()
        points.addcmul_(wave, share, value=hair.wave_mm)
    kept = _has_root(hair, groom.points[0]) * (groom.chance < hair.density)
    width = 0.5 * groom.width_mm * (0.45 + 1.1 * share) * (1.0 - 0.85 * share**3)
    half = across * (width * kept[:, None])
    n_vertices = left * n_locks * 2
    return Attachment(
        vertices=torch.stack((points - half, points + half), 2).reshape(-1, 3),
        normals=groom.normals[:n_vertices],
        faces=groom.faces[: (left - 1) * n_locks * 2],
        part="hair",
        shade=groom.shade[:n_vertices],
    )


def steps_left(hair: Hair, n_steps: int) -> int:
    """Return how many points of a style's locks are left."""
    return max(3, round(hair.length * (n_steps - 1)) + 1)


def _followed(
    groom: Groom, moved: Float[Tensor, "vertices 3"], left: int
) -> Float[Tensor, "steps locks 3"]:
    """Return how the points of locks move with the head: its motion at knots, and between."""
    n_knots, n_locks, n_bound = groom.bound.shape
    knots = torch.nn.functional.embedding_bag(
        groom.bound.reshape(-1, n_bound),
        moved,
        per_sample_weights=groom.weight.reshape(-1, n_bound),
        mode="sum",
    )
    at = torch.linspace(0.0, n_knots - 1.0, len(groom.points), device=moved.device)[:left, None]
    between = (1.0 - (at - torch.arange(n_knots, device=moved.device)).abs()).clamp_min(0.0)
    return (between @ knots.reshape(n_knots, -1)).reshape(left, n_locks, 3)


def _has_root(hair: Hair, root: Float[Tensor, "locks 3"]) -> Float[Tensor, " locks"]:
    """Return 1 for the roots that a receding hairline has left, 0 for others."""
    x, y, z = root.unbind(-1)
    front = 76.0 - hair.recession_mm * (0.7 + 0.6 * torch.exp(-(((x.abs() - 38.0) / 18.0) ** 2)))
    return ((y < front) | (z < 60.0)).to(root.dtype)


def scalp_cover(
    hair: Hair,
    scalp: Float[Tensor, " points"],
    crown: Float[Tensor, " points"],
    front: Float[Tensor, " points"],
) -> Float[Tensor, " points"]:
    """Return how much of the skin roots and stubble cover, 0 to 1.

    Args:
        hair: What was drawn.
        scalp: Painted trait, 0 to 1: distance behind the hairline.
        crown: Painted trait, 0 to 1: top of the head.
        front: Painted trait, 0 to 1: before the ears.
    """
    behind_mm = torch.add((scalp - 0.5) * HAIRLINE_SPAN_MM, front, alpha=-hair.recession_mm)
    cover = behind_mm.mul_(1.0 / 1.6).sigmoid_().mul_(hair.cover)
    return cover * (1.0 - crown) if hair.style == "horseshoe" else cover


def haired_skin(
    hair: Hair, sheets: SkinSheets, uv: Float[Tensor, "points 2"]
) -> Bool[Tensor, " points"]:
    """Return where the skin counts as hair: more than half of it is covered.

    Args:
        hair: What was drawn.
        sheets: Painted sheets of the model.
        uv: Texture coordinates of skin.
    """
    zones = sheets.zones.index_select(0, texel_rows(uv.T, ZONE_SIZE))
    scalp, crown, front = (
        zones[:, ZONES.index(name)].float() / 255.0 for name in ("scalp", "crown", "front")
    )
    return scalp_cover(hair, scalp, crown, front) > 0.5


def hair_radiance(
    hair: Hair,
    colour: HairColour,
    tile: NoiseTile,
    lit: Lit,
    shade: Float[Tensor, "channels points"],
    pixel_mm: float,
) -> Float[Tensor, "3 points"]:
    """Return the light off strands: Kajiya and Kay (SIGGRAPH 1989) with Marschner's two highlights.

    Args:
        hair: What was drawn.
        colour: Its colours.
        tile: Noise along strands.
        lit: Points; their normal is the head's.
        shade: The channels of `augment.render.groom.SHADE_CHANNELS`.
        pixel_mm: Size of a pixel, mm.
    """
    tangent = unit(shade[:3])
    layer, share, across, chance = shade[3:]
    n_steps = STYLES[hair.style].steps + 1
    share = share * ((n_steps - 1) / (steps_left(hair, n_steps) - 1))
    place = torch.stack((across * 0.045 + chance * 37.0, share * 0.35 + chance * 11.0))
    fine, middle, coarse, _ = tile.at(place, hair.offset, footprint=pixel_mm / 140.0)
    tone = torch.add(0.22 * fine, middle, alpha=0.18).add_(coarse, alpha=0.16)
    tone = tone.add_(chance, alpha=0.5).sub_(0.25).exp_()
    if colour.grey > 0.02:
        tone = tone * torch.where((chance * 7.0) % 1.0 < colour.grey, 1.12, 0.88)
    root, tip = (lit.normal.new_tensor(c)[:, None] for c in (colour.root, colour.tip))
    albedo = root + (share * 0.9 + 0.1 * coarse).clamp(0.0, 1.0) * (tip - root)
    albedo = albedo * tone
    open_ = (0.25 + 0.75 * layer) * (0.45 + 1.1 * share.clamp(0.0, 0.5)) * (1.0 + 0.12 * fine)
    along = lit.lamps @ tangent
    facing = torch.add(lit.lamps @ lit.normal, 0.35).mul_(1 / 1.35).clamp_min_(0.0)
    diffuse = (1.0 - along * along).clamp_min_(0.0).sqrt_().mul_(0.75).add_(0.25).mul_(facing)
    shift = 0.08 * middle + 0.04 * fine
    cone = along + dot(tangent, lit.view)
    first = _lobe(cone - (0.10 + shift), 0.11).mul_(facing)
    second = _lobe(cone + (0.16 - shift), 0.26).mul_(facing)
    white = 0.15 * hair.shine * (1.0 - 0.6 * colour.grey)
    tinted = 0.85 * hair.shine * (1.0 - 0.5 * colour.grey)
    coloured = lit.colours.T @ diffuse.add_(second, alpha=tinted)
    radiance = torch.addcmul((lit.colours.T @ first).mul_(white), albedo, coloured)
    radiance.addcmul_(
        albedo.mul_(0.9).add_(0.016 * hair.shine * (1.0 - 0.6 * colour.grey)), lit.ambient
    )
    return radiance.mul_(open_)


def _lobe(offset: Tensor, width: float) -> Tensor:
    """Return a Gaussian highlight about a cone of strands."""
    return offset.square_().mul_(-1.0 / (2.0 * width * width)).exp_()
