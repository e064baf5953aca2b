"""A user's own labelled CT as anatomy."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from augment.errors import AssetError, RecipeError
from augment.morphable import load_face_model
from augment.morphable.prior import PriorSpec, draw_subject
from augment.pipeline import check_recipe, open_pipeline
from augment.pipeline.own_atlas import open_own_atlas
from augment.pipeline.subject_file import FittedHead, encode_subject
from augment.pipeline.volume_plan import draw_plan
from augment.recipe import compose_recipe
from augment.reconstruct.rigid import placed
from augment.streams import stream
from augment.volume.anatomy.spec import AtlasSpec
from augment.volume.atlas import build_atlas
from augment.volume.field.lattice import grid_points
from augment.volume.field.subject import subject_fields
from augment.volume.grid import grid_over
from augment.volume.labels import NUMBER
from augment.volume.template import load_template

ATLAS_MM = 3.0
OWN_NUMBER = 7
PLACE = placed(np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]), np.zeros(3), np.array([5.0, 9, -4]))
MANDIBLE = NUMBER["mandible_cortical"]


def built_in():
    template = load_template(ATLAS_MM)
    return build_atlas(template.body, AtlasSpec(), template.seat)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The built-in mandible in a person, moved forward by 6 mm, in a turned world, 3 mm voxels."""
    root = tmp_path_factory.mktemp("own") / "atlas"
    root.mkdir()
    model, template, atlas = load_face_model(), load_template(ATLAS_MM), built_in()
    subject = draw_subject(model, stream(0, 2, "own atlas"), PriorSpec(age_years=(30.0, 50.0)))
    vertices = model.rest(model.mean.new_tensor(subject.identity)[None])[0].numpy()
    skin = vertices[template.vertex_of_model].astype(float)
    to_template = subject_fields(template.vertices, skin, 3.0).template_from_head
    grid = grid_over((-75, -40, -110), (75, 115, 20), 3.0)
    points = to_template.move(grid_points(grid).reshape(-1, 3)) - (0.0, 6.0, 0.0)
    index = np.rint((points - atlas.grid.origin_mm) / ATLAS_MM).astype(int)
    index = np.clip(index, 0, np.array(atlas.labels.shape) - 1)
    labels = (atlas.labels[tuple(index.T)] == MANDIBLE).reshape(grid.shape) * np.uint8(OWN_NUMBER)
    nib.save(nib.Nifti1Image(labels, PLACE @ grid.head_from_voxel), root / "labels.nii.gz")
    (root / "subject.json").write_bytes(encode_subject(FittedHead(subject, PLACE)))
    table = {"labels": [{"number": OWN_NUMBER, "name": "mandible_cortical"}]}
    (root / "labels.json").write_text(json.dumps(table), encoding="utf-8")
    return root


def test_labels_arrive_where_they_belong_and_replace_the_built_in(folder):
    own = open_own_atlas(folder, load_face_model(), ATLAS_MM)
    before = built_in()
    atlas = own.painted(before)
    step = round(6.0 / ATLAS_MM)
    expected = np.zeros_like(own.is_seen)
    expected[:, step:] = (before.labels == MANDIBLE)[:, :-step]
    expected &= own.is_seen & (before.labels > 0)
    got = atlas.labels == MANDIBLE
    dice = 2 * (got & expected).sum() / (got.sum() + expected.sum())
    # Two nearest-neighbour samplings of a wall of one or two voxels.
    assert dice > 0.7
    still = before.labels == MANDIBLE
    assert 2 * (still & expected).sum() / (still.sum() + expected.sum()) < dice - 0.2
    brain = before.labels == NUMBER["brain"]
    np.testing.assert_array_equal(atlas.labels[brain], before.labels[brain])


def test_a_recipe_draws_one_of_the_own_atlases(folder):
    words = ["volume.spacing_mm=6", f"volume.atlas_mm={ATLAS_MM}", "samples=1"]
    spec = compose_recipe("mandible_kbp", [*words, f"volume.atlases=[{folder},{folder}]"])
    check_recipe(spec)
    assert {draw_plan(spec, index).own_atlas for index in range(12)} == {0, 1}
    own = open_pipeline(spec, None)(0).twins[0].volume.arrays["labels"]
    built = open_pipeline(compose_recipe("mandible_kbp", words), None)(0)
    other = built.twins[0].volume.arrays["labels"]
    assert (own != other).any()
    assert (own != other).mean() < 0.1


def test_a_folder_that_lacks_a_file_and_a_foreign_name_are_told(folder, tmp_path):
    spec = compose_recipe("head_ct", [f"volume.atlases=[{tmp_path}]"])
    with pytest.raises(RecipeError, match=r"volume.atlases\[0\] expects .* without labels.nii.gz"):
        check_recipe(spec)
    for path in Path(folder).iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "labels.json").write_text('{"7": "jaw"}', encoding="utf-8")
    with pytest.raises(AssetError, match=r"as one of facies' labels .*, got 7 named 'jaw'"):
        open_own_atlas(tmp_path, load_face_model(), ATLAS_MM)
