import gzip
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from augment.errors import AssetError
from augment.morphable import makehuman
from augment.morphable.prior import ATTRIBUTES
from augment.morphable.template import build_template


def test_a_target_is_read_in_millimetres_and_in_our_axes(tmp_path):
    path = tmp_path / "t.target.gz"
    path.write_bytes(gzip.compress(b"# a comment\n1 .01 .02 .03\n4 0 0 -.5\n"))
    offsets = makehuman.read_target(path, np.array([1, 2, 4]), 6)
    # MakeHuman: x left, y up, z front, decimetres.
    np.testing.assert_allclose(offsets, [[-1, 3, 2], [0, 0, 0], [0, -50, 0]], atol=1e-5)


def test_a_missing_target_is_told(tmp_path):
    with pytest.raises(
        AssetError, match=r"morph target .* is missing: reinstall the package 'anny'"
    ):
        makehuman.read_target(tmp_path / "none.target", np.array([0]), 1)


def test_the_template_is_mirror_symmetric_and_its_eyes_follow_affine_motion():
    mesh = makehuman.read_base_mesh()
    template = build_template(mesh)
    vertices = (template.assembly @ mesh.vertices[template.selection])[: template.n_vertices]
    np.testing.assert_allclose(vertices[template.mirror_vertex] * [-1, 1, 1], vertices, atol=1e-9)
    shear = np.array([[1.1, 0.1, 0.0], [0.0, 0.9, 0.2], [0.1, 0.0, 1.0]])
    moved = (template.assembly @ (mesh.vertices[template.selection] @ shear.T + [1, 2, 3]))[
        : template.n_vertices
    ]
    np.testing.assert_allclose(moved, vertices @ shear.T + [1, 2, 3], atol=1e-6)


def test_heads_equal_those_of_the_anny_package(tmp_path):
    # The independent twin: anny's own evaluation of the same phenotype, where its heavy import is
    # at hand.
    pytest.importorskip("warp")
    # anny counts gender from male (0) to female (1); 0.2 is our masculinity of 0.8.
    values = {
        "gender": 0.2,
        "age": 0.55,
        "muscle": 0.3,
        "weight": 0.7,
        "height": 0.4,
        "proportions": 0.5,
    }
    code = textwrap.dedent(f"""
        import warnings; warnings.filterwarnings("ignore")
        import numpy as np, torch, anny
        model = anny.Anny(rig="makehuman-head", topology="head", phenotype_blendshapes="original",
        phenotypes="all")
        phenotype = {{k: torch.tensor([v]) for k, v in {values!r}.items()}}
        phenotype |= dict(african=torch.tensor([0.2]), asian=torch.tensor([0.3]),
        caucasian=torch.tensor([0.5]))
        pose = torch.eye(4)[None, None].repeat(1, model.bone_count, 1, 1)
        vertices = model.float()(pose_parameters=pose, phenotype_kwargs=phenotype)["vertices"][0]
        np.savez("anny.npz", vertices=vertices.numpy(), base=model.base_mesh_vertex_indices.numpy())
    """)
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, capture_output=True)
    with np.load(tmp_path / "anny.npz") as archive:
        theirs, base = archive["vertices"] * 1000 * [-1, -1, 1], archive["base"]

    def between(value, anchors):
        return [np.interp(value, anchors, row) for row in np.eye(len(anchors))]

    weight = dict(
        zip(
            ATTRIBUTES,
            [
                *between(0.55, (0, 1 / 3, 2 / 3, 1)),
                *between(0.8, (0, 1)),
                *between(0.3, (0, 0.5, 1)),
                *between(0.7, (0, 0.5, 1)),
                *between(0.4, (0, 1)),
                *between(0.5, (0, 1)),
                0.2,
                0.3,
                0.5,
            ],
            strict=True,
        )
    )
    mesh = makehuman.read_base_mesh()
    ours = mesh.vertices[base].copy()
    for names, path in makehuman.macro_targets():
        share = np.prod([weight[name] for name in names])
        if share and path.exists():
            ours += share * makehuman.read_target(path, base, len(mesh.vertices))
    # anny poses through its skeleton and may move the whole head; the shape must agree.
    a, b = theirs - theirs.mean(axis=0), ours - ours.mean(axis=0)
    left, _, right = np.linalg.svd(b.T @ a)
    assert np.abs(b @ (left @ right) - a).max() < 0.05
