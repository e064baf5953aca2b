"""Medical Segmentation Decathlon: imagesTr, labelsTr and a dataset.json that lists the pairs."""

from pathlib import Path

from augment.writer.encode import encode_json
from augment.writer.export.cases import BACKGROUND, Selection, write_new
from augment.writer.export.companions import citation_of
from augment.writer.export.progress import OnCase
from augment.writer.export.source import Case
from augment.writer.export.values import consecutive, encode_labels

TEXT = (
    "The layout of the Medical Segmentation Decathlon: `monai.data.load_decathlon_datalist("
    "'dataset.json', True, 'training')` lists the pairs. There is no hidden test set."
)


def export_msd(selection: Selection, folder: Path, on_case: OnCase) -> tuple[Case, ...]:
    """Write `imagesTr`, `labelsTr` and `dataset.json`.

    Args:
        selection: What to write; volumes only.
        folder: Where to write; empty.
        on_case: Called after each case.

    Returns:
        The cases that were written.
    """
    source = selection.source
    stored_of = consecutive(selection.names)
    pairs = []
    for case in selection.cases:
        image, label = f"imagesTr/{case.name}.nii.gz", f"labelsTr/{case.name}.nii.gz"
        write_new(folder / image, source.read(selection.image_of(case)))
        write_new(folder / label, encode_labels(selection, case, stored_of))
        pairs.append({"image": f"./{image}", "label": f"./{label}"})
        on_case(case)
    names = {str(stored_of[value]): name for value, name in selection.names.items()}
    description = {
        "name": source.name,
        "description": "Synthetic heads with exact labels, made by facies",
        "reference": citation_of(source),
        "licence": "; ".join(f"{a}: {text}" for a, text in source.legend["assets"].items()),
        "release": str(source.legend["versions"].get("facies", "unknown")),
        "tensorImageSize": "3D",
        "modality": {"0": "CT" if source.is_hu else "signal"},
        "labels": {"0": BACKGROUND, **names},
        "numTraining": len(pairs),
        "numTest": 0,
        "training": pairs,
        "test": [],
    }
    write_new(folder / "dataset.json", encode_json(description, indent=1))
    return selection.cases
