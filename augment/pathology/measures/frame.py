"""Frames of a head from its own landmarks, so that no measure depends on how the head is posed."""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from augment.errors import GeometryError
from augment.morphable.prior import head_frame

Named = Mapping[str, Float[np.ndarray, "3"]]

FRANKFORT_POINTS = ("tragion_right", "tragion_left", "orbitale_right", "orbitale_left")


def require(points: Named, *names: str) -> None:
    """Check that landmarks are there.

    Raises:
        GeometryError: If one is missing; the message names it.
    """
    missing = [name for name in names if name not in points]
    if missing:
        raise GeometryError(
            f"the measure needs the landmarks {', '.join(missing)}, which the mesh does not have: "
            "add them to the file of landmarks"
        )


def _own_frame(points: Named) -> tuple[np.ndarray, np.ndarray]:
    """Return rotation and origin of the head frame of landmarks."""
    corners = np.stack([points[name] for name in FRANKFORT_POINTS]).astype(np.float64)
    return _frame_of(corners.tobytes())


@lru_cache(maxsize=64)
def _frame_of(corners: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return the head frame of four points; many measures of one head ask for the same."""
    rotation, origin = head_frame(np.frombuffer(corners).reshape(4, 3))
    rotation.setflags(write=False)
    origin.setflags(write=False)
    return rotation, origin


def frankfort(points: Named, *names: str) -> list[np.ndarray]:
    """Return named points in the head's own Frankfort frame.

    Args:
        points: Landmarks, with both tragia and orbitalia among them, in any frame.
        names: Which points to return, in this order.

    Returns:
        Positions (3,): x right, y anterior, z superior, origin midway between the tragia, mm.

    Raises:
        GeometryError: If a landmark is missing.
    """
    require(points, *FRANKFORT_POINTS, *names)
    rotation, origin = _own_frame(points)
    return [rotation @ (points[name] - origin) for name in names]


def vault_frame(points: Named) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]:
    """Return rotation and origin of the frame in which a skull vault is measured.

    As the Frankfort frame, but its midline runs from midway between the tragia to nasion: an ear
    that a plagiocephaly has carried forwards does not turn the head.

    Returns:
        Rows right, anterior, superior, and the origin: vault = rotation @ (point - origin).

    Raises:
        GeometryError: If a landmark is missing.
    """
    require(points, *FRANKFORT_POINTS, "nasion")
    rotation, origin = _own_frame(points)
    up = rotation[2]
    forward = points["nasion"] - origin
    forward = forward - (forward @ up) * up
    forward = forward / np.linalg.norm(forward)
    return np.stack([np.cross(forward, up), forward, up]), origin


def other_side(side: str) -> str:
    """Return left for right and right for left."""
    return "left" if side == "right" else "right"


def sign_of(side: str) -> float:
    """Return +1 for the patient's right, -1 for the left: the sign of x there."""
    return 1.0 if side == "right" else -1.0
