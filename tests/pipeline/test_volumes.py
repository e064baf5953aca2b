"""Volumes of samples: twins on one grid, written field, determinism, derivation, real CT."""

import json
from functools import cache

import numpy as np
import pytest
from scipy.ndimage import map_coordinates
from scipy.spatial.transform import Rotation

from augment.pipeline import open_pipeline
from augment.pipeline.heads import Move, head_pair
from augment.pipeline.plain import plain, read_plain
from augment.pipeline.volume_plan import VolumePlan, draw_plan
from augment.recipe import compose_recipe
from augment.sample import Subject
from augment.volume.imaging.radiograph import CEPHALOSTAT
from augment.writer.encode import encode_json

COARSE = ("volume.spacing_mm=5", "volume.atlas_mm=3", "samples=2")
# Half a step of the stored field, and what linear interpolation of HU in the tests leaves.
FIELD_STEP_MM = 1 / 1024


@cache
def coarse_sample(name, index, *overrides):
    spec = compose_recipe(name, [*COARSE, *overrides])
    return open_pipeline(spec, None)(index)


GENERATED = ("head_ct", "head_ct_randomised", "mandible_kbp", "cephalogram")


@pytest.mark.parametrize("name", GENERATED)
def test_a_shipped_recipe_makes_its_files(name):
    sample, spec = coarse_sample(name, 0), compose_recipe(name)
    arrays = set(spec.volume.files) & {"image", "labels", "mandible_share"}
    for twin in sample.twins:
        assert not twin.views
        moved = {"displacement_mm", "jacobian"} & set(spec.volume.files)
        expected = arrays | (moved if twin.name == "pathological" else set())
        assert set(twin.volume.arrays) == expected
        assert {array.shape[:3] for array in twin.volume.arrays.values()} <= {
            tuple(sample.parameters["volume"]["scan"]["grid"]["shape"])
        }
        assert bool(twin.volume.meshes) == ("meshes" in spec.volume.files)
        assert set(twin.volume.films) == {f for f in spec.volume.files if "cephalogram" in f}
    assert "volume" in sample.seconds


def test_what_was_drawn_survives_json_exactly():
    spec = compose_recipe("head_ct", COARSE)
    plan = draw_plan(spec, 3)
    back = read_plain(VolumePlan, json.loads(encode_json(plain(plan))))
    assert back == plan


def test_a_sample_is_the_same_whatever_was_made_before():
    fresh = open_pipeline(compose_recipe("head_ct", COARSE), None)(0)
    made = coarse_sample("head_ct", 0)
    for one, other in zip(fresh.twins, made.twins, strict=True):
        assert list(one.volume.arrays) == list(other.volume.arrays)
        for kind, values in one.volume.arrays.items():
            np.testing.assert_array_equal(values, other.volume.arrays[kind])
        for kind, mesh in one.volume.meshes.items():
            np.testing.assert_array_equal(mesh.vertices_mm, other.volume.meshes[kind].vertices_mm)


def test_meshes_of_twins_move_by_the_field_between_them():
    healthy, pathological = (twin.volume for twin in coarse_sample("head_ct", 0).twins)
    affine, field = pathological.ras_from_voxel, pathological.arrays["displacement_mm"]
    for kind in ("mesh_skull", "mesh_mandible", "mesh_skin"):
        before, after = healthy.meshes[kind], pathological.meshes[kind]
        np.testing.assert_array_equal(before.faces, after.faces)
        voxels = (after.vertices_mm - affine[:3, 3]) / np.diag(affine)[:3]
        inside = ((voxels >= 0) & (voxels <= np.array(field.shape[:3]) - 1)).all(1)
        moved = np.stack([map_coordinates(field[..., c], voxels.T, order=1) for c in range(3)], 1)
        error = np.linalg.norm(after.vertices_mm + moved - before.vertices_mm, axis=1)[inside]
        assert inside.mean() > 0.5
        # Between the nodes of a 5 mm grid the field bends by as much: 0.51 mm about the thin jaw.
        assert np.percentile(error, 95) < 0.6, kind


def test_a_posed_scan_is_recorded_and_an_upright_one_for_films():
    posed = coarse_sample("head_ct", 0).parameters["volume"]["scan"]["posture"]
    assert any(posed["turn_deg"])
    upright = coarse_sample("cephalogram", 0).parameters["volume"]["scan"]["posture"]
    assert not any(upright["turn_deg"])


def test_cephalometric_points_lie_on_both_films_and_give_the_angle():
    sample = coarse_sample("cephalogram", 0)
    (row,) = sample.severities
    for twin in sample.twins:
        lateral, pa = (
            twin.volume.films[kind] for kind in ("cephalogram_lateral", "cephalogram_pa")
        )
        assert set(lateral.landmarks) == set(pa.landmarks)
        for name, (x_px, y_px, x, y, z) in lateral.landmarks.items():
            assert 0 < x_px < lateral.film.shape[1], name
            # The patient looks right: a step forward is a step to the right, up is up, larger on
            # the film by where the point lies between source and film.
            other = lateral.landmarks["S"]
            scales = [
                (CEPHALOSTAT.source_mm + CEPHALOSTAT.film_mm) / (CEPHALOSTAT.source_mm - depth)
                for depth in (x, other[2])
            ]
            forward = scales[0] * y - scales[1] * other[3]
            up = scales[0] * z - scales[1] * other[4]
            assert x_px - other[0] == pytest.approx(forward / lateral.pixel_mm[1])
            assert y_px - other[1] == pytest.approx(-up / lateral.pixel_mm[0])
            assert pa.landmarks[name][2:] == (x, y, z)
    angles = sample.twins[1].volume.angles_deg
    assert angles["ANB"] == pytest.approx(angles["SNA"] - angles["SNB"])
    # mandibular_prognathism is measured as -ANB.
    assert -angles["ANB"] == pytest.approx(row["measured"], abs=1e-3)
    assert -sample.twins[0].volume.angles_deg["ANB"] == pytest.approx(row["healthy"], abs=1e-3)


def test_a_volume_shows_the_expression_and_an_open_jaw_of_both_twins():
    moving = ("subject.expression=0.8", "volume.expression=true", "volume.jaw_opening_deg=[6,6]")
    rest, moved = coarse_sample("head_ct", 0), coarse_sample("head_ct", 0, *moving)
    for before, after in zip(rest.twins, moved.twins, strict=True):
        jaws = [t.volume.meshes["mesh_mandible"].vertices_mm for t in (before, after)]
        skulls = [t.volume.meshes["mesh_skull"].vertices_mm for t in (before, after)]
        centred = [jaw - jaw.mean(0) for jaw in jaws]
        turn, _ = Rotation.align_vectors(centred[1], centred[0])
        # It turns down about the axis through the condyles, whose joints hold it a little.
        np.testing.assert_allclose(turn.as_rotvec(degrees=True), (-6.0, 0.0, 0.0), atol=0.4)
        assert np.quantile(np.linalg.norm(skulls[0] - skulls[1], axis=1), 0.9) < 0.5
        assert (before.volume.arrays["labels"] != after.volume.arrays["labels"]).any()
    # The skin of the mesh is that of the field: the same vertices at the same place.
    spec = compose_recipe("head_ct", [*COARSE, *moving])
    make = open_pipeline(spec, None)
    subject = read_plain(Subject, moved.parameters["subject"])
    moves = [Move(p["name"], p["side"], p["coefficient"]) for p in moved.parameters["pathologies"]]
    plan = read_plain(VolumePlan, json.loads(encode_json(moved.parameters["volume"])))
    again = make.volumes(head_pair(make.basis, subject, moves), plan, 0)
    for twin in moved.twins:
        np.testing.assert_array_equal(
            again[twin.name].arrays["labels"], twin.volume.arrays["labels"]
        )


def test_a_broken_bone_moves_as_asked_and_nothing_else_does():
    broken = "volume.fractures=[{bone: zygoma, side: right, displacement_mm: [7, 7]}]"
    files = "volume.files=[labels,displacement_mm,jacobian,fracture,meshes]"
    sample = coarse_sample("head_ct", 1, "pathologies=[]", broken, files)
    healthy, pathological = (twin.volume for twin in sample.twins)
    (row,) = sample.severities
    assert (row["pathology"], row["side"], row["requested"]) == ("zygoma_fracture", "right", 7.0)
    assert row["measured"] == pytest.approx(7.0, abs=1.5)  # half a voxel of the coarse atlas
    marks = pathological.arrays["fracture"]
    shift = np.linalg.norm(pathological.arrays["displacement_mm"], axis=3)
    np.testing.assert_array_equal(shift > 0, marks == 1)
    assert (marks == 2).any()
    assert shift[marks == 1].mean() == pytest.approx(row["measured"], abs=1.0)
    assert (pathological.arrays["jacobian"] > 0).all()
    same = healthy.arrays["labels"] == pathological.arrays["labels"]
    assert 0 < (~same).sum() < 0.01 * same.size
    before, after = (v.meshes["mesh_skin"].vertices_mm for v in (healthy, pathological))
    np.testing.assert_array_equal(before, after)
