"""What the template's surface looks like without light: reflectance of skin, lips, brows and eyes.

It is the reflectance that pictures are rendered with, of one plain face: no freckles, no beard.
"""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from augment.morphable.model import FaceModel
from augment.render.eyes import Eyes, eye_albedo, globe_polar
from augment.render.hair import Hair
from augment.render.hair_colour import HairColour
from augment.render.scene import PART_ID
from augment.render.skin import Skin, skin_surface
from augment.render.wardrobe import wardrobe

PLAIN_SKIN = Skin(
    melanin=0.35,
    blood=0.34,
    flush=0.8,
    mottle=0.0,
    freckles=0.0,
    shadows=0.5,
    oil=1.0,
    wrinkles=(0.0, 0.0, 0.0),
    lip_blood=1.0,
    offset=(0.0, 0.0),
    mirrored=False,
    beard=(0.0, 0.0, 0.0, 0.0),
    beard_length=0.0,
    brow=0,
    brow_strength=0.7,
    lash=0.9,
)
PLAIN_EYES = Eyes(iris="brown", tone=1.0, pupil=0.36, white=0.92, vessels=0.4, turn=0.0)
"""Brown irises are the most frequent ones."""
PLAIN_HAIR = Hair(
    style="bald",
    length=0.0,
    volume=1.0,
    frizz_mm=0.0,
    wave_mm=0.0,
    density=1.0,
    cover=0.0,
    recession_mm=0.0,
    shine=0.5,
    offset=(0.0, 0.0),
)
_BROWN = (0.060, 0.034, 0.021)
PLAIN_HAIR_COLOUR = HairColour(root=_BROWN, tip=_BROWN, brow=_BROWN, lash=_BROWN, grey=0.0)


def surface_reflectance(
    model: FaceModel,
    uv: Float[Tensor, "points 2"],
    parts: UInt8[Tensor, " points"],
    pixel_uv: float,
) -> Float[Tensor, "points 3"]:
    """Return the plain face's reflectance at points of the surface, linear RGB.

    Args:
        model: The face model, on the CPU.
        uv: Texture coordinates.
        parts: Part of each point, an entry of PARTS; teeth and tongue count as skin.
        pixel_uv: Size of a pixel in texture coordinates; finer patterns are averaged.
    """
    shared = wardrobe(model)
    is_left = parts == PART_ID["eye_left"]
    is_eye = is_left | (parts == PART_ID["eye_right"])
    colour = torch.zeros((len(uv), 3))
    sheets = (shared.skin, shared.skin_tile)
    look = (PLAIN_SKIN, PLAIN_HAIR, PLAIN_HAIR_COLOUR)
    skin_uv, eye_uv = (uv[chosen].T.contiguous() for chosen in (~is_eye, is_eye))
    colour[~is_eye] = skin_surface(*look, *sheets, skin_uv, pixel_uv).albedo.T
    globe = globe_polar(eye_uv, is_left[is_eye])
    colour[is_eye] = eye_albedo(PLAIN_EYES, shared.strand_tile, *globe).T
    return colour


def vertex_openness(model: FaceModel) -> Float[Tensor, " vertices"]:
    """Return how much of the surroundings each vertex of the template sees, 0 to 1."""
    # Refinement keeps the model's vertices in front.
    return wardrobe(model).visibility.openness[: model.n_vertices]
