import json
from pathlib import Path

import numpy as np
import pytest
import torch

from augment.errors import AssetError
from augment.morphable.ict import read_ict_face_model

SHARED = Path(__file__).parents[3] / "shared" / "data" / "ict_facekit" / "FaceXModel"


def write_cube_model(folder, n_vertices=8):
    """A toy folder of the same layout: a cube whose vertices serve as all landmarks."""
    corners = [(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)][:n_vertices]
    faces = "f 1/1 2/1 4/1 3/1\nf 5/1 7/1 8/1 6/1\nf 1/1 3/1 7/1 5/1\nf 2/1 6/1 8/1 4/1\n"

    def text(scale):
        rows = "".join(f"v {x * scale} {y * scale} {z * scale}\n" for x, y, z in corners)
        return f"{rows}vt 0 0\nusemtl M_Face\n{faces}"

    (folder / "generic_neutral_mesh.obj").write_text(text(1), encoding="utf-8")
    (folder / "identity000.obj").write_text(text(1.5), encoding="utf-8")
    index = {
        "expressions": ["jawOpen"],
        "idx_to_landmark_verts": [4] + [k % 8 for k in range(1, 16)] + [0] + [1] * 51,
    }
    (folder / "vertex_indices.json").write_text(json.dumps(index), encoding="utf-8")


def test_modes_are_differences_in_millimetres(tmp_path):
    write_cube_model(tmp_path)
    model = read_ict_face_model(tmp_path)
    assert model.identity_basis.shape == (1, 8, 3)
    assert model.expression_names == ()
    size = np.ptp(model.vertices(torch.tensor([[2.0]]))[0].numpy(), axis=0)
    np.testing.assert_allclose(size, 40.0, atol=1e-4)  # 2 cm grown by two modes of half each, in mm


def test_a_missing_file_says_where_to_get_it(tmp_path):
    with pytest.raises(
        AssetError, match=r"generic_neutral_mesh.obj is missing: get ICT-FaceKit \(MIT licence\)"
    ):
        read_ict_face_model(tmp_path)


def test_a_mode_of_another_topology_is_refused(tmp_path):
    write_cube_model(tmp_path)
    (tmp_path / "identity001.obj").write_text("v 0 0 0\n", encoding="utf-8")
    with pytest.raises(AssetError, match=r"identity001.obj has 1 vertices, expected 8"):
        read_ict_face_model(tmp_path)


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data/ict_facekit is not here")
def test_the_real_model_opens_its_jaw_and_smiles_on_the_left():
    model = read_ict_face_model(SHARED)
    assert model.expression_names == ("jawOpen", "mouthSmile_L")
    neutral, opened, smiling = model.vertices(
        torch.zeros(3, 3), torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    )
    names = ("menton", "cheilion_left", "cheilion_right", "exocanthion_right")
    chin = [model.landmarks(v[None], names)[0] for v in (neutral, opened, smiling)]
    assert chin[1][0, 2] < chin[0][0, 2] - 10
    assert chin[2][1, 2] > chin[0][1, 2] + 1
    assert (chin[2][2] - chin[0][2]).norm() < 1
    assert chin[0][3, 0] > 30  # right is +x
