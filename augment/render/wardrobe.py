"""Everything that pictures of one model need and that is made once: sheets, tiles, visibility.

Built in seconds and kept beside the model in the cache folder; a cached file that is missing,
damaged or of other sources is built again.
"""

import hashlib
import logging
import os
import zipfile
from dataclasses import dataclass, fields
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from augment.morphable.model import FaceModel
from augment.morphable.model_cache import cache_folder
from augment.render.clothes import CUTS, Garment, build_garment
from augment.render.eyes import GLOBE_DISC
from augment.render.groom import STYLES, Groom, Head, build_groom
from augment.render.lens import grain_sheet
from augment.render.lid_shadow import LidShadow, find_lid_shadows
from augment.render.noise import NoiseTile, skin_tile, strand_tile
from augment.render.scene import REFINEMENT_LEVEL, refined_normals
from augment.render.skin_sheets import SkinSheets, paint_skin
from augment.render.visibility import Visibility, find_visibility

log = logging.getLogger(__name__)
_SOURCES = (
    "clothes", "face_canvas", "groom", "noise", "skin_sheets", "texture_space", "visibility",
    "wardrobe",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Wardrobe:
    """What pictures of one model share.

    Attributes:
        model: The model it was made for.
        skin: Painted sheets of the skin.
        skin_tile: Tiling noise of the skin.
        strand_tile: Tiling noise of hair.
        grain: Noise of the sensor.
        apex: Refined vertex at the pole of the left and the right cornea.
        lid_shadows: The left and the right eye, whose lids move.
        visibility: Directions that the vertices of the refined template see.
        grooms: Every style of `augment.render.groom.STYLES`.
        garments: Every cut of `augment.render.clothes.CUTS`.
    """

    model: FaceModel
    skin: SkinSheets
    skin_tile: NoiseTile
    strand_tile: NoiseTile
    grain: Tensor
    apex: Tensor
    lid_shadows: tuple[LidShadow, LidShadow]
    visibility: Visibility
    grooms: dict[str, Groom]
    garments: dict[str, Garment]


_TABLES = {
    "skin": SkinSheets,
    "skin_tile": NoiseTile,
    "strand_tile": NoiseTile,
    "visibility": Visibility,
    **{f"groom_{name}": Groom for name in STYLES},
    **{f"garment_{name}": Garment for name in CUTS},
}


@lru_cache(maxsize=4)
def wardrobe(model: FaceModel) -> Wardrobe:
    """Return what pictures of a model need, on the model's device; made once."""
    return _on_device(_load_or_build(model.to("cpu")), model)


def _load_or_build(model: FaceModel) -> dict[str, np.ndarray]:
    path = cache_folder() / f"wardrobe-{_content_hash(model)}.npz"
    if path.exists():
        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = {key: archive[key] for key in archive.files}
            if set(arrays) == _expected_keys():
                return arrays
            log.warning("cached %s holds other arrays than expected: building it again", path)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            log.warning("cached %s is unreadable (%s): building it again", path, error)
    arrays = _build(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial.npz")
    np.savez(partial, **arrays)  # type: ignore[arg-type]
    partial.replace(path)
    return arrays


def _expected_keys() -> set[str]:
    return {f"{table}/{f.name}" for table, kind in _TABLES.items() for f in fields(kind)}


def _build(model: FaceModel) -> dict[str, np.ndarray]:
    finer = model.refinement(REFINEMENT_LEVEL)
    mean = finer.apply(model.mean[None])
    built: dict[str, object] = {
        "skin": paint_skin(model),
        "skin_tile": skin_tile(),
        "strand_tile": strand_tile(),
        "visibility": find_visibility(mean[0], refined_normals(finer, mean)[0], finer.faces),
    }
    head = Head(model)
    built |= {f"groom_{name}": build_groom(model, head, name) for name in STYLES}
    built |= {f"garment_{name}": build_garment(model, name) for name in CUTS}
    arrays = {}
    for table, record in built.items():
        for f in fields(_TABLES[table]):
            value = getattr(record, f.name)
            arrays[f"{table}/{f.name}"] = np.asarray(value)
    return arrays


def _on_device(arrays: dict[str, np.ndarray], model: FaceModel) -> Wardrobe:
    def revived(table: str, name: str) -> Tensor | int | float:
        value = arrays[f"{table}/{name}"]
        return value.item() if value.ndim == 0 else torch.from_numpy(value).to(model.device)

    tables = {
        table: kind(**{f.name: revived(table, f.name) for f in fields(kind)})
        for table, kind in _TABLES.items()
    }
    grooms = {name: tables.pop(f"groom_{name}") for name in STYLES}
    garments = {name: tables.pop(f"garment_{name}") for name in CUTS}
    return Wardrobe(
        model=model,
        grooms=grooms,
        garments=garments,
        apex=_apex(model),
        lid_shadows=find_lid_shadows(model),
        grain=grain_sheet().to(model.device),
        **tables,
    )


def _apex(model: FaceModel) -> Tensor:
    """Return the refined vertices at the middle of the globes' texture discs."""
    finer = model.refinement(REFINEMENT_LEVEL)
    corners, vertices = finer.uv[finer.uv_faces].reshape(-1, 2), finer.faces.reshape(-1)
    nearest = [
        (corners - corners.new_tensor(GLOBE_DISC[side])).square().sum(-1).argmin()
        for side in ("left", "right")
    ]
    return vertices[torch.stack(nearest)]


def _content_hash(model: FaceModel) -> str:
    """Return a short hash of the model's geometry and of the sources that decide the result."""
    digest = hashlib.sha256(_source_bytes())
    for array in (model.mean, model.faces, model.uv, model.uv_faces, model.region_map):
        digest.update(array.contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]


@cache
def _source_bytes() -> bytes:
    folder = Path(__file__).parent
    return b"".join((folder / f"{name}.py").read_bytes() for name in _SOURCES)
