import time

import numpy as np
import pytest
import torch

from augment.errors import AssetError
from augment.morphable import load_face_model
from augment.morphable import pose as numbers
from augment.morphable.pose import ARTICULATION, JAW_HINGE_MM, POSE_NAMES, rotation_matrix
from augment.morphable.template import PARTS


@pytest.fixture(scope="module")
def model():
    return load_face_model()


def heads(model, n=3, seed=0):
    return torch.as_tensor(np.random.default_rng(seed).normal(size=(n, 99)), dtype=torch.float32)


def test_interface_is_99_identities_79_named_expressions_and_21_pose_numbers(model):
    assert model.identity_basis.shape[0] == 99
    assert model.expression_basis.shape[0] == len(set(model.expression_names)) == 79
    assert len(set(POSE_NAMES)) == 21


@pytest.mark.parametrize(
    ("place", "names"),
    [
        ("HEAD_ROTATION", ["head_pitch", "head_yaw", "head_roll"]),
        ("HEAD_TRANSLATION", ["head_x", "head_y", "head_z"]),
        ("JAW", ["jaw_open", "jaw_lateral", "jaw_roll"]),
        ("NECK", ["neck_pitch", "neck_yaw", "neck_roll"]),
        ("GAZE_LEFT", ["gaze_left_pitch", "gaze_left_yaw"]),
        ("GAZE_RIGHT", ["gaze_right_pitch", "gaze_right_yaw"]),
        ("PRINCIPAL", ["principal_x", "principal_y"]),
        ("JAW_OPEN", "jaw_open"),
        ("LOG_FOCAL", "log_focal"),
        ("LOG_SCALE", "log_scale"),
        ("CAMERA_ROLL", "camera_roll"),
    ],
)
def test_a_place_among_the_pose_numbers_is_what_it_is_called(place, names):
    found = POSE_NAMES[getattr(numbers, place)]
    assert (found if isinstance(names, str) else list(found)) == names


def test_jaw_neck_and_gaze_lie_side_by_side():
    parts = [POSE_NAMES[part] for part in (numbers.JAW, numbers.NECK, numbers.GAZE)]
    assert POSE_NAMES[ARTICULATION] == sum(parts, ())


def test_vertices_equal_a_naive_sum(model):
    identity, expression = (
        heads(model, 2),
        torch.rand(2, 79, generator=torch.Generator().manual_seed(1)),
    )
    got = model.vertices(identity, expression)
    expected = model.mean.double().repeat(2, 1, 1)
    for k in range(99):
        expected += identity[:, k, None, None].double() * model.identity_basis[k].double()
    for k in range(79):
        expected += expression[:, k, None, None].double() * model.expression_basis[k].double()
    torch.testing.assert_close(got.double(), expected, atol=2e-3, rtol=0)


def test_one_head_of_a_batch_equals_the_head_alone(model):
    identity = heads(model)
    pose = torch.zeros(3, 21)
    pose[:, ARTICULATION] = 0.1
    together = model.vertices(identity, pose=pose)
    alone = model.vertices(identity[1:2], pose=pose[1:2])
    torch.testing.assert_close(together[1:2], alone, atol=1e-4, rtol=0)


def test_mirror_pairs_are_an_involution_and_the_mean_is_symmetric(model):
    mirror = model.mirror_vertex
    assert torch.equal(mirror[mirror], torch.arange(model.n_vertices))
    flipped = model.mean[mirror] * torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close(flipped, model.mean, atol=1e-3, rtol=0)


def test_mirrored_coefficients_give_the_mirror_image(model):
    identity = heads(model)
    image = model.vertices(identity)[:, model.mirror_vertex] * torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close(model.vertices(model.mirrored(identity)), image, atol=2e-2, rtol=0)


def test_head_frame_of_the_mean_lies_between_the_tragia_in_the_frankfort_plane(model):
    names = ("tragion_right", "tragion_left", "orbitale_right", "orbitale_left")
    points = model.landmarks(model.mean[None], names)[0]
    torch.testing.assert_close((points[0] + points[1]) / 2, torch.zeros(3), atol=1e-3, rtol=0)
    assert points[:, 2].abs().max() < 1e-3
    assert points[0, 0] > 60  # the patient's right is +x
    assert points[2, 1] > 60  # the face looks along +y


def test_opening_the_jaw_turns_the_chin_about_the_hinge_and_leaves_the_skull(model):
    pose = torch.zeros(1, 21)
    pose[0, POSE_NAMES.index("jaw_open")] = 0.3
    rest, opened = model.vertices(torch.zeros(1, 99)), model.vertices(torch.zeros(1, 99), pose=pose)
    lower = model.part_vertices("teeth_lower")
    hinge = torch.tensor(JAW_HINGE_MM)
    expected = (rest[0, lower] - hinge) @ rotation_matrix(torch.tensor([-0.3, 0.0, 0.0])).T + hinge
    torch.testing.assert_close(opened[0, lower], expected, atol=1e-3, rtol=0)
    before, after = (model.landmarks(v, ("menton", "vertex"))[0] for v in (rest, opened))
    assert after[0, 2] < before[0, 2] - 10  # menton drops
    torch.testing.assert_close(after[1], before[1], atol=1e-4, rtol=0)  # the vault stays


def test_gaze_turns_the_globe_about_its_centre(model):
    pose = torch.zeros(1, 21)
    pose[0, POSE_NAMES.index("gaze_right_yaw")] = 0.4
    rest, turned = model.vertices(torch.zeros(1, 99)), model.vertices(torch.zeros(1, 99), pose=pose)
    eye = model.part_vertices("eye_right")
    radii = [(v[0, eye] - v[0, eye].mean(0)).norm(dim=-1) for v in (rest, turned)]
    torch.testing.assert_close(radii[0], radii[1], atol=1e-3, rtol=0)
    apex = rest[0, eye, 1].argmax()
    assert turned[0, eye[apex], 0] > rest[0, eye[apex], 0] + 3  # towards the patient's right
    other = model.part_vertices("eye_left")
    torch.testing.assert_close(turned[0, other], rest[0, other], atol=1e-4, rtol=0)


def test_rotation_matrix_agrees_with_the_closed_form():
    quarter = rotation_matrix(torch.tensor([0.0, 0.0, np.pi / 2]))
    torch.testing.assert_close(
        quarter @ torch.tensor([1.0, 0, 0]), torch.tensor([0.0, 1.0, 0.0]), atol=1e-6, rtol=0
    )
    assert torch.equal(rotation_matrix(torch.zeros(3)), torch.eye(3))


def test_every_triangle_belongs_to_a_part_and_eyes_are_closed_globes(model):
    assert int(model.part_of_triangle.min()) >= 1
    for side in ("left", "right"):
        faces = model.faces[model.part_of_triangle == PARTS.index(f"eye_{side}")]
        edges = torch.sort(
            torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), dim=1
        ).values
        assert (torch.unique(edges, dim=0, return_counts=True)[1] == 2).all()


def test_unknown_names_are_told(model):
    with pytest.raises(AssetError, match="no landmark 'nose'"):
        model.landmarks(model.mean[None], ("nose",))
    with pytest.raises(AssetError, match="unknown model 'flame'"):
        load_face_model("flame")


def test_cached_model_loads_in_half_a_second(model):
    from augment import morphable

    morphable._makehuman.cache_clear()
    start = time.perf_counter()
    load_face_model()
    elapsed = time.perf_counter() - start
    assert elapsed < 2.0, (
        f"{elapsed:.2f} s"
    )  # 0.1 s on an idle machine; the bound allows for a loaded one


@pytest.mark.gpu
def test_cuda_agrees_with_the_cpu(model):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device on this machine")
    identity = heads(model)
    there = load_face_model(device="cuda").vertices(identity.cuda()).cpu()
    torch.testing.assert_close(there, model.vertices(identity), atol=2e-3, rtol=0)


def test_a_model_that_is_on_its_device_is_itself(model):
    assert model.to("cpu") is model
    assert model.to("meta").mean.device.type == "meta"
