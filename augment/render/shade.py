"""From surface points to light that leaves them: one shader for each material."""

import torch
from jaxtyping import Float
from torch import Tensor

from augment.geometry.camera import Camera
from augment.render.appearance import Appearance
from augment.render.clothes import cloth_radiance
from augment.render.eyes import eye_albedo, globe_polar
from augment.render.hair import hair_radiance
from augment.render.light import irradiance, lamp_arrays, world_from_portrait
from augment.render.reflect import SKIN_F0, Lit, gloss, lambert, soft_skin
from augment.render.scene import PART_ID, Scene
from augment.render.skin import skin_surface
from augment.render.surface import SurfacePoints
from augment.render.wardrobe import Wardrobe

FACE_SHEET_MM = 620.0
"""What the side of the texture sheet spans on the face, mm."""
_TONGUE, _TEETH = (0.42, 0.13, 0.11), (0.62, 0.55, 0.43)


def shade_points(
    wardrobe: Wardrobe,
    scene: Scene,
    points: SurfacePoints,
    camera: Camera,
    appearance: Appearance,
) -> Float[Tensor, "points 3"]:
    """Return the radiance of surface points, linear RGB.

    Args:
        wardrobe: Sheets, tiles and visibility of the model.
        scene: The twins.
        points: What to shade.
        camera: The camera of the picture, of one image.
        appearance: How subject and light look.
    """
    lit, uv = _lit_points(wardrobe, scene, points, camera, appearance)
    part = scene.part_of_triangle[points.triangle]
    pixel_mm = _pixel_mm(scene, camera)
    colour = torch.zeros_like(lit.normal)
    for chosen, shader in (
        (part == PART_ID["skin"], _skin),
        ((part == PART_ID["eye_left"]) | (part == PART_ID["eye_right"]), _eye),
        ((part >= PART_ID["tongue"]) & (part <= PART_ID["teeth_lower"]), _mouth),
    ):
        rows = torch.nonzero(chosen)[:, 0]
        if len(rows):
            shaded = shader(wardrobe, appearance, lit.where(rows), uv[rows], part[rows], pixel_mm)
            colour.index_copy_(0, rows, shaded)
    for worn, first in zip(scene.attachments, scene.first_triangle, strict=True):
        inside = (points.triangle >= first) & (points.triangle < first + len(worn.faces))
        rows = torch.nonzero(inside)[:, 0]
        if len(rows):
            values = points.where(rows).shifted(-first).gather(worn.faces, worn.shade)
            shader = _hair if worn.part == "hair" else _cloth
            shaded = shader(wardrobe, appearance, lit.where(rows), values, pixel_mm)
            colour.index_copy_(0, rows, shaded)
    return colour


def _hair(
    wardrobe: Wardrobe, look: Appearance, lit: Lit, values: Tensor, pixel_mm: float
) -> Tensor:
    return hair_radiance(look.hair, look.hair_colour, wardrobe.strand_tile, lit, values, pixel_mm)


def _cloth(
    wardrobe: Wardrobe, look: Appearance, lit: Lit, values: Tensor, pixel_mm: float
) -> Tensor:
    return cloth_radiance(look.clothes, wardrobe.skin_tile, lit, values, pixel_mm)


def _pixel_mm(scene: Scene, camera: Camera) -> float:
    """Return how much of the face one pixel spans, mm."""
    distance = float(camera.position()[0].norm())
    return distance / float(camera.focal_px[0])


def _lit_points(
    wardrobe: Wardrobe,
    scene: Scene,
    points: SurfacePoints,
    camera: Camera,
    appearance: Appearance,
) -> tuple[Lit, Float[Tensor, "points 2"]]:
    """Return points with the light that reaches them, and texture coordinates."""
    turn = world_from_portrait(camera)[0].float()
    lamps, colours = lamp_arrays(appearance.lighting, turn)
    body = wardrobe.visibility
    vertex = torch.cat((body.towards(lamps), body.openness[:, None]), 1)
    groom = wardrobe.grooms.get(appearance.hair.style)
    if groom is not None:
        vertex = vertex * (1.0 - 0.8 * groom.hidden)[:, None]
    worn = [
        vertex.new_ones(len(one.vertices), vertex.shape[1])
        if one.beneath is None
        else vertex[one.beneath]
        for one in scene.attachments
    ]
    vertex = torch.cat((vertex, *worn))
    n_twins = len(scene.vertices)
    values = torch.cat((scene.normals, scene.vertices, vertex.expand(n_twins, -1, -1)), dim=-1)
    table = points.gather(scene.faces, values)
    normal = torch.nn.functional.normalize(table[:, :3], dim=-1)
    towards = camera.position()[0].float() - table[:, 3:6]
    lit = Lit(
        normal=normal,
        view=torch.nn.functional.normalize(towards, dim=-1),
        lamps=lamps,
        colours=colours,
        unhidden=table[:, 6:-1],
        ambient=irradiance(appearance.lighting, turn, normal),
        openness=table[:, -1],
    )
    return lit, points.gather(scene.uv_faces, scene.uv)


def _skin(
    wardrobe: Wardrobe, look: Appearance, lit: Lit, uv: Tensor, part: Tensor, pixel_mm: float
) -> Tensor:
    surface = skin_surface(
        look.skin,
        look.hair,
        look.hair_colour,
        wardrobe.skin,
        wardrobe.skin_tile,
        uv,
        pixel_mm / FACE_SHEET_MM,
    )
    smooth = lit.normal
    along = surface.slope - (surface.slope * smooth).sum(-1, keepdim=True) * smooth
    rough = torch.nn.functional.normalize(smooth - along, dim=-1)
    lit = Lit(rough, lit.view, lit.lamps, lit.colours, lit.unhidden, lit.ambient, lit.openness)
    colour = soft_skin(lit, smooth, surface.albedo)
    sheen = gloss(lit, surface.roughness, SKIN_F0)
    sheen = sheen + 0.15 * gloss(lit, surface.roughness * 0.66, SKIN_F0)
    wet = gloss(lit, 0.26, 0.035)
    wetness = surface.wetness[:, None]
    return colour + sheen * surface.oil[:, None] * (1.0 - 0.6 * wetness) + 0.45 * wet * wetness


def _eye(
    wardrobe: Wardrobe, look: Appearance, lit: Lit, uv: Tensor, part: Tensor, pixel_mm: float
) -> Tensor:
    radius, turn = globe_polar(uv, part == PART_ID["eye_left"])
    albedo = eye_albedo(look.eyes, wardrobe.strand_tile, radius, turn)
    shade = (0.25 + 0.75 * lit.openness)[:, None]
    return lambert(lit, albedo) * shade + gloss(lit, 0.12, 0.03, 1.5)


def _mouth(
    wardrobe: Wardrobe, look: Appearance, lit: Lit, uv: Tensor, part: Tensor, pixel_mm: float
) -> Tensor:
    is_tongue = (part == PART_ID["tongue"])[:, None]
    albedo = torch.where(is_tongue, uv.new_tensor(_TONGUE), uv.new_tensor(_TEETH))
    return lambert(lit, albedo) + 0.5 * gloss(lit, 0.3, 0.04)
