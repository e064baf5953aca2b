"""The user's own labelled CT as anatomy: registered by its fitted head, carried to the template.

A folder holds `subject.json` of `facies reconstruct ct` and `labels.nii.gz` on the grid of that CT,
or of any other in its world, with a table `labels.json` that gives each number the name of one of
our labels. What the CT does not label keeps the built-in anatomy; a structure that it labels
replaces the built-in one.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8

from augment.errors import AssetError
from augment.morphable import FaceModel
from augment.pipeline.stages import posed_vertices, rest_vertices
from augment.pipeline.subject_file import read_subject
from augment.reconstruct.nifti import read_volume
from augment.subject_folder import SUBJECT_FILE
from augment.volume.atlas import Atlas
from augment.volume.field.lattice import grid_points
from augment.volume.field.subject import subject_fields
from augment.volume.labels import NUMBER
from augment.volume.real_scan import check_real_affine, label_numbers, read_label_table
from augment.volume.template import load_template

LABELS_FILE, TABLE_FILE = "labels.nii.gz", "labels.json"
LATTICE_MM = 3.0


@dataclass(frozen=True)
class OwnAtlas:
    """Labels of a user in template space.

    Attributes:
        labels: Our label of each voxel of the template's grid, 0 where the user gave none.
        is_seen: Whether the user's CT shows the voxel.
    """

    labels: UInt8[np.ndarray, "x y z"]
    is_seen: Bool[np.ndarray, "x y z"]

    def painted(self, atlas: Atlas) -> Atlas:
        """Return the built-in anatomy with the user's structures in place of its own."""
        given = np.unique(self.labels[self.labels > 0])
        labels = atlas.labels.copy()
        labels[np.isin(labels, given) & self.is_seen] = NUMBER["muscle"]
        inside = (self.labels > 0) & (atlas.labels > 0)
        labels[inside] = self.labels[inside]
        has_teeth = any(number in given for number in TEETH)
        metal = atlas.metal_mm[:0] if has_teeth else atlas.metal_mm
        return replace(atlas, labels=labels, metal_mm=metal)


TEETH = tuple(number for name, number in NUMBER.items() if name.startswith("teeth_"))


def atlas_files(folder: Path) -> tuple[Path, Path, Path]:
    """Return the files of an own atlas: fitted subject, labels, table."""
    return folder / SUBJECT_FILE, folder / LABELS_FILE, folder / TABLE_FILE


def atlas_mistakes(folders: tuple[str, ...]) -> list[str]:
    """Return one sentence for each folder that lacks a file."""
    return [
        f"volume.atlases[{number}] expects a folder with {SUBJECT_FILE} (`facies reconstruct ct`),"
        f" {LABELS_FILE} and {TABLE_FILE}, got '{folder}' without {path.name}"
        for number, folder in enumerate(folders)
        for path in atlas_files(Path(folder))
        if not path.is_file()
    ]


def open_own_atlas(folder: Path, model: FaceModel, atlas_mm: float) -> OwnAtlas:
    """Carry a user's labels to the template.

    Args:
        folder: Folder with the three files.
        model: The face model.
        atlas_mm: Voxel size of the template.

    Raises:
        AssetError: If a file cannot be read, a label is none of ours, or the head's place is not
            known.
    """
    subject_path, labels_path, table_path = atlas_files(folder)
    fitted = read_subject(subject_path, model)
    if fitted.world_from_head is None:
        raise AssetError(
            f"expected '{subject_path}' to say where the head lies in the CT, got no"
            " world_from_head; make it again with `facies reconstruct ct`"
        )
    volume = read_volume(labels_path, keep_axes=True)
    check_real_affine(volume, labels_path)
    ours = _our_numbers(label_numbers(volume, labels_path), labels_path, table_path)
    template = load_template(atlas_mm)
    rest = rest_vertices(model, fitted.subject)
    posed = posed_vertices(model, fitted.subject, [rest])[0].cpu().numpy()
    skin = posed[template.vertex_of_model].astype(float)
    to_head = subject_fields(template.vertices, skin, LATTICE_MM).head_from_template
    voxel_from_head = np.linalg.inv(volume.world_from_voxel) @ fitted.world_from_head
    points = grid_points(template.body.grid)
    labels = np.zeros(points.shape[:3], np.uint8)
    is_seen = np.zeros(points.shape[:3], bool)
    for place, slab in enumerate(points):
        head = to_head.move(slab.reshape(-1, 3))
        index = np.rint(head @ voxel_from_head[:3, :3].T + voxel_from_head[:3, 3]).astype(int)
        seen = ((index >= 0) & (index < ours.shape)).all(axis=1)
        found = np.zeros(len(index), np.uint8)
        found[seen] = ours[tuple(index[seen].T)]
        labels[place], is_seen[place] = (
            found.reshape(labels[place].shape),
            seen.reshape(labels[place].shape),
        )
    return OwnAtlas(labels, is_seen)


def _our_numbers(
    numbers: UInt8[np.ndarray, "x y z"], labels_path: Path, table_path: Path
) -> UInt8[np.ndarray, "x y z"]:
    names = read_label_table(table_path)
    ours = np.zeros(256, np.uint8)
    for value in np.unique(numbers[numbers > 0]).tolist():
        name = names.get(value, "")
        if name not in NUMBER:
            raise AssetError(
                f"expected every label of '{labels_path}' to be named in '{table_path}' as one of"
                f" facies' labels (mandible_cortical, brain, …), got {value} named {name!r}; any"
                " data set's volume_labels.json lists them"
            )
        ours[value] = NUMBER[name]
    return ours[numbers]
