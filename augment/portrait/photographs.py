"""From photographs to a fitted head: look for the face, fit the head, read its texture.

Enters one photograph or several of one person; leaves a fit whose subject is canonical, and the
texture of its skin.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from augment.errors import AssetError, GeometryError
from augment.morphable.model import FaceModel
from augment.portrait.estimate import NO_FACE, estimate_faces
from augment.portrait.fit import PortraitFit, fit_portrait, unrefined
from augment.portrait.picture_file import read_photograph
from augment.portrait.view import PortraitView

STAGES = ("pre-processing", "geometry", "texture")
OnStage = Callable[[str], None]


def portrait_views(path: str | Path, every: bool = False) -> tuple[PortraitView, ...]:
    """Return the faces of a photograph, the largest first.

    Args:
        path: JPEG, PNG, TIFF, WebP or BMP.
        every: Whether every face is wanted; otherwise the largest alone.

    Raises:
        AssetError: If the file is no photograph.
        GeometryError: If it shows no face.
    """
    picture = read_photograph(Path(path))
    estimates = estimate_faces(picture, every=every)
    if not estimates:
        height, width = picture.shape[:2]
        raise GeometryError(f"'{path}': {NO_FACE.format(width=width, height=height)}")
    return tuple(PortraitView(picture, estimate) for estimate in estimates)


def fit_photographs(
    paths: Sequence[str | Path],
    model: FaceModel,
    is_refined: bool = True,
    on_stage: OnStage = lambda stage: None,
) -> PortraitFit:
    """Fit one head to photographs of one person, the largest face of each.

    Args:
        paths: The photographs.
        model: The face model.
        is_refined: Whether the network's answer is fitted to the pictures; otherwise it stands as
            it is, and one photograph is expected.
        on_stage: Called with the name of a stage as it begins.

    Raises:
        AssetError: If a file is no photograph, or there is none.
        GeometryError: If one shows no face.
    """
    if not paths or (len(paths) > 1 and not is_refined):
        wanted = "one photograph" if paths else "at least one photograph"
        raise AssetError(f"expected {wanted}, got {len(paths)}")
    on_stage(STAGES[0])
    views = [portrait_views(path)[0] for path in paths]
    on_stage(STAGES[1])
    return fit_portrait(model, views) if is_refined else unrefined(model, views[0])
