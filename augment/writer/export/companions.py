"""What travels with every export: card, licences, citation, tables, pairs of twins."""

import csv
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from augment.writer.encode import encode_json
from augment.writer.export.cases import describe_case, fold_of, write_new
from augment.writer.export.source import Case, Source
from augment.writer.tables import table_files

FOLDER = "facies"
CASES = "cases.csv"
CASE_COLUMNS = (
    "case",
    "sample",
    "twin",
    "view",
    "other_twin",
    "fold",
    "subject",
    "age_years",
    "sex",
    "pathologies",
)

README = """\
# {name} as {to}

Synthetic heads with exact labels, made by facies and exported with `facies export --to {to}`.

{text}

{n_cases} cases of {n_subjects} subjects. Healthy and pathological twins are cases of their own;
`{tables}/cases.csv` says which belong together (`other_twin`) and deals them into folds that keep
a subject in one piece. `{tables}/severities.csv` holds the severity of each pathology in its
clinical unit, requested and measured. `{tables}/CARD.md` is the card of the data set,
`{tables}/dataset.json` its recipe, versions and label tables, `croissant.json` its metadata for
machines.

## Licences

{licences}
## Citation

{citation}

Not for diagnosis.
"""

CITATION = """\
cff-version: 1.2.0
message: "{message}"
type: dataset
title: "{name}, a synthetic data set made by facies {version}"
authors:
  - name: "The maker of this data set, with facies"
version: "{version}"
identifiers:
  - type: other
    value: "facies:{fingerprint}"
    description: "Fingerprint of the recipe"
keywords:
  - "synthetic data"
  - "craniofacial"
"""


def citation_of(source: Source) -> str:
    """Return one sentence that says how the data set is cited."""
    version = source.legend["versions"].get("facies", "unknown")
    seed = source.legend["recipe"].get("seed", 0)
    return (
        f"Please cite facies {version}, recipe {source.name}, seed {seed}, fingerprint"
        f" {str(source.legend['fingerprint'])[:16]}."
    )


def write_companions(
    source: Source, cases: Sequence[Case], folder: Path, to: str, text: str
) -> None:
    """Write the files that travel with every export.

    Args:
        source: The data set.
        cases: Cases of the export.
        folder: Folder of the export.
        to: Name of the target.
        text: What a reader of the export needs to know about its layout.
    """
    tables = folder / FOLDER
    assets = source.legend["assets"]
    readme = README.format(
        name=source.name,
        to=to,
        text=text,
        n_cases=len(cases),
        n_subjects=len({case.facts.get("subject") for case in cases}),
        tables=FOLDER,
        licences="".join(f"- {asset}: {licence}\n" for asset, licence in assets.items()),
        citation=citation_of(source),
    )
    write_new(folder / "README.md", readme.encode())
    write_new(tables / "CARD.md", source.card.encode())
    write_new(tables / "dataset.json", encode_json(source.legend, indent=1))
    write_new(tables / "CITATION.cff", _citation_file(source))
    write_new(tables / CASES, _case_table(cases))
    for name, content in table_files(source.tables).items():
        if name in ("samples.csv", "severities.csv"):
            write_new(tables / name, content)


def _case_table(cases: Sequence[Case]) -> bytes:
    folds = fold_of(cases)
    text = StringIO()
    writer = csv.DictWriter(text, CASE_COLUMNS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for case in cases:
        row: dict[str, Any] = {**describe_case(case), "fold": folds[case.name]}
        writer.writerow({column: row.get(column) for column in CASE_COLUMNS})
    return text.getvalue().encode()


def _citation_file(source: Source) -> bytes:
    return CITATION.format(
        message=citation_of(source),
        name=source.name,
        version=str(source.legend["versions"].get("facies", "unknown"))[:32],
        fingerprint=source.legend["fingerprint"],
    ).encode()
