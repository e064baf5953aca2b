"""From surface points to light that leaves them: one shader for each material."""

from dataclasses import replace

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from augment.geometry.camera import Camera
from augment.raster.sampling import SampleGrid
from augment.render.appearance import Appearance
from augment.render.clothes import cloth_radiance
from augment.render.eyes import corneal_shine, eye_albedo, globe_polar
from augment.render.hair import hair_radiance
from augment.render.lid_shadow import lay_open
from augment.render.light import irradiance, lamp_arrays, world_from_portrait
from augment.render.reflect import SKIN_F0, Lit, dot, gloss, lambert, soft_skin, unit
from augment.render.scene import PART_ID, Attachment, Scene
from augment.render.skin import skin_surface
from augment.render.surface import SurfacePoints, planar
from augment.render.wardrobe import Wardrobe

FACE_SHEET_MM = 620.0
"""What the side of the texture sheet spans on the face, mm."""
MOUTH_OPENNESS = 0.3
"""Share of the light that reaches teeth and tongue of an open mouth."""
EYE_OPENNESS = 0.4
"""Share of the light that reaches the white beneath the edge of a lid."""
HAIR_SHADOW = 0.65
"""Share of the light that hair keeps from the skin that it hides."""
_TONGUE, _TEETH = (0.42, 0.13, 0.11), (0.62, 0.55, 0.43)
_MATERIALS = (("skin", "skin"), ("tongue", "teeth_lower"), ("eye_left", "eye_right"),
              ("hair", "hair"), ("clothing", "clothing"))  # fmt: skip


class Shader:
    """The materials of one sample under its light; twins side by side."""

    def __init__(
        self,
        wardrobe: Wardrobe,
        scene: Scene,
        grid: SampleGrid,
        camera: Camera,
        appearance: Appearance,
    ) -> None:
        """Light the vertices of the scene.

        Args:
            wardrobe: Sheets, tiles and visibility of the model.
            scene: The twins.
            grid: The samples of the picture.
            camera: The camera of the picture, of one image.
            appearance: How subject and light look.
        """
        self.wardrobe, self.scene, self.look = wardrobe, scene, appearance
        self.fine = grid.camera(camera)
        self.turn = world_from_portrait(camera)[0].float()
        self.lamps, self.colours = lamp_arrays(appearance.lighting, self.turn)
        self.pixel_mm = float(camera.position()[0].norm()) / float(camera.focal_px[0])
        body = wardrobe.visibility
        received = torch.cat((body.towards(self.lamps), body.openness[:, None]), 1)
        groom = wardrobe.grooms.get(appearance.hair.style)
        if groom is not None:
            received = received * (1.0 - HAIR_SHADOW * groom.hidden)[:, None]
        self.received = received
        self.received_by_twins = lay_open(
            received, scene.vertices[:, : scene.n_body], wardrobe.lid_shadows
        )

    def radiance(
        self, points: SurfacePoints
    ) -> tuple[Float[Tensor, "3 points"], Int64[Tensor, " points"]]:
        """Return the light that leaves points, linear RGB, and their samples in its order."""
        part = self.scene.part_of_triangle[points.triangle]
        runs = [
            torch.nonzero((part >= PART_ID[first]) & (part <= PART_ID[last]))[:, 0]
            for first, last in _MATERIALS
        ]
        points = points.where(torch.cat(runs))
        shaders = (self._skin, self._mouth, self._eye, self._worn, self._worn)
        colours, start = [], 0
        for run, shader in zip(runs, shaders, strict=True):
            if len(run):
                colours.append(shader(points.between(start, start + len(run))))
            start += len(run)
        if not colours:
            return self.lamps.new_zeros((3, 0)), points.sample
        return torch.cat(colours, 1), points.sample

    def is_changed(self) -> Bool[Tensor, " triangles"]:
        """Return whether a triangle moved, turned, or is lit otherwise in the pathological twin."""
        is_lit_otherwise = torch.zeros(
            self.scene.vertices.shape[1], dtype=torch.bool, device=self.lamps.device
        )
        by_twins = self.received_by_twins
        is_lit_otherwise[: self.scene.n_body] = (by_twins[0] != by_twins[-1]).any(1)
        return self.scene.is_changed | is_lit_otherwise[self.scene.faces].any(1)

    def _view(self, points: SurfacePoints) -> Float[Tensor, "3 points"]:
        """Return unit vectors from points to the camera, from the place of their samples."""
        width, height = self.fine.width, self.fine.height
        within = points.sample - points.image * (width * height)
        row = torch.div(within, width, rounding_mode="floor")
        focal, centre = float(self.fine.focal_px[0]), self.fine.principal_px[0].tolist()
        x = (within - row * width).float().add_(0.5 - centre[0]).mul_(-1.0 / focal)
        y = row.float().add_(0.5 - centre[1]).mul_(-1.0 / focal)
        rotation = self.fine.camera_from_world[0, :3, :3].T.float()
        return unit(rotation @ torch.stack((x, y, torch.full_like(x, -1.0))))

    def _lit(self, points: SurfacePoints, table: Float[Tensor, "channels points"]) -> Lit:
        """Return points whose table holds normals, openness and what each lamp sends."""
        normal = unit(table[:3])
        return Lit(
            normal=normal,
            view=self._view(points),
            lamps=self.lamps,
            colours=self.colours,
            unhidden=table[3 : 3 + len(self.lamps)],
            ambient=irradiance(self.look.lighting, self.turn, normal),
            openness=table[3 + len(self.lamps)],
        )

    def _body(self, points: SurfacePoints) -> tuple[Lit, Float[Tensor, "2 points"]]:
        """Return points of the head with their light, and their texture coordinates."""
        scene, n_body = self.scene, self.scene.n_body
        values = torch.cat((scene.normals[:, :n_body], self.received_by_twins), -1)
        lit = self._lit(points, planar(points.gather(points.corners(scene.faces), values)))
        return lit, planar(points.gather(points.corners(scene.uv_faces), scene.uv))

    def _skin(self, points: SurfacePoints) -> Float[Tensor, "3 points"]:
        lit, uv = self._body(points)
        look, sheets = self.look, self.wardrobe
        size = self.pixel_mm / FACE_SHEET_MM
        surface = skin_surface(
            look.skin, look.hair, look.hair_colour, sheets.skin, sheets.skin_tile, uv, size
        )
        smooth = lit.normal
        along = surface.slope - dot(surface.slope, smooth) * smooth
        lit = lit.turned(unit(smooth - along))
        colour = soft_skin(lit, smooth, surface.albedo)
        sheen = gloss(lit, surface.roughness, SKIN_F0)
        colour.addcmul_(sheen, surface.oil * (1.0 - 0.6 * surface.wetness))
        wet = torch.nonzero(surface.wetness > 0.05)[:, 0]
        if len(wet):
            few = _some(lit, wet)
            shine = gloss(few, 0.26, 0.035).mul_(0.45 * surface.wetness[wet])
            colour.index_add_(1, wet, shine)
        return colour

    def _eye(self, points: SurfacePoints) -> Float[Tensor, "3 points"]:
        lit, uv = self._body(points)
        is_left = self.scene.part_of_triangle[points.triangle] == PART_ID["eye_left"]
        radius, turn = globe_polar(uv, is_left)
        albedo = eye_albedo(self.look.eyes, self.wardrobe.strand_tile, radius, turn)
        axes = self.scene.normals[0, self.wardrobe.apex]
        axis = torch.where(is_left, axes[0][:, None], axes[1][:, None])
        lit = replace(
            lit,
            openness=(0.1 + 0.9 * lit.openness).clamp_min(EYE_OPENNESS),
            unhidden=lit.unhidden.clamp_min(EYE_OPENNESS),
        )
        shade = 0.35 + 0.65 * lit.openness
        return lambert(lit, albedo) * shade + corneal_shine(lit, axis, radius)

    def _mouth(self, points: SurfacePoints) -> Float[Tensor, "3 points"]:
        lit, _ = self._body(points)
        # Shadows are those of a closed mouth; what is seen of the inside, the lips let light into.
        lit = replace(
            lit,
            openness=lit.openness.clamp_min(MOUTH_OPENNESS),
            unhidden=lit.unhidden.clamp_min(MOUTH_OPENNESS),
        )
        is_tongue = self.scene.part_of_triangle[points.triangle] == PART_ID["tongue"]
        tongue, teeth = (lit.normal.new_tensor(c)[:, None] for c in (_TONGUE, _TEETH))
        return lambert(lit, torch.where(is_tongue, tongue, teeth)) + 0.5 * gloss(lit, 0.3, 0.04)

    def _worn(self, points: SurfacePoints) -> Float[Tensor, "3 points"]:
        """Return the light off hair or clothes: the attachment that the first point lies on."""
        triangle = int(points.triangle[0])
        number = sum(triangle >= start for start in self.scene.first_triangle) - 1
        worn, first = self.scene.attachments[number], self.scene.first_triangle[number]
        values = torch.cat((worn.normals, self._received_by(worn), worn.shade), 1)
        table = planar(points.gather(points.corners(worn.faces, first), values))
        lit, shade = self._lit(points, table), table[4 + len(self.lamps) :]
        look, tiles = self.look, self.wardrobe
        if worn.part == "hair":
            return hair_radiance(
                look.hair, look.hair_colour, tiles.strand_tile, lit, shade, self.pixel_mm
            )
        return cloth_radiance(look.clothes, tiles.skin_tile, lit, shade, self.pixel_mm)

    def _received_by(self, worn: Attachment) -> Tensor:
        """Return what of each lamp and of the surroundings reaches the vertices of clothes."""
        if worn.beneath is None:
            return worn.normals.new_ones((len(worn.normals), len(self.lamps) + 1))
        return self.received[worn.beneath]


def _some(lit: Lit, chosen: Int64[Tensor, " chosen"]) -> Lit:
    """Return some of the points."""
    return Lit(
        lit.normal[:, chosen], lit.view[:, chosen], lit.lamps, lit.colours,
        lit.unhidden[:, chosen], lit.ambient[:, chosen], lit.openness[chosen],
    )  # fmt: skip
