"""Cephalometric points read from an atlas, against where they were built and how they lie."""

from functools import cache

import numpy as np
import pytest

from augment.streams import stream
from augment.volume import build_atlas, draw_atlas_spec, load_template
from augment.volume.atlas import Atlas
from augment.volume.cephalometry import atlas_points
from augment.volume.grid import grid_over
from augment.volume.labels import NUMBER


@cache
def points(seed):
    template = load_template(2.0)
    spec = draw_atlas_spec(stream(seed, 0, "atlas"))
    return atlas_points(build_atlas(template.body, spec, template.seat))


@pytest.mark.parametrize("seed", [0, 1])
def test_points_lie_as_in_a_head(seed):
    p = points(seed)
    assert p["ANS"][1] > p["PNS"][1] + 30
    assert abs(p["ANS"][2] - p["PNS"][2]) < 8
    for side, sign in (("right", 1), ("left", -1)):
        condyle, neck, ear = (p[f"{name}_{side}"] for name in ("Co", "Ar", "Po"))
        assert sign * condyle[0] > 35
        assert 8 < condyle[2] - neck[2] < 16
        assert ear[1] < condyle[1]
        assert np.linalg.norm(ear - condyle) < 30
    np.testing.assert_allclose(p["Co_right"] * (-1, 1, 1), p["Co_left"], atol=6)
    if "U1" in p:
        assert p["U1"][2] < p["ANS"][2] - 10


def test_points_are_found_where_they_were_put():
    grid = grid_over((-60, -20, -60), (60, 80, 20), 1.0)
    labels = np.zeros(grid.shape, np.uint8)

    def fill(name, low, high):
        box = grid.box_around(np.array(low, float), np.array(high, float) - 1)
        labels[box] = NUMBER[name]

    fill("maxilla_cortical", (-3, 10, -24), (3, 60, -22))
    fill("teeth_upper_crown", (-4, 55, -40), (4, 60, -30))
    fill("mandible_cortical", (40, 0, -50), (50, 8, 1))
    found = atlas_points(Atlas(labels, grid, np.zeros((0, 3)), None))
    assert found["U1"][2] == pytest.approx(-40, abs=1)
    assert found["ANS"][1] == pytest.approx(59, abs=1)
    assert found["PNS"][1] == pytest.approx(10, abs=1)
    assert found["Co_right"][2] == pytest.approx(0, abs=1)
    assert found["Ar_right"][1:] == pytest.approx((0, -12), abs=1.1)
    assert {"L1", "Co_left", "Po_left"}.isdisjoint(found)
