from dataclasses import dataclass

import numpy as np
import pytest
from head_fixtures import mean_head, model, shared, zones  # noqa: F401
from scipy.spatial.transform import Rotation
from voxel_head import head_volume

from augment.morphable.prior import PriorSpec, draw_subject
from augment.reconstruct import Fit
from augment.reconstruct.ct import fit_volume
from augment.reconstruct.nifti import Volume
from augment.reconstruct.rigid import placed, transform_points
from augment.streams import stream


@dataclass(frozen=True)
class KnownHead:
    """A head whose place and shape are known, its volume, and what was fitted to it."""

    world_from_head: np.ndarray
    world: np.ndarray
    volume: Volume
    fit: Fit


@pytest.fixture(scope="session")
def known_head(model):  # noqa: F811
    """An adult of the prior with the head extended by 18 and turned by 8 degrees, 3 mm voxels."""
    adults = PriorSpec(age_years=(25.0, 60.0))
    subject = draw_subject(model, stream(0, 3, "reconstruct-test"), adults)
    vertices = model.vertices(
        torch_row(model, subject.identity), None, torch_row(model, subject.pose)
    )
    turn = Rotation.from_euler("xz", (18.0, 8.0), degrees=True).as_matrix()
    world_from_head = placed(turn, np.zeros(3), np.array([4.0, -6.0, 9.0]))
    world = transform_points(world_from_head, vertices[0].numpy().astype(np.float64))
    volume = head_volume(model, world)
    return KnownHead(world_from_head, world, volume, fit_volume(volume, model))


def torch_row(face_model, values):
    return face_model.mean.new_tensor(values)[None]
