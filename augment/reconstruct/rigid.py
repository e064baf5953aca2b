"""Small rigid-motion algebra in numpy float64 for the inner loops of alignment."""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation


def transform_points(
    destination_from_source: Float[np.ndarray, "4 4"], points: Float[np.ndarray, "p 3"]
) -> Float[np.ndarray, "p 3"]:
    """Move points by an affine transform."""
    return points @ destination_from_source[:3, :3].T + destination_from_source[:3, 3]


def rotate_vectors(
    destination_from_source: Float[np.ndarray, "4 4"], vectors: Float[np.ndarray, "p 3"]
) -> Float[np.ndarray, "p 3"]:
    """Turn directions by the rotation of a rigid transform."""
    return vectors @ destination_from_source[:3, :3].T


def placed(
    rotation: Float[np.ndarray, "3 3"],
    source: Float[np.ndarray, "3"],
    target: Float[np.ndarray, "3"],
) -> Float[np.ndarray, "4 4"]:
    """Return the rigid transform of this rotation that takes point source to point target."""
    transform = np.eye(4)
    transform[:3, :3] = rotation
    transform[:3, 3] = target - rotation @ source
    return transform


def turned_and_moved(
    transform: Float[np.ndarray, "4 4"],
    turn_rad: Float[np.ndarray, "3"],
    move_mm: Float[np.ndarray, "3"],
    centre: Float[np.ndarray, "3"],
) -> Float[np.ndarray, "4 4"]:
    """Follow a transform by a turn (axis times angle) about a centre, and a shift."""
    step = placed(Rotation.from_rotvec(turn_rad).as_matrix(), centre, centre + move_mm)
    return step @ transform


def angle_between_deg(first: Float[np.ndarray, "3 3"], second: Float[np.ndarray, "3 3"]) -> float:
    """Return the angle in degrees of the rotation that leads from one rotation to another."""
    return float(np.degrees(Rotation.from_matrix(first.T @ second).magnitude()))
