"""A CT turned pathological: bytes outside, texture and labels inside, on grids of any kind."""

from functools import cache

import numpy as np
import pytest
from scipy.ndimage import map_coordinates
from scipy.spatial.transform import Rotation
from voxel_head import head_volume

from augment.errors import GeometryError
from augment.morphable import load_face_model
from augment.morphable.prior import PriorSpec, draw_subject
from augment.pathology import PATHOLOGIES, PathologyBasis, Request, solve_case
from augment.pipeline.anchoring import open_anchor
from augment.pipeline.subject_file import FittedHead
from augment.reconstruct.rigid import placed, transform_points
from augment.record import HEALTHY, PATHOLOGICAL
from augment.streams import stream
from augment.volume.real_scan import RealScan

FILES = ("image", "labels", "displacement_mm", "jacobian", "meshes")
ATLAS_MM = 3.0
# HU are rounded once, and the field is stored in steps of 1/1024 mm.
ROUNDING_HU = 1.5
TURN = Rotation.from_euler("xyz", (14, -9, 21), degrees=True).as_matrix()
TURNED = placed(TURN, np.zeros(3), np.array([12.0, -30.0, 7.0]))


@cache
def known_head():
    """A head of the prior: its subject, vertices, and a grainy CT of it with labels, 3 mm."""
    model = load_face_model()
    subject = draw_subject(model, stream(0, 5, "anchoring"), PriorSpec(age_years=(25.0, 50.0)))
    vertices = model.rest(model.mean.new_tensor(subject.identity)[None])[0].numpy().astype(float)
    volume = head_volume(model, vertices)
    grain = stream(0, 5, "grain").normal(0.0, 30.0, volume.values.shape)
    image = np.rint(volume.values + grain).astype(np.int16)
    labels = (volume.values > -500).astype(np.uint8)
    # A second label for the lower third of the head.
    labels[:, :, : labels.shape[2] // 3] *= 2
    return (
        model,
        subject,
        RealScan(image, labels, volume.world_from_voxel, {1: "head", 2: "Mandible"}),
    )


@cache
def moves(name="mandibular_retrognathia", severity=7.0, side=None):
    model, subject, _ = known_head()
    basis = PathologyBasis(model)
    case = solve_case(basis, subject, [Request(name, severity, side)])
    return [(solved.deformation, solved.coefficient) for solved in case.pathologies]


@cache
def anchor(place_key="upright"):
    model, subject, scan = known_head()
    place = {"upright": np.eye(4), "turned": TURNED}[place_key]
    if place_key == "turned":
        # The same voxels in another world: an oblique grid.
        scan = RealScan(scan.image_hu, scan.labels, place @ scan.ras_from_voxel, scan.names)
    return open_anchor(scan, FittedHead(subject, place), model, ATLAS_MM)


@cache
def twins(place_key="upright"):
    return anchor(place_key).volumes(moves(), FILES)


def test_outside_the_field_every_byte_is_the_original():
    scan, records = known_head()[2], twins()
    moved = np.abs(records[PATHOLOGICAL].arrays["displacement_mm"]).max(-1) > 0
    assert 0.01 < moved.mean() < 0.5
    for kind, original in (("image", scan.image_hu), ("labels", scan.labels)):
        np.testing.assert_array_equal(records[HEALTHY].arrays[kind], original)
        # A voxel that moves by less than half a step of the stored field keeps its bytes, too.
        np.testing.assert_array_equal(records[PATHOLOGICAL].arrays[kind][~moved], original[~moved])
        assert (records[PATHOLOGICAL].arrays[kind][moved] != original[moved]).any()


@pytest.mark.parametrize("place_key", ["upright", "turned"])
def test_the_written_field_makes_the_twin_from_the_original(place_key):
    records = twins(place_key)
    affine = records[PATHOLOGICAL].ras_from_voxel
    field = records[PATHOLOGICAL].arrays["displacement_mm"].astype(float)
    index = np.stack(np.meshgrid(*map(np.arange, field.shape[:3]), indexing="ij"), -1)
    source = np.moveaxis(index + field @ np.linalg.inv(affine[:3, :3]).T, -1, 0)
    image = records[HEALTHY].arrays["image"].astype(float)
    expected = map_coordinates(image, source, order=1, mode="nearest")
    assert np.abs(expected - records[PATHOLOGICAL].arrays["image"]).max() <= ROUNDING_HU
    labels = map_coordinates(records[HEALTHY].arrays["labels"], source, order=0, mode="nearest")
    assert (labels != records[PATHOLOGICAL].arrays["labels"]).mean() < 1e-4


def test_simpleitk_makes_the_same_twin(tmp_path):
    sitk = pytest.importorskip("SimpleITK", reason="SimpleITK is not installed")
    from augment.volume.files import write_volume

    records = twins("turned")
    affine = records[HEALTHY].ras_from_voxel
    for twin, key, kind in (
        (HEALTHY, "image", "ct"),
        (PATHOLOGICAL, "displacement_mm", "displacement_mm"),
    ):
        write_volume(tmp_path / f"{key}.nii.gz", records[twin].arrays[key], affine, kind)
    image = sitk.ReadImage(str(tmp_path / "image.nii.gz"), sitk.sitkFloat32)
    field = sitk.ReadImage(str(tmp_path / "displacement_mm.nii.gz"), sitk.sitkVectorFloat64)
    moved = sitk.Resample(image, image, sitk.DisplacementFieldTransform(field), sitk.sitkLinear)
    result = sitk.GetArrayFromImage(moved).transpose(2, 1, 0)
    inner = (slice(2, -2),) * 3  # the border's edge belongs to each library
    difference = np.abs(result - records[PATHOLOGICAL].arrays["image"])[inner]
    assert difference.max() <= ROUNDING_HU


def test_an_oblique_grid_moves_the_same_tissue():
    straight, turned = twins()[PATHOLOGICAL], twins("turned")[PATHOLOGICAL]
    np.testing.assert_allclose(
        turned.arrays["displacement_mm"],
        straight.arrays["displacement_mm"] @ TURNED[:3, :3].T,
        atol=2e-3,
    )
    np.testing.assert_allclose(turned.arrays["jacobian"], straight.arrays["jacobian"], atol=2e-3)
    assert np.abs(turned.arrays["image"] - straight.arrays["image"]).max() <= 1


def test_the_jacobian_is_the_volume_ratio():
    record = twins()[PATHOLOGICAL]
    field = record.arrays["displacement_mm"].astype(float)
    spacing = np.diag(record.ras_from_voxel)[:3]
    gradient = np.stack(np.gradient(field, *spacing, axis=(0, 1, 2)), -1) + np.eye(3)
    np.testing.assert_allclose(record.arrays["jacobian"], np.linalg.det(gradient), atol=1e-3)
    assert record.arrays["jacobian"].min() > 0
    assert record.arrays["jacobian"].min() < 0.95


def test_the_field_fades_out_in_the_air_before_the_face():
    model, subject, scan = known_head()
    n_air = 30
    image = np.pad(scan.image_hu, ((0, 0), (0, n_air), (0, 0)), constant_values=-1000)
    wide = RealScan(image, None, scan.ras_from_voxel)
    wide_anchor = open_anchor(wide, FittedHead(subject, np.eye(4)), model, ATLAS_MM)
    arrays = wide_anchor.volumes(moves(), FILES)[PATHOLOGICAL].arrays
    assert arrays["jacobian"].min() > 0.3
    assert not arrays["displacement_mm"][:, -5:].any()
    # Tissue, and air in the original field of view, move as they did.
    inside = scan.image_hu > -500
    np.testing.assert_allclose(
        arrays["displacement_mm"][:, :-n_air][inside],
        twins()[PATHOLOGICAL].arrays["displacement_mm"][inside],
        atol=2e-3,
    )


def test_skin_of_the_twin_lies_where_the_mesh_says():
    records = twins()
    before, after = (records[t].meshes["mesh_skin"].vertices_mm for t in (HEALTHY, PATHOLOGICAL))
    basis = PathologyBasis(known_head()[0])
    column = basis.column(PATHOLOGIES["mandibular_retrognathia"], None)
    expected = moves()[0][1] * column.vertices[anchor().template.vertex_of_model]
    error = np.linalg.norm(after - before - expected, axis=1)
    # The depth below the skin comes from 3 mm voxels here.
    assert np.percentile(error, 95) < 1.0
    assert np.linalg.norm(expected, axis=1).max() > 3.0


def test_meshes_show_bone_of_the_labels_and_keep_their_triangles():
    records = twins()
    assert set(records[HEALTHY].meshes) == {"mesh_skin", "mesh_mandible"}
    for kind, mesh in records[HEALTHY].meshes.items():
        np.testing.assert_array_equal(mesh.faces, records[PATHOLOGICAL].meshes[kind].faces)


def test_a_pathology_outside_the_field_of_view_is_named():
    model, subject, scan = known_head()
    upper = scan.image_hu.shape[2] // 2
    affine = scan.ras_from_voxel.copy()
    affine[:3, 3] += affine[:3, 2] * upper
    cut = RealScan(scan.image_hu[:, :, upper:].copy(), None, affine)
    cut_anchor = open_anchor(cut, FittedHead(subject, np.eye(4)), model, ATLAS_MM)
    with pytest.raises(
        GeometryError,
        match=r"expected mandibular_retrognathia within the CT's field of view, got \d+% of .*: "
        "choose another pathology, or a CT that shows",
    ):
        cut_anchor.volumes(moves(), FILES)
    assert cut_anchor.volumes(moves("hypertelorism", 36.0), FILES)


def test_transform_points_is_the_frame_of_the_meshes():
    upright, turned = twins()[HEALTHY], twins("turned")[HEALTHY]
    np.testing.assert_allclose(
        turned.meshes["mesh_skin"].vertices_mm,
        transform_points(TURNED, upright.meshes["mesh_skin"].vertices_mm),
        atol=1e-6,
    )
