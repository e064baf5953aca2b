"""The closed table of targets, and the one way from a data set to an export."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from augment.errors import RecipeError
from augment.writer.export import bids, coco, dicom, monai, msd, nnunet, webdataset
from augment.writer.export.cases import LABEL_KINDS, Selection, select_cases
from augment.writer.export.companions import write_companions
from augment.writer.export.croissant import write_croissant
from augment.writer.export.progress import OnCase
from augment.writer.export.source import Case, Source, open_source
from augment.writer.export.staging import check_target, staged

VOLUMES_FIRST = ("labels", "regions", "parts", "pathology")


@dataclass(frozen=True)
class Exporter:
    """One target.

    Attributes:
        meaning: What is written.
        labels: Kinds of labels that it can hold, preferred ones first; empty: every file travels.
        write: Writes the cases of a selection into an empty folder and returns them.
        text: What a reader of the export needs to know about its layout.
    """

    meaning: str
    labels: tuple[str, ...]
    write: Callable[[Selection, Path, OnCase], tuple[Case, ...]]
    text: str


def _write_all(selection: Selection, folder: Path, on_case: OnCase) -> tuple[Case, ...]:
    return webdataset.export_webdataset(selection.source, folder, on_case)


EXPORTERS = {
    "nnunet": Exporter("nnU-Net v2 raw data set", VOLUMES_FIRST, nnunet.export_nnunet, nnunet.TEXT),
    "msd": Exporter("Medical Segmentation Decathlon", ("labels",), msd.export_msd, msd.TEXT),
    "monai": Exporter("files and a MONAI datalist", VOLUMES_FIRST, monai.export_monai, monai.TEXT),
    "coco": Exporter(
        "COCO masks and keypoints", ("regions", "parts", "pathology"), coco.export_coco, coco.TEXT
    ),
    "webdataset": Exporter("WebDataset tar shards", (), _write_all, webdataset.TEXT),
    "bids": Exporter("BIDS with derivatives", ("labels",), bids.export_bids, bids.TEXT),
    "dicom": Exporter(
        "DICOM CT series and segmentations", ("labels",), dicom.export_dicom, dicom.TEXT
    ),
}


def default_out(folder: Path, to: str) -> Path:
    """Return where an export goes if nobody says: beside the data set, named after the target."""
    return folder.resolve().with_name(f"{folder.resolve().name}_{to}")


def export_dataset(
    folder: str | Path,
    to: str,
    labels: str | None = None,
    out: str | Path | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Export a finished data set; a killed or failed export leaves nothing at its target.

    Args:
        folder: Folder of the data set; it is only read.
        to: Name of the target, a key of `EXPORTERS`.
        labels: Kind of labels, a key of `LABEL_KINDS`; None takes what suits the target.
        out: New folder; None: beside the data set, named after the target.
        on_progress: Called with cases done, and how many there are.

    Returns:
        Folder of the export.

    Raises:
        RecipeError: If the target is unknown, cannot hold what is asked for, or out is there.
        AssetError: If the data set is not finished or not to be trusted.
    """
    if to not in EXPORTERS:
        raise RecipeError(f"--to expects one of {', '.join(EXPORTERS)}, got {to!r}")
    exporter = EXPORTERS[to]
    target = default_out(Path(folder), to) if out is None else Path(out).absolute()
    source = _open_outside(Path(folder), target)
    selection = _select(source, exporter, to, labels)
    n_done = 0

    def on_case(case: Case) -> None:
        nonlocal n_done
        n_done += 1
        on_progress(n_done, len(selection.cases))

    with staged(target) as partial:
        cases = exporter.write(selection, partial, on_case)
        write_companions(source, cases, partial, to, exporter.text)
        write_croissant(source, cases, partial, to)
    return target


def _open_outside(folder: Path, target: Path) -> Source:
    check_target(target)
    source = open_source(folder)
    if target.resolve().is_relative_to(source.root):
        raise RecipeError(f"out expects a folder outside the data set, got '{target}' inside it")
    return source


def _select(source: Source, exporter: Exporter, to: str, labels: str | None) -> Selection:
    if labels is not None and labels not in LABEL_KINDS:
        raise RecipeError(f"--labels expects one of {', '.join(LABEL_KINDS)}, got {labels!r}")
    if exporter.labels:
        return select_cases(source, labels, exporter.labels, to)
    if labels is not None:
        raise RecipeError(f"--to {to} takes every file along, got --labels {labels}; leave it out")
    return Selection(source, "", (*source.views, *source.volumes), {})
