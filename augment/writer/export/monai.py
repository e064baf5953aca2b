"""MONAI: a decathlon datalist with folds over the files of the data set."""

from pathlib import Path
from typing import Any

from augment.writer.encode import encode_json
from augment.writer.export.cases import BACKGROUND, Selection, describe_case, fold_of, write_new
from augment.writer.export.progress import OnCase
from augment.writer.export.source import Case

DATALIST = "datalist.json"
TEXT = (
    "`monai.data.load_decathlon_datalist('datalist.json', True, 'training', base_dir=FOLDER)` lists"
    " the cases. `image` and `label` are joined with base_dir; every other file of a case stands"
    " under `files`, relative to it. `fold` is what MONAI's CrossValidation and Auto3DSeg read."
)


def export_monai(selection: Selection, folder: Path, on_case: OnCase) -> tuple[Case, ...]:
    """Write the files of all cases and a datalist.

    Args:
        selection: What to write.
        folder: Where to write; empty.
        on_case: Called after each case.

    Returns:
        The cases that were written.
    """
    folds = fold_of(selection.cases)
    entries = []
    for case in selection.cases:
        paths = {}
        for kind, file in case.files.items():
            paths[kind] = f"cases/{case.name}/{kind}.{file.suffix}"
            write_new(folder / paths[kind], selection.source.read(file))
        entries.append(
            {
                "image": paths[selection.image_of(case).kind],
                "label": paths[selection.labels_of(case).kind],
                "fold": folds[case.name],
                "files": paths,
                **describe_case(case),
            }
        )
        on_case(case)
    datalist: dict[str, Any] = {
        "name": selection.source.name,
        "labels": {"0": BACKGROUND, **{str(k): name for k, name in selection.names.items()}},
        "numTraining": len(entries),
        "numTest": 0,
        "training": entries,
        "test": [],
    }
    write_new(folder / DATALIST, encode_json(datalist, indent=1))
    return selection.cases
