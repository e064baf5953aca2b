"""The texture of a photographed face: pixels enter, a sheet of reflectance in texture space leaves.

Each texel takes the pixels that show it, weighted by how squarely they do; what no photograph
shows takes the other side of the face, and then its surroundings (OpenCV's inpainting) and the
network's or the template's colour. Shading is divided out with light in spherical harmonics that
is fitted to the skin, and highlights are compressed. The mean brightness and the tint of the
photograph stay, for a picture does not tell a dark skin in bright light from a bright one in shade.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8

from augment.geometry.mesh import vertex_normals
from augment.morphable.model import FaceModel
from augment.morphable.regions import REGION_ID
from augment.morphable.template import PARTS
from augment.portrait.fit import FittedView, PortraitFit
from augment.portrait.shading import fit_light, harmonics, linear_rgb, shaded_points
from augment.portrait.template_skin import surface_reflectance, vertex_openness
from augment.raster.fragments import Fragments
from augment.raster.interpolate import interpolate
from augment.raster.rasterize import rasterize
from augment.render.labels import regions_at
from augment.render.texture_space import nearest_painted, sheet_fragments

SHEET_PX, CROP_PX = 512, 512
MIN_FACING, FULL_FACING = 0.15, 0.6
DEPTH_SLACK_MM = 2.5
MIRROR_SHARE = 0.03
"""Weight of the other side where this side is seen too: it only decides where it is not."""
SEEN_WEIGHT = 0.02
"""Below this a texel counts as not seen."""
COARSE_PX = 128
FADE_TEXELS = 24.0
"""Inpainted colour gives way to the base colour over so many texels."""
HIGHLIGHT_RATIO, HIGHLIGHT_SHARE, HIGHLIGHT_SIGMA = 1.12, 0.3, 14.0
MIN_LIGHT = 0.25
UNEVEN_SIGMA, UNEVEN_SHARE = 12.0, 0.85
"""Width in texels (1.2 mm) over which brightness is even up to this share. Of 24 and 48 texels and
shares up to 0.9 the one that gave most PSNR on renders under all conditions, 1.5 to 6 dB more than
none (benchmarks/reconstruction/photo.md); a beard is lightened by it too."""
TEETH, TONGUE, CAVITY = (0.62, 0.55, 0.43), (0.42, 0.13, 0.11), (0.16, 0.04, 0.04)
UNSEEN_REGIONS = ("scalp", "neck", "trunk", "mouth_cavity", "ear_left", "ear_right")
"""Regions that hair, collar or lips cover in photographs: they take the base colour."""
HAIR_REGIONS = ("forehead_left", "forehead_right", "temple_left", "temple_right")
HAIR_DARKER, HAIR_MARGIN_TEXELS = 0.6, 5
"""Forehead darker than this share of the face's median, and so much around it, is hair."""


@dataclass(frozen=True, eq=False)
class PortraitTexture:
    """The texture of a face.

    Attributes:
        colour: Reflectance in sRGB, row 0 at v = 1.
        seen: Share of each texel's colour that comes from pixels that show it, 0 to 1.
    """

    colour: UInt8[np.ndarray, "texels texels 3"]
    seen: Float[np.ndarray, "texels texels"]

    def png(self) -> bytes:
        """Return the sheet as the bytes of a PNG file."""
        return png_bytes(self.colour)


@dataclass(frozen=True, eq=False)
class TextureSheet:
    """What each texel of a model's sheet shows.

    Attributes:
        fragments: Triangle and place on it, as if the sheet were a picture.
        painted: Whether a texel lies on the surface.
        nearest: Row and column of the painted texel nearest to each texel.
        mirror: Row and column of the same texel on the other side of the face, in OpenCV's pixels.
        is_mirrored: Whether there is one.
        takes_pixels: Whether photographs may show it uncovered.
        under_hair: Whether hair may fall over it: forehead and temples.
        base: Reflectance of the plain template, linear RGB.
    """

    fragments: Fragments
    painted: Bool[np.ndarray, "texels texels"]
    nearest: tuple[np.ndarray, np.ndarray]
    mirror: Float[np.ndarray, "texels texels 2"]
    is_mirrored: Bool[np.ndarray, "texels texels"]
    takes_pixels: Bool[np.ndarray, "texels texels"]
    under_hair: Bool[np.ndarray, "texels texels"]
    base: Float[np.ndarray, "texels texels 3"]


def portrait_texture(fit: PortraitFit) -> PortraitTexture:
    """Return the texture of a fitted face from all of its photographs.

    Args:
        fit: A fit with one photograph or more.
    """
    sheet = texture_sheet(fit.model)
    total = np.zeros((SHEET_PX, SHEET_PX, 3))
    weights = np.zeros((SHEET_PX, SHEET_PX))
    for fitted in fit.views:
        colour, weight = _unprojected(fit.model, sheet, fitted)
        total += weight[..., None] * colour
        weights += weight
    seen = total / np.maximum(weights, 1e-9)[..., None]
    weights = weights * ~_hair(sheet, seen, weights)
    seen = _without_highlights(seen, weights > SEEN_WEIGHT)
    colour, known = _completed(sheet, seen, weights)
    base = _base_colour(sheet, fit.views, colour, known)
    if fit.views[0].view.estimate.texture is not None:
        colour = _evened(sheet, colour, known, base)
    colour = _filled(sheet, colour, known, base)
    rgb = np.round(255.0 * srgb(np.clip(colour, 0.0, 1.0))).astype(np.uint8)
    return PortraitTexture(rgb[sheet.nearest], np.clip(weights, 0.0, 1.0) * sheet.painted)


def srgb(linear: np.ndarray) -> np.ndarray:
    """Return linear light of 0 to 1 as sRGB of 0 to 1 (IEC 61966-2-1)."""
    return np.where(
        linear <= 0.0031308,
        12.92 * linear,
        1.055 * np.power(np.maximum(linear, 1e-9), 1.0 / 2.4) - 0.055,
    )


def png_bytes(image: UInt8[np.ndarray, "height width 3"]) -> bytes:
    """Return an RGB picture as the bytes of a PNG file."""
    done, encoded = cv2.imencode(".png", image[..., ::-1])
    if not done:
        raise RuntimeError("OpenCV could not encode a PNG")
    return bytes(encoded)


@lru_cache(maxsize=4)
def texture_sheet(model: FaceModel) -> TextureSheet:
    """Return what the texels of a model show; found once."""
    size = SHEET_PX
    fragments = sheet_fragments(model, size)
    painted = fragments.is_hit()[0].numpy()
    mirror_uv, has_mirror = _mirrored_corners(model)
    corners = torch.arange(3 * len(model.uv_faces)).reshape(-1, 3)
    at = interpolate(fragments, corners, torch.from_numpy(mirror_uv.reshape(-1, 2)))[0].numpy()
    triangle = fragments.triangle[0].long().clamp_min(0)
    own_uv = interpolate(fragments, model.uv_faces, model.uv)[0].reshape(-1, 2)
    part = model.part_of_triangle[triangle].reshape(-1)
    region = regions_at(model, part, own_uv).reshape(size, size).numpy()
    hidden = np.isin(region, [REGION_ID[name] for name in UNSEEN_REGIONS])
    base = _template_colour(model, own_uv, part)
    parts = part.reshape(size, size).numpy()
    inside = np.isin(parts, [PARTS.index(f"teeth_{row}") for row in ("upper", "lower")])
    for chosen, colour in (
        (region == REGION_ID["mouth_cavity"], CAVITY),
        (parts == PARTS.index("tongue"), TONGUE),
        (inside, TEETH),
    ):
        base[chosen] = colour
        hidden |= chosen
    return TextureSheet(
        fragments=fragments,
        painted=painted,
        nearest=nearest_painted(painted),
        mirror=np.stack([at[..., 0] * size - 0.5, (1.0 - at[..., 1]) * size - 0.5], -1),
        is_mirrored=has_mirror[triangle.numpy()] & painted,
        takes_pixels=painted & ~hidden,
        under_hair=np.isin(region, [REGION_ID[name] for name in HAIR_REGIONS]),
        base=base.astype(np.float64),
    )


def _template_colour(
    model: FaceModel, uv: Float[torch.Tensor, "texels 2"], part: UInt8[torch.Tensor, " texels"]
) -> Float[np.ndarray, "size size 3"]:
    """Return the template's reflectance at each texel: every second one is enough for filling."""
    half = SHEET_PX // 2
    uv = uv.reshape(SHEET_PX, SHEET_PX, 2)[::2, ::2].reshape(-1, 2)
    part = part.reshape(SHEET_PX, SHEET_PX)[::2, ::2].reshape(-1)
    base = surface_reflectance(model, uv, part, 1.0 / half).reshape(half, half, 3).numpy()
    return cv2.resize(base, (SHEET_PX, SHEET_PX), interpolation=cv2.INTER_LINEAR)


def _mirrored_corners(
    model: FaceModel,
) -> tuple[Float[np.ndarray, "triangles 3 2"], Bool[np.ndarray, " triangles"]]:
    """Return texture coordinates of each triangle's corners on the other side, where it has one."""
    faces, uv = model.faces.numpy(), model.uv.numpy()
    uv_faces = model.uv_faces.numpy()
    partner_corners = model.mirror_vertex.numpy()[faces]
    row = {tuple(sorted(face)): t for t, face in enumerate(faces.tolist())}
    partner = np.array([row.get(tuple(sorted(c)), -1) for c in partner_corners.tolist()])
    found = partner >= 0
    same = faces[partner][:, None, :] == partner_corners[:, :, None]
    slot = same.argmax(2)
    mirrored = uv[np.take_along_axis(uv_faces[partner], slot, axis=1)]
    return mirrored.astype(np.float64), found


def _unprojected(
    model: FaceModel, sheet: TextureSheet, fitted: FittedView
) -> tuple[Float[np.ndarray, "texels texels 3"], Float[np.ndarray, "texels texels"]]:
    """Return the colour that one photograph gives each texel, without shading, and its weight."""
    state = fitted.state
    image = linear_rgb(fitted.view.crop(CROP_PX))
    vertices = torch.from_numpy(fitted.vertices_mm).float()
    normals = vertex_normals(vertices, model.faces)
    values = torch.cat([vertices, normals], dim=1)
    at = interpolate(sheet.fragments, model.faces, values)[0].numpy().astype(np.float64)
    chosen = np.flatnonzero(sheet.takes_pixels.ravel())
    points, normal = at.reshape(-1, 6)[chosen, :3], at.reshape(-1, 6)[chosen, 3:]
    normal = (normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)) @ (
        state.rotation.T
    )
    pixels, seen = state.projected(points)
    pixels = pixels * (CROP_PX / 256.0)
    facing = -(normal * seen).sum(1) / np.linalg.norm(seen, axis=1)
    weight = np.clip((facing - MIN_FACING) / (FULL_FACING - MIN_FACING), 0.0, 1.0) ** 2
    depth = rasterize(vertices[None], model.faces, state.crop_camera(CROP_PX)).depth_mm[0].numpy()
    weight *= _in_front(depth, pixels, seen[:, 2]) * _in_picture(fitted, pixels)
    colour = _sampled_rgb(image, pixels)
    light = _light(model, fitted, image)
    bright = harmonics(normal) @ light
    mean = np.average(bright, axis=0, weights=weight + 1e-9)
    colour = colour * np.maximum(mean, 1e-4) / np.maximum(bright, MIN_LIGHT * mean)
    sheet_colour = np.zeros((SHEET_PX * SHEET_PX, 3))
    sheet_weight = np.zeros(SHEET_PX * SHEET_PX)
    sheet_colour[chosen], sheet_weight[chosen] = colour, weight
    return (
        sheet_colour.reshape(SHEET_PX, SHEET_PX, 3),
        sheet_weight.reshape(SHEET_PX, SHEET_PX),
    )


def _sampled_rgb(
    image: Float[np.ndarray, "size size 3"], pixels: Float[np.ndarray, "points 2"]
) -> Float[np.ndarray, "points 3"]:
    """Return bilinear colours at continuous pixels."""
    x, y = (pixels[None, :, k].astype(np.float32) - 0.5 for k in range(2))
    # OpenCV takes at most 32767 columns, so the points are laid out in rows.
    width = 512
    padded = -len(pixels) % width
    grid = [np.pad(v[0], (0, padded)).reshape(-1, width) for v in (x, y)]
    found = cv2.remap(image, *grid, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return found.reshape(-1, 3)[: len(pixels)]


def _in_front(
    depth: Float[np.ndarray, "size size"],
    pixels: Float[np.ndarray, "points 2"],
    depth_mm: Float[np.ndarray, " points"],
) -> Bool[np.ndarray, " points"]:
    """Find points that nothing hides, one pixel away from where something would."""
    nearest = cv2.erode(np.where(depth > 0, depth, 1e6).astype(np.float32), np.ones((3, 3)))
    cell = np.clip(pixels.astype(int), 0, CROP_PX - 1)
    return depth_mm < nearest[cell[:, 1], cell[:, 0]] + DEPTH_SLACK_MM + 2.0


def _in_picture(
    fitted: FittedView, pixels: Float[np.ndarray, "points 2"]
) -> Bool[np.ndarray, " points"]:
    """Find points of the crop that lie inside the photograph."""
    transform = fitted.view.estimate.crop_from_picture * (CROP_PX / 256.0)
    back = np.linalg.inv(transform[:, :2])
    place = (pixels - transform[:, 2]) @ back.T
    height, width = fitted.view.image.shape[:2]
    in_crop = ((pixels > 0) & (pixels < CROP_PX)).all(1)
    return np.asarray(in_crop & (place > 0).all(1) & (place < (width, height)).all(1))


def _light(
    model: FaceModel, fitted: FittedView, image: Float[np.ndarray, "size size 3"]
) -> Float[np.ndarray, "9 3"]:
    """Return the light on the skin, red, green and blue."""
    state, shaded = fitted.state, shaded_points(model)
    skin = shaded.group == 0
    corners = model.faces.numpy()[shaded.triangle[skin]]
    triangle = fitted.vertices_mm[corners]
    normal = np.cross(triangle[:, 1] - triangle[:, 0], triangle[:, 2] - triangle[:, 0])
    normal = (normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)) @ (
        state.rotation.T
    )
    pixels, seen = state.projected(triangle.mean(1))
    facing = -(normal * seen).sum(1) / np.linalg.norm(seen, axis=1)
    pixels = pixels * (CROP_PX / 256.0)
    shown = (facing > MIN_FACING) & _in_picture(fitted, pixels)
    if shown.sum() < 50:
        flat = np.zeros((9, 3))
        flat[0] = 1.0
        return flat
    colour = _sampled_rgb(cv2.GaussianBlur(image, (0, 0), 2.0), pixels[shown])
    openness = vertex_openness(model).numpy()[corners].mean(1)[shown]
    reflectance = shaded.reflectance[skin][shown] * openness[:, None]
    return np.stack(
        [fit_light(colour[:, k], reflectance[:, k], normal[shown]) for k in range(3)], axis=1
    )


def _hair(
    sheet: TextureSheet,
    colour: Float[np.ndarray, "texels texels 3"],
    weight: Float[np.ndarray, "texels texels"],
) -> Bool[np.ndarray, "texels texels"]:
    """Find hair that falls over the forehead."""
    known = weight > SEEN_WEIGHT
    if not known.any():
        return known
    bright = colour.mean(-1)
    is_dark = bright < HAIR_DARKER * np.median(bright[known])
    dark = (is_dark & known & sheet.under_hair).astype(np.uint8)
    side = 2 * HAIR_MARGIN_TEXELS + 1
    return (cv2.dilate(dark, np.ones((side, side), np.uint8)) > 0) & sheet.under_hair


def _without_highlights(
    colour: Float[np.ndarray, "texels texels 3"], known: Bool[np.ndarray, "texels texels"]
) -> Float[np.ndarray, "texels texels 3"]:
    """Compress what is brighter than its surroundings: highlights are whiter than skin."""
    weight = known.astype(np.float64)
    share = np.maximum(cv2.GaussianBlur(weight, (0, 0), HIGHLIGHT_SIGMA), 1e-6)
    smooth = cv2.GaussianBlur(colour * weight[..., None], (0, 0), HIGHLIGHT_SIGMA)
    smooth = np.maximum(smooth / share[..., None], 1e-4)
    ratio = colour.mean(-1) / smooth.mean(-1)
    excess = np.maximum(ratio - HIGHLIGHT_RATIO, 0.0) * (1.0 - HIGHLIGHT_SHARE)
    # A highlight adds white light: the same amount is taken from every channel.
    white = (excess * smooth.mean(-1))[..., None]
    return np.maximum(colour - white, 0.3 * colour)


def _completed(
    sheet: TextureSheet,
    colour: Float[np.ndarray, "texels texels 3"],
    weight: Float[np.ndarray, "texels texels"],
) -> tuple[Float[np.ndarray, "texels texels 3"], Float[np.ndarray, "texels texels"]]:
    """Let the other side of the face give what this side does not show."""
    both = np.concatenate([colour * weight[..., None], weight[..., None]], axis=-1)
    x, y = (np.ascontiguousarray(sheet.mirror[..., k], dtype=np.float32) for k in range(2))
    other = cv2.remap(both, x, y, cv2.INTER_LINEAR) * sheet.is_mirrored[..., None]
    summed = both + MIRROR_SHARE * other
    known = weight + other[..., 3] * sheet.takes_pixels
    return summed[..., :3] / np.maximum(summed[..., 3:], 1e-9), known


def _evened(
    sheet: TextureSheet,
    colour: Float[np.ndarray, "texels texels 3"],
    known: Float[np.ndarray, "texels texels"],
    base: Float[np.ndarray, "texels texels 3"],
) -> Float[np.ndarray, "texels texels 3"]:
    """Take out what light is left: slow changes of brightness that the base colour does not have.

    Light in nine harmonics knows no cast shadow and no lamp beside the face. The network's colour
    tells skin, lips and brows apart without either; detail and the mean stay the photograph's.
    """
    weight = ((known > SEEN_WEIGHT) & sheet.takes_pixels).astype(np.float64)[..., None]
    logs = np.log(np.maximum(colour, 1e-3) / np.maximum(base, 1e-3)) * weight
    share = cv2.GaussianBlur(weight, (0, 0), UNEVEN_SIGMA)
    slow = cv2.GaussianBlur(logs, (0, 0), UNEVEN_SIGMA) / np.maximum(share, 1e-6)[..., None]
    return colour * np.exp(-UNEVEN_SHARE * slow)


def _base_colour(
    sheet: TextureSheet,
    views: Sequence[FittedView],
    colour: Float[np.ndarray, "texels texels 3"],
    known: Float[np.ndarray, "texels texels"],
) -> Float[np.ndarray, "texels texels 3"]:
    """Return the network's or the template's colour, tinted like what was seen."""
    base = sheet.base
    painted = views[0].view.estimate.texture
    if painted is not None:
        size = (SHEET_PX, SHEET_PX)
        guess = cv2.resize(linear_rgb(painted), size, interpolation=cv2.INTER_LINEAR)
        base = np.where(sheet.takes_pixels[..., None], guess, base)
    chosen = (known > 0.3) & sheet.takes_pixels
    if chosen.sum() < 500:
        return base
    tint = np.median(colour[chosen], 0) / np.maximum(np.median(base[chosen], 0), 1e-3)
    return base * np.where(sheet.painted[..., None], tint, 1.0)


def _filled(
    sheet: TextureSheet,
    colour: Float[np.ndarray, "texels texels 3"],
    known: Float[np.ndarray, "texels texels"],
    base: Float[np.ndarray, "texels texels 3"],
) -> Float[np.ndarray, "texels texels 3"]:
    """Fill what neither side shows: inpainted near what is known, the base colour far from it."""
    sure = (known > SEEN_WEIGHT) & sheet.takes_pixels
    step = SHEET_PX // COARSE_PX
    weight = cv2.resize(sure.astype(np.float64), (COARSE_PX, COARSE_PX), interpolation=3)
    ratio = np.where(sure[..., None], colour / np.maximum(base, 0.02), 0.0)
    coarse = cv2.resize(ratio, (COARSE_PX, COARSE_PX), interpolation=cv2.INTER_AREA)
    coarse = coarse / np.maximum(weight, 1e-6)[..., None]
    levels = np.clip(coarse * 64.0, 0, 255).astype(np.uint8)
    levels = cv2.inpaint(levels, (weight < 0.2).astype(np.uint8), 3, cv2.INPAINT_TELEA)
    levels = cv2.GaussianBlur(levels, (0, 0), 1.0)
    guess = cv2.resize(levels, (SHEET_PX, SHEET_PX), interpolation=cv2.INTER_CUBIC) / 64.0
    distance = cv2.distanceTransform((~sure).astype(np.uint8), cv2.DIST_L2, 5)
    near = np.exp(-distance / (FADE_TEXELS * step / 4))[..., None]
    fill = base * (near * guess + (1.0 - near))
    blend = np.clip(known / (4 * SEEN_WEIGHT), 0.0, 1.0)[..., None] * sure[..., None]
    return blend * colour + (1.0 - blend) * fill
