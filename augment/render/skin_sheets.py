"""Painted sheets of the skin: where blood, oil, beard, lips and lashes are, brow hairs, wrinkles.

Painted once per model in texture space; a subject's draws only scale them.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Float, Int8, UInt8
from torch import Tensor

from augment.morphable.model import FaceModel
from augment.morphable.regions import REGIONS
from augment.render.face_canvas import FaceCanvas, wrapped
from augment.render.noise import band_noise, halved
from augment.render.texture_space import Unrolled, unroll
from augment.streams import stream

ZONE_SIZE = 1024
STROKE_SIZE = 2048
ZONES = (
    "flush", "shade", "oil", "lips", "moustache", "goatee", "cheek_beard", "neck_beard",
    "scalp", "crown", "front", "lid_margin", "lash_line", "pale",
)  # fmt: skip
WRINKLES = ("forehead", "eyes", "mouth")
BROW_VARIANTS = 4
STROKE_LEVELS = 4
SLOPE_LEVELS = 127.0

# How strongly each region has each trait, 0 to 1, before the borders are softened.
_FLUSH = {
    "malar": 0.85, "infraorbital": 0.35, "buccal": 0.45, "nasal_tip": 0.8, "nasal_ala": 0.9,
    "nasal_sidewall": 0.35, "nasal_dorsum": 0.3, "ear": 1.0, "chin": 0.45, "upper_lid": 0.35,
    "lower_lid": 0.45, "glabella": 0.2, "upper_lip_skin": 0.3, "lower_lip_skin": 0.25,
    "masseteric": 0.2, "neck": 0.15, "trunk": 0.1, "mandibular_border": 0.2, "mouth_cavity": 1.0,
}  # fmt: skip
_SHADE = {"lower_lid": 0.75, "upper_lid": 0.7, "infraorbital": 0.15, "nasal_ala": 0.25, "ear": 0.15,
          "upper_lip_skin": 0.25, "neck": 0.3, "mandibular_border": 0.15, "trunk": 0.2}  # fmt: skip
_OIL = {
    "forehead": 0.75, "glabella": 0.9, "nasal_dorsum": 1.0, "nasal_tip": 1.0, "nasal_ala": 0.8,
    "nasal_sidewall": 0.7, "malar": 0.6, "infraorbital": 0.45, "chin": 0.6, "upper_lid": 0.5,
    "lower_lid": 0.45, "buccal": 0.35, "temple": 0.35, "scalp": 0.5, "upper_lip_skin": 0.45,
    "lower_lip_skin": 0.45,
}  # fmt: skip
_SOFTNESS_MM = {"flush": 22.0, "shade": 6.0, "oil": 16.0, "lips": 0.9, "moustache": 2.5,
                "goatee": 4.0, "cheek_beard": 9.0, "neck_beard": 12.0, "pale": 20.0}  # fmt: skip
HAIRLINE_UNEVEN_MM = 2.2
HAIRLINE_SPAN_MM = 80.0
"""Distances about the hairline that the zone `scalp` covers; 0.5 is the line, more is behind it."""
_FACE_TEXELS_PER_MM = ZONE_SIZE / 620.0


@dataclass(frozen=True, eq=False)
class SkinSheets:
    """Sheets in texture space, one row a texel.

    Attributes:
        zones: Traits in the order of ZONES, 0 to 255.
        slopes: Gradient of the wrinkle depth of each of WRINKLES (x, y, z), SLOPE_LEVELS is 1.
        strokes: Coverage by hairs of each brow variant, then of a beard; coarser versions follow
            as in `NoiseTile`.
    """

    zones: UInt8[Tensor, "zone_texels zones"]
    slopes: Int8[Tensor, "zone_texels slopes"]
    strokes: UInt8[Tensor, "stroke_texels hairs"]


def paint_skin(model: FaceModel) -> SkinSheets:
    """Return the sheets of a model on the CPU."""
    texels = unroll(model, ZONE_SIZE)
    landmarks = _Landmarks(model)
    zones = np.stack([_zone(name, texels, landmarks) for name in ZONES], -1)
    canvases = [_forehead_lines(landmarks), _eye_lines(landmarks), _mouth_lines(landmarks)]
    front = texels.normal[..., 1] > -0.2
    slopes = np.concatenate(
        [canvas.slope_at(texels.position) * front[..., None] for canvas in canvases], -1
    )
    brows = [_brow_strokes(model, k) for k in range(BROW_VARIANTS)]
    strokes = [np.stack([*brows, _beard_strokes()], -1)]
    for _ in range(STROKE_LEVELS - 1):
        strokes.append(halved(strokes[-1].astype(np.float32)))
    return SkinSheets(
        zones=_flat(np.rint(np.clip(zones, 0, 1) * 255).astype(np.uint8)),
        slopes=_flat(np.rint(np.clip(slopes, -1, 1) * SLOPE_LEVELS).astype(np.int8)),
        strokes=torch.cat([_flat(np.rint(level).astype(np.uint8)) for level in strokes]),
    )


def _flat(sheet: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(sheet.reshape(-1, sheet.shape[-1])))


def texel_rows(uv: Float[Tensor, "2 points"], size: int) -> Tensor:
    """Return the row of each point's texel in a flat sheet."""
    column = (uv[0] * size).int().clamp_(0, size - 1)
    row = ((1.0 - uv[1]) * size).int().clamp_(0, size - 1)
    return row.mul_(size).add_(column)


class _Landmarks:
    """Template positions of landmarks by name."""

    def __init__(self, model: FaceModel) -> None:
        points = model.landmarks(model.mean[None])[0].double().numpy()
        self._points = dict(zip(model.landmark_names, points, strict=True))

    def __getitem__(self, name: str) -> np.ndarray:
        return self._points[name]

    def wrapped(self, name: str) -> np.ndarray:
        """Return arc and height of a landmark on the face canvas."""
        return np.array(wrapped(self._points[name][None]))[:, 0]


def _region_table(values: dict[str, float]) -> Float[np.ndarray, " regions"]:
    stems = [name.removesuffix("_left").removesuffix("_right") for name in REGIONS]
    return np.array([values.get(stem, 0.0) for stem in stems], dtype=np.float32)


def _zone(name: str, texels: Unrolled, landmarks: _Landmarks) -> Float[np.ndarray, "size size"]:
    """Return one trait over the sheet, 0 to 1."""
    position = texels.position
    x, y, z = np.abs(position[..., 0]), position[..., 1], position[..., 2]
    if name == "scalp":
        is_scalp = texels.region == REGIONS.index("scalp")
        inside = cv2.distanceTransform(is_scalp.astype(np.uint8), cv2.DIST_L2, 5)
        outside = cv2.distanceTransform((~is_scalp).astype(np.uint8), cv2.DIST_L2, 5)
        uneven = band_noise(stream(0, 0, "hairline"), texels.size, 4.0, 48.0) * HAIRLINE_UNEVEN_MM
        behind_mm = (inside - outside) / _FACE_TEXELS_PER_MM + uneven
        return 0.5 + behind_mm / HAIRLINE_SPAN_MM
    if name == "crown":
        return np.clip((z - 52.0 - 0.25 * np.maximum(-y - 20.0, 0.0)) / 22.0, 0, 1)
    if name == "front":
        return np.clip((y + 5.0) / 45.0, 0, 1)
    if name in ("lid_margin", "lash_line"):
        return _lid_line(texels, landmarks, lashes=name == "lash_line")
    tables = {
        "flush": _FLUSH, "shade": _SHADE, "oil": _OIL, "lips": {"upper_lip": 1.0, "lower_lip": 1.0},
        "moustache": {"upper_lip_skin": 1.0}, "goatee": {"chin": 1.0, "lower_lip_skin": 0.8},
        "cheek_beard": {"mandibular_border": 1.0, "masseteric": 1.0, "buccal": 0.55},
        "neck_beard": {"neck": 1.0},
        "pale": {"forehead": 0.8, "temple": 0.5, "lower_lid": 0.2},
    }  # fmt: skip
    field = _region_table(tables[name])[texels.region]
    if name == "cheek_beard":
        ear_z = landmarks["tragion_right"][2]
        field = field * np.clip((ear_z + 8.0 - z) / 10.0, 0, 1) * np.clip((x - 12.0) / 20.0, 0, 1)
        cheek_line = landmarks["cheilion_right"][2] + 8.0 + np.clip(x - 30.0, 0, 60) * 0.75
        field = field * np.clip((cheek_line - z) / 8.0 + 0.5, 0, 1)
    if name == "moustache":
        field = field * np.clip((landmarks["cheilion_right"][0] + 3.0 - x) / 5.0, 0, 1)
    if name == "neck_beard":
        low = landmarks["menton"][2] - 45.0
        field = field * np.clip((z - low) / 30.0, 0, 1) * np.clip((y + 5.0) / 20.0, 0, 1)
    field = cv2.GaussianBlur(
        field.astype(np.float32), (0, 0), _SOFTNESS_MM[name] * _FACE_TEXELS_PER_MM / 2
    )
    if name in ("moustache", "goatee", "cheek_beard", "neck_beard"):
        lips = _region_table({"upper_lip": 1.0, "lower_lip": 1.0, "mouth_cavity": 1.0})[
            texels.region
        ]
        field = np.clip(field * 1.3, 0, 1) * (1.0 - lips)
    return field


def _lid_line(
    texels: Unrolled, landmarks: _Landmarks, *, lashes: bool
) -> Float[np.ndarray, "size size"]:
    """Return the rims of the lids: the moist margin, or the line where lashes grow."""
    field = np.zeros(texels.is_painted.shape, dtype=np.float32)
    is_lid = np.isin(
        texels.region,
        [k for k, name in enumerate(REGIONS) if name.startswith(("upper_lid", "lower_lid"))],
    )
    for side, sign in (("right", 1.0), ("left", -1.0)):
        inner, outer = landmarks[f"endocanthion_{side}"], landmarks[f"exocanthion_{side}"]
        upper = landmarks[f"palpebrale_superius_{side}"]
        lower = landmarks[f"palpebrale_inferius_{side}"]
        share = np.clip((texels.position[..., 0] - inner[0]) / (outer[0] - inner[0]), 0, 1)
        chord = inner[2] + (outer[2] - inner[2]) * share
        bow = np.sqrt(np.clip(1.0 - (2.0 * share - 1.0) ** 2, 0, 1))
        here = is_lid & (texels.position[..., 0] * sign > 0)
        z = texels.position[..., 2]
        rise = max(upper[2] - (inner[2] + outer[2]) / 2, 1.0)
        drop = max((inner[2] + outer[2]) / 2 - lower[2], 1.0)
        top, bottom = chord + rise * bow, chord - drop * bow
        if lashes:
            line = np.exp(-(((z - top - 0.6) / 1.0) ** 2)) * (0.35 + 0.65 * share)
            line = np.maximum(line, 0.35 * share * np.exp(-(((z - bottom + 0.5) / 0.7) ** 2)))
        else:
            line = ((z < top + 0.4) & (z > bottom - 0.9)).astype(np.float32)
            line = np.maximum(line, np.exp(-(((z - bottom) / 1.0) ** 2)))
        field[here] = np.maximum(field, line)[here]
    return cv2.GaussianBlur(field, (0, 0), 0.5)


def _forehead_lines(landmarks: _Landmarks) -> FaceCanvas:
    """Return horizontal lines of the forehead and the two of the frown."""
    rng = stream(0, 0, "forehead lines")
    canvas = FaceCanvas()
    base, top = landmarks["glabella"][2] + 12.0, landmarks["trichion"][2] - 8.0
    for height in np.linspace(base, top, 5)[:4]:
        arc = np.linspace(-42, 42, 9) + rng.normal(0, 2, 9)
        bend = 5.0 * np.cos(arc / 42 * 1.4) - 6.0
        curve = np.stack((arc, height + bend + rng.normal(0, 0.7, 9)), -1)
        canvas = canvas.with_curve(curve, rng.uniform(1.2, 1.9), rng.uniform(0.5, 0.9))
    for sign in (-1.0, 1.0):
        low = landmarks["glabella"][2] - 8.0
        height = np.linspace(low, low + 22.0, 5)
        arc = sign * (7.0 + np.array([-1.5, -0.5, 0.3, 0.6, 1.5])) + rng.normal(0, 0.4, 5)
        canvas = canvas.with_curve(np.stack((arc, height), -1), 1.7, 0.3)
    return canvas


def _eye_lines(landmarks: _Landmarks) -> FaceCanvas:
    """Return crow's feet and the folds below the eyes."""
    rng = stream(0, 0, "eye lines")
    canvas = FaceCanvas()
    for side, sign in (("right", 1.0), ("left", -1.0)):
        corner = landmarks.wrapped(f"exocanthion_{side}")
        for angle in np.radians((28, 10, -8, -26, -42)) + rng.normal(0, 0.05, 5):
            reach = np.linspace(5.0, rng.uniform(17, 25), 5)
            bend = angle - 0.012 * (reach - 5.0) * np.sign(angle)
            curve = corner + np.stack((sign * reach * np.cos(bend), reach * np.sin(bend)), -1)
            canvas = canvas.with_curve(curve, rng.uniform(0.7, 1.1), rng.uniform(0.25, 0.45))
        inner = landmarks.wrapped(f"endocanthion_{side}")
        for drop, depth in ((6.5, 0.35), (11.5, 0.5)):
            share = np.linspace(0.0, 1.0, 6)
            arc = inner[0] + (corner[0] - inner[0]) * (0.02 + 0.85 * share)
            height = inner[1] - 2.0 - drop * np.sin(np.pi * (0.12 + 0.72 * share))
            canvas = canvas.with_curve(np.stack((arc, height), -1), 1.3, depth)
    return canvas


def _mouth_lines(landmarks: _Landmarks) -> FaceCanvas:
    """Return the nasolabial folds, the lines below the corners of the mouth and the chin's."""
    rng = stream(0, 0, "mouth lines")
    canvas = FaceCanvas()
    for side, sign in (("right", 1.0), ("left", -1.0)):
        wing, corner = landmarks.wrapped(f"alare_{side}"), landmarks.wrapped(f"cheilion_{side}")
        start = wing + np.array([sign * 3.0, 5.0])
        end = corner + np.array([sign * 9.0, -3.0])
        share = np.linspace(0.0, 1.0, 6)[:, None]
        curve = start + (end - start) * share
        curve[:, 0] += sign * 3.5 * np.sin(np.pi * share[:, 0])
        canvas = canvas.with_curve(curve + rng.normal(0, 0.3, curve.shape), 2.4, 1.1)
        end = corner + np.array([sign * 5.0, -22.0])
        start = corner + np.array([sign * 2.0, -1.0])
        canvas = canvas.with_curve(start + (end - start) * share, 2.0, 0.5)
    return canvas


def _brow_strokes(model: FaceModel, variant: int) -> UInt8[np.ndarray, "size size"]:
    """Return the coverage of the sheet by the hairs of one variant of the brows."""
    rng = stream(0, variant, "brow strokes")
    size = STROKE_SIZE
    regions = model.region_map.numpy()
    scale = size // len(regions) if size >= len(regions) else 1
    sheet = np.zeros((size, size), dtype=np.float32)
    fullness = (0.9, 0.8, 0.68, 1.0)[variant]
    count, thickness, length = ((430, 1, 24.0), (560, 1, 27.0), (330, 1, 22.0), (700, 1, 26.0))[
        variant
    ]
    lift = (0.0, 0.25, -0.1, 0.1)[variant]
    for side in ("right", "left"):
        rows, columns = np.nonzero(regions == REGIONS.index(f"brow_{side}"))
        rows, columns = rows * scale, columns * scale
        lateral = columns - size / 2
        share = np.abs(lateral) - np.abs(lateral).min()
        share = share / share.max()
        outward = np.sign(lateral.mean())
        chosen = rng.choice(np.flatnonzero(_low_in_column(rows, columns) <= fullness), size=count)
        for row, column, s in zip(rows[chosen], columns[chosen], share[chosen], strict=True):
            angle = np.radians(np.interp(s, (0, 0.15, 0.5, 1), (78, 48, 22, -14)) + 57 * lift * s)
            angle += rng.normal(0.0, 0.16)
            reach = length * rng.uniform(0.6, 1.1) * (0.75 + 0.25 * np.sin(np.pi * s))
            step = np.array([outward * np.cos(angle), -np.sin(angle)]) * reach
            bend = np.array([0.0, 0.12 * reach * rng.uniform(0.3, 1.0)])
            middle = np.array([column, row]) + 0.5 * step - 0.5 * bend
            path = np.stack(([column, row], middle, np.array([column, row]) + step + bend))
            stroke = np.rint((path - 0.3 * step) * 16).astype(np.int32)
            layer_value = float(rng.uniform(0.55, 1.0))
            cv2.polylines(sheet, [stroke], False, layer_value, thickness, cv2.LINE_AA, 4)
    soft = cv2.GaussianBlur(sheet, (0, 0), 4.0)
    return np.rint(np.clip(0.75 * sheet + 0.5 * soft, 0, 1) * 255).astype(np.uint8)


def _low_in_column(rows: np.ndarray, columns: np.ndarray) -> Float[np.ndarray, " texels"]:
    """Return the height of texels above the lowest of their column, as a share of the tallest."""
    lowest = np.zeros(columns.max() + 1)
    np.maximum.at(lowest, columns, rows)
    highest = np.full(columns.max() + 1, np.inf)
    np.minimum.at(highest, columns, rows)
    return (lowest[columns] - rows) / np.maximum(lowest - highest, 1.0)[columns]


def _beard_strokes() -> UInt8[np.ndarray, "size size"]:
    """Return the coverage of the face by hairs that grow downwards and outwards."""
    rng, size = stream(0, 0, "beard strokes"), STROKE_SIZE
    sheet = np.zeros((size, size), dtype=np.float32)
    count = 26000
    column = rng.uniform(0.28, 0.72, count) * size
    row = rng.uniform(0.79, 1.0, count) * size
    outward = (column / size - 0.5) / 0.12
    angle = np.radians(90.0) - np.clip(outward, -1.2, 1.2) * 0.55 + rng.normal(0.0, 0.28, count)
    reach = rng.uniform(9.0, 24.0, count)
    step = np.stack((np.cos(angle), np.sin(angle)), -1) * reach[:, None]
    bend = rng.normal(0.0, 1.6, (count, 2))
    root = np.stack((column, row), -1)
    paths = np.rint(np.stack((root, root + 0.5 * step + bend, root + step), 1) * 16).astype(
        np.int32
    )
    for path, value in zip(paths, rng.uniform(0.35, 1.0, count).tolist(), strict=True):
        cv2.polylines(sheet, [path], False, value, 1, cv2.LINE_AA, 4)
    return np.rint(np.clip(sheet, 0, 1) * 255).astype(np.uint8)
