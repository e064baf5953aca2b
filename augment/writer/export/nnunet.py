"""nnU-Net v2: a raw data set of CT-like volumes, or of pictures as RGB PNG, with folds."""

from pathlib import Path
from typing import Any

from augment.writer.encode import encode_json
from augment.writer.export.cases import BACKGROUND, Selection, fold_of, write_new
from augment.writer.export.progress import OnCase
from augment.writer.export.source import Case
from augment.writer.export.values import consecutive, encode_labels

FIRST_NUMBER, N_NUMBERS = 500, 500
TEXT = (
    "`export nnUNet_raw=THIS_FOLDER`, then `nnUNetv2_plan_and_preprocess -d NUMBER"
    " --verify_dataset_integrity`. Copy `splits_final.json` of the data set's folder beside its"
    " preprocessed data, so that twins and pictures of one subject stay in one fold."
)


def export_nnunet(selection: Selection, folder: Path, on_case: OnCase) -> tuple[Case, ...]:
    """Write `DatasetNNN_name/{imagesTr,labelsTr,dataset.json,splits_final.json}`.

    The number lies in 500-999 and follows from the fingerprint of the data set.

    Args:
        selection: What to write.
        folder: Where to write; empty.
        on_case: Called after each case.

    Returns:
        The cases that were written.
    """
    source = selection.source
    number = FIRST_NUMBER + int(str(source.legend["fingerprint"])[:8], 16) % N_NUMBERS
    root = folder / f"Dataset{number:03d}_{source.name}"
    suffix = "nii.gz" if selection.is_volume else "png"
    stored_of = consecutive(selection.names)
    for case in selection.cases:
        image = source.read(selection.image_of(case))
        write_new(root / "imagesTr" / f"{case.name}_0000.{suffix}", image)
        labels = encode_labels(selection, case, stored_of)
        write_new(root / "labelsTr" / f"{case.name}.{suffix}", labels)
        on_case(case)
    names = {stored_of[value]: name for value, name in selection.names.items()}
    description: dict[str, Any] = {
        "channel_names": _channels(selection),
        "labels": {BACKGROUND: 0, **{name: value for value, name in names.items()}},
        "numTraining": len(selection.cases),
        "file_ending": f".{suffix}",
        "name": source.name,
        "description": "Synthetic heads with exact labels, made by facies",
        "licence": "; ".join(f"{a}: {text}" for a, text in source.legend["assets"].items()),
        "facies_label_values": {name: value for value, name in selection.names.items()},
    }
    if not selection.is_volume:
        description["overwrite_image_reader_writer"] = "NaturalImage2DIO"
    write_new(root / "dataset.json", encode_json(description, indent=1))
    write_new(root / "splits_final.json", encode_json(_splits(selection.cases), indent=1))
    return selection.cases


def _channels(selection: Selection) -> dict[str, str]:
    if not selection.is_volume:
        return {"0": "R", "1": "G", "2": "B"}
    # nnU-Net normalises "CT" over the whole data set, every other name within each case.
    return {"0": "CT" if selection.source.is_hu else "signal"}


def _splits(cases: tuple[Case, ...]) -> list[dict[str, list[str]]]:
    folds = fold_of(cases)
    return [
        {
            "train": [name for name, fold in folds.items() if fold != validated],
            "val": [name for name, fold in folds.items() if fold == validated],
        }
        for validated in sorted(set(folds.values()))
    ]
