"""What both benchmarks of photographs look at: renders under hard conditions, real photographs.

Each condition is made in one of two ways. `drawn_condition` changes a finished picture by chance,
as pictures are varied in training: what the network alone is scored on. `fixed_condition` is the
same for every face, and back light is light: what fits are scored on.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import skimage.data

from augment.face_training.renders import RenderMaker
from augment.face_training.variation import drawn, with_glasses
from augment.portrait.picture_file import read_photograph
from augment.recipe.face_network import PicturesSpec
from augment.render.light import Lamp, Lighting

HERE = Path(__file__).parent
FASSEG_FOLDER = HERE.parents[1].parent / "shared/data/fasseg"
BACK_LIGHT = Lighting(
    lamps=(Lamp((0.5, 0.35, -0.8), (1.6, 1.55, 1.5)), Lamp((-0.6, 0.3, -0.74), (1.2, 1.2, 1.2))),
    ambient=((0.16, 0.17, 0.2), (0.05, 0.05, 0.06), (0.02, 0.02, 0.02), *[(0.0, 0.0, 0.0)] * 6),
)


def render_maker(overrides, n, seed) -> RenderMaker:
    """Renders of heads that no training has seen."""
    spec = PicturesSpec(recipe="face_train", overrides=tuple(overrides), renders=n, seed=seed)
    return RenderMaker(spec)


def real_photographs(folder: Path = FASSEG_FOLDER) -> Iterator[tuple]:
    """Name, picture and mask (or None) of skimage's astronaut and of FASSEG's photographs."""
    yield "astronaut", skimage.data.astronaut(), None
    for path in sorted((folder / "images").glob("*.png")):
        mask = cv2.imread(str(folder / "masks" / path.name), cv2.IMREAD_GRAYSCALE)
        yield path.stem, read_photograph(path), mask


def drawn_condition(condition, rng, picture, landmarks):
    """A picture with glasses, a drawing of it, or the face dark before a white sky."""
    if condition == "glasses":
        return with_glasses(rng, picture.copy(), landmarks)
    if condition == "drawn":
        return np.ascontiguousarray(drawn(rng, picture))
    if condition == "back_light":
        return before_white_sky(picture, landmarks)
    return picture


def before_white_sky(picture, landmarks):
    """The face at a third of its light before a white sky that spills over its edge."""
    low, high = landmarks.min(0), landmarks.max(0)
    mask = np.zeros(picture.shape[:2], np.uint8)
    centre = tuple(((low + high) / 2 - (0, 0.25 * (high - low)[1])).astype(int).tolist())
    axes = tuple(((high - low) * (0.75, 0.95)).astype(int).tolist())
    cv2.ellipse(mask, centre, axes, 0, 0, 360, 255, -1)
    near = cv2.GaussianBlur(mask, (0, 0), 6)[..., None] / 255.0
    dark = picture * 0.3
    return np.clip(dark * near + (picture * 0.4 + 150) * (1 - near), 0, 255).astype(np.uint8)


def lit(shot, condition):
    """A shot with light from behind where the condition asks for it."""
    if condition != "back light":
        return shot
    return replace(shot, appearance=replace(shot.appearance, lighting=BACK_LIGHT))


def fixed_condition(condition, picture, landmarks):
    """A picture with dark glasses or as a pencil drawing, always the same."""
    if condition == "glasses":
        picture = dark_glasses(picture, landmarks)
    if condition == "drawn":
        picture = cv2.pencilSketch(picture, sigma_s=40, sigma_r=0.08, shade_factor=0.03)[1]
    return np.ascontiguousarray(picture)


def dark_glasses(picture, points):
    """Dark frames about both eyes, a bridge and arms."""
    picture = picture.copy()
    across = np.linalg.norm(points[36:42].mean(0) - points[42:48].mean(0))
    width = max(1, round(0.05 * across))
    for eye in (slice(36, 42), slice(42, 48)):
        middle = points[eye].mean(0).round().astype(int).tolist()
        length = np.linalg.norm(points[eye][3] - points[eye][0])
        axes = (round(0.85 * length), round(0.65 * length))
        cv2.ellipse(picture, middle, axes, 0, 0, 360, (25, 20, 20), width, cv2.LINE_AA)
    for line in (points[[39, 27, 42]], points[[36, 0]], points[[45, 16]]):
        cv2.polylines(picture, [line.astype(np.int32)], False, (25, 20, 20), width, cv2.LINE_AA)
    return picture
