from dataclasses import replace

import numpy as np
import pytest
import torch

from augment.recipe.schema import RenderSpec
from augment.render.framing import MENTON_TO_VERTEX_MM, NEAREST_HEADS, draw_camera
from augment.streams import stream


@pytest.mark.parametrize("fill", [0.4, 0.85])
def test_no_camera_is_nearer_than_an_arm_and_the_head_keeps_its_share(fill):
    spec = replace(RenderSpec(), focal_mm=(15.0, 15.0), fill=(fill, fill), yaw_deg=(80.0, 80.0))
    camera = draw_camera(stream(0, 0, "camera"), spec)
    height = MENTON_TO_VERTEX_MM[1] - MENTON_TO_VERTEX_MM[0]
    middle = sum(MENTON_TO_VERTEX_MM) / 2
    centre = torch.tensor([[[0.0, 25.0, middle]]], dtype=torch.float64)
    distance = float(camera.project(centre)[1][0, 0])
    assert distance >= NEAREST_HEADS * height - 1e-6
    share = float(camera.focal_px[0]) / distance * height / camera.height
    np.testing.assert_allclose(share, fill, rtol=1e-9)
