"""Finished data sets with small random volumes, on an oblique grid."""

from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
from fakes import LANDMARKS, LEGEND, fake_sample

from augment.recipe import RecipeSpec
from augment.record import SampleRecord, VolumeRecord
from augment.streams import stream
from augment.writer.folder import Identity, finish_folder, open_folder
from augment.writer.sample_folder import write_sample

IDENTITY = Identity("ab" * 32, {}, {"facies": "0"})
SHAPE = (7, 6, 5)
NAMES = {3: "mandible_cortex", 4: "brain", 9: "tongue"}


def oblique_affine(handedness: float = 1.0) -> np.ndarray:
    """Turned, anisotropic, off-centre: no axis or sign is right by chance."""
    a, b = 0.3, -0.2
    turn_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    turn_z = np.array([[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = turn_x @ turn_z @ np.diag([handedness * 0.8, 1.1, 2.5])
    affine[:3, 3] = (-31.25, 12.5, 7.75)
    return affine


def volume_sample(index: int, handedness: float = 1.0) -> SampleRecord:
    sample = fake_sample(index)
    rng = stream(5, index, "volume")
    heads = []
    for head in sample.twins:
        arrays = {
            "image": rng.integers(-1024, 3000, SHAPE).astype(np.int16),
            "labels": rng.choice(np.array([0, *NAMES], np.uint8), SHAPE),
        }
        if head.name == "pathological":
            arrays["displacement_mm"] = rng.normal(0, 1, (*SHAPE, 3)).astype(np.float32)
        volume = VolumeRecord(oblique_affine(handedness), arrays)
        heads.append(replace(head, volume=volume))
    return replace(sample, twins=tuple(heads))


def make_volume_folder(root: Path, handedness: float = 1.0) -> Path:
    for index in open_folder(root, IDENTITY, 2):
        write_sample(root, volume_sample(index, handedness), LANDMARKS)
    legend = replace(LEGEND, volume_labels=NAMES)
    spec = RecipeSpec(name="heads", samples=2, out=str(root))
    finish_folder(root, spec, IDENTITY, legend)
    return root


def stored_volume(folder: Path, case: str, kind: str) -> nib.Nifti1Image:
    sample, twin = case.split("_")
    return nib.load(folder / "samples" / sample / twin / f"{kind}.nii.gz")
