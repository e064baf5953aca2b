"""BIDS: a sample is a participant, its twins are sessions; labels and fields are derivatives.

BIDS has no modality for CT yet; the images follow the names of its proposal BEP024 (`ct/…_ct`),
which `.bidsignore` keeps from the validator.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from augment.writer.encode import encode_json
from augment.writer.export.cases import BACKGROUND, Selection, write_new
from augment.writer.export.companions import FOLDER, citation_of
from augment.writer.export.progress import OnCase
from augment.writer.export.source import Case

BIDS_VERSION = "1.10.0"
DERIVATIVES = "derivatives/facies"
# Without a slash at the end: the schema validator looks folders up by their bare name.
IGNORED = ("**/ct", FOLDER, "croissant.json")
NOT_AVAILABLE = "n/a"
# Kind of a file of a volume to what its derivative is called.
DERIVED = {
    "volume_labels": "dseg",
    "volume_displacement_mm": "desc-displacement_fieldmm",
    "volume_jacobian": "desc-displacement_jacobian",
    "mandible_share": "label-mandible_probseg",
}
TEXT = (
    "A sample is a participant (`sub-000007`), its twins are the sessions `ses-healthy` and"
    f" `ses-pathological`. Labels lie in `{DERIVATIVES}` with their names in `dseg.tsv`."
    " BIDS has no modality for CT yet: images follow the names of its proposal BEP024, which"
    " `.bidsignore` lists."
)

Row = Mapping[str, Any]


def export_bids(selection: Selection, folder: Path, on_case: OnCase) -> tuple[Case, ...]:
    """Write images, derivatives, participants and sessions.

    Args:
        selection: What to write; volumes only.
        folder: Where to write; empty.
        on_case: Called after each case.

    Returns:
        The cases that were written.
    """
    for case in selection.cases:
        _write_case(selection, case, folder)
        on_case(case)
    _write_descriptions(selection, folder)
    _write_participants(selection.cases, folder)
    names = {0: BACKGROUND, **selection.names}
    rows = [{"index": value, "name": name} for value, name in names.items()]
    write_new(folder / DERIVATIVES / "dseg.tsv", _tsv(("index", "name"), rows))
    write_new(folder / ".bidsignore", "".join(f"{pattern}\n" for pattern in IGNORED).encode())
    write_new(folder / "CHANGES", b"1.0.0\n  - Exported by facies.\n")
    return selection.cases


def _write_case(selection: Selection, case: Case, folder: Path) -> None:
    source = selection.source
    participant, session = f"sub-{case.sample:06d}", f"ses-{case.twin}"
    stem = f"{participant}_{session}"
    modality, suffix = ("ct", "ct") if source.is_hu else ("anat", "T1w")
    place = Path(participant) / session / modality
    image = folder / place / f"{stem}_{suffix}.nii.gz"
    write_new(image, source.read(selection.image_of(case)))
    sidecar = {"Modality": "CT" if source.is_hu else "MR", "Manufacturer": "facies"}
    if source.is_hu:
        sidecar["Units"] = "HU"
    write_new(folder / place / f"{stem}_{suffix}.json", encode_json(sidecar, indent=1))
    selection.read_labels(case)
    for kind, name in DERIVED.items():
        if kind in case.files:
            target = folder / DERIVATIVES / place / f"{stem}_{name}.nii.gz"
            write_new(target, source.read(case.files[kind]))


def _write_descriptions(selection: Selection, folder: Path) -> None:
    source = selection.source
    version = str(source.legend["versions"].get("facies", "unknown"))
    shared = {
        "Name": source.name,
        "BIDSVersion": BIDS_VERSION,
        "License": "; ".join(f"{a}: {text}" for a, text in source.legend["assets"].items()),
        "Authors": ["The maker of this data set", "with facies"],
        "HowToAcknowledge": citation_of(source),
        "SourceDatasets": [{"URL": f"urn:facies:{source.legend['fingerprint']}"}],
        "GeneratedBy": [{"Name": "facies", "Version": version}],
    }
    raw = encode_json({**shared, "DatasetType": "raw"}, indent=1)
    write_new(folder / "dataset_description.json", raw)
    derived = encode_json({**shared, "DatasetType": "derivative"}, indent=1)
    write_new(folder / DERIVATIVES / "dataset_description.json", derived)


def _write_participants(cases: Sequence[Case], folder: Path) -> None:
    samples = {case.sample: case for case in cases}
    rows = [
        {
            "participant_id": f"sub-{sample:06d}",
            "subject": case.facts.get("subject"),
            "age": case.facts.get("age_years"),
            "sex": case.facts.get("sex"),
        }
        for sample, case in samples.items()
    ]
    columns = ("participant_id", "subject", "age", "sex")
    write_new(folder / "participants.tsv", _tsv(columns, rows))
    meanings = {
        "subject": {"Description": "Head; samples of one subject show the same one"},
        "age": {"Description": "Age of the generated head", "Units": "year"},
        "sex": {"Description": "Sex of the generated head; n/a where it was not drawn"},
    }
    write_new(folder / "participants.json", encode_json(meanings, indent=1))
    sessions_meaning = {"pathologies": {"Description": "Measured severity of each pathology"}}
    for sample in samples:
        sessions = [
            {"session_id": f"ses-{case.twin}", "pathologies": _pathologies(case)}
            for case in cases
            if case.sample == sample
        ]
        name = f"sub-{sample:06d}"
        content = _tsv(("session_id", "pathologies"), sessions)
        write_new(folder / name / f"{name}_sessions.tsv", content)
        described = encode_json(sessions_meaning, indent=1)
        write_new(folder / name / f"{name}_sessions.json", described)


def _pathologies(case: Case) -> str:
    names = (
        f"{row['pathology']} {row['measured']:.3f} {row['unit']}"
        for row in case.severities
        if row["measured"] is not None
    )
    return "; ".join(names) or "none"


def _tsv(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    text = StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        values = [row.get(column) for column in columns]
        writer.writerow([NOT_AVAILABLE if value in (None, "") else value for value in values])
    return text.getvalue().encode()
