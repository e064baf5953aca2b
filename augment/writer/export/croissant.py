"""Croissant metadata: what an export holds, for machines (mlcommons.org/croissant/1.0)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from augment.writer.encode import encode_json
from augment.writer.export.cases import write_new
from augment.writer.export.companions import CASES, FOLDER, citation_of
from augment.writer.export.source import Case, Source
from augment.writer.folder import SUMS

CROISSANT = "croissant.json"
CONFORMS = "http://mlcommons.org/croissant/1.0"
CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
FORMATS = {
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".json": "application/json",
    ".md": "text/markdown",
    ".png": "image/png",
    ".tar": "application/x-tar",
    ".dcm": "application/dicom",
    ".gz": "application/gzip",
    ".ply": "model/ply",
    ".npz": "application/zip",
}
OTHER_FORMAT = "application/octet-stream"
# More files than this are listed by their folders' card and tables, not one by one.
MAX_LISTED = 2000
COLUMNS = {
    "cases": {
        "case": "sc:Text",
        "sample": "sc:Integer",
        "twin": "sc:Text",
        "other_twin": "sc:Text",
        "fold": "sc:Integer",
        "pathologies": "sc:Text",
    },
    "severities": {
        "sample": "sc:Integer",
        "pathology": "sc:Text",
        "side": "sc:Text",
        "parameter": "sc:Text",
        "unit": "sc:Text",
        "requested": "sc:Float",
        "measured": "sc:Float",
        "grade": "sc:Text",
    },
}


def write_croissant(source: Source, cases: Sequence[Case], folder: Path, to: str) -> None:
    """Write `croissant.json`, last: it lists the files of the export with their checksums.

    Args:
        source: The data set.
        cases: Cases of the export.
        folder: Folder of the export.
        to: Name of the target.
    """
    version = str(source.legend["versions"].get("facies", "unknown"))
    content = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": f"{source.name}_{to}",
        "description": f"{len(cases)} synthetic heads with exact labels, made by facies, in the"
        f" layout of {to}.",
        "conformsTo": CONFORMS,
        "citeAs": citation_of(source),
        "datePublished": _finished_on(source),
        "creator": {"@type": "Organization", "name": f"facies {version}"},
        "license": [f"{a}: {text}" for a, text in source.legend["assets"].items()],
        "url": f"urn:facies:{source.legend['fingerprint']}",
        "version": f"{version.split('+')[0]}",
        "distribution": _distribution(folder),
        "recordSet": [_record_set(name, columns) for name, columns in COLUMNS.items()],
    }
    write_new(folder / CROISSANT, encode_json(content, indent=1))


def _finished_on(source: Source) -> str:
    """Return the day (UTC) on which the data set was finished: its checksums are written last."""
    seconds = (source.root / SUMS).stat().st_mtime
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def _distribution(folder: Path) -> list[dict[str, Any]]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    tables = {folder / FOLDER / CASES, folder / FOLDER / "severities.csv"}
    listed = [path for path in paths if path in tables]
    listed += [path for path in paths if path not in tables][:MAX_LISTED]
    return [_file_object(folder, path) for path in listed]


def _file_object(folder: Path, path: Path) -> dict[str, Any]:
    relative = path.relative_to(folder).as_posix()
    with path.open("rb") as stream:
        digest = sha256(stream.read()).hexdigest()
    return {
        "@type": "cr:FileObject",
        "@id": relative,
        "name": relative,
        "contentUrl": relative,
        "contentSize": f"{path.stat().st_size} B",
        "encodingFormat": FORMATS.get(path.suffix, OTHER_FORMAT),
        "sha256": digest,
    }


def _record_set(name: str, columns: dict[str, str]) -> dict[str, Any]:
    table = f"{FOLDER}/{name}.csv"
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"Rows of {table}.",
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{name}/{column}",
                "name": column,
                "dataType": kind,
                "source": {"fileObject": {"@id": table}, "extract": {"column": column}},
            }
            for column, kind in columns.items()
        ],
    }
