import numpy as np

from augment.morphable.regions import REGION_ID, REGIONS


def test_the_face_is_in_front_and_symmetric(model, zones, mean_head):
    assert mean_head[zones.is_face, 1].min() > -10
    assert mean_head[zones.is_face, 2].max() < 90
    mirrored = zones.is_face[model.mirror_vertex.numpy()]
    assert (mirrored == zones.is_face).mean() > 0.995
    assert 25_000 < zones.face_area_mm2 < 60_000


def test_what_no_scanner_sees_weighs_nothing(model, zones):
    for part in ("eye_left", "eye_right", "tongue", "teeth_upper", "teeth_lower"):
        assert (zones.weight[model.part_vertices(part).numpy()] == 0).all()
    for name in ("mouth_cavity", "ear_left", "ear_right", "trunk"):
        assert (zones.weight[zones.region == REGION_ID[name]] == 0).all()


def test_each_face_region_has_vertices(zones):
    found = {REGIONS[number] for number in np.unique(zones.region[zones.is_face])}
    assert len(found) == 32
    assert zones.weight.min() == 0
