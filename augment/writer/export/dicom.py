"""DICOM: a CT series and a segmentation a case, in the patient's frame (LPS+, mm).

Both twins of a sample are studies of one patient and share a frame of reference, as they share a
grid. Unique identifiers follow from the data set's fingerprint and the files' checksums; dates are
a constant, for the same data set gives the same bytes.
"""

import csv
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from io import StringIO
from pathlib import Path

import numpy as np

from augment.errors import AssetError, RecipeError
from augment.volume.files import check_affine
from augment.writer.content import decode_volume
from augment.writer.export.cases import Selection, write_new
from augment.writer.export.progress import OnCase
from augment.writer.export.source import Case

UID_ROOT = "2.25."
PACKAGES = ("pydicom", "highdicom")
SEGMENTS = "segments.csv"
SEGMENT_COLUMNS = ("case", "segment_number", "value", "name")
TEXT = (
    "`CASE/ct/NNNN.dcm` is a CT series, `CASE/segmentation.dcm` its DICOM-SEG (binary; segments of"
    f" the labels that occur). `{SEGMENTS}` maps segments to label values. Both twins are studies"
    " of one patient in one frame of reference. Displacement fields stay in the data set and in"
    " the other exports: DICOM viewers seldom read them."
)


@dataclass(frozen=True)
class Identifiers:
    """Unique identifiers of one case.

    Attributes:
        fingerprint: What the identifiers of this case follow from.
        patient: Name of the patient.
        frame: Frame of reference; shared by the twins.
    """

    fingerprint: str
    patient: str
    frame: str

    def uid(self, role: str) -> str:
        """Return the identifier of a study, series or instance of this case."""
        return derived_uid(f"{self.fingerprint}|{role}")


def derived_uid(text: str) -> str:
    """Return a DICOM unique identifier (2.25., then 128 bits) that follows from a text."""
    return UID_ROOT + str(int.from_bytes(sha256(text.encode()).digest()[:16], "big"))


def export_dicom(selection: Selection, folder: Path, on_case: OnCase) -> tuple[Case, ...]:
    """Write CT series and segmentations.

    Args:
        selection: What to write; volumes in HU only.
        folder: Where to write; empty.
        on_case: Called after each case.

    Returns:
        The cases that were written.

    Raises:
        RecipeError: If pydicom or highdicom is missing, or the volumes are not in HU.
    """
    if any(find_spec(name) is None for name in PACKAGES):
        raise RecipeError('--to dicom needs pydicom and highdicom: pip install "facies[export]"')
    if not selection.source.is_hu:
        raise RecipeError(
            "--to dicom expects volumes in HU, got arbitrary units; make the data set with"
            " volume.contrast=ct, or export to nnunet, monai, msd or bids"
        )
    rows = []
    for case in selection.cases:
        rows += _write_case(selection, case, folder / case.name)
        on_case(case)
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows([SEGMENT_COLUMNS, *rows])
    write_new(folder / SEGMENTS, text.getvalue().encode())
    return selection.cases


def identify(selection: Selection, case: Case) -> Identifiers:
    """Return the unique identifiers of a case."""
    whole = str(selection.source.legend["fingerprint"])
    content = selection.image_of(case).sha256 + selection.labels_of(case).sha256
    return Identifiers(
        fingerprint=f"{whole}|{case.name}|{content}",
        patient=f"{selection.source.name}-{case.sample:06d}",
        frame=derived_uid(f"{whole}|{case.sample}|frame of reference"),
    )


def _write_case(selection: Selection, case: Case, folder: Path) -> list[tuple[str, int, int, str]]:
    # pydicom and highdicom take a second to import; only this target pays for it.
    from augment.writer.export.dicom_objects import ct_slices, segmentation, write_dataset

    file = selection.image_of(case)
    path = selection.source.root / file.path
    values, affine = decode_volume(selection.source.read(file), path)
    labels = selection.read_labels(case)
    if values.dtype != np.int16 or values.ndim != 3 or labels.shape != values.shape:
        raise AssetError(
            f"expected int16 voxels (x, y, z) with labels of the same shape at '{path}', got"
            f" {values.dtype} {values.shape} with labels {labels.shape}"
        )
    check_affine(affine)
    present = [value for value in selection.names if (labels == value).any()]
    if not present:
        raise AssetError(f"expected a labelled volume at '{path}', got only background")
    identifiers = identify(selection, case)
    slices = ct_slices(values, affine, identifiers, case)
    for number, dataset in enumerate(slices, start=1):
        write_dataset(dataset, folder / "ct" / f"{number:04d}.dcm")
    names = [(value, selection.names[value]) for value in present]
    segments = segmentation(slices, labels, names, identifiers)
    write_dataset(segments, folder / "segmentation.dcm")
    return [(case.name, number, *entry) for number, entry in enumerate(names, start=1)]
